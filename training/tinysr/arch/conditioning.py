"""adaLN: shift, scale and gate of each block, live from timestep and prompt, or as constants."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from .config import Conditioning, TinySRConfig
from .position import sines

# The step that a one-step model takes, of 1000.
LAST_TIMESTEP = 1000
_TIME_CHANNELS = 256


@dataclass(frozen=True)
class Prompt:
    """tokens: (N,T,text_width); pooled: (N,pooled_width)."""

    tokens: Tensor | None = None
    pooled: Tensor | None = None


def _mlp(inside: int, width: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inside, width), nn.SiLU(), nn.Linear(width, width))


class Condition(nn.Module):
    """Timestep and pooled prompt as one vector."""

    def __init__(self, config: TinySRConfig) -> None:
        super().__init__()
        self.time = _mlp(_TIME_CHANNELS, config.width)
        self.pooled = _mlp(config.pooled_width, config.width) if config.pooled_width else None

    def forward(self, timestep: Tensor, pooled: Tensor | None) -> Tensor:
        """(N or 1) and (N,pooled_width) -> (N or 1, C)."""
        c: Tensor = self.time(sines(timestep, _TIME_CHANNELS))
        if self.pooled is None:
            return c
        if pooled is None:
            raise ValueError("this model needs the pooled prompt")
        return c + self.pooled(pooled)


class Modulation(nn.Module):
    """`count` vectors of `width`; `gates` tells which of them begin at one and not at zero."""

    def __init__(self, width: int, count: int, gates: tuple[int, ...], kind: Conditioning) -> None:
        super().__init__()
        start = torch.zeros(count, width)
        start[list(gates)] = 1.0
        self.count = count
        self.linear = self.constants = None
        if kind == "live":
            self.linear = nn.Linear(width, count * width)
            nn.init.zeros_(self.linear.weight)
            self.linear.bias = nn.Parameter(start.flatten())
        else:
            self.constants = nn.Parameter(start)

    def forward(self, condition: Tensor | None) -> tuple[Tensor, ...]:
        """(N,C) -> `count` tensors of (N,1,C)."""
        if self.linear is None:
            assert self.constants is not None
            return self.constants[:, None, None].unbind(0)
        assert condition is not None
        vectors = self.linear(functional.silu(condition)).unflatten(1, (self.count, 1, -1))
        return tuple(vectors.unbind(1))


def modulate(x: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
    """(N,L,C), normalised and then placed by the condition."""
    return functional.layer_norm(x, x.shape[-1:], eps=1e-6) * (1 + scale) + shift
