"""Holds eval.py against another evaluator: both score the same pictures, and each figure may differ by a tolerance only.

python training/check_eval.py --reference FOLDER --data PICTURES

FOLDER has the reference, evaluate.py, with metric_data/lpips_sq.onnx beside it. It is run as

    evaluate.py --hr PICTURES --out FOLDER --models LIST.json --only NAMES --tracks bicubic,degraded --seed 1

and writes table.json: a list of {track, name, psnr, ssim, lpips}.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from eval import MODELS, SUFFIXES, Scores, load_pictures, score_pictures
from tinysr.metrics import Lpips
from tinysr.tracks import all_tracks
from tinysr.upscalers import interpolation, rgb24_entry, shipped

TRACKS = ("bicubic", "degraded")
SCALE = 4
# Our name of a figure, the reference's, and how far they may be apart. eval.py rounds to four digits.
FIGURES = {"psnrY": ("psnr", 1e-3), "ssimY": ("ssim", 1e-4), "lpips": ("lpips", 2e-4)}
INTERPOLATIONS = ("bicubic", "lanczos")
Table = dict[str, dict[str, Scores]]


def reference_list(models: list[str], folder: Path) -> list[dict[str, Any]]:
    """Our models as the reference names them: bytes in and out, rows of pixels."""
    entries = {name: rgb24_entry(folder, name) for name in models}
    return [
        {"name": name, "path": str(path.resolve()), "scale": SCALE, "pad_multiple": multiple}
        | {"layout": "NHWC", "dtype": "uint8", "range": [0, 255]}
        for name, (path, multiple) in entries.items()
    ]


def run_reference(reference: Path, pictures: Path, models: list[dict[str, Any]], seed: int, work: Path) -> Table:
    """Scores as {model: {track: {psnr, ssim, lpips}}}, by the reference."""
    listed = work / "models.json"
    listed.write_text(json.dumps(models))
    only = ",".join([*INTERPOLATIONS, *(entry["name"] for entry in models)])
    command = [sys.executable, str(reference.resolve() / "evaluate.py"), "--hr", str(pictures), "--out", str(work / "out")]
    options = ["--models", str(listed), "--only", only, "--tracks", ",".join(TRACKS), "--seed", str(seed)]
    done = subprocess.run([*command, *options], check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"check_eval: the reference failed: {done.stderr.strip().splitlines()[-1:]}")
    table: Table = {}
    for row in json.loads((work / "out" / "table.json").read_text()):
        table.setdefault(row["name"], {})[row["track"]] = {key: float(row[key]) for key, _ in FIGURES.values()}
    return table


def differences(ours: Table, theirs: Table) -> dict[str, tuple[float, str]]:
    """The largest difference of each of our figures, and where it is. Both tables must have the same models and tracks."""
    if {name: set(tracks) for name, tracks in ours.items()} != {name: set(tracks) for name, tracks in theirs.items()}:
        raise ValueError(f"not the same models and tracks: {sorted(ours)} and {sorted(theirs)}")
    places = [(name, track) for name, tracks in ours.items() for track in tracks]
    return {
        figure: max((abs(ours[name][track][figure] - theirs[name][track][key]), f"{name}, {track}") for name, track in places)
        for figure, (key, _) in FIGURES.items()
    }


def verdict(largest: dict[str, tuple[float, str]]) -> tuple[str, bool]:
    """A line a figure, and whether all are within their tolerance."""
    lines, fits = [], True
    for figure, (difference, place) in largest.items():
        tolerance = FIGURES[figure][1]
        # Written so that a figure that is no number fails.
        ok = difference <= tolerance
        fits = fits and ok
        lines.append(f"{'ok  ' if ok else 'FAIL'} {figure}: largest difference {difference:.6f} ({place}); allowed {tolerance:g}")
    return "\n".join(lines), fits


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reference", type=Path, required=True, help="folder of evaluate.py and metric_data/")
    parser.add_argument("--data", type=Path, required=True, help="folder of HR pictures")
    parser.add_argument("--limit", type=int, help="take the first N pictures only")
    parser.add_argument("--models", nargs="+", default=["tinysr-nano"], help="names from models/manifest.json, x4")
    parser.add_argument("--folder", type=Path, default=MODELS, help="folder of manifest.json")
    parser.add_argument("--seed", type=int, default=1, help="of the track `degraded`")
    args = parser.parse_args()
    found = sorted(path for path in args.data.iterdir() if path.suffix.lower() in SUFFIXES)[: args.limit]
    if not found:
        parser.error(f"--data: no pictures in {args.data}")
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        pictures = work / "pictures"
        pictures.mkdir()
        for path in found:
            shutil.copy(path, pictures)
        theirs = run_reference(args.reference, pictures, reference_list(args.models, args.folder), args.seed, work)
        upscalers = {name: interpolation(name, SCALE) for name in INTERPOLATIONS}
        upscalers |= {name: shipped(args.folder, name)[0] for name in args.models}
        tracks = {name: track for name, track in all_tracks(args.seed).items() if name in TRACKS}
        lpips = Lpips(args.reference / "metric_data" / "lpips_sq.onnx")
        ours = score_pictures(load_pictures(pictures, SCALE), upscalers, SCALE, tracks, lpips)
    text, fits = verdict(differences(ours, theirs))
    print(f"{len(found)} pictures, seed {args.seed}, {', '.join(upscalers)} on {', '.join(TRACKS)}\n{text}")
    if not fits:
        sys.exit(1)


if __name__ == "__main__":
    main()
