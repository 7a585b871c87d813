"""LPIPS on random weights of SqueezeNet's shape: the file is read, the layers fit, the distance behaves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from tinysr.lpips import SqueezeLpips

# (input, squeeze, expand) channels of the eight fire modules of SqueezeNet 1.1, and channels of the seven compared maps.
FIRES = [
    (64, 16, 64),
    (128, 16, 64),
    (128, 32, 128),
    (256, 32, 128),
    (256, 48, 192),
    (384, 48, 192),
    (384, 64, 256),
    (512, 64, 256),
]
MAPS = [64, 128, 256, 384, 384, 512, 512]


def weights_file(path: Path, heads: list[int]) -> Path:
    rng = np.random.default_rng(0)
    nodes: list[onnx.NodeProto] = []
    constants: list[onnx.TensorProto] = []

    def conv(out: int, inside: int, side: int, bias: bool) -> None:
        names = [f"w{len(constants)}"] + ([f"b{len(constants)}"] if bias else [])
        weight = rng.normal(0, (2 / (inside * side * side)) ** 0.5, (out, inside, side, side)).astype(np.float32)
        # The learned heads are not negative: that makes it a distance.
        constants.append(numpy_helper.from_array(weight if bias else np.abs(weight), names[0]))
        if bias:
            constants.append(numpy_helper.from_array(np.zeros(out, np.float32), names[1]))
        nodes.append(helper.make_node("Conv", ["x", *names], [f"y{len(nodes)}"]))

    conv(64, 3, 3, True)
    for inside, squeeze, expand in FIRES:
        conv(squeeze, inside, 1, True)
        conv(expand, squeeze, 1, True)
        conv(expand, squeeze, 3, True)
    for channels in heads:
        conv(1, channels, 1, False)
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, None)
    onnx.save(helper.make_model(helper.make_graph(nodes, "lpips", [value], [value], constants)), str(path))
    return path


def test_reads_the_file_and_measures(tmp_path: Path) -> None:
    torch.manual_seed(0)
    distance = SqueezeLpips(weights_file(tmp_path / "lpips.onnx", MAPS))
    image = torch.rand(2, 3, 70, 90)
    assert [tuple(f.shape[:2]) for f in distance.features(image)] == [(2, channels) for channels in MAPS]
    assert float(distance(image, image)) == 0
    near = float(distance((image + 0.02 * torch.randn_like(image)).clamp(0, 1), image))
    far = float(distance(torch.rand_like(image), image))
    assert 0 < near < far


def test_gradient_reaches_the_picture(tmp_path: Path) -> None:
    distance = SqueezeLpips(weights_file(tmp_path / "lpips.onnx", MAPS))
    image = torch.rand(1, 3, 64, 64, requires_grad=True)
    distance(image, torch.rand(1, 3, 64, 64)).backward()
    assert image.grad is not None
    assert float(image.grad.abs().sum()) > 0


def test_refuses_another_network(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="25 backbone convolutions and 7 heads, found \\(25, 6\\)"):
        SqueezeLpips(weights_file(tmp_path / "short.onnx", MAPS[:-1]))
