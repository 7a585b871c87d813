"""Writes a model's graphs, its safetensors checkpoint and its entry in models/manifest.json.

python training/export.py --checkpoint RUN/checkpoint.pt --name tinysr-nano
python training/export.py --checkpoint RUN/tinysr-small.safetensors --config small --name tinysr-small --quality small.json
"""

from __future__ import annotations

import argparse
from pathlib import Path

from tinysr.arch import CONFIGS, TinySRConfig, convolutional, named
from tinysr.blend import read_weights
from tinysr.export import export

_MODELS = Path(__file__).resolve().parent.parent / "models"


def config_of(args: argparse.Namespace) -> TinySRConfig:
    """The config of the command line: one of the registry, or its like in another size."""
    known = named(args.config, scale=args.scale)
    if known.attention != "none":
        raise SystemExit(f"--config {args.config}: raw-frame graphs are made of convolutional networks")
    width, depth = args.width or known.width, args.blocks or known.depth
    return convolutional(width, depth, scale=args.scale, planes=known.planes, skip=known.skip, cell=known.cell)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, required=True, help="safetensors, or checkpoint.pt of tinysr.train_compact")
    parser.add_argument("--name", required=True)
    parser.add_argument("--config", default="nano", choices=list(CONFIGS), help="name of tinysr/arch/config.py; convolutional")
    parser.add_argument("--width", type=int, help="channels, where they are not those of the config")
    parser.add_argument("--blocks", type=int, help="blocks, where they are not those of the config")
    parser.add_argument("--scale", type=int, default=4, choices=(2, 3, 4))
    parser.add_argument("--quality", type=Path, help="JSON written by eval.py; kept as it was when absent")
    parser.add_argument("--models", type=Path, default=_MODELS)
    args = parser.parse_args()
    print(export(args.name, config_of(args), read_weights(args.checkpoint), args.models, args.quality))


if __name__ == "__main__":
    main()
