"""Which blocks to keep, learnt: one choice among the combinations of each group of blocks, by Gumbel-softmax."""

from __future__ import annotations

from itertools import combinations

import torch
from torch import Tensor, nn

# Deviation of the first logits: all combinations are about as probable.
_START = 0.02


def keeping(size: int, keep: int) -> Tensor:
    """(C(size,keep), size): every mask that keeps `keep` of `size` blocks."""
    masks = torch.zeros(len(list(combinations(range(size), keep))), size)
    for row, kept in enumerate(combinations(range(size), keep)):
        masks[row, list(kept)] = 1.0
    return masks


def straight_through(soft: Tensor, index: Tensor) -> Tensor:
    """One-hot at `index` going forward, `soft` going backward."""
    hard = torch.zeros_like(soft).scatter(-1, index[..., None], 1.0)
    return hard + (soft - soft.detach())


def gumbel(logits: Tensor, tau: float) -> Tensor:
    """A hard sample of a categorical (..., n) with the gradient of its softened version."""
    noise = -torch.empty_like(logits).exponential_().log()
    soft = ((logits + noise) / tau).softmax(-1)
    return straight_through(soft, soft.argmax(-1))


class StaticPartition(nn.Module):
    """Groups of neighbouring blocks, each of which keeps the same number."""

    def __init__(self, depth: int, size: int, keep: int) -> None:
        super().__init__()
        if depth % size or not 0 < keep < size:
            raise ValueError(f"{depth} blocks do not make groups of {size} that keep {keep}")
        self.depth, self.size, self.keep, self.groups = depth, size, keep, depth // size
        self.masks: Tensor
        self.register_buffer("masks", keeping(size, keep), persistent=False)
        self.logits = nn.Parameter(_START * torch.randn(self.groups, len(self.masks)))

    def marginals(self) -> Tensor:
        """(groups,size): the probability of each block to be kept."""
        return self.logits.softmax(-1) @ self.masks

    def sample(self, tau: float = 1.0) -> Tensor:
        """(depth) of zeros and ones, differentiable."""
        return (gumbel(self.logits, tau) @ self.masks).flatten()

    @torch.no_grad()
    def decide(self) -> list[int]:
        """The blocks to keep: the most probable combination of each group."""
        best = self.masks[self.logits.argmax(-1)]
        return torch.nonzero(best.flatten()).flatten().tolist()
