"""ONNX graphs of a CompactTinySR, raw frames in, raw frames out; and the ends that other graphs share with these."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from .activation import SLOPE
from .compact import CompactConfig, CompactTinySR
from .fold import Conv, Folded, fold_rgb, fold_yuv420

OPSET = 17
FORMATS = ("rgb24", "yuv420p", "rgb48le", "yuv420p10le")


@dataclass
class Builder:
    """Nodes and constants of a graph that is being made."""

    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: list[onnx.TensorProto] = field(default_factory=list)

    def op(self, kind: str, inputs: list[str], **attributes: Any) -> str:
        """Adds a node with one output and names it."""
        name = f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    def constant(self, value: object, kind: type = np.int64) -> str:
        """Adds an initializer."""
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value, kind), name))
        return name

    def conv(self, x: str, conv: Conv, pad: int, group: int = 1) -> str:
        """A convolution with zero padding on all sides."""
        inputs = [x, self.constant(conv.weight, np.float32), self.constant(conv.bias, np.float32)]
        return self.op("Conv", inputs, kernel_shape=list(conv.weight.shape[2:]), pads=[pad] * 4, group=group)

    def activate(self, x: str) -> str:
        """:func:`tinysr.activation.activate`."""
        return self.op("LeakyRelu", [x], alpha=SLOPE)

    def repeat_edge(self, cells: str, right: int, others: int = 1) -> str:
        """Cells with `others` more on every side, but `right` on the right."""
        pads = [0, 0, others, others, 0, 0, others, right]
        return self.op("Pad", [cells, self.constant(pads)], mode="edge")


def _luma(b: Builder, padded: str, folded: Folded) -> str:
    """A padded plane or frame as floats -> luma (N,s*s,h,w), not clamped."""
    z = b.activate(b.conv(padded, folded.encoder, 0))
    for expand, project in folded.blocks:
        eps = b.conv(b.activate(b.conv(z, expand, 1)), project, 1)
        z = b.activate(b.op("Add", [z, eps]))
    return b.conv(z, folded.decoder, 1)


def to_codes(b: Builder, x: str, top: int, kind: int) -> str:
    """Rounds, clamps to 0..top and casts, while everything is still at a low resolution."""
    if kind == TensorProto.UINT8:
        return b.op("QuantizeLinear", [x, b.constant(1.0, np.float32), b.constant(0, np.uint8)])
    clipped = b.op("Clip", [b.op("Round", [x]), b.constant(0.0, np.float32), b.constant(float(top), np.float32)])
    return b.op("Cast", [clipped], to=kind)


def sizes(b: Builder, rows: int) -> tuple[str, str, str]:
    """Names of [N], [h2], [w2], each a tensor of one element; the input's second axis holds `rows`/2 rows a picture row pair."""
    shape = b.op("Shape", ["input"])
    part = [b.op("Slice", [shape, b.constant([i]), b.constant([i + 1])]) for i in range(3)]
    return part[0], b.op("Div", [part[1], b.constant([rows])]), b.op("Div", [part[2], b.constant([2])])


def whole(b: Builder, parts: tuple[str, str, str]) -> tuple[str, str, str]:
    """[N], [h], [w] of :func:`sizes`."""
    n, h2, w2 = parts
    return n, b.op("Mul", [h2, b.constant([2])]), b.op("Mul", [w2, b.constant([2])])


def rgb_of_cells(b: Builder, cells: str, parts: tuple[str, str, str], r: int) -> list[str | int]:
    """Codes (N,r*r*3,h2,w2), (dy, dx, rgb) a cell -> `output`, packed RGB; the shape of both ends."""
    n, h2, w2 = parts
    three, big = b.constant([3]), b.constant([r])
    # Channels inwards first, then columns of a cell beside their neighbours': two moves of whole runs of memory.
    packed = b.op("Transpose", [cells], perm=[0, 2, 3, 1])
    wide = b.op("Concat", [n, h2, w2, big, b.constant([3 * r])], axis=0)
    rows = b.op("Transpose", [b.op("Reshape", [packed, wide])], perm=[0, 1, 3, 2, 4])
    height, width = b.op("Mul", [h2, big]), b.op("Mul", [w2, big])
    b.nodes.append(helper.make_node("Reshape", [rows, b.op("Concat", [n, height, width, three], axis=0)], ["output"]))
    return ["N", "h", "w", 3]


def _rgb_graph(b: Builder, folded: Folded, r: int, top: int, kind: int) -> list[str | int]:
    parts = n, _, _ = whole(b, sizes(b, 2))
    frame = b.op("Cast", [b.op("Transpose", ["input"], perm=[0, 3, 1, 2])], to=TensorProto.FLOAT)
    luma = _luma(b, b.repeat_edge(frame, 1), folded)
    chroma = b.conv(b.repeat_edge(frame, 2, 2), folded.chroma, 0)
    area, one, three = b.constant([r * r]), b.constant([1]), b.constant([3])
    luma = b.op("Reshape", [luma, b.op("Concat", [n, area, one, *parts[1:]], axis=0)])
    chroma = b.op("Reshape", [chroma, b.op("Concat", [n, area, three, *parts[1:]], axis=0)])
    joined = b.op("Reshape", [b.op("Add", [chroma, luma]), b.op("Concat", [n, b.constant([3 * r * r]), *parts[1:]], axis=0)])
    return rgb_of_cells(b, to_codes(b, joined, top, kind), parts, r)


def _plane(b: Builder, cells: str, parts: tuple[str, str, str], r: int) -> str:
    """Cells (N,r*r,h2,w2) of one plane -> (N, r*h2*r*w2) samples in raster order."""
    n, h2, w2 = parts
    big = b.constant([r])
    packed = b.op("Transpose", [cells], perm=[0, 2, 3, 1])
    split = b.op("Reshape", [packed, b.op("Concat", [n, h2, w2, big, big], axis=0)])
    return b.op("Reshape", [b.op("Transpose", [split], perm=[0, 1, 3, 2, 4]), b.constant([0, -1])])


