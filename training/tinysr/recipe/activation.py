"""Dynamic Inter-block Activation (arXiv:2508.17434): groups hand active blocks to their neighbours, so that a group may
keep one more or one less; which block that is, the marginals decide (Expansion-Corrosion)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .gates import StaticPartition, gumbel, straight_through

_START = 0.02
# What happens at a boundary: the left group gives to the right one, nothing, the right one gives to the left one.
_MOVES = (-1, 0, 1)
_FORBIDDEN = -1e9


def _log(marginals: Tensor) -> Tensor:
    return marginals.clamp_min(1e-12).log()


def corrode(mask: Tensor, marginals: Tensor) -> Tensor:
    """m * m_hat: the active block with the smallest marginal goes. (size) both."""
    scores = torch.where(mask.detach() > 0.5, -_log(marginals), _FORBIDDEN)
    drop = straight_through(scores.softmax(-1), scores.argmax(-1))
    return mask * (1 - drop)


def expand(mask: Tensor, marginals: Tensor) -> Tensor:
    """clamp(m + m_hat, 0, 1): the inactive block with the largest marginal comes. (size) both."""
    scores = torch.where(mask.detach() > 0.5, _FORBIDDEN, _log(marginals))
    add = straight_through(scores.softmax(-1), scores.argmax(-1))
    return (mask + add).clamp(0, 1)


class DynamicActivation(StaticPartition):
    """Groups that keep `keep` blocks each before the moves; the sum stays, no group is emptied or left whole."""

    def __init__(self, depth: int, size: int, keep: int) -> None:
        super().__init__(depth, size, keep)
        self.moves = nn.Parameter(_START * torch.randn(self.groups - 1, len(_MOVES)))

    def _allowed(self, left: int, right: int) -> Tensor:
        """(3): zero for moves after which both groups keep at least one block and less than all, else minus infinity."""
        fine = [0 < left + move < self.size and 0 < right - move < self.size for move in _MOVES]
        return torch.where(torch.tensor(fine, device=self.moves.device), 0.0, _FORBIDDEN)

    def sample(self, tau: float = 1.0) -> Tensor:
        """(depth) of zeros and ones, differentiable in the groups' choices and in the moves."""
        groups = list(gumbel(self.logits, tau) @ self.masks)  # (size) each
        counts, marginals = [self.keep] * self.groups, self.marginals()
        for b in range(self.groups - 1):
            left, right = groups[b], groups[b + 1]
            allowed = self._allowed(counts[b], counts[b + 1])
            chosen = gumbel(self.moves[b] + allowed, tau)
            lefts, rights = [left, left, left], [right, right, right]
            for i, move in enumerate(_MOVES):
                if move and allowed[i] == 0:
                    lefts[i] = (corrode if move < 0 else expand)(left, marginals[b])
                    rights[i] = (expand if move < 0 else corrode)(right, marginals[b + 1])
            groups[b] = chosen @ torch.stack(lefts)
            groups[b + 1] = chosen @ torch.stack(rights)
            moved = _MOVES[int(chosen.detach().argmax())]
            counts[b], counts[b + 1] = counts[b] + moved, counts[b + 1] - moved
        return torch.cat(groups)

    @torch.no_grad()
    def counts(self) -> list[int]:
        """How many blocks each group keeps after the most probable moves."""
        counts = [self.keep] * self.groups
        for b in range(self.groups - 1):
            moved = _MOVES[int((self.moves[b] + self._allowed(counts[b], counts[b + 1])).argmax())]
            counts[b], counts[b + 1] = counts[b] + moved, counts[b + 1] - moved
        return counts

    @torch.no_grad()
    def decide(self) -> list[int]:
        """The blocks to keep: first the most probable moves, then the most probable blocks of each group."""
        kept = []
        for group, (row, count) in enumerate(zip(self.marginals(), self.counts(), strict=True)):
            kept += [group * self.size + int(i) for i in row.topk(count).indices]
        return sorted(kept)
