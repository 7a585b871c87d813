"""Positional embedding of a grid of tokens: computed once and kept with the weights."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from .attention import Grid


def sines(position: Tensor, width: int, period: float = 10000.0) -> Tensor:
    """(L) -> (L,width): cosines, then sines, of geometrically falling frequency."""
    half = width // 2
    frequency = torch.exp(-math.log(period) * torch.arange(half, device=position.device) / half)
    phase = position[:, None].float() * frequency
    return torch.cat([phase.cos(), phase.sin()], 1)


def grid_embedding(side: int, width: int) -> Tensor:
    """(1,width,side,side): the first half of the channels tells the column, the second the row."""
    line = sines(torch.arange(side), width // 2).T  # (width/2, side)
    columns = line[:, None, :].expand(-1, side, -1)
    rows = line[:, :, None].expand(-1, -1, side)
    table = torch.cat([columns, rows])
    return functional.pad(table, (0, 0, 0, 0, 0, width - table.shape[0]))[None]


class CachedPosition(nn.Module):
    """Adds the embedding. Grids of another size: the table is resized, or, for windows, repeated."""

    def __init__(self, side: int, width: int, repeat: bool) -> None:
        super().__init__()
        self.repeat = repeat
        self.table: Tensor
        self.register_buffer("table", grid_embedding(side, width))

    def forward(self, x: Tensor, grid: Grid) -> Tensor:
        """(N,L,C) -> (N,L,C)."""
        table, side = self.table, self.table.shape[-1]
        if self.repeat:
            down, across = (-(-length // side) for length in grid)
            table = table.repeat(1, 1, down, across)[..., : grid[0], : grid[1]]
        elif grid != (side, side):
            table = functional.interpolate(table, grid, mode="bilinear", align_corners=False)
        return x + table.flatten(2).transpose(1, 2).to(x)
