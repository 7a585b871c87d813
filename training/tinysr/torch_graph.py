"""Runs an exported graph in PyTorch: for machines that have PyTorch on a GPU and no onnxruntime for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor
from torch.nn import functional

Attributes = dict[str, Any]
# Operator, inputs, output, attributes.
Step = tuple[str, list[str], str, Attributes]
Operator = Callable[[list[Tensor], Attributes], Tensor]


def _ints(tensor: Tensor) -> list[int]:
    return [int(value) for value in tensor.tolist()]


def _slice(x: list[Tensor], _: Attributes) -> Tensor:
    axes = _ints(x[3]) if len(x) > 3 else range(len(x[1]))
    out = x[0]
    for start, end, axis in zip(_ints(x[1]), _ints(x[2]), axes, strict=True):
        size = out.shape[axis]
        # Below zero they count from the end.
        first, last = (max(0, side + size) if side < 0 else min(side, size) for side in (start, end))
        out = out.narrow(axis, first, last - first)
    return out


def _pad(x: list[Tensor], attributes: Attributes) -> Tensor:
    if attributes["mode"] != b"edge":
        raise ValueError(f"Pad of mode {attributes['mode']} is not known")
    pads = _ints(x[1])
    return functional.pad(x[0], (pads[3], pads[7], pads[2], pads[6]), "replicate")


def _conv(x: list[Tensor], attributes: Attributes) -> Tensor:
    pads = attributes.get("pads", [0] * 4)
    data = x[0] if pads[:2] == pads[2:] else functional.pad(x[0], (pads[1], pads[3], pads[0], pads[2]))
    padding = pads[:2] if pads[:2] == pads[2:] else 0
    return functional.conv2d(data, x[1], x[2] if len(x) > 2 else None, padding=padding, groups=attributes.get("group", 1))


def _quantize(x: list[Tensor], _: Attributes) -> Tensor:
    return torch.round(x[0] / x[1]).add(x[2].to(x[0].dtype)).clamp(0, 255).to(torch.uint8)


def _reshape(x: list[Tensor], _: Attributes) -> Tensor:
    # A 0 stands for the side that the tensor has there.
    return x[0].reshape([size or x[0].shape[axis] for axis, size in enumerate(_ints(x[1]))])


def _divide(x: list[Tensor], _: Attributes) -> Tensor:
    return x[0] / x[1] if x[0].is_floating_point() else torch.div(x[0], x[1], rounding_mode="trunc")


def _space_to_depth(x: list[Tensor], attributes: Attributes) -> Tensor:
    side = attributes["blocksize"]
    cells = functional.pixel_unshuffle(x[0], side)  # channels (plane, dy, dx)
    return cells.unflatten(1, (-1, side * side)).transpose(1, 2).flatten(1, 2)


def _depth_to_space(x: list[Tensor], attributes: Attributes) -> Tensor:
    if attributes["mode"] != b"CRD":
        raise ValueError(f"DepthToSpace of mode {attributes['mode']} is not known")
    return functional.pixel_shuffle(x[0], attributes["blocksize"])


OPERATORS: dict[str, Operator] = {
    "Add": lambda x, _: x[0] + x[1],
    "Clip": lambda x, _: torch.clamp(x[0], x[1], x[2]),
    "Concat": lambda x, a: torch.cat(x, a["axis"]),
    "Conv": _conv,
    "DepthToSpace": _depth_to_space,
    "Div": _divide,
    "LeakyRelu": lambda x, a: functional.leaky_relu(x[0], a["alpha"]),
    "Mul": lambda x, _: x[0] * x[1],
    "Neg": lambda x, _: -x[0],
    "Pad": _pad,
    "QuantizeLinear": _quantize,
    "Relu": lambda x, _: functional.relu(x[0]),
    "Reshape": _reshape,
    "Round": lambda x, _: torch.round(x[0]),
    "Shape": lambda x, _: torch.tensor(x[0].shape),
    "Slice": _slice,
    "SpaceToDepth": _space_to_depth,
    "Transpose": lambda x, a: x[0].permute(a["perm"]),
}


class TorchGraph:
    """A graph of one input and one output. Sizes are computed on the CPU, pictures on the device."""

    def __init__(self, path: Path, device: str, dtype: torch.dtype = torch.float32) -> None:
        """Loads the graph; floats are computed in `dtype`."""
        graph = onnx.load(path).graph
        unknown = {node.op_type for node in graph.node} - set(OPERATORS) - {"Cast"}
        if unknown:
            raise ValueError(f"{path.name}: {', '.join(sorted(unknown))} not known to PyTorch here")
        self.dtype = dtype
        self.input, self.output = graph.input[0].name, graph.output[0].name
        self.constants: dict[str, Tensor] = {}
        for initializer in graph.initializer:
            value = torch.from_numpy(numpy_helper.to_array(initializer).copy())
            on_device = value.is_floating_point() or value.dtype == torch.uint8
            kind = dtype if value.is_floating_point() else value.dtype
            self.constants[initializer.name] = value.to(device, kind) if on_device else value
        self.steps = [
            (node.op_type, list(node.input), node.output[0], {a.name: helper.get_attribute_value(a) for a in node.attribute})
            for node in graph.node
        ]
        self.kinds = {TensorProto.FLOAT: dtype, TensorProto.UINT8: torch.uint8, TensorProto.UINT16: torch.uint16}
        # Weights that a graph casts or negates become so once, as runtimes do it.
        for step in [step for step in self.steps if step[0] in ("Cast", "Neg") and step[1][0] in self.constants]:
            self._do(step, self.constants)
            self.steps.remove(step)

    @torch.inference_mode()
    def __call__(self, frames: Tensor) -> Tensor:
        """Packed frames on the device in, packed frames on the device out."""
        values = dict(self.constants)
        values[self.input] = frames
        for step in self.steps:
            self._do(step, values)
        return values[self.output].contiguous()

    def _do(self, step: Step, values: dict[str, Tensor]) -> None:
        kind, inputs, output, attributes = step
        given = [values[name] for name in inputs]
        values[output] = given[0].to(self.kinds[attributes["to"]]) if kind == "Cast" else OPERATORS[kind](given, attributes)
