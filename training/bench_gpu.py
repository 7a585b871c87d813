"""Measures the graphs that ship on a GPU machine without Node, ffmpeg or onnxruntime's CUDA provider, by what is there.

python training/bench_gpu.py --json gpu.json --html gpu.html

Each graph runs in every runtime found: onnxruntime with each of its GPU providers, PyTorch in fp32 and fp16, and PyTorch
with the run recorded as a CUDA graph. Every row says which it was. Results are compared with onnxruntime on the CPU, or,
where there is none, with PyTorch on the CPU. `npm run bench:gpu` measures the real thing where Node and ffmpeg are there.
"""

from __future__ import annotations

import argparse
import json
import platform
from pathlib import Path

from tinysr.gpu_bench import SIZES, Options, measure, page

MODELS = Path(__file__).resolve().parent.parent / "models"


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=Path, default=MODELS)
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda", help="cpu: to see that it works")
    parser.add_argument("--size", nargs="+", default=list(SIZES), help=f"{', '.join(SIZES)} or WxH")
    parser.add_argument("--runtime", default="", help="only those whose name contains it: recorded, fp16, ...")
    parser.add_argument("--model", nargs="+", default=[], help="only these")
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 2, 4, 8])
    parser.add_argument("--seconds", type=float, default=1.0, help="of each measurement")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--html", type=Path)
    args = parser.parse_args()
    sizes = {name: SIZES[name] if name in SIZES else tuple(int(side) for side in name.split("x", 1)) for name in args.size}
    options = Options(args.models, args.device, sizes, args.batch, args.seconds, args.runtime, tuple(args.model))
    result = {"schema": "tinysr-video-bench-gpu-python/1", "python": platform.python_version(), **measure(options)}
    if args.json:
        args.json.write_text(json.dumps(result, indent=2) + "\n")
    if args.html:
        args.html.write_text(page(result))
    for row in result["rows"]:
        print("  ".join(str(value) for value in row.values()))


if __name__ == "__main__":
    main()
