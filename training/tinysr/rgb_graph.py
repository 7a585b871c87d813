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
from .graphs import Builder, cells_of_rgb, finished, rgb_of_cells, sizes, to_codes

FORMATS = ("rgb24", "rgb48le")


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
    fits &= not config.color_fix and config.encoder.border == "replicate"
    for half in (config.encoder, config.decoder):
        fits &= not half.project and half.blocks == (0,)
    if not fits:
        raise ValueError("these graphs are for models like `small`: convolutional, folded, RGB, from the LR frame")


def receptive_radius(model: TinySR) -> int:
    """LR pixels an output pixel sees, each way: two a cell, one cell a 3x3 convolution."""
    return 2 * (2 + 2 * model.config.depth)


def build_rgb_graph(model: TinySR, pixel_format: str) -> onnx.ModelProto:
    """(N,h,w,3) -> (N,s*h,s*w,3), h and w even: rgb24 as uint8, rgb48le as uint16."""
    _check(model)
    config = model.config
    r, width = config.cell_out, config.width
    kind, top = (TensorProto.UINT8, 255) if pixel_format == "rgb24" else (TensorProto.UINT16, 65535)
    b = Builder()
    parts = sizes(b, 2)
    padded = b.repeat_edge(cells_of_rgb(b, parts), 1)
    enter, leave = model.encoder.enter, model.decoder.leave
    # Levels and the order of channels lie in the first and last weights.
    into = _packed(_array(enter.weight).swapaxes(0, 1), 4).swapaxes(0, 1) / top
    z = b.op("Relu", [b.conv(padded, _conv(into, _array(enter.bias)), 0)])
    for block in model.denoiser.blocks:
        assert isinstance(block, ConvBlock)
        expand, project = block.expand, block.project
        inner = b.op("Relu", [b.conv(z, _conv(_array(expand.weight), _array(expand.bias)), 1)])
        # The graph adds, the model subtracts.
        eps = b.conv(inner, _conv(-_array(project.weight), -_array(project.bias)), 1)
        z = b.op("Relu", [b.op("Add", [z, eps])])
    assert isinstance(leave, nn.Conv2d)
    out = _conv(top * _packed(_array(leave.weight), r * r), top * _packed(_array(leave.bias), r * r))
    # The skip interpolates each colour by itself.
    skip = np.zeros((r * r, 3, 4, 3, 3, 3))
    for colour in range(3):
        skip[:, colour, :, colour] = _array(model.kernel)
    interpolation = _conv(skip.reshape(3 * r * r, 12, 3, 3), np.zeros(3 * r * r))
    assert out.weight.shape == (3 * r * r, width, 3, 3)
    joined = b.op("Add", [b.conv(z, out, 1), b.conv(padded, interpolation, 0)])
    return finished(b, kind, rgb_of_cells(b, to_codes(b, joined, top, kind), parts, r))
