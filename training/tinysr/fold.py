"""Weights of the exported graphs: colour conversion, chroma siting and code ranges folded into the first and last conv."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .color import rgb_to_ycc_matrix, ycc_to_rgb_matrix
from .compact import CompactTinySR, DenoiserBlock

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Conv:
    """A convolution: weight (out, in, kh, kw) and bias (out)."""

    weight: Array
    bias: Array


@dataclass(frozen=True)
class Folded:
    """All convolutions of a graph, in order, without the shuffles around them."""

    encoder: Conv
    blocks: list[tuple[Conv, Conv]]
    decoder: Conv


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
    """For packed RGB: input cells (dy, dx, rgb), output cells (dy, dx, rgb), values 0..white."""
    to_ycc, offset = (m.numpy() for m in rgb_to_ycc_matrix())
    to_rgb, back = (m.numpy() for m in ycc_to_rgb_matrix())
    weight, bias = _numpy(model.encoder.weight), _numpy(model.encoder.bias)
    width, r = weight.shape[0], model.config.shuffle
    cells = weight.reshape(width, 3, 4, 3, 3)
    encoder = np.einsum("opkyx,pc->okcyx", cells, to_ycc).reshape(width, 12, 3, 3) / white
    encoder_bias = bias + np.einsum("opkyx,p->o", cells, offset)
    out = _numpy(model.decoder.weight).reshape(3, r * r, width, 3, 3)
    out_bias = _numpy(model.decoder.bias).reshape(3, r * r)
    decoder = np.einsum("cp,pkiyx->kciyx", to_rgb, out).reshape(3 * r * r, width, 3, 3) * white
    decoder_bias = (np.einsum("cp,pk->kc", to_rgb, out_bias) + back).reshape(-1) * white
    return Folded(_conv(encoder, encoder_bias), _blocks(model), _conv(decoder, decoder_bias))


def fold_yuv420(model: CompactTinySR, unit: float) -> Folded:
    """For planar 4:2:0, limited range, chroma sited left (ITU-T H.264 Annex E, chroma_sample_loc_type 0).

    Input channels: four luma pixels of a cell, one U, one V. A chroma sample stands at the even column, between two rows:
    both rows take it as it is, odd columns the mean of it and the next, which makes the kernel a column wider. Output
    chroma is the mean of two rows at even columns. `unit` is the code that means 1.0: 255 for 8 bits, 1020 for 10.
    """
    weight, bias = _numpy(model.encoder.weight), _numpy(model.encoder.bias)
    width, r = weight.shape[0], model.config.shuffle
    encoder = np.zeros((width, 6, 3, 4))
    encoder[:, :4, :, :3] = weight[:, :4]
    for plane in (1, 2):
        cell = weight[:, 4 * plane : 4 * plane + 4]
        even, odd = cell[:, 0] + cell[:, 2], cell[:, 1] + cell[:, 3]
        encoder[:, 3 + plane, :, :3] += even + 0.5 * odd
        encoder[:, 3 + plane, :, 1:] += 0.5 * odd
    out = _numpy(model.decoder.weight).reshape(3, r, r, width, 3, 3)
    out_bias = _numpy(model.decoder.bias).reshape(3, r, r)
    chroma = 0.5 * (out[1:, 0::2, 0::2] + out[1:, 1::2, 0::2])
    chroma_bias = 0.5 * (out_bias[1:, 0::2, 0::2] + out_bias[1:, 1::2, 0::2])
    decoder = np.concatenate([out[0].reshape(-1, width, 3, 3), chroma.reshape(-1, width, 3, 3)]) * unit
    decoder_bias = np.concatenate([out_bias[0].reshape(-1), chroma_bias.reshape(-1)]) * unit
    return Folded(_conv(encoder / unit, bias), _blocks(model), _conv(decoder, decoder_bias))
