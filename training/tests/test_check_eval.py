"""The comparison of two evaluators."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

import check_eval
from tinysr.upscalers import shipped

# Stands for an evaluator: it writes the figures it finds beside itself, and what it was asked for.
FAKE = """
import json, pathlib, sys
here, out = pathlib.Path(__file__).parent, pathlib.Path(sys.argv[sys.argv.index("--out") + 1])
if not (here / "rows.json").exists(): sys.exit("no rows")
out.mkdir()
(out / "table.json").write_text((here / "rows.json").read_text())
(here / "asked.json").write_text(json.dumps(sys.argv[1:]))
(here / "models.json").write_text(pathlib.Path(sys.argv[sys.argv.index("--models") + 1]).read_text())
"""


def row(name: str, track: str, psnr: float) -> dict[str, object]:
    return {"name": name, "track": track, "psnr": psnr, "ssim": 0.9, "lpips": 0.2, "niqe": 5.0}


def ours(psnr: float) -> check_eval.Table:
    return {"bicubic": {"bicubic": {"psnrY": psnr, "ssimY": 0.9, "lpips": 0.2}}}


@pytest.fixture
def reference(tmp_path: Path) -> Path:
    folder = tmp_path / "reference"
    folder.mkdir()
    (folder / "evaluate.py").write_text(FAKE)
    return folder


def test_the_reference_is_asked_for_the_same_and_its_table_read(reference: Path, tmp_path: Path) -> None:
    (reference / "rows.json").write_text(json.dumps([row("bicubic", "bicubic", 27.5), row("bicubic", "degraded", 26.0)]))
    models = check_eval.reference_list(["tinysr-nano"], check_eval.MODELS)
    table = check_eval.run_reference(reference, tmp_path, models, 1, tmp_path)
    assert table["bicubic"]["degraded"] == {"psnr": 26.0, "ssim": 0.9, "lpips": 0.2}
    asked = json.loads((reference / "asked.json").read_text())
    options = dict(zip(asked[::2], asked[1::2], strict=True))
    assert options["--tracks"] == "bicubic,degraded"
    assert options["--seed"] == "1"
    assert options["--only"] == "bicubic,lanczos,tinysr-nano"
    (entry,) = json.loads((reference / "models.json").read_text())
    assert Path(entry["path"]).is_file()
    assert entry["scale"] == shipped(check_eval.MODELS, "tinysr-nano")[1]


def test_a_reference_that_fails_is_no_agreement(reference: Path, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="no rows"):
        check_eval.run_reference(reference, tmp_path, [], 1, tmp_path)


def test_the_largest_difference_is_told_with_its_place() -> None:
    theirs: check_eval.Table = {"bicubic": {"bicubic": {"psnr": 27.4995, "ssim": 0.9, "lpips": 0.2}}}
    largest = check_eval.differences(ours(27.5), theirs)
    assert largest["psnrY"] == (pytest.approx(0.0005), "bicubic, bicubic")
    text, fits = check_eval.verdict(largest)
    assert fits
    assert "psnrY: largest difference 0.000500 (bicubic, bicubic)" in text


@pytest.mark.parametrize("psnr", [27.51, 27.49, math.nan, math.inf])
def test_what_differs_by_more_fails(psnr: float) -> None:
    theirs: check_eval.Table = {"bicubic": {"bicubic": {"psnr": 27.5, "ssim": 0.9, "lpips": 0.2}}}
    text, fits = check_eval.verdict(check_eval.differences(ours(psnr), theirs))
    assert not fits
    assert "FAIL psnrY" in text


def test_a_model_or_track_that_one_lacks_is_an_error() -> None:
    with pytest.raises(ValueError, match="not the same"):
        check_eval.differences(ours(27.5), {"bicubic": {}})
