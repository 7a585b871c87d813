"""The temporal term: the same content a fraction of a pixel further on, with noise of its own, must come out the same."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True)
class Pair:
    """Two views of one picture: LR frames, HR frames, and by how many HR pixels (down, right) the second lies further."""

    first: Tensor
    second: Tensor
    first_hr: Tensor
    second_hr: Tensor
    shift: tuple[int, int]


def drift(first: Tensor, second: Tensor, shift: tuple[int, int], border: int = 8) -> Tensor:
    """Mean difference of the two outputs where they show the same, `border` pixels left out.

    A blurred output drifts little: the losses of the picture, on both views, have to hold against that.
    """
    down, right = shift
    height, width = first.shape[2:]
    a, b = first[..., down:, right:], second[..., : height - down, : width - right]
    inner = (..., slice(border, -border), slice(border, -border)) if border else (...,)
    return functional.l1_loss(a[inner], b[inner])
