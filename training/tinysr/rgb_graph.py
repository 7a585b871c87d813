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
from .graphs import Builder, finished, planes_of_yuv, rgb_of_cells, sizes, to_codes, whole, yuv_of_cells
from .yuv_ends import offsets, read_ycc, write_yuv


def _array(tensor: Tensor | None) -> NDArray[np.float64]:
    assert tensor is not None
    return tensor.detach().cpu().double().numpy()


def _conv(weight: NDArray[np.float64], bias: NDArray[np.float64]) -> Conv:
    return Conv(weight.astype(np.float32), bias.astype(np.float32))


def _packed(planes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Channels (rgb, dy, dx) of a cell on the first axis -> (dy, dx, rgb)."""
    return planes.reshape(3, -1, *planes.shape[1:]).swapaxes(0, 1).reshape(planes.shape)


def _check(model: TinySR) -> None:
    config = model.config
    fits = config.attention == "none" and config.conditioning == "folded" and config.source == "lr" and config.planes == 3
    fits &= not (config.signed or config.squash or config.color_fix) and config.scaling == 1 and config.bicubic == "keys"
    # 4:2:0 has a chroma sample for two output columns and rows: cells of an odd side would share theirs.
    fits &= config.cell in (1, 2) and config.cell_out % 2 == 0 and config.encoder.border == "replicate"
    fits &= config.skip == (config.cell == 2)
    for half in (config.encoder, config.decoder):
        fits &= not half.project and half.blocks == (0,)
    if not fits:
        raise ValueError("these graphs are for models like `small` and `base`: convolutional, folded, RGB, from the LR frame")


def receptive_radius(model: TinySR) -> int:
    """LR pixels an output pixel sees, each way: a cell for each 3x3 convolution, and the chroma sample behind the last."""
    return model.config.cell * (2 + 2 * model.config.depth) + 2


def _cells(kernel: NDArray[np.float64], cell: int) -> NDArray[np.float64]:
    """Input channels of a kernel from (rgb, dy, dx), as PyTorch unshuffles, to (dy, dx, rgb), as SpaceToDepth does."""
    return _packed(kernel.swapaxes(0, 1)).swapaxes(0, 1) if cell > 1 else kernel


def _skip(model: TinySR) -> NDArray[np.float64]:
    """Bicubic interpolation of each colour by itself: cells of (dy,dx,rgb) in and out."""
    r = model.config.cell_out
    skip = np.zeros((r * r, 3, 4, 3, 3, 3))
    for colour in range(3):
        skip[:, colour, :, colour] = _array(model.kernel)
    return skip.reshape(3 * r * r, 12, 3, 3)


def _doubled(b: Builder, chroma: str) -> str:
    """Chroma (N,2,h2,w2) -> (N,2,h,w): both rows take a sample as it is, odd columns the mean of it and the next."""
    kernel = np.zeros((2, 2, 2, 2, 3, 3))  # (plane, dy, dx), plane, ky, kx
    for plane in range(2):
        kernel[plane, :, 0, plane, 1, 1] = 1
        kernel[plane, :, 1, plane, 1, 1:] = 0.5
    wide = b.conv(b.repeat_edge(chroma, 1), _conv(kernel.reshape(8, 2, 3, 3), np.zeros(8)), 0)
    return b.op("DepthToSpace", [wide], blocksize=2, mode="CRD")


def _frame(b: Builder, parts: tuple[str, str, str], yuv: bool) -> str:
    """`input` -> floats (N,3,h,w): its codes of red, green and blue, or of luma and chroma."""
    if not yuv:
        return b.op("Cast", [b.op("Transpose", ["input"], perm=[0, 3, 1, 2])], to=TensorProto.FLOAT)
    luma, chroma = (b.op("Cast", [codes], to=TensorProto.FLOAT) for codes in planes_of_yuv(b, parts))
    return b.op("Concat", [luma, _doubled(b, chroma)], axis=1)


def build_rgb_graph(model: TinySR, pixel_format: str) -> onnx.ModelProto:
    """The graph for one raw frame format, as :func:`tinysr.graphs.build_graph` has them; h and w even.

    Levels, the order of channels, colour conversion and the siting of chroma lie in the first and last weights.
    """
    _check(model)
    cell, r = model.config.cell, model.config.cell_out
    yuv = pixel_format.startswith("yuv")
    kind = TensorProto.UINT8 if pixel_format in ("rgb24", "yuv420p") else TensorProto.UINT16
    # The highest code, and that which means 1.
    top, unit = {"rgb24": (255, 255), "rgb48le": (65535, 65535), "yuv420p": (255, 255), "yuv420p10le": (1023, 1020)}[pixel_format]
    enter, leave = model.encoder.enter, model.decoder.leave
    assert isinstance(leave, nn.Conv2d)
    into = (_cells(_array(enter.weight), cell), _array(enter.bias))
    out = (_packed(_array(leave.weight)), _packed(_array(leave.bias)))
    skip = (_skip(model), np.zeros(3 * r * r)) if model.config.skip else None
    if yuv:
        into, out = read_ycc(*into), write_yuv(*out, r)
        skip = skip and write_yuv(*read_ycc(*skip), r)
        # What black and grey are is said once: where there is a skip, by it.
        skip = skip and (skip[0], skip[1] + offsets(r))
        out = out if skip else (out[0], out[1] + offsets(r))
    b = Builder()
    parts = sizes(b, 3 if yuv else 2)
    frame = _frame(b, parts, yuv)
    grid = whole(b, parts) if cell == 1 else parts
    padded = b.repeat_edge(frame if cell == 1 else b.op("SpaceToDepth", [frame], blocksize=cell), 1)
    z = b.activate(b.conv(padded, _conv(into[0] / unit, into[1]), 0))
    for block in model.denoiser.blocks:
        assert isinstance(block, ConvBlock)
        expand, project = block.expand, block.project
        inner = b.activate(b.conv(z, _conv(_array(expand.weight), _array(expand.bias)), 1))
        # The graph adds, the model subtracts.
        eps = b.conv(inner, _conv(-_array(project.weight), -_array(project.bias)), 1)
        z = b.activate(b.op("Add", [z, eps]))
    image = b.conv(z, _conv(unit * out[0], unit * out[1]), 1)
    if skip:
        image = b.op("Add", [image, b.conv(padded, _conv(skip[0], unit * skip[1]), 0)])
    codes = to_codes(b, image, top, kind)
    return finished(b, kind, (yuv_of_cells if yuv else rgb_of_cells)(b, codes, grid, r))
