"""The measurement for GPU machines, on the CPU: structure only, no times."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tinysr import gpu_bench
from tinysr.gpu_bench import Options, Row, measure, page
from tinysr.gpu_runtimes import Frames, Open, Run

MODELS = Path(__file__).resolve().parent.parent.parent / "models"


@pytest.fixture(scope="module")
def result() -> Row:
    return measure(Options(MODELS, "cpu", {"32x24": (32, 24)}, [1, 2], 0.01))


def test_every_model_is_right_in_every_runtime(result: Row) -> None:
    names = {entry["name"] for entry in json.loads((MODELS / "manifest.json").read_text())["models"]}
    rows = result["rows"]
    assert {row["runtime"] for row in rows} == {"onnxruntime, cpu", "torch, cpu, fp32"}
    assert {row["model"] for row in rows} == names
    assert all(row["ok"] and "error" not in row for row in rows)


def test_batches_and_two_sessions_are_measured(result: Row) -> None:
    rows = [row for row in result["rows"] if row["format"] == "yuv420p"]
    assert {(row["batch"], row["sessions"]) for row in rows} == {(1, 1), (2, 1), (1, 2)}
    assert all(row["fps"] > 0 for row in rows)


def test_the_page_shows_every_row_and_says_what_ran(result: Row) -> None:
    text = page(result)
    assert text.count("<tr>") == 1 + len(result["rows"])
    assert "torch, cpu, fp32" in text
    assert "http" not in text


def test_a_wrong_result_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(path: Path, shape: tuple[int, ...]) -> Run:
        right = gpu_bench.reference(path)[1]

        def run(frames: Frames) -> Frames:
            return right(frames) ^ 64

        return run

    found: list[tuple[str, Open]] = [("wrong", wrong)]
    monkeypatch.setattr(gpu_bench, "runtimes", lambda _: iter(found))
    rows = measure(Options(MODELS, "cpu", {"32x24": (32, 24)}, [1], 0.01))["rows"]
    assert rows
    assert not any(row["ok"] for row in rows)


def test_a_runtime_that_fails_does_not_end_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(path: Path, shape: tuple[int, ...]) -> Run:
        raise RuntimeError(f"{path.name}: no driver\nmore")

    monkeypatch.setattr(gpu_bench, "runtimes", lambda _: iter([("broken", broken)]))
    rows = measure(Options(MODELS, "cpu", {"32x24": (32, 24)}, [1], 0.01))["rows"]
    assert all(row["error"].endswith("no driver") for row in rows)
