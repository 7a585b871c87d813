"""Is int8 worth it? Quantises a graph that ships in several ways, times each at 480x270 and says what it costs in quality.

python training/bench_int8.py --model tinysr-small-psnr --calibrate PICTURES --data PICTURES

Times are taken in turn, so that a busy machine slows all alike; the ratio is what counts.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from tempfile import TemporaryDirectory

from eval import load_pictures
from tinysr.int8 import VARIANTS, lr_frames, quality, quantise, time_in_turn

MODELS = Path(__file__).resolve().parent.parent / "models"


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="tinysr-small-psnr")
    parser.add_argument("--calibrate", type=Path, required=True, help="pictures to calibrate on, none of --data")
    parser.add_argument("--data", type=Path, required=True, help="pictures to score")
    parser.add_argument("--frames", type=int, default=24, help="pictures taken of each")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    entry = next(m for m in json.loads((MODELS / "manifest.json").read_text())["models"] if m["name"] == args.model)
    files = {variant["format"]: MODELS / variant["file"] for variant in entry["variants"]}
    scale = entry["scale"]
    pictures = dict(list(load_pictures(args.data, scale).items())[: args.frames])
    calibration = lr_frames(args.calibrate, args.frames, scale)
    with TemporaryDirectory() as scratch:
        graphs = {"fp32": (files["rgb24"], files["yuv420p"])}
        for name, variant in VARIANTS.items():
            both = Path(scratch) / f"{name}-rgb24.onnx", Path(scratch) / f"{name}-yuv420p.onnx"
            for source, target in zip(graphs["fp32"], both, strict=True):
                quantise(source, target, calibration, variant)
            graphs[name] = both
        times = time_in_turn({name: yuv for name, (_, yuv) in graphs.items()}, (1, 405, 480), args.threads, args.rounds)
        rows = {
            name: times[name] | {"bytes": yuv.stat().st_size} | quality(rgb, pictures, scale)
            for name, (rgb, yuv) in graphs.items()
        }
    print(f"{args.model}, 480x270, {args.threads} threads, {args.rounds} rounds in turn, {len(pictures)} pictures")
    for name, row in rows.items():
        print(f"{name:24}" + "  ".join(f"{key} {value:.3f}" for key, value in row.items()))
    if args.json:
        args.json.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
