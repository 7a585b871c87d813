"""LoRA (arXiv:2106.09685): linear layers that learn a low-rank change while their own weights stay."""

from __future__ import annotations

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


def add_lora(module: nn.Module, rank: int) -> list[Tensor]:
    """Freezes the module, gives each linear layer below it a low-rank change, and returns what is to be learnt."""
    module.requires_grad_(False)
    learnt: list[Tensor] = []
    for parent in list(module.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.Linear):
                lora = LoraLinear(child, min(rank, *child.weight.shape))
                setattr(parent, name, lora)
                learnt += [lora.down.weight, lora.up.weight]
    return learnt


def merge_lora(module: nn.Module) -> None:
    """Undoes :func:`add_lora`, keeping what was learnt; everything can be trained again."""
    for parent in list(module.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, LoraLinear):
                setattr(parent, name, child.merged())
    module.requires_grad_(True)
