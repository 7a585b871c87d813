"""The temporal term: the same content a fraction of a pixel further on, with noise of its own, must come out the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from ..degrade import bicubic_matrix

Disturb = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Pair:
    """Two views of one picture: LR frames, HR frames, and by how many HR pixels (down, right) the second lies further."""

    first: Tensor
    second: Tensor
    first_hr: Tensor
    second_hr: Tensor
    shift: tuple[int, int]


def reduce(hr: Tensor, scale: int) -> Tensor:
    """Antialiased bicubic reduction of (N,C,H,W)."""
    rows, columns = (torch.from_numpy(bicubic_matrix(side, scale)).to(hr) for side in hr.shape[2:])
    return torch.einsum("yh,nchw,xw->ncyx", rows, hr, columns)


def gaussian(deviation: float) -> Disturb:
    """Noise of its own for each call, of a deviation in 8-bit codes."""
    return lambda lr: lr + deviation / 255 * torch.randn_like(lr)


def shifted_pair(hr: Tensor, scale: int, shift: tuple[int, int], disturb: Disturb | None = None) -> Pair:
    """Two views of (N,3,H,W), the second moved by whole HR pixels: in the LR frame, by fractions of one.

    `disturb` is applied to each LR frame by itself (noise, compression).
    """
    down, right = shift
    if min(shift) < 0 or max(shift) >= min(hr.shape[2:]) // 2:
        raise ValueError(f"the shift must be 0 or more and well inside the picture: {shift}")
    step = 2 * scale
    height, width = (hr.shape[2] - down) // step * step, (hr.shape[3] - right) // step * step
    views = [hr[..., :height, :width], hr[..., down : down + height, right : right + width]]
    frames = [reduce(view, scale) for view in views]
    if disturb:
        frames = [disturb(frame).clamp(0, 1) for frame in frames]
    return Pair(frames[0], frames[1], views[0], views[1], shift)


def drift(first: Tensor, second: Tensor, shift: tuple[int, int], border: int = 8) -> Tensor:
    """Mean difference of the two outputs where they show the same, `border` pixels left out.

    A blurred output drifts little: the losses of the picture, on both views, have to hold against that.
    """
    down, right = shift
    height, width = first.shape[2:]
    a, b = first[..., down:, right:], second[..., : height - down, : width - right]
    inner = (..., slice(border, -border), slice(border, -border)) if border else (...,)
    return functional.l1_loss(a[inner], b[inner])
