"""ONNX graphs of convolutional TinySRs that restore RGB (`small`, `base`): raw frames in, raw frames out."""

from __future__ import annotations

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto
from torch import Tensor, nn

from .arch import TinySR
from .arch.blocks import ConvBlock
from .fold import Conv
from .graphs import FORMATS, Builder, cells_of_rgb, cells_of_yuv, finished, rgb_of_cells, sizes, to_codes, yuv_of_cells
from .yuv_ends import offsets, read_yuv, write_yuv

__all__ = ["FORMATS", "build_rgb_graph", "receptive_radius"]


def _array(tensor: Tensor | None) -> NDArray[np.float64]:
    assert tensor is not None
    return tensor.detach().cpu().double().numpy()


def _conv(weight: NDArray[np.float64], bias: NDArray[np.float64]) -> Conv:
    return Conv(weight.astype(np.float32), bias.astype(np.float32))


def _packed(planes: NDArray[np.float64], area: int) -> NDArray[np.float64]:
    """Channels (rgb, dy, dx) of a cell on the first axis -> (dy, dx, rgb)."""
    return planes.reshape(3, area, *planes.shape[1:]).swapaxes(0, 1).reshape(planes.shape)


def _check(model: TinySR) -> None:
    config = model.config
    fits = config.attention == "none" and config.conditioning == "folded" and config.source == "lr" and config.planes == 3
    fits &= config.skip and not config.signed and not config.squash and config.scaling == 1 and config.bicubic == "keys"
    fits &= config.cell == 2 and not config.color_fix and config.encoder.border == "replicate"
    for half in (config.encoder, config.decoder):
        fits &= not half.project and half.blocks == (0,)
    if not fits:
        raise ValueError("these graphs are for models like `small`: convolutional, folded, RGB, from the LR frame")


def receptive_radius(model: TinySR) -> int:
    """LR pixels an output pixel sees, each way: two a cell, one cell a 3x3 convolution."""
    return 2 * (2 + 2 * model.config.depth)


def _skip(model: TinySR) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The skip interpolates each colour by itself: cells of (dy,dx,rgb) in and out."""
    r = model.config.cell_out
    skip = np.zeros((r * r, 3, 4, 3, 3, 3))
    for colour in range(3):
        skip[:, colour, :, colour] = _array(model.kernel)
    return skip.reshape(3 * r * r, 12, 3, 3), np.zeros(3 * r * r)


def _padded_yuv(b: Builder, parts: tuple[str, str, str]) -> str:
    """Cells of four luma samples, U and V, and U and V of the next cell, with one more on every side."""
    luma, chroma = cells_of_yuv(b, parts)
    wide, axis = b.repeat_edge(chroma, 2), b.constant([3])
    here = b.op("Slice", [wide, b.constant([0]), b.constant([-1]), axis])
    following = b.op("Slice", [wide, b.constant([1]), b.constant([2**31 - 1]), axis])
    return b.op("Concat", [b.repeat_edge(luma, 1), here, following], axis=1)


def build_rgb_graph(model: TinySR, pixel_format: str) -> onnx.ModelProto:
    """The graph for one raw frame format, as :func:`tinysr.graphs.build_graph` has them; h and w even.

    Levels, the order of channels, colour conversion and the siting of chroma lie in the first and last weights.
    """
    _check(model)
    r = model.config.cell_out
    yuv = pixel_format.startswith("yuv")
    kind = TensorProto.UINT8 if pixel_format in ("rgb24", "yuv420p") else TensorProto.UINT16
    # The highest code, and that which means 1.
    top, unit = {"rgb24": (255, 255), "rgb48le": (65535, 65535), "yuv420p": (255, 255), "yuv420p10le": (1023, 1020)}[pixel_format]
    enter, leave = model.encoder.enter, model.decoder.leave
    assert isinstance(leave, nn.Conv2d)
    into = (_packed(_array(enter.weight).swapaxes(0, 1), 4).swapaxes(0, 1), _array(enter.bias))
    out = (_packed(_array(leave.weight), r * r), _packed(_array(leave.bias), r * r))
    skip = _skip(model)
    if yuv:
        into, skip, out = read_yuv(*into), write_yuv(*read_yuv(*skip), r), write_yuv(*out, r)
        skip = (skip[0], skip[1] + offsets(r))
    b = Builder()
    parts = sizes(b, 3 if yuv else 2)
    padded = _padded_yuv(b, parts) if yuv else b.repeat_edge(cells_of_rgb(b, parts), 1)
    z = b.activate(b.conv(padded, _conv(into[0] / unit, into[1]), 0))
    for block in model.denoiser.blocks:
        assert isinstance(block, ConvBlock)
        expand, project = block.expand, block.project
        inner = b.activate(b.conv(z, _conv(_array(expand.weight), _array(expand.bias)), 1))
        # The graph adds, the model subtracts.
        eps = b.conv(inner, _conv(-_array(project.weight), -_array(project.bias)), 1)
        z = b.activate(b.op("Add", [z, eps]))
    joined = b.op("Add", [b.conv(z, _conv(unit * out[0], unit * out[1]), 1), b.conv(padded, _conv(skip[0], unit * skip[1]), 0)])
    codes = to_codes(b, joined, top, kind)
    return finished(b, kind, yuv_of_cells(b, codes, parts, r) if yuv else rgb_of_cells(b, codes, parts, r))
