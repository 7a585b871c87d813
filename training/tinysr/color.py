"""Y'CbCr as video carries it: BT.601 limited-range code values divided by 255 (ITU-R BT.601-7, section 2.5)."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

_RGB_TO_YCC = torch.tensor([[65.481, 128.553, 24.966], [-37.797, -74.203, 112.0], [112.0, -93.786, -18.214]], dtype=torch.float64)
_OFFSET = torch.tensor([16.0, 128.0, 128.0], dtype=torch.float64)


def rgb_to_ycc_matrix() -> tuple[Tensor, Tensor]:
    """Matrix (3,3) and offset (3,) from RGB in 0..1 to Y'CbCr codes over 255."""
    return _RGB_TO_YCC / 255.0, _OFFSET / 255.0


def ycc_to_rgb_matrix() -> tuple[Tensor, Tensor]:
    """The inverse of :func:`rgb_to_ycc_matrix`."""
    matrix, offset = rgb_to_ycc_matrix()
    inverse = torch.linalg.inv(matrix)
    return inverse, -inverse @ offset


@cache
def _constants(to_ycc: bool, device: torch.device, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Matrix and offset where they are needed: copying them each time would make a GPU wait."""
    matrix, offset = rgb_to_ycc_matrix() if to_ycc else ycc_to_rgb_matrix()
    return matrix.to(device, dtype), offset.to(device, dtype).view(1, 3, 1, 1)


def _apply(image: Tensor, to_ycc: bool) -> Tensor:
    matrix, offset = _constants(to_ycc, image.device, image.dtype)
    return torch.einsum("ij,njhw->nihw", matrix, image) + offset


def rgb_to_ycc(image: Tensor) -> Tensor:
    """(N,3,H,W) RGB in 0..1 to Y'CbCr codes over 255."""
    return _apply(image, True)


def ycc_to_rgb(image: Tensor) -> Tensor:
    """(N,3,H,W) Y'CbCr codes over 255 to RGB in 0..1 (not clamped)."""
    return _apply(image, False)
