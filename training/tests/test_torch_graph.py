"""The graphs that ship, run by PyTorch, against onnxruntime."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from tinysr.torch_graph import TorchGraph

MODELS = Path(__file__).resolve().parent.parent.parent / "models"


@pytest.mark.parametrize("graph", sorted(path.name for path in MODELS.glob("*.onnx") if "int8" not in path.name))
def test_equals_onnxruntime(graph: str) -> None:
    wide = "rgb48" in graph or "10le" in graph
    shape = (2, 36, 32) if "yuv" in graph else (2, 24, 32, 3)
    top = 1023 if "10le" in graph else 65535 if wide else 255
    frames = np.random.default_rng(5).integers(top // 8, top * 7 // 8, shape).astype(np.uint16 if wide else np.uint8)
    session = onnxruntime.InferenceSession(str(MODELS / graph), providers=["CPUExecutionProvider"])
    expected = session.run(None, {session.get_inputs()[0].name: frames})[0]
    got = TorchGraph(MODELS / graph, "cpu")(torch.from_numpy(frames)).numpy()
    assert got.shape == expected.shape
    assert got.dtype == expected.dtype
    assert np.abs(got.astype(np.int64) - expected.astype(np.int64)).max() <= max(1, top // 4096)


def test_refuses_what_it_does_not_know(tmp_path: Path) -> None:
    import onnx
    from onnx import TensorProto, helper

    info = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in ("x", "y")]
    path = tmp_path / "odd.onnx"
    onnx.save(helper.make_model(helper.make_graph([helper.make_node("Sinh", ["x"], ["y"])], "g", info[:1], info[1:])), path)
    with pytest.raises(ValueError, match="Sinh"):
        TorchGraph(path, "cpu")
