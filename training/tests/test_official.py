"""The converter of the published release, against what the release computes."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from release import SMALL, Reference, Size, write_release
from safetensors.torch import load_file, save_file

from convert import convert, transformer_folder
from tinysr.official import Release, load
from tinysr.official.transformer import position_table
from tinysr.tile_graph import build_tile_graph, color_fix_graph

BACKBONE = "tinybackbone/prune-12-merge-tinysr"


def release_of(folder: Path) -> Release:
    return Release(
        transformer_folder(folder / BACKBONE),
        folder / "vae/separable",
        folder / "dataset/default/pool_embeds.pt",
        folder / "tinysr",
        folder / "dataset/cache/pos_embed.pt",
    )


def reference_of(folder: Path, size: Size) -> Reference:
    weights = "diffusion_pytorch_model.safetensors"
    return Reference(
        load_file(folder / BACKBONE / "transformer" / weights),
        load_file(folder / "tinysr/transformer.safetensors"),
        load_file(folder / "vae/separable" / weights),
        torch.load(folder / "dataset/default/pool_embeds.pt", weights_only=True),
        size,
    )


def run(model: onnx.ModelProto, **feeds: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, feeds)[0])


def picture(side: int) -> torch.Tensor:
    torch.manual_seed(5)
    rough = torch.rand(2, 3, side // 4, side // 4)
    return torch.nn.functional.interpolate(rough, size=(side, side), mode="bilinear").clamp(0, 1)


@pytest.mark.parametrize("separable", [True, False])
def test_the_converted_model_computes_what_the_release_does(tmp_path: Path, separable: bool) -> None:
    size = replace(SMALL, separable=separable)
    write_release(tmp_path, size)
    lr = picture(size.tile)
    expected = reference_of(tmp_path, size)(lr)
    # Neither a flat nor a clipped picture proves anything.
    assert expected.std() > 0.05
    assert ((expected > 0) & (expected < 1)).float().mean() > 0.5
    model = load(release_of(tmp_path), size.tile)
    assert model.config.encoder.conv == ("separable" if separable else "plain")
    torch.testing.assert_close(model(lr).clamp(0, 1), expected, atol=2e-5, rtol=0)
    exact = run(build_tile_graph(model, "fp32"), input=lr.numpy())
    np.testing.assert_allclose(exact, expected.numpy(), atol=5e-5)
    halves = run(build_tile_graph(model, "fp16"), input=lr.numpy())
    assert np.abs(halves - expected.numpy()).mean() < 1 / 255


def test_each_part_of_the_release_has_its_effect(tmp_path: Path) -> None:
    write_release(tmp_path, SMALL)
    release, lr = release_of(tmp_path), picture(SMALL.tile)
    whole = load(release, SMALL.tile)(lr)
    assert not torch.allclose(load(replace(release, lora=None), SMALL.tile)(lr), whole, atol=1e-3)
    assert not torch.allclose(load(replace(release, alpha=9.0), SMALL.tile)(lr), whole, atol=1e-3)
    # The transformer has the same embedding of positions as the file beside it.
    torch.testing.assert_close(load(replace(release, position=None), SMALL.tile)(lr), whole)


def test_converting_writes_graph_colour_fix_and_sidecar(tmp_path: Path) -> None:
    write_release(tmp_path, SMALL)
    out = tmp_path / "out" / "tinysr-paper.onnx"
    convert(release_of(tmp_path), out, SMALL.tile)
    assert sorted(path.name for path in out.parent.iterdir()) == [
        "tinysr-paper-color.onnx",
        "tinysr-paper.onnx",
        "tinysr-paper.onnx.json",
    ]
    kinds = {tensor.data_type for tensor in onnx.load(out).graph.initializer if len(tensor.dims) > 1}
    assert kinds == {onnx.TensorProto.FLOAT16}


@pytest.mark.parametrize("where", ["transformer", "lora", "vae"])
def test_tensors_that_are_not_known_are_refused(tmp_path: Path, where: str) -> None:
    write_release(tmp_path, SMALL)
    release = release_of(tmp_path)
    file = tmp_path / "tinysr/transformer.safetensors"
    if where != "lora":
        file = getattr(release, where) / "diffusion_pytorch_model.safetensors"
    name = {"transformer": "surprise.weight", "lora": "transformer.surprise.lora_A.weight", "vae": "encoder.layers.40.weight"}
    save_file(load_file(file) | {name[where]: torch.ones(1)}, file)
    with pytest.raises(ValueError, match=r"known|belong|layers"):
        load(release, SMALL.tile)


def test_a_weight_that_is_missing_is_named(tmp_path: Path) -> None:
    write_release(tmp_path, SMALL)
    file = release_of(tmp_path).transformer / "diffusion_pytorch_model.safetensors"
    save_file({k: v for k, v in load_file(file).items() if k != "proj_out.bias"}, file)
    with pytest.raises(KeyError, match=r"proj_out\.bias"):
        load(release_of(tmp_path), SMALL.tile)


def test_a_large_embedding_of_positions_is_cut_from_the_middle() -> None:
    grid = torch.arange(36.0).view(1, 36, 1).expand(1, 36, 5)
    table = position_table(grid, 2)
    assert table.shape == (1, 5, 2, 2)
    assert table[0, 0].tolist() == [[14.0, 15.0], [20.0, 21.0]]
    with pytest.raises(ValueError, match="does not cover"):
        position_table(grid, 8)


def test_the_colour_fix_gives_a_frame_the_statistics_of_its_source() -> None:
    rng = np.random.default_rng(1)
    source = (0.3 + 0.1 * rng.random((1, 9, 14, 3))).astype(np.float32)
    target = (0.5 + 0.2 * rng.random((1, 36, 56, 3)) * [1, 0.5, 0.2]).astype(np.float32)
    fixed = run(color_fix_graph(), source=source, target=target)
    assert fixed.shape == target.shape

    def deviation(frame: np.ndarray) -> np.ndarray:
        return np.asarray(np.sqrt(frame.reshape(-1, 3).var(0, ddof=1) + 1e-5))

    means = [frame.reshape(-1, 3).mean(0) for frame in (source, target)]
    expected = (target - means[1]) / deviation(target) * deviation(source) + means[0]
    np.testing.assert_allclose(fixed, expected, atol=1e-5)
