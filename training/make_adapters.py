"""Writes the small graphs that stand before and after a model of somebody else, and the one that blends seams.

python training/make_adapters.py --out models/adapters

`frame{8,16}-to-LAYOUT-TYPE` turns a raw RGB frame [N, H, W, 3] into the tensor a model takes (times `gain`);
`LAYOUT-TYPE-to-frame{8,16}` turns its output back, rounded and clamped. A frame of these may be grey [N, H, W, 1], too:
`luma{8,16}` makes one of RGB, `colours{8,16}` gives it back its colours when it is enlarged. `swap{8,16}` exchanges red
and blue. `blend{8,16}` mixes two strips by a weight.
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
RGB: list[str | int | None] = ["N", "H", "W", 3]
FRAME: list[str | int | None] = ["N", "H", "W", "C"]
SHAPES: dict[str, list[str | int | None]] = {"nchw": ["N", "C", "H", "W"], "nhwc": FRAME}
# Shares of red, green and blue in luma, of BT.601, as in the pictures that grey models are trained on.
LUMA = [0.299, 0.587, 0.114]


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


def luma(bits: int) -> onnx.ModelProto:
    """Raw RGB frame -> its luma, rounded to the nearest level."""
    frame = helper.make_tensor_value_info("frame", ELEMENT[bits], RGB)
    result = helper.make_tensor_value_info("luma", ELEMENT[bits], ["N", "H", "W", 1])
    nodes = [
        helper.make_node("Cast", ["frame"], ["wide"], to=TensorProto.FLOAT),
        helper.make_node("MatMul", ["wide", "shares"], ["mixed"]),
        helper.make_node("Round", ["mixed"], ["rounded"]),
        helper.make_node("Cast", ["rounded"], ["luma"], to=ELEMENT[bits]),
    ]
    shares = helper.make_tensor("shares", TensorProto.FLOAT, [3, 1], LUMA)
    return _model(f"luma{bits}", nodes, [frame], [result], [shares])


def colours(bits: int) -> onnx.ModelProto:
    """Enlarged luma -> raw RGB frame: what the colours of the frame differ from its luma by is enlarged and added."""
    frame = helper.make_tensor_value_info("frame", ELEMENT[bits], RGB)
    own = helper.make_tensor_value_info("luma", ELEMENT[bits], ["N", "H", "W", 1])
    enlarged = helper.make_tensor_value_info("enlarged", ELEMENT[bits], ["N", "EH", "EW", 1])
    result = helper.make_tensor_value_info("coloured", ELEMENT[bits], ["N", "EH", "EW", 3])
    nodes = [
        helper.make_node("Cast", ["frame"], ["colour"], to=TensorProto.FLOAT),
        helper.make_node("Cast", ["luma"], ["grey"], to=TensorProto.FLOAT),
        helper.make_node("Sub", ["colour", "grey"], ["difference"]),
        helper.make_node("Transpose", ["difference"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("Shape", ["planes"], ["count"], start=0, end=2),
        helper.make_node("Shape", ["enlarged"], ["sides"], start=1, end=3),
        helper.make_node("Concat", ["count", "sides"], ["sizes"], axis=0),
        helper.make_node("Resize", ["planes", "", "", "sizes"], ["large"], mode="linear"),
        helper.make_node("Transpose", ["large"], ["packed"], perm=[0, 2, 3, 1]),
        helper.make_node("Cast", ["enlarged"], ["light"], to=TensorProto.FLOAT),
        helper.make_node("Add", ["light", "packed"], ["sum"]),
        helper.make_node("Clip", ["sum", "lowest", "highest"], ["clipped"]),
        helper.make_node("Round", ["clipped"], ["rounded"]),
        helper.make_node("Cast", ["rounded"], ["coloured"], to=ELEMENT[bits]),
    ]
    limits = [_scalar("lowest", 0.0), _scalar("highest", float(2**bits - 1))]
    return _model(f"colours{bits}", nodes, [frame, own, enlarged], [result], limits)


def swap(bits: int) -> onnx.ModelProto:
    """RGB <-> BGR."""
    frame = helper.make_tensor_value_info("frame", ELEMENT[bits], RGB)
    result = helper.make_tensor_value_info("swapped", ELEMENT[bits], RGB)
    order = helper.make_tensor("order", TensorProto.INT64, [3], [2, 1, 0])
    node = helper.make_node("Gather", ["frame", "order"], ["swapped"], axis=3)
    return _model(f"swap{bits}", [node], [frame], [result], [order])


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
    models = [graph(bits) for graph in (blend, luma, colours, swap) for bits in (8, 16)]
    for layout in SHAPES:
        for bits, elements in ((8, ("float32", "float16", "uint8")), (16, ("float32", "float16"))):
            for element in elements:
                models += [to_model(bits, layout, element), from_model(bits, layout, element)]
    for model in models:
        onnx.save(model, args.out / f"{model.graph.name}.onnx")


if __name__ == "__main__":
    main()
