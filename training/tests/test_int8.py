"""Quantised graphs: still the same picture, and the convolutions really are int8. Structure only, no times."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from pictures import texture
from PIL import Image as PilImage

from quantise import add_int8
from tinysr.arch import TinySR, convolutional
from tinysr.export import export
from tinysr.int8 import SIDE, VARIANTS, end_convolutions, lr_frames, quality, quantise, time_in_turn, to_yuv420
from tinysr.upscalers import rgb24_entry

MODELS = Path(__file__).resolve().parent.parent.parent / "models"


def test_frames_to_calibrate_on_come_from_all_over_the_folder(tmp_path: Path) -> None:
    for index in range(6):
        side = 32 if index == 2 else SIDE * 4
        PilImage.fromarray(texture(side, side, index)).save(tmp_path / f"{index}.png")
    frames = lr_frames(tmp_path, 3, 4)
    # Every second picture; the third is too small.
    assert [frame.shape for frame in frames] == [(SIDE, SIDE, 3)] * 2
    assert not np.array_equal(frames[0], frames[1])


def test_yuv_of_grey_is_grey() -> None:
    planes = to_yuv420(np.full((8, 12, 3), 77, np.uint8))
    assert planes.shape == (12, 12)
    assert (planes[:8] == 77).all()
    assert (planes[8:] == 128).all()


@pytest.mark.parametrize("name", VARIANTS)
@pytest.mark.parametrize("pixel_format", ["rgb24", "yuv420p"])
def test_convolutions_become_int8_and_the_picture_stays(name: str, pixel_format: str, tmp_path: Path) -> None:
    source, target = MODELS / f"tinysr-nano-{pixel_format}.onnx", tmp_path / "int8.onnx"
    frames = [texture(48, 48, seed) for seed in range(3)]
    quantise(source, target, frames, VARIANTS[name])
    before, after = onnx.load(source).graph, onnx.load(target).graph
    kinds = {tensor.name: tensor.data_type for tensor in after.initializer}
    convolutions = [node for node in after.node if node.op_type == "Conv"]
    kept = [node for node in convolutions if kinds.get(node.input[1]) == onnx.TensorProto.FLOAT]
    int8 = [kind for kind in kinds.values() if kind == onnx.TensorProto.INT8]
    total = sum(node.op_type == "Conv" for node in before.node)
    ends = 3 if VARIANTS[name].keep_ends else 0
    assert len(kept) == ends
    assert len(int8) >= total - ends
    feed = to_yuv420(frames[0]) if pixel_format == "yuv420p" else frames[0]
    outputs = [
        onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"]).run(None, {"input": feed[None]})[0]
        for path in (source, target)
    ]
    difference = np.abs(outputs[0].astype(np.int16) - outputs[1].astype(np.int16))
    assert 0 < difference.mean() < 6


def test_weights_that_graphs_share_become_int8_as_well(tmp_path: Path) -> None:
    torch.manual_seed(0)
    config = convolutional(16, 2, planes=1, skip=False, cell=1)
    export("small", config, TinySR(config).state_dict(), tmp_path)
    frames = [texture(48, 48, seed) for seed in range(3)]
    quantise(tmp_path / "small-rgb24.onnx", tmp_path / "int8.onnx", frames, VARIANTS["qdq-percentile"])
    graph = onnx.load(tmp_path / "int8.onnx").graph
    assert sum(tensor.data_type == onnx.TensorProto.INT8 and len(tensor.dims) == 4 for tensor in graph.initializer) == 4
    assert not [tensor for tensor in graph.initializer if tensor.data_type == onnx.TensorProto.FLOAT16]
    outputs = [
        onnxruntime.InferenceSession(str(tmp_path / name)).run(None, {"input": frames[0][None]})[0].astype(int)
        for name in ("small-rgb24.onnx", "int8.onnx")
    ]
    assert np.abs(outputs[0] - outputs[1]).mean() < 3


def test_the_ends_are_named() -> None:
    graph = onnx.load(MODELS / "tinysr-nano-rgb24.onnx").graph
    for index, node in enumerate(graph.node):
        node.name = str(index)
    convolutions = [node.name for node in graph.node if node.op_type == "Conv"]
    # Encoder, chroma and decoder; the graph writes chroma last.
    assert set(end_convolutions(graph)) == {convolutions[0], convolutions[-1], convolutions[-2]}


def test_times_and_quality_have_a_row_for_each() -> None:
    graph = MODELS / "tinysr-nano-yuv420p.onnx"
    times = time_in_turn({"a": graph, "b": graph}, (1, 24, 16), 1, 2)
    assert {name: set(row) for name, row in times.items()} == {name: {"ms", "medianMs", "cpuMs"} for name in "ab"}
    scores = quality(MODELS / "tinysr-nano-rgb24.onnx", {"x": texture(64, 64)}, 4)
    assert set(scores) == {"psnrY-bicubic", "psnrY-degraded"}


def test_int8_graphs_are_named_in_the_manifest_once(tmp_path: Path) -> None:
    entry = next(m for m in json.loads((MODELS / "manifest.json").read_text())["models"] if m["name"] == "tinysr-nano")
    entry["variants"] = [variant for variant in entry["variants"] if variant["precision"] == "fp32"]
    (tmp_path / "manifest.json").write_text(json.dumps({"models": [entry]}))
    for variant in entry["variants"]:
        shutil.copy(MODELS / variant["file"], tmp_path)
    for _ in range(2):
        made = add_int8(tmp_path, "tinysr-nano", [texture(48, 48, seed) for seed in range(2)])
    assert [file.name for file in made] == ["tinysr-nano-rgb24-int8.onnx", "tinysr-nano-yuv420p-int8.onnx"]
    variants = json.loads((tmp_path / "manifest.json").read_text())["models"][0]["variants"]
    assert [variant["precision"] for variant in variants] == ["fp32"] * 4 + ["int8"] * 2
    for variant in variants[4:]:
        assert hashlib.sha256((tmp_path / variant["file"]).read_bytes()).hexdigest() == variant["sha256"]
    assert rgb24_entry(tmp_path, "tinysr-nano:int8")[0] == made[0]
    assert rgb24_entry(tmp_path, "tinysr-nano")[0].name == "tinysr-nano-rgb24.onnx"
    with pytest.raises(ValueError, match="there are: int8, fp32"):
        rgb24_entry(tmp_path, "tinysr-nano:fp16")
    with pytest.raises(ValueError, match="no model"):
        add_int8(tmp_path, "nothing", [])
