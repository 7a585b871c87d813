"""The replication: jobs that can be stopped, equal budgets, all methods to the end."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from pictures import texture
from torch import Tensor, nn

import prune
from tinysr.arch import named
from tinysr.degrade import reduce_bicubic, to_u8
from tinysr.recipe.activation import DynamicActivation
from tinysr.recipe.jobs import Crops, Group, OutOfTime, Setting, train
from tinysr.recipe.replicate import METHODS, Plan, Replication

torch.set_num_threads(1)

TINY = replace(named("replica", width=8, heads=1, depth=4), window=4)
PLAN = Plan(TINY, keep=2, group=2, teacher_steps=3, steps=4, mask_share=0.5, rank=2)


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    hr = np.stack([texture(64, 64, seed) for seed in range(6)])
    np.save(tmp_path / "hr.npy", hr)
    np.save(tmp_path / "lr.npy", np.stack([to_u8(reduce_bicubic(picture, 4)) for picture in hr]))
    return tmp_path


def setting(cache: Path, deadline: float = float("inf")) -> Setting:
    return Setting(Crops(cache, 4, 2), batch=2, crop=8, deadline=deadline)


def test_batches_are_decided_by_their_seed_and_leave_out_what_is_held_out(cache: Path) -> None:
    crops = Crops(cache, 4, 5)
    first, again, other = (crops.batch(seed, 3, 8) for seed in ((1, 2), (1, 2), (1, 3)))
    assert first[0].shape == (3, 3, 8, 8)
    assert first[1].shape == (3, 3, 32, 32)
    assert torch.equal(first[0], again[0])
    assert not torch.equal(first[0], other[0])
    # One picture is left to train on.
    assert torch.equal(first[1][0], first[1][2])
    assert len(crops.held_out()) == 5
    with pytest.raises(ValueError, match="6 pairs"):
        Crops(cache, 4, 6)


def test_a_job_stopped_at_every_step_ends_with_the_same_weights(cache: Path, tmp_path: Path) -> None:
    def run(name: str, deadline: float) -> Tensor:
        for _ in range(5):
            torch.manual_seed(0)
            model = nn.Conv2d(3, 3, 3, padding=1)

            def loss_of(lr: Tensor, hr: Tensor, model: nn.Module = model) -> Tensor:
                return (model(lr) + 0.1 * torch.randn(()) - hr[..., ::4, ::4]).square().mean()

            try:
                train(tmp_path / f"{name}.pt", model, [Group(model.parameters(), 0.01)], 4, 7, setting(cache, deadline), loss_of)
            except OutOfTime:
                continue
            return model.weight.detach()
        raise AssertionError("the job did not end")

    assert torch.allclose(run("whole", float("inf")), run("pieces", 0.0), atol=1e-7)


def test_budget_counts_masked_steps_by_their_blocks() -> None:
    plan = Plan(named("replica"), keep=6, group=4, teacher_steps=1, steps=1000, mask_share=0.3)
    assert plan.mask_steps == 150
    assert isinstance(plan.gates("dia-ec"), DynamicActivation)
    assert not isinstance(plan.gates("static"), DynamicActivation)
    with pytest.raises(ValueError, match="do not divide"):
        Plan(named("replica"), keep=5, group=4, teacher_steps=1, steps=1)


def test_students_begin_with_the_teachers_blocks(cache: Path, tmp_path: Path) -> None:
    run = Replication(replace(PLAN, steps=0), setting(cache), tmp_path / "run")
    teacher = run.teacher().state_dict()
    for method in ("every-other", "scratch-distilled", "static"):
        student, kept = run.student(method, 0)
        state = student.state_dict()
        assert torch.equal(state["encoder.enter.weight"], teacher["encoder.enter.weight"])
        for new, old in enumerate(kept):
            name = "mlp.0.weight"
            assert torch.equal(state[f"denoiser.blocks.{new}.{name}"], teacher[f"denoiser.blocks.{old}.{name}"])
        assert len(kept) == (0 if method == "scratch-distilled" else 2)


@pytest.mark.parametrize("attention", ["windowed", "none"])
def test_prune_prints_a_table_and_goes_on_where_it_was(
    attention: str, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    options = ["--cache", cache, "--out", out, "--held-out", 2, "--seeds", 0, 1, "--methods", *METHODS]
    options += ["--teacher-steps", 3, "--steps", 4, "--mask-share", 0.5, "--width", 8, "--depth", 4, "--keep", 2, "--group", 2]
    options += ["--batch", 2, "--crop", 8, "--rank", 2, "--threads", 1, "--attention", attention]

    def call(*more: object) -> None:
        monkeypatch.setattr(sys, "argv", ["prune.py", *map(str, (*options, *more))])
        prune.main()

    with pytest.raises(SystemExit, match="teacher at step 1 of 3"):
        call("--minutes", 0)
    call()
    text = capsys.readouterr().out
    assert text.endswith((out / "table.md").read_text() + "\n")
    assert all(words in text for words in METHODS.values())
    assert "| teacher | 4 |" in text
    assert text.count(" ± ") == len(METHODS)
    rows = {path.stem: json.loads(path.read_text()) for path in out.glob("*-[01].json")}
    assert len(rows) == 2 * len(METHODS) + 1
    assert all(len(row["kept"]) == 2 for name, row in rows.items() if name.startswith(("dia", "static", "every")))
    # Nothing is trained again.
    before = {path: path.stat().st_mtime_ns for path in out.glob("*.pt")}
    call()
    assert {path: path.stat().st_mtime_ns for path in out.glob("*.pt")} == before
    with pytest.raises(ValueError, match="other options"):
        call("--batch", 3)
