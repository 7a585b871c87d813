"""LoRA (arXiv:2106.09685): linear layers and convolutions that learn a low-rank change while their own weights stay."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class LoraLinear(nn.Module):
    """base(x) + up(down(x)); up begins at zero."""

    def __init__(self, base: nn.Linear, rank: int) -> None:
        super().__init__()
        self.base = base.requires_grad_(False)
        self.down = nn.Linear(base.in_features, rank, bias=False).to(base.weight)
        self.up = nn.Linear(rank, base.out_features, bias=False).to(base.weight)
        nn.init.zeros_(self.up.weight)

    def forward(self, x: Tensor) -> Tensor:
        """(...,in) -> (...,out)."""
        result: Tensor = self.base(x) + self.up(self.down(x))
        return result

    @torch.no_grad()
    def merged(self) -> nn.Linear:
        """One linear layer that does the same."""
        self.base.weight += self.up.weight @ self.down.weight
        return self.base.requires_grad_(True)


class LoraConv(nn.Module):
    """The same for a convolution: one of the same kernel size to few channels, then one of 1x1; up begins at zero."""

    def __init__(self, base: nn.Conv2d, rank: int) -> None:
        super().__init__()
        if base.groups > 1 or base.padding_mode != "zeros":
            raise ValueError("only plain convolutions that pad with zeros have a low-rank change")
        self.base = base.requires_grad_(False)
        # Of nn.Conv2d these have types that its constructor does not take.
        like: Any = base
        self.down = nn.Conv2d(base.in_channels, rank, like.kernel_size, like.stride, like.padding, like.dilation, bias=False).to(
            base.weight
        )
        self.up = nn.Conv2d(rank, base.out_channels, 1, bias=False).to(base.weight)
        nn.init.zeros_(self.up.weight)

    def forward(self, x: Tensor) -> Tensor:
        """(N,in,h,w) -> (N,out,h',w')."""
        result: Tensor = self.base(x) + self.up(self.down(x))
        return result

    @torch.no_grad()
    def merged(self) -> nn.Conv2d:
        """One convolution that does the same."""
        self.base.weight += torch.einsum("or,rikl->oikl", self.up.weight[:, :, 0, 0], self.down.weight)
        return self.base.requires_grad_(True)


def add_lora(module: nn.Module, rank: int) -> list[Tensor]:
    """Freezes the module, gives each linear layer and convolution below it a low-rank change; returns what is to be learnt."""
    module.requires_grad_(False)
    learnt: list[Tensor] = []
    for parent in list(module.modules()):
        for name, child in list(parent.named_children()):
            lora: LoraLinear | LoraConv
            if isinstance(child, nn.Linear):
                lora = LoraLinear(child, min(rank, *child.weight.shape))
            elif isinstance(child, nn.Conv2d):
                lora = LoraConv(child, min(rank, child.in_channels, child.out_channels))
            else:
                continue
            setattr(parent, name, lora)
            learnt += [lora.down.weight, lora.up.weight]
    return learnt


def merge_lora(module: nn.Module) -> None:
    """Undoes :func:`add_lora`, keeping what was learnt; everything can be trained again."""
    for parent in list(module.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, LoraLinear | LoraConv):
                setattr(parent, name, child.merged())
    module.requires_grad_(True)
