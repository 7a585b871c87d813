"""Low-rank updates as PEFT writes them, merged into the weights they belong to."""

from __future__ import annotations

import torch
from torch import Tensor

from .files import Tensors

_DOWN, _UP = ".lora_A.weight", ".lora_B.weight"


class Lora:
    """Pairs `transformer.NAME.lora_A.weight` (rank, in) and `...lora_B.weight` (out, rank), also of convolutions.

    alpha: of the adapter; None: the rank, as the release uses it, so that the product counts once.
    """

    def __init__(self, tensors: Tensors, alpha: float | None = None, prefix: str = "transformer.") -> None:
        self._tensors, self._alpha, self._prefix = tensors, alpha, prefix
        self._left = set(tensors)

    def merged(self, name: str, weight: Tensor) -> Tensor:
        """`name` without `.weight`; the weight itself where it has no update."""
        down, up = (f"{self._prefix}{name}{end}" for end in (_DOWN, _UP))
        if down not in self._tensors:
            return weight
        a, b = self._tensors[down], self._tensors[up]
        self._left -= {down, up}
        # A convolution's update is one from its patches to the rank, then a 1x1 one.
        change = torch.einsum("or,ri->oi", b.flatten(1), a.flatten(1)).view_as(weight)
        scale = 1.0 if self._alpha is None else self._alpha / a.shape[0]
        return weight + scale * change

    def check_used(self) -> None:
        """Refuses updates of weights that were never asked for."""
        if self._left:
            raise ValueError(f"{len(self._left)} LoRA tensors belong to no weight, such as {min(self._left)}")
