"""Writes the small graphs that stand before and after a model of somebody else, and the one that blends seams.

python training/make_adapters.py --out models/adapters

`frame{8,16}-to-LAYOUT-TYPE` turns a raw RGB frame [N, H, W, 3] into the tensor a model takes (times `gain`);
`LAYOUT-TYPE-to-frame{8,16}` turns its output back, rounded and clamped. `blend{8,16}` mixes two strips by a weight.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import onnx
from onnx import TensorProto, helper

OPSET = 17
ELEMENT = {8: TensorProto.UINT8, 16: TensorProto.UINT16}
TYPES = {"float32": TensorProto.FLOAT, "float16": TensorProto.FLOAT16, "uint8": TensorProto.UINT8}
FRAME: list[str | int | None] = ["N", "H", "W", 3]
SHAPES: dict[str, list[str | int | None]] = {"nchw": ["N", 3, "H", "W"], "nhwc": FRAME}


def _model(name: str, nodes: list[onnx.NodeProto], inputs: list, outputs: list, constants: list) -> onnx.ModelProto:
    graph = helper.make_graph(nodes, name, inputs, outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=9)
    onnx.checker.check_model(model, full_check=True)
    return model


def _scalar(name: str, value: float) -> onnx.TensorProto:
    return helper.make_tensor(name, TensorProto.FLOAT, [], [value])


def to_model(bits: int, layout: str, element: str) -> onnx.ModelProto:
    """Raw frame -> the model's input."""
    frame = helper.make_tensor_value_info("frame", ELEMENT[bits], FRAME)
    gain = helper.make_tensor_value_info("gain", TensorProto.FLOAT, [])
    result = helper.make_tensor_value_info("tensor", TYPES[element], SHAPES[layout])
    nodes: list[onnx.NodeProto] = []
    last = "frame"

    def step(op: str, inputs: list[str], **attributes: Any) -> None:
        nonlocal last
        last = f"v{len(nodes)}"
        nodes.append(helper.make_node(op, inputs, [last], **attributes))

    if layout == "nchw":
        step("Transpose", [last], perm=[0, 3, 1, 2])
    step("Cast", [last], to=TensorProto.FLOAT)
    step("Mul", [last, "gain"])
    if element != "float32":
        step("Cast", [last], to=TYPES[element])
    nodes[-1].output[0] = "tensor"
    return _model(f"frame{bits}-to-{layout}-{element}", nodes, [frame, gain], [result], [])


def from_model(bits: int, layout: str, element: str) -> onnx.ModelProto:
    """The model's output -> raw frame, rounded to the nearest level."""
    tensor = helper.make_tensor_value_info("tensor", TYPES[element], SHAPES[layout])
    gain = helper.make_tensor_value_info("gain", TensorProto.FLOAT, [])
    frame = helper.make_tensor_value_info("frame", ELEMENT[bits], FRAME)
    nodes = [
        helper.make_node("Cast", ["tensor"], ["wide"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["wide", "gain"], ["levels"]),
        helper.make_node("Clip", ["levels", "lowest", "highest"], ["clipped"]),
        helper.make_node("Round", ["clipped"], ["rounded"]),
    ]
    last = "rounded"
    if layout == "nchw":
        nodes.append(helper.make_node("Transpose", [last], ["moved"], perm=[0, 2, 3, 1]))
        last = "moved"
    nodes.append(helper.make_node("Cast", [last], ["frame"], to=ELEMENT[bits]))
    limits = [_scalar("lowest", 0.0), _scalar("highest", float(2**bits - 1))]
    return _model(f"{layout}-{element}-to-frame{bits}", nodes, [tensor, gain], [frame], limits)


def blend(bits: int) -> onnx.ModelProto:
    """round(a + (b - a) * weight) over strips of any size."""
    a, b = (helper.make_tensor_value_info(name, ELEMENT[bits], ["R", "C"]) for name in "ab")
    weight = helper.make_tensor_value_info("weight", TensorProto.FLOAT, ["WR", "WC"])
    mixed = helper.make_tensor_value_info("mixed", ELEMENT[bits], ["R", "C"])
    nodes = [
        helper.make_node("Cast", ["a"], ["af"], to=TensorProto.FLOAT),
        helper.make_node("Cast", ["b"], ["bf"], to=TensorProto.FLOAT),
        helper.make_node("Sub", ["bf", "af"], ["difference"]),
        helper.make_node("Mul", ["difference", "weight"], ["share"]),
        helper.make_node("Add", ["af", "share"], ["sum"]),
        helper.make_node("Round", ["sum"], ["rounded"]),
        helper.make_node("Cast", ["rounded"], ["mixed"], to=ELEMENT[bits]),
    ]
    return _model(f"blend{bits}", nodes, [a, b, weight], [mixed], [])


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("models/adapters"))
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    models = [blend(8), blend(16)]
    for layout in SHAPES:
        for bits, elements in ((8, ("float32", "float16", "uint8")), (16, ("float32", "float16"))):
            for element in elements:
                models += [to_model(bits, layout, element), from_model(bits, layout, element)]
    for model in models:
        onnx.save(model, args.out / f"{model.graph.name}.onnx")


if __name__ == "__main__":
    main()
