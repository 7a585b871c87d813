"""Graphs that take their large weights from the checkpoint beside them, as halves: four frame formats share one file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load_file

# Smaller weights stay in the graph.
_LEAST = 1024
_PREFIX = 8


def _places(checkpoint: Path) -> dict[str, tuple[int, int]]:
    """Where each tensor of a safetensors file lies: offset and length in bytes."""
    data = checkpoint.read_bytes()
    size = int.from_bytes(data[:_PREFIX], "little")
    header = json.loads(data[_PREFIX : _PREFIX + size])
    start = _PREFIX + size
    return {
        name: (start + entry["data_offsets"][0], entry["data_offsets"][1] - entry["data_offsets"][0])
        for name, entry in header.items()
        if name != "__metadata__"
    }


def refer(model: onnx.ModelProto, checkpoint: Path, location: str) -> None:
    """Replaces each initializer that equals a tensor of the checkpoint, or its opposite, by a reference to it.

    A runtime casts (and negates) once, when it loads the graph: results are the same. checkpoint: safetensors of halves.
    location: where the graph finds it, from its own folder.
    """
    places = _places(checkpoint)
    known: dict[bytes, tuple[str, bool]] = {}
    for name, halves in load_file(checkpoint).items():
        if halves.dtype == np.float16 and halves.size >= _LEAST:
            value = halves.astype(np.float32)
            # Adding zero makes -0 equal to 0 in bytes, too.
            known[(-value + 0.0).tobytes()] = (name, True)
            known[(value + 0.0).tobytes()] = (name, False)
    nodes: list[onnx.NodeProto] = []
    kept: list[TensorProto] = []
    referred: set[str] = set()
    for initializer in model.graph.initializer:
        value = numpy_helper.to_array(initializer)
        found = known.get((value + 0.0).tobytes()) if value.dtype == np.float32 else None
        if found is None:
            kept.append(initializer)
            continue
        source, negative = found
        halves_name = f"halves.{source}"
        if halves_name not in referred:
            referred.add(halves_name)
            kept.append(_reference(halves_name, list(value.shape), location, places[source]))
        cast = f"{initializer.name}_cast" if negative else initializer.name
        nodes.append(helper.make_node("Cast", [halves_name], [cast], to=TensorProto.FLOAT))
        if negative:
            nodes.append(helper.make_node("Neg", [cast], [initializer.name]))
    nodes += model.graph.node
    del model.graph.initializer[:], model.graph.node[:]
    model.graph.initializer.extend(kept)
    model.graph.node.extend(nodes)


def _reference(name: str, shape: list[int], location: str, place: tuple[int, int]) -> TensorProto:
    tensor = TensorProto(name=name, data_type=TensorProto.FLOAT16, dims=shape, data_location=TensorProto.EXTERNAL)
    for key, value in (("location", location), ("offset", str(place[0])), ("length", str(place[1]))):
        tensor.external_data.add(key=key, value=value)
    return tensor


def embedded(model: onnx.ModelProto) -> onnx.ModelProto:
    """The graph with its weights as floats of its own: what rewrites weights does not look behind casts.

    model: as onnx.load() gives it, with external data read.
    """
    values = {initializer.name: numpy_helper.to_array(initializer) for initializer in model.graph.initializer}
    nodes: list[onnx.NodeProto] = []
    for node in model.graph.node:
        if node.op_type in ("Cast", "Neg") and node.input[0] in values:
            value = values[node.input[0]]
            values[node.output[0]] = value.astype(np.float32) if node.op_type == "Cast" else -value
        else:
            nodes.append(node)
    used = {name for node in nodes for name in node.input}
    kept = [numpy_helper.from_array(value, name) for name, value in values.items() if name in used]
    del model.graph.initializer[:], model.graph.node[:]
    model.graph.initializer.extend(kept)
    model.graph.node.extend(nodes)
    return model