def planes_of_yuv(b: Builder, parts: tuple[str, str, str]) -> tuple[str, str]:
    """Planar 4:2:0 `input` -> codes: luma (N,1,h,w) and chroma (N,2,h2,w2)."""
    n, h2, w2 = parts
    two, axis = b.constant([2]), b.constant([1])
    quarter = b.op("Mul", [h2, w2])
    ends = [b.op("Mul", [quarter, b.constant([k])]) for k in (4, 6)]
    flat = b.op("Reshape", ["input", b.constant([0, -1])])
    luma = b.op("Slice", [flat, b.constant([0]), ends[0], axis])
    luma = b.op("Reshape", [luma, b.op("Concat", [n, b.constant([1]), *whole(b, parts)[1:]], axis=0)])
    chroma = b.op("Slice", [flat, ends[0], ends[1], axis])
    return luma, b.op("Reshape", [chroma, b.op("Concat", [n, two, h2, w2], axis=0)])


def yuv_of_cells(b: Builder, cells: str, parts: tuple[str, str, str], r: int) -> list[str | int]:
    """Codes (N,r*r*3/2,h2,w2), luma (dy, dx), then U and V, -> `output`, planar 4:2:0; the shape of both ends."""
    axis = b.constant([1])
    area, quarter_area = r * r, r * r // 4
    limits = [0, area, area + quarter_area, area + 2 * quarter_area]
    planes = []
    for index, side in enumerate((r, r // 2, r // 2)):
        part = b.op("Slice", [cells, b.constant([limits[index]]), b.constant([limits[index + 1]]), axis])
        planes.append(_plane(b, part, parts, side))
    return _joined(b, planes, parts, r)


def _joined(b: Builder, planes: list[str], parts: tuple[str, str, str], r: int) -> list[str | int]:
    """Planes of samples, end to end, as `output`; the shape of both ends."""
    n, h2, w2 = parts
    joined = b.op("Concat", planes, axis=1)
    height = b.op("Mul", [h2, b.constant([3 * r // 2])])
    shape = b.op("Concat", [n, height, b.op("Mul", [w2, b.constant([r])])], axis=0)
    b.nodes.append(helper.make_node("Reshape", [joined, shape], ["output"]))
    return ["N", "rows", "w"]


def _yuv_graph(b: Builder, folded: Folded, s: int, top: int, kind: int) -> list[str | int]:
    parts = sizes(b, 3)
    luma, chroma = (b.op("Cast", [codes], to=TensorProto.FLOAT) for codes in planes_of_yuv(b, parts))
    luma = to_codes(b, _luma(b, b.repeat_edge(luma, 1), folded), top, kind)
    chroma = to_codes(b, b.conv(b.repeat_edge(chroma, 2), folded.chroma, 0, group=2), top, kind)
    planes = [_plane(b, luma, whole(b, parts), s)]
    for index in range(2):
        limits = [b.constant([s * s * (index + end)]) for end in (0, 1)]
        planes.append(_plane(b, b.op("Slice", [chroma, *limits, b.constant([1])]), parts, s))
    return _joined(b, planes, parts, 2 * s)


def build_graph(model: CompactTinySR, pixel_format: str) -> onnx.ModelProto:
    """The graph for one raw frame format.

    rgb24, rgb48le: (N,h,w,3) -> (N,s*h,s*w,3). yuv420p, yuv420p10le: (N,3*h/2,w), the planes one after another as ffmpeg
    writes them -> (N,3*s*h/2,s*w). h and w even. 8-bit formats as uint8, the others as uint16.
    """
    b = Builder()
    r = model.config.scale
    kind = TensorProto.UINT8 if pixel_format in ("rgb24", "yuv420p") else TensorProto.UINT16
    if pixel_format.startswith("rgb"):
        top = 255 if kind == TensorProto.UINT8 else 65535
        shape = _rgb_graph(b, fold_rgb(model, float(top)), r, top, kind)
    else:
        top, unit = (255, 255.0) if kind == TensorProto.UINT8 else (1023, 1020.0)
        shape = _yuv_graph(b, fold_yuv420(model, unit), r, top, kind)
    return finished(b, kind, shape)


def finished(b: Builder, kind: int, shape: list[str | int]) -> onnx.ModelProto:
    """The model from `input` to `output`, both of `kind`; `shape`: of the input, with names for free sizes."""
    out_shape = [f"out_{d}" if d in ("h", "w", "rows") else d for d in shape]
    graph = helper.make_graph(
        b.nodes,
        "tinysr",
        [helper.make_tensor_value_info("input", kind, shape)],
        [helper.make_tensor_value_info("output", kind, out_shape)],
        b.constants,
    )
    opsets = [helper.make_opsetid("", OPSET)]
    proto = helper.make_model(graph, opset_imports=opsets, ir_version=8, producer_name="tinysr-video")
    onnx.checker.check_model(proto)
    return proto


def receptive_radius(config: CompactConfig) -> int:
    """LR pixels an output pixel sees: one a 3x3 convolution; chroma, interpolated from half as many samples, up to four."""
    return max(4, 2 + 2 * config.blocks)


def macs_per_lr_pixel(model: CompactTinySR) -> int:
    """Multiply-accumulates of the 4:2:0 graph: each weight of luma works once a pixel, and the 3x4 kernels that give the
    chroma samples once a cell of 2x2."""
    chroma = 2 * model.config.scale**2 * 12
    return sum(p.numel() for p in model.parameters() if p.dim() == 4) + chroma // 4
