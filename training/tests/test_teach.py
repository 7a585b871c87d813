"""Teachers' outputs beside cached pairs, and a student trained on them from the command line."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from pictures import texture
from safetensors.torch import load_file

from tinysr import teach, train_cached, train_compact
from tinysr.arch import TinySR, named
from tinysr.compact import CompactConfig, CompactTinySR
from tinysr.degrade import reduce_bicubic, to_u8
from tinysr.pairs import SHOWN, Pairs, taught_path


def enlarger(path: Path, scale: int = 4) -> Path:
    """A teacher that repeats pixels."""
    scales = numpy_helper.from_array(np.array([1, 1, scale, scale], np.float32), "scales")
    node = helper.make_node(
        "Resize", ["lr", "", "scales"], ["sr"], mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor"
    )
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["n", 3, f"{n}h", f"{n}w"]) for n in ("lr", "sr")]
    graph = helper.make_graph([node], "teacher", ends[:1], ends[1:], [scales])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(path))
    return path


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    hr = np.stack([texture(128, 128, seed) for seed in range(5)])
    np.save(tmp_path / "hr.npy", hr)
    # Not what a clean reduction gives: the two kinds must be told apart.
    np.save(tmp_path / "lr.npy", np.stack([255 - to_u8(reduce_bicubic(image, 4)) for image in hr]))
    return tmp_path


@pytest.mark.parametrize("shown", SHOWN)
def test_a_batch_brings_what_the_teacher_made_of_the_same_place(cache: Path, shown: str) -> None:
    assert teach.teach(cache, enlarger(cache / "teacher.onnx"), shown, 1) == 5
    pairs = Pairs(cache, 4, np.random.default_rng(2), taught=True)
    for _ in range(4):
        lr, _, taught, _ = pairs.batch(3, 16, clean=shown == "clean")
        assert taught is not None
        # The edges of crops are reduced with and without what lies beyond them.
        assert float((taught[..., ::4, ::4] - lr).abs().max()) <= 1 / 255 + 1e-6
        assert pairs.batch(3, 16, clean=shown != "clean").taught is None


def test_a_cache_without_a_teacher_is_refused(cache: Path) -> None:
    with pytest.raises(ValueError, match=r"tinysr\.teach"):
        Pairs(cache, 4, np.random.default_rng(2), taught=True)


def test_a_teacher_of_another_scale_is_refused(cache: Path) -> None:
    with pytest.raises(ValueError, match="makes 64 pixels of 32, not 128"):
        teach.teach(cache, enlarger(cache / "teacher.onnx", 2), "clean", 1)
    assert not taught_path(cache, "clean").exists()


def test_students_follow_their_teacher(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.save(taught_path(cache, "clean"), np.zeros((5, 128, 128, 3), np.uint8))
    monkeypatch.setattr(
        sys,
        "argv",
        f"train --cache {cache} --out {cache / 'run'} --minutes 0.05 --width 8 --blocks 1 --crop 16 --batch 2 "
        "--clean 1 --taught 1 --bias-lr 0.05 --threads 1".split(),
    )
    train_compact.main()
    model = CompactTinySR(CompactConfig(width=8, blocks=1))
    model.load_state_dict(torch.load(cache / "run" / "checkpoint.pt", weights_only=True)["average"])
    # Black, code 16, is all this teacher knows.
    assert float(model.luma(torch.full((1, 1, 16, 16), 0.5)).detach().mean()) == pytest.approx(16 / 255, abs=0.25)


def test_a_run_leaves_both_kinds_of_weights(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = ["--minutes", "0.04", "--first", "1", "--batch", "1", "--crop", "16", "--threads", "1"]
    monkeypatch.setattr(sys, "argv", ["train", "--cache", str(cache), "--out", str(cache / "run"), *options])
    train_cached.main()
    model = TinySR(named("small"))
    model.load_state_dict(load_file(cache / "run" / "tinysr-small-fidelity.safetensors"), strict=False)
    assert model(torch.rand(1, 3, 8, 8)).shape == (1, 3, 32, 32)
