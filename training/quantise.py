"""Adds int8 graphs to a model of models/: of rgb24 and yuv420p frames, beside the fp32 ones. 10-bit frames have no use for them.

python training/quantise.py --model tinysr-small-psnr --calibrate PICTURES

An export makes the entry anew, so this comes after each.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from tinysr.int8 import VARIANTS, Frame, lr_frames, quantise

MODELS = Path(__file__).resolve().parent.parent / "models"
# What bench_int8.py found to lose least for what it saves.
VARIANT = VARIANTS["qdq-percentile"]
FORMATS = ("rgb24", "yuv420p")


def add_int8(models: Path, name: str, calibration: Sequence[Frame]) -> list[Path]:
    """Writes the graphs and names them in manifest.json after those they were made from; their paths.

    Raises ValueError for a model that the manifest does not have.
    """
    path = models / "manifest.json"
    manifest = json.loads(path.read_text())
    entry = next((m for m in manifest["models"] if m["name"] == name), None)
    if entry is None:
        raise ValueError(f"no model {name} in {path}")
    made = []
    variants = [variant for variant in entry["variants"] if variant["precision"] != "int8"]
    for variant in [variant for variant in variants if variant["format"] in FORMATS]:
        file = models / f"{name}-{variant['format']}-int8.onnx"
        quantise(models / variant["file"], file, calibration, VARIANT)
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        variants.append({"file": file.name, "sha256": digest, "precision": "int8", "format": variant["format"]})
        made.append(file)
    entry["variants"] = variants
    path.write_text(json.dumps(manifest, indent=2) + "\n")
    return made


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="tinysr-small-psnr")
    parser.add_argument("--calibrate", type=Path, required=True, help="pictures, none that scores are taken of")
    parser.add_argument("--frames", type=int, default=24, help="pictures taken of them")
    parser.add_argument("--models", type=Path, default=MODELS)
    args = parser.parse_args()
    entries = json.loads((args.models / "manifest.json").read_text())["models"]
    scale = next((entry["scale"] for entry in entries if entry["name"] == args.model), 4)
    for file in add_int8(args.models, args.model, lr_frames(args.calibrate, args.frames, scale)):
        print(f"{file.name}: {file.stat().st_size} bytes")


if __name__ == "__main__":
    main()
