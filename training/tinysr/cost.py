"""What an upscaling graph costs: weights, multiply-accumulates, milliseconds.

Counted and timed on the ONNX file itself, so that a foreign model is treated as ours are.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import numpy_helper

from .upscalers import cpu_session

# The frame that times are for, width and height.
FRAME = (480, 270)
# Side of the frame that products are counted on: every output pixel costs the same.
_SIDE = 32
_PRODUCTS = ("Conv", "ConvTranspose", "Gemm", "MatMul")


@dataclass(frozen=True)
class GraphCost:
    """parameters: numbers the graph holds. macs_per_pixel: multiply-accumulates an LR pixel."""

    parameters: int
    macs_per_pixel: float


def _frame(session: onnxruntime.InferenceSession, width: int, height: int) -> dict[str, NDArray[Any]]:
    """A frame of noise as the graph wants it: (1,h,w,3) bytes or (1,3,h,w) floats."""
    entry = session.get_inputs()[0]
    noise = np.random.default_rng(0).integers(0, 256, (1, height, width, 3), np.uint8)
    if entry.type == "tensor(uint8)":
        return {entry.name: noise}
    return {entry.name: np.ascontiguousarray(noise.transpose(0, 3, 1, 2)).astype(np.float32) / 255}


def _macs(node: onnx.NodeProto, shapes: Mapping[str, tuple[int, ...]], weights: Mapping[str, NDArray[Any]]) -> int:
    """Of one node; a product of two tensors that are both computed counts as well."""
    output = math.prod(shapes[node.output[0]])
    second = weights[node.input[1]].shape if node.input[1] in weights else shapes[node.input[1]]
    if node.op_type == "Conv":
        return output * math.prod(second[1:])
    if node.op_type == "ConvTranspose":
        return math.prod(shapes[node.input[0]]) * math.prod(second[1:])
    turned = node.op_type == "Gemm" and any(a.name == "transB" and a.i for a in node.attribute)
    return output * second[-1 if turned else -2]


def count_graph(path: Path) -> GraphCost:
    """Counts a graph by running it once with the results of its products shown.

    @raises ValueError: a product inside a branch or loop, which is not counted
    """
    model = onnx.load(str(path))
    if any(a.HasField("g") for node in model.graph.node for a in node.attribute):
        raise ValueError(f"{path.name}: graphs with branches or loops cannot be counted")
    weights = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    constants = [node for node in model.graph.node if node.op_type == "Constant"]
    weights |= {node.output[0]: numpy_helper.to_array(a.t) for node in constants for a in node.attribute if a.name == "value"}
    products = [node for node in model.graph.node if node.op_type in _PRODUCTS]
    names = {name for node in products for name in (*node.input[:2], node.output[0])} - set(weights)
    given = {value.name for value in (*model.graph.input, *model.graph.output)}
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in sorted(names - given))
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    feed = _frame(session, _SIDE, _SIDE)
    found = session.run(None, feed)
    shapes = {value.name: array.shape for value, array in zip(session.get_outputs(), found, strict=True)}
    shapes |= {name: array.shape for name, array in feed.items()}
    parameters = sum(array.size for array in weights.values() if array.dtype.kind == "f" and array.ndim)
    return GraphCost(parameters, sum(_macs(node, shapes, weights) for node in products) / _SIDE**2)


def time_graphs(paths: Mapping[str, Path], rounds: int, threads: int) -> dict[str, float]:
    """Median milliseconds a frame of 480x270. Graphs take turns, so that what else the machine does strikes all alike.

    A float graph is given floats: turning bytes into them is not in its time, as it is in that of a graph of bytes.
    """

    def prepared(path: Path) -> Callable[[], object]:
        session = cpu_session(path, threads)
        feed = _frame(session, *FRAME)
        return lambda: session.run(None, feed)

    runs = {name: prepared(path) for name, path in paths.items()}
    times: dict[str, list[float]] = {name: [] for name in runs}
    for lap in range(rounds + 1):
        for name, run in runs.items():
            began = time.perf_counter()
            run()
            # The first run of each allocates.
            if lap:
                times[name].append(1000 * (time.perf_counter() - began))
    return {name: round(median(values), 2) for name, values in times.items()}
