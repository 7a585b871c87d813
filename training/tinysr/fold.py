"""Weights of the exported graphs: colour conversion, chroma siting and code ranges folded into the first and last conv."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .color import rgb_to_ycc_matrix, ycc_to_rgb_matrix
from .compact import CompactTinySR, DenoiserBlock, interpolation_kernel

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Conv:
    """A convolution: weight (out, in, kh, kw) and bias (out)."""

    weight: Array
    bias: Array


@dataclass(frozen=True)
class Folded:
    """All convolutions of a graph without the shuffles around them.

    encoder, blocks and decoder make luma; chroma works beside them, on a padded frame, without padding.
    """

    encoder: Conv
    blocks: list[tuple[Conv, Conv]]
    decoder: Conv
    chroma: Conv


def _numpy(tensor: object) -> NDArray[np.float64]:
    return tensor.detach().cpu().double().numpy()  # type: ignore[attr-defined]


def _conv(weight: NDArray[np.float64], bias: NDArray[np.float64]) -> Conv:
    return Conv(weight.astype(np.float32), bias.astype(np.float32))


def _blocks(model: CompactTinySR) -> list[tuple[Conv, Conv]]:
    pairs = []
    for block in model.blocks:
        assert isinstance(block, DenoiserBlock)
        expand = _conv(_numpy(block.expand.weight), _numpy(block.expand.bias))
        # The graph adds, the model subtracts.
        pairs.append((expand, _conv(-_numpy(block.project.weight), -_numpy(block.project.bias))))
    return pairs


def fold_rgb(model: CompactTinySR, white: float) -> Folded:
    """For packed RGB, values 0..white.

    The decoder gives luma, scaled as RGB needs it; chroma, a kernel of 5x5, gives (s*s, rgb): what is to be added to luma in each
    of the three channels.
    """
    to_ycc, offset = (m.numpy() for m in rgb_to_ycc_matrix())
    to_rgb, back = (m.numpy() for m in ycc_to_rgb_matrix())
    weight, bias = _numpy(model.encoder.weight), _numpy(model.encoder.bias)
    encoder = np.einsum("oyx,c->ocyx", weight[:, 0], to_ycc[0]) / white
    encoder_bias = bias + weight.sum((1, 2, 3)) * offset[0]
    # Luma weighs the same in red, green and blue.
    gain = to_rgb[0, 0] * white
    decoder = _conv(_numpy(model.decoder.weight) * gain, _numpy(model.decoder.bias) * gain)
    through = to_rgb[:, 1:] @ to_ycc[1:]
    chroma = np.einsum("kyx,cd->kcdyx", _numpy(model.interpolation)[:, 0], through).reshape(-1, 3, 5, 5)
    # Interpolation keeps constants, so the offsets pass through it unchanged.
    chroma_bias = np.tile((to_rgb[:, 1:] @ offset[1:] + back) * white, model.config.scale**2)
    return Folded(_conv(encoder, encoder_bias), _blocks(model), decoder, _conv(chroma, chroma_bias))


def fold_yuv420(model: CompactTinySR, unit: float) -> Folded:
    """For planar 4:2:0, limited range, chroma sited left (ITU-T H.264 Annex E, chroma_sample_loc_type 0).

    Chroma is one kernel for U and V each (two groups) over the samples, of which a cell of 2x2 pixels has one. A sample
    stands at the even column, between two rows: both rows take it as it is, odd columns the mean of it and the next, which
    makes the kernel a column wider. Output chroma is the mean of two rows at even columns.
    `unit` is the code that means 1.0: 255 for 8 bits, 1020 for 10.
    """
    r = 2 * model.config.scale
    weight, bias = _numpy(model.encoder.weight), _numpy(model.encoder.bias)
    decoder = _conv(_numpy(model.decoder.weight) * unit, _numpy(model.decoder.bias) * unit)
    rows = _numpy(interpolation_kernel(model.config.scale)).reshape(r, r, 4, 3, 3)
    fine = (0.5 * (rows[0::2, 0::2] + rows[1::2, 0::2])).reshape(r * r // 4, 4, 3, 3)
    even, odd = fine[:, 0] + fine[:, 2], fine[:, 1] + fine[:, 3]
    kernel = np.zeros((r * r // 4, 1, 3, 4))
    kernel[:, 0, :, :3] += even + 0.5 * odd
    kernel[:, 0, :, 1:] += 0.5 * odd
    chroma = _conv(np.concatenate([kernel, kernel]), np.zeros(r * r // 2))
    return Folded(_conv(weight / unit, bias), _blocks(model), decoder, chroma)
