"""From pictures to a shipped and measured model, on data small enough for a test."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from onnx import load
from pictures import texture
from PIL import Image as PilImage

import eval as evaluation
import export
from tinysr import prepare, train_compact
from tinysr.color import rgb_to_ycc
from tinysr.compact import CompactConfig, CompactTinySR
from tinysr.degrade import reduce_bicubic, to_u8
from tinysr.muon import Muon, orthogonalize
from tinysr.pairs import Pairs, augment
from tinysr.recipe.temporal import Pair as Twins
from tinysr.train_compact import Run, charbonnier, rate, temporal


def call(monkeypatch: pytest.MonkeyPatch, main: object, *arguments: object) -> None:
    monkeypatch.setattr(sys, "argv", ["command", *map(str, arguments)])
    main()  # type: ignore[operator]


def pictures(folder: Path, count: int, side: int = 288) -> Path:
    folder.mkdir()
    for index in range(count):
        PilImage.fromarray(texture(side, side + 16, index)).save(folder / f"p{index}.png")
    return folder


@pytest.mark.parametrize("shape", [(8, 50), (50, 8), (20, 20)])
def test_orthogonalized_matrices_have_singular_values_near_one(shape: tuple[int, int]) -> None:
    torch.manual_seed(0)
    values = torch.linalg.svdvals(orthogonalize(torch.randn(shape) * 1e-3))
    assert values.max() < 1.3
    assert values.quantile(0.2) > 0.5


def test_muon_descends() -> None:
    torch.manual_seed(0)
    weight = torch.nn.Parameter(torch.randn(6, 4, 3, 3))
    goal = torch.randn(6, 4, 3, 3)
    optimizer = Muon([weight], lr=0.05)
    before = float(((weight - goal) ** 2).mean())
    for _ in range(200):
        optimizer.zero_grad()
        ((weight - goal) ** 2).mean().backward()
        optimizer.step()
    assert float(((weight - goal) ** 2).mean()) < 0.05 * before


def test_rate_climbs_then_falls_to_nothing() -> None:
    assert rate(0) == 0
    assert rate(0.02) == pytest.approx(1, abs=0.01)
    assert rate(0.5) == pytest.approx(0.5, abs=0.01)
    assert rate(1) == pytest.approx(0)
    assert rate(1.2) == pytest.approx(0)


def test_augmentation_keeps_pairs_together() -> None:
    lr = torch.rand(2, 3, 8, 8)
    hr = lr.repeat_interleave(4, 2).repeat_interleave(4, 3)
    for seed in range(8):
        small, large = augment([lr, hr], np.random.default_rng(seed))
        assert torch.equal(large[..., ::4, ::4], small)


def test_clean_batches_are_reduced_from_hr(tmp_path: Path) -> None:
    hr = np.stack([texture(64, 64, seed) for seed in range(3)])
    lr = np.stack([to_u8(reduce_bicubic(image, 4)) for image in hr])
    np.save(tmp_path / "hr.npy", hr)
    np.save(tmp_path / "lr.npy", lr)
    cached, clean = (Pairs(tmp_path, 4, np.random.default_rng(8)).batch(5, 12, clean=clean) for clean in (False, True))
    assert clean[0].shape == (5, 3, 12, 12)
    assert torch.equal(cached[1], clean[1])
    # A value half-way between two codes may be rounded either way.
    assert float((cached[0] - clean[0]).abs().max()) <= 1 / 255 + 1e-6
    assert float((cached[0] - clean[0]).abs().mean()) < 1e-4


@pytest.mark.parametrize("config", [CompactConfig(12, 2, 2), CompactConfig(20, 2, 2)])
def test_a_network_starts_as_the_narrower_one_whose_weights_it_takes(config: CompactConfig) -> None:
    torch.manual_seed(0)
    small = CompactTinySR(CompactConfig(8, 2, 2))
    with torch.no_grad():
        for parameter in small.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    run = Run(config, 0.01, 1e-3)
    run.start_from(small.state_dict())
    lr = torch.rand(1, 3, 8, 8)
    assert torch.allclose(run.model(lr), small(lr), atol=1e-5)
    assert torch.allclose(run.averaged()(lr), small(lr), atol=1e-5)
    for _ in range(2):
        run.advance(charbonnier(run.model(lr), torch.rand(1, 3, 16, 16)), 0.1)
    # After one step what is new is read too: from then on all of it learns.
    assert all(float(p.grad.abs().max()) > 0 for p in run.model.parameters() if p.grad is not None)
    assert all(p.grad is not None for p in run.model.parameters())


def test_a_network_cannot_start_from_a_larger_one() -> None:
    large = CompactTinySR(CompactConfig(8, 2, 2)).state_dict()
    for config in (CompactConfig(8, 1, 2), CompactConfig(6, 2, 2), CompactConfig(8, 2, 3)):
        with pytest.raises(ValueError, match=r"cannot start|does not fit"):
            Run(config, 0.01, 1e-3).start_from(large)


def test_the_temporal_term_grows_with_drift_and_with_error() -> None:
    torch.manual_seed(0)
    model = CompactTinySR(CompactConfig(8, 1, 2))
    lr, hr = torch.rand(1, 3, 16, 16), torch.rand(1, 3, 32, 32)
    calm = Twins(lr, lr, hr, hr, (0, 0))
    restless = Twins(lr, (lr + 0.05 * torch.randn_like(lr)).clamp(0, 1), hr, hr, (0, 0))
    assert float(temporal(model, calm, 1.0, "cpu")) == pytest.approx(float(temporal(model, calm, 9.0, "cpu")))
    alone = charbonnier(model.luma(rgb_to_ycc(lr)[:, :1]), rgb_to_ycc(hr)[:, :1])
    assert float(temporal(model, calm, 0.0, "cpu")) == pytest.approx(float(alone))
    assert float(temporal(model, restless, 9.0, "cpu")) > float(temporal(model, restless, 1.0, "cpu")) + 0.01


def test_a_resumed_run_goes_on_as_if_it_had_not_stopped(tmp_path: Path) -> None:
    torch.manual_seed(0)
    lr, hr = torch.rand(2, 3, 8, 8), torch.rand(2, 3, 16, 16)

    def steps(run: Run, count: int) -> None:
        for _ in range(count):
            run.advance(charbonnier(run.model(lr), hr), 0.3)

    whole = Run(CompactConfig(16, 1, 2), 0.01, 1e-3)
    first = Run(CompactConfig(16, 1, 2), 0.01, 1e-3)
    first.start_from(whole.model.state_dict())
    steps(whole, 4)
    steps(first, 2)
    first.save(tmp_path / "checkpoint.pt")
    second = Run(CompactConfig(16, 1, 2), 0.01, 1e-3)
    second.load(tmp_path / "checkpoint.pt")
    steps(second, 2)
    assert second.step == 4
    for name, value in whole.average.items():
        assert torch.allclose(second.average[name], value, atol=1e-6)


def test_crops_are_pairs(tmp_path: Path) -> None:
    # Large enough to stay larger than a crop when the seed makes it smaller first.
    folder = pictures(tmp_path / "hr", 1, side=480)
    lr, hr = prepare.crops_of(folder / "p0.png", 6, 4, seed=3)
    assert lr.shape == (6, 64, 64, 3)
    assert hr.shape == (6, 256, 256, 3)
    means = hr.reshape(6, 64, 4, 64, 4, 3).mean((2, 4))
    # Degraded crops differ by blur, noise and compression; another place of the picture would differ by far more.
    assert np.abs(lr - means).mean() < 20


def test_pictures_smaller_than_a_crop_give_none(tmp_path: Path) -> None:
    folder = pictures(tmp_path / "hr", 1, side=200)
    lr, hr = prepare.crops_of(folder / "p0.png", 6, 2, seed=3)
    assert lr.shape == (0, 128, 128, 3)
    assert hr.shape == (0, 256, 256, 3)


@pytest.mark.parametrize("scale", [2, 4])
def test_prepare_train_export_evaluate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], scale: int
) -> None:
    hr = pictures(tmp_path / "hr", 2)
    cache, out, models = tmp_path / "cache", tmp_path / "run", tmp_path / "models"
    models.mkdir()
    call(monkeypatch, prepare.main, "--data", hr, "--out", cache, "--crops", 6, "--scale", scale, "--workers", 1)
    assert np.load(cache / "hr.npy").shape == (6, 256, 256, 3)
    size = ["--width", 16, "--blocks", 1, "--scale", scale]
    short = ["--minutes", 0.05, "--batch", 4]
    call(monkeypatch, train_compact.main, "--cache", cache, "--out", out, *short, *size, "--validate", hr)
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert last["step"] >= 1
    assert last["bicubic"] > 15
    name = "tinysr-test"
    call(monkeypatch, export.main, "--checkpoint", out / "checkpoint.pt", "--name", name, "--models", models, *size)
    entry = json.loads((models / "manifest.json").read_text())["models"][0]
    assert (entry["name"], entry["scale"]) == (name, scale)
    for variant in entry["variants"]:
        assert hashlib.sha256((models / variant["file"]).read_bytes()).hexdigest() == variant["sha256"]
        load(str(models / variant["file"]))
    report = tmp_path / "report.json"
    call(monkeypatch, evaluation.main, "--data", hr, "--models", name, "--folder", models, "--json", report, "--rounds", 1)
    assert "### degraded" in capsys.readouterr().out
    scores = json.loads(report.read_text())
    cost = scores[name].pop("cost")
    assert cost["parameters"] > entry["params"] and cost["msPerFrame"] > 0
    assert set(scores[name]) == {"bicubic", "degraded", "h264-28", "h264-35"}
    assert scores["bicubic"]["bicubic"]["psnrY"] > scores["bicubic"]["h264-35"]["psnrY"]
    # A second export from safetensors keeps the weights and takes the scores into the manifest.
    checkpoint = models / "checkpoints" / f"{name}.safetensors"
    call(monkeypatch, export.main, "--checkpoint", checkpoint, "--name", name, "--models", models, "--quality", report, *size)
    again = json.loads((models / "manifest.json").read_text())["models"][0]
    assert again["sha256"] == entry["sha256"]
    assert again["quality"] == scores[name]
    # Weights of a network of another size are none of this one.
    with pytest.raises(ValueError, match="another network"):
        call(
            monkeypatch, export.main, "--checkpoint", checkpoint, "--name", name, "--models", models, "--blocks", 2, "--width", 16
        )


def test_models_of_two_scales_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint = tmp_path / "checkpoint.pt"
    for scale in (2, 4):
        Run(CompactConfig(16, 1, scale), 0.01, 1e-3).save(checkpoint)
        size = ["--width", 16, "--blocks", 1, "--scale", scale]
        call(monkeypatch, export.main, "--checkpoint", checkpoint, "--name", f"x{scale}", "--models", tmp_path, *size)
    with pytest.raises(SystemExit):
        call(monkeypatch, evaluation.main, "--data", tmp_path, "--folder", tmp_path, "--models", "x2", "x4")
