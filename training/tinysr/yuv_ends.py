"""Weights that work on RGB, turned exactly into weights on luma and chroma.

Samples stand where :func:`tinysr.fold.fold_yuv420` has them: chroma at the even column, between two rows. Colours are
converted by BT.601 whatever the frame's matrix is: what goes in by one matrix comes out by its inverse.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .color import rgb_to_ycc_matrix, ycc_to_rgb_matrix

Weights = NDArray[np.float64]


def read_ycc(weight: Weights, bias: Weights) -> tuple[Weights, Weights]:
    """(n,k*3,kh,kw) on k times red, green and blue -> the same on luma and chroma. RGB in 0..1, codes over 255."""
    to_rgb, back = (matrix.numpy() for matrix in ycc_to_rgb_matrix())
    pixels = weight.reshape(len(weight), -1, 3, *weight.shape[2:])
    return np.einsum("nkcyx,cd->nkdyx", pixels, to_rgb).reshape(weight.shape), bias + np.einsum("nkcyx,c->n", pixels, back)


def _samples(planes: Weights, r: int) -> Weights:
    """(r*r*3,...) of (dy,dx,rgb) -> luma (r*r), then U and V (r*r/4 each), as far as they are linear."""
    matrix = rgb_to_ycc_matrix()[0].numpy()
    pixels = planes.reshape(r, r, 3, -1)
    luma = np.einsum("abcn,c->abn", pixels, matrix[0]).reshape(r * r, -1)
    rows = 0.5 * (pixels[0::2, 0::2] + pixels[1::2, 0::2])
    chroma = np.einsum("abcn,dc->dabn", rows, matrix[1:]).reshape(r * r // 2, -1)
    return np.concatenate([luma, chroma]).reshape(-1, *planes.shape[1:])


def write_yuv(weight: Weights, bias: Weights, r: int) -> tuple[Weights, Weights]:
    """(r*r*3,n,kh,kw) that makes cells of (dy,dx,rgb) -> the same for luma, U and V. The codes' offsets are not in it."""
    return _samples(weight, r), _samples(bias, r)


def offsets(r: int) -> Weights:
    """What black and grey are, for each sample of a cell, in codes over 255."""
    offset = rgb_to_ycc_matrix()[1].numpy()
    return np.repeat(offset, [r * r, r * r // 4, r * r // 4])
