"""Graphs that take their weights from the checkpoint give what graphs with their own weights give."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto
from pictures import texture
from safetensors.torch import save_file

from tinysr.arch import TinySR
from tinysr.compact import CompactConfig, CompactTinySR
from tinysr.gpu.plan import trial
from tinysr.graphs import build_graph
from tinysr.rgb_graph import build_rgb_graph
from tinysr.shared_weights import refer
from tinysr.torch_graph import TorchGraph


def halved(model: torch.nn.Module, path: Path) -> None:
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_((parameter + 0.02 * torch.randn_like(parameter)).half())
    path.parent.mkdir(exist_ok=True)
    save_file({name: value.half().contiguous() for name, value in model.state_dict().items()}, path)


def rgb_model() -> TinySR:
    return TinySR(trial()[0].config).eval()


@pytest.mark.parametrize("planes", [1, 3])
def test_the_same_picture_from_a_smaller_file(planes: int, tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = CompactTinySR(CompactConfig(16, 2, 4)).eval() if planes == 1 else rgb_model()
    checkpoint = tmp_path / "checkpoints" / "m.safetensors"
    halved(model, checkpoint)
    graph = build_graph(model, "rgb24") if isinstance(model, CompactTinySR) else build_rgb_graph(model, "rgb24")
    onnx.save(graph, str(tmp_path / "whole.onnx"))
    refer(graph, checkpoint, "checkpoints/m.safetensors")
    onnx.save(graph, str(tmp_path / "shared.onnx"))
    onnx.checker.check_model(str(tmp_path / "shared.onnx"))
    frame = texture(24, 32)[None]
    found = {
        name: onnxruntime.InferenceSession(str(tmp_path / f"{name}.onnx")).run(None, {"input": frame})[0]
        for name in ("whole", "shared")
    }
    assert np.array_equal(found["whole"], found["shared"])
    assert np.ptp(found["whole"].astype(int)) > 50
    inside = {t.name for t in graph.graph.initializer if t.data_location == TensorProto.EXTERNAL}
    assert inside == {
        f"halves.{name}" for name, value in model.state_dict().items() if ".blocks." in f".{name}" and value.dim() == 4
    }
    assert (tmp_path / "shared.onnx").stat().st_size < (tmp_path / "whole.onnx").stat().st_size
    there = TorchGraph(tmp_path / "shared.onnx", "cpu")(torch.from_numpy(frame)).numpy()
    assert np.abs(there.astype(int) - found["whole"]).max() <= 1


def test_without_the_checkpoint_there_is_no_session(tmp_path: Path) -> None:
    torch.manual_seed(0)
    checkpoint = tmp_path / "checkpoints" / "m.safetensors"
    model = rgb_model()
    halved(model, checkpoint)
    graph = build_rgb_graph(model, "yuv420p")
    refer(graph, checkpoint, "checkpoints/m.safetensors")
    onnx.save(graph, str(tmp_path / "shared.onnx"))
    checkpoint.unlink()
    with pytest.raises(Exception, match=r"m\.safetensors"):
        onnxruntime.InferenceSession(str(tmp_path / "shared.onnx"))
