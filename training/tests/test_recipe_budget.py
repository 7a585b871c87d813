"""A replication that is bounded by time."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from pictures import texture

import prune
from tinysr.arch import named
from tinysr.degrade import reduce_bicubic, to_u8
from tinysr.recipe.budget import Clock, Pace, steps_in
from tinysr.recipe.replicate import Plan

torch.set_num_threads(1)

PLAN = Plan(replace(named("replica", width=8, heads=1, depth=4), window=4), keep=2, group=2, teacher_steps=200, steps=100)
METHODS = ["dia-ec", "static", "every-other", "scratch"]


def test_steps_fill_the_time_that_is_given() -> None:
    pace = Pace(teacher=0.6, student=0.3, forward=0.2, measure=5.0)
    teacher, student = steps_in(3600, PLAN, pace, 3, METHODS)
    assert teacher == 2 * student
    spent = teacher * 0.6 + 3 * student * (4 * 0.3 + 3 * 0.2) + 14 * 5.0
    assert 0.8 * 3600 < spent < 0.86 * 3600
    with pytest.raises(ValueError, match="too few"):
        steps_in(60, PLAN, pace, 3, METHODS)


def test_the_first_call_decides_the_steps_of_all(tmp_path: Path) -> None:
    clock = Clock(tmp_path / "a" / "minutes.json", 60)
    fitted = clock.fitted(PLAN, lambda: Pace(0.6, 0.3, 0.2, 5.0), 3, METHODS)
    clock.spend(600)
    again = Clock(tmp_path / "a" / "minutes.json", 60)
    assert again.left == pytest.approx(50)
    assert again.fitted(PLAN, lambda: pytest.fail("measured twice"), 3, METHODS) == fitted
    assert Clock(tmp_path / "none.json", None).left == float("inf")


def run(monkeypatch: pytest.MonkeyPatch, folder: Path, *more: str) -> None:
    words = ["--cache", folder, "--out", folder / "out", "--held-out", 2, "--width", 8, "--depth", 4, "--keep", 2, "--group", 2]
    words += ["--batch", 2, "--crop", 8, "--rank", 2, "--threads", 1, "--teacher-steps", 20, "--steps", 10, *more]
    monkeypatch.setattr(sys, "argv", ["prune.py", *map(str, words)])
    prune.main()


def test_one_table_of_all_methods_after_calls_of_their_own_length(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    hr = np.stack([texture(64, 64, seed) for seed in range(6)])
    np.save(tmp_path / "hr.npy", hr)
    np.save(tmp_path / "lr.npy", np.stack([to_u8(reduce_bicubic(picture, 4)) for picture in hr]))
    monkeypatch.setattr(prune, "pace", lambda *_: Pace(1.0, 1.0, 0.0, 0.1))
    with pytest.raises(SystemExit, match="goes on"):
        run(monkeypatch, tmp_path, "--total-minutes", "2", "--minutes", "0", "--seeds", "0", "1", "2")
    run(monkeypatch, tmp_path, "--total-minutes", "2", "--seeds", "0", "1", "2")
    text = capsys.readouterr().out
    rows = [line for line in text.splitlines() if line.startswith(("| masks", "| every", "| trained"))]
    assert len(rows) == 4
    assert all("| 3 |" in row and "±" in row for row in rows)
    state = json.loads((tmp_path / "out" / "minutes.json").read_text())
    assert state["teacher_steps"] == 2 * state["steps"]
    assert state["seconds"] > 0


def test_a_time_that_is_over_ends_in_a_table_of_what_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    hr = np.stack([texture(64, 64, seed) for seed in range(6)])
    np.save(tmp_path / "hr.npy", hr)
    np.save(tmp_path / "lr.npy", np.stack([to_u8(reduce_bicubic(picture, 4)) for picture in hr]))
    # Planned for a fast machine; then a call has taken all the time.
    monkeypatch.setattr(prune, "pace", lambda *_: Pace(1e-4, 1e-4, 0.0, 1e-4))
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "minutes.json").write_text(json.dumps({"seconds": 60.0, "teacher_steps": 9, "steps": 9}))
    run(monkeypatch, tmp_path, "--total-minutes", "1")
    text = capsys.readouterr().out
    assert "| bicubic |" in text
    assert "The time is over" in text
