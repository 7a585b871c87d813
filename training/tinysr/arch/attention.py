"""Attention between tokens of a grid: over the whole frame, inside windows, or linear in the number of tokens."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from .config import Attention as Kind

Grid = tuple[int, int]
Heads = tuple[Tensor, Tensor, Tensor]


def linear_products(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Attention with the kernel elu + 1 in place of the exponential: (N,heads,L,d), cost L*d*d."""
    query, key = functional.elu(query) + 1, functional.elu(key) + 1
    summary = key.transpose(-2, -1) @ value  # (N,heads,d,d)
    weight = query @ key.sum(-2, keepdim=True).transpose(-2, -1)  # (N,heads,L,1)
    return (query @ summary) / weight


class Products(nn.Module):
    """The score and value products; no weights. A module, so that the counter can see it."""

    def __init__(self, kind: Kind, window: int, offset: int) -> None:
        super().__init__()
        self.kind, self.window, self.offset = kind, window, offset

    def forward(self, query: Tensor, key: Tensor, value: Tensor, grid: Grid) -> Tensor:
        """(N,heads,L,d) each -> (N,heads,L,d)."""
        if self.kind == "linear":
            return linear_products(query, key, value)
        if self.kind == "windowed":
            return self._windowed((query, key, value), grid)
        return functional.scaled_dot_product_attention(query, key, value)

    def padding(self, side: int) -> tuple[int, int]:
        """Tokens to add before and after a side so that it holds whole windows."""
        return self.offset, -(side + self.offset) % self.window

    def macs(self, query: Tensor, key: Tensor, grid: Grid) -> int:
        """Multiplications of one call."""
        n, heads, length, d = query.shape
        if self.kind == "linear":
            return 2 * n * heads * length * d * d
        if self.kind == "windowed":
            padded = [sum(self.padding(side)) + side for side in grid]
            return 2 * n * heads * padded[0] * padded[1] * self.window**2 * d
        return 2 * n * heads * length * key.shape[2] * d

    def _windowed(self, tensors: Heads, grid: Grid) -> Tensor:
        (n, heads, _, d), w = tensors[0].shape, self.window
        (top, bottom), (left, right) = (self.padding(side) for side in grid)
        rows, columns = (top + grid[0] + bottom) // w, (left + grid[1] + right) // w

        def split(tokens: Tensor, batch: int, channels: int) -> Tensor:
            frame = tokens.reshape(batch, -1, *grid, channels)
            frame = functional.pad(frame, (0, 0, left, right, top, bottom))
            cells = frame.reshape(batch, -1, rows, w, columns, w, channels).permute(0, 2, 4, 1, 3, 5, 6)
            return cells.reshape(batch * rows * columns, -1, w * w, channels)

        query, key, value = (split(t, n, d) for t in tensors)
        mask = None
        if top or bottom or left or right:
            # Only tokens of the frame are looked at: (N*windows, 1, 1, w*w).
            inside = split(torch.ones_like(tensors[0][:1, :1, :, :1]), 1, 1) > 0
            mask = inside.reshape(-1, 1, 1, w * w).repeat(n, 1, 1, 1)
        out = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        frame = out.reshape(n, rows, columns, heads, w, w, d).permute(0, 3, 1, 4, 2, 5, 6)
        frame = frame.reshape(n, heads, rows * w, columns * w, d)
        frame = frame[:, :, top : top + grid[0], left : left + grid[1]]
        return frame.reshape(n, heads, -1, d)


class Projections(nn.Module):
    """Query, key and value of one stream of tokens, and, unless the stream ends here, its way out."""

    def __init__(self, width: int, heads: int, out: bool = True) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.out = nn.Linear(width, width) if out else None

    def split(self, x: Tensor) -> Heads:
        """(N,L,C) -> query, key, value of (N,heads,L,C/heads)."""
        n, length, width = x.shape
        shape = (n, length, self.heads, width // self.heads)
        query, key, value = (layer(x).view(shape).transpose(1, 2) for layer in (self.query, self.key, self.value))
        return query, key, value

    def join(self, x: Tensor) -> Tensor:
        """(N,heads,L,d) -> (N,L,C)."""
        assert self.out is not None
        joined: Tensor = self.out(x.transpose(1, 2).flatten(2))
        return joined


class SelfAttention(nn.Module):
    """Attention among the tokens of a frame."""

    def __init__(self, width: int, heads: int, kind: Kind = "global", window: int = 8, offset: int = 0) -> None:
        super().__init__()
        self.image = Projections(width, heads)
        self.products = Products(kind, window, offset)

    def forward(self, x: Tensor, grid: Grid) -> Tensor:
        """(N,L,C) -> (N,L,C)."""
        return self.image.join(self.products(*self.image.split(x), grid))


class JointAttention(nn.Module):
    """Attention among the tokens of a frame and of its prompt together, with projections of their own."""

    def __init__(self, width: int, heads: int, text_ends: bool) -> None:
        super().__init__()
        self.image = Projections(width, heads)
        self.text = Projections(width, heads, out=not text_ends)
        self.products = Products("global", 0, 0)

    def forward(self, x: Tensor, text: Tensor, grid: Grid) -> tuple[Tensor, Tensor | None]:
        """(N,L,C) and (N,T,C) -> the same; no text where its stream ends."""
        pairs = zip(self.image.split(x), self.text.split(text), strict=True)
        query, key, value = (torch.cat(pair, 2) for pair in pairs)
        mixed = self.products(query, key, value, grid)
        length = x.shape[1]
        said = self.text.join(mixed[:, :, length:]) if self.text.out is not None else None
        return self.image.join(mixed[:, :, :length]), said
