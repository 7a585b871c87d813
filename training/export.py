"""Writes a model's graphs, its safetensors checkpoint and its entry in models/manifest.json.

python training/export.py --checkpoint RUN/checkpoint.pt --name tinysr-nano --width 16 --blocks 3 --scale 4
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path
from typing import Any

import onnx
import torch
from safetensors.torch import load_file, save_file

from tinysr.compact import CompactConfig, CompactTinySR
from tinysr.gpu.export import scores_of
from tinysr.graphs import FORMATS, build_graph, macs_per_lr_pixel, receptive_radius

MODELS = Path(__file__).resolve().parent.parent / "models"


def load_model(path: Path, config: CompactConfig) -> CompactTinySR:
    """A model from a training checkpoint (its averaged weights) or from safetensors."""
    model = CompactTinySR(config)
    state = (
        load_file(path) if path.suffix == ".safetensors" else torch.load(path, weights_only=True, map_location="cpu")["average"]
    )
    model.load_state_dict(state)
    return model.eval()


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--width", type=int, default=16)
    parser.add_argument("--blocks", type=int, default=3)
    parser.add_argument("--scale", type=int, default=4, choices=(2, 3, 4))
    parser.add_argument("--quality", type=Path, help="JSON written by eval.py; kept as it was when absent")
    parser.add_argument("--models", type=Path, default=MODELS)
    args = parser.parse_args()
    config = CompactConfig(args.width, args.blocks, args.scale)
    model = load_model(args.checkpoint, config)
    manifest_path = args.models / "manifest.json"
    manifest = json.loads(manifest_path.read_text()) if manifest_path.exists() else {"models": []}
    old: dict[str, Any] = next((m for m in manifest["models"] if m["name"] == args.name), {})
    variants = []
    for pixel_format in FORMATS:
        file = args.models / f"{args.name}-{pixel_format}.onnx"
        onnx.save(build_graph(model, pixel_format), str(file))
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        variants.append({"file": file.name, "sha256": digest, "precision": "fp32", "format": pixel_format})
    entry = {
        "name": args.name,
        "scale": args.scale,
        "multiple": 2,
        "receptiveRadius": receptive_radius(config),
        "params": sum(p.numel() for p in model.parameters()),
        "macsPerLrPixel": macs_per_lr_pixel(model),
        "licence": "Apache-2.0",
        "quality": scores_of(args.quality, args.name) if args.quality else old.get("quality", {}),
        "file": variants[0]["file"],
        "sha256": variants[0]["sha256"],
        "variants": variants,
    }
    manifest["models"] = sorted([m for m in manifest["models"] if m["name"] != args.name] + [entry], key=lambda m: m["name"])
    manifest_path.write_text(json.dumps(manifest, indent=2) + "\n")
    checkpoints = args.models / "checkpoints"
    checkpoints.mkdir(exist_ok=True)
    save_file(model.state_dict(), checkpoints / f"{args.name}.safetensors")
    print(f"{args.name}: {entry['params']} weights, {entry['macsPerLrPixel']} MACs a LR pixel, {len(variants)} graphs")


if __name__ == "__main__":
    main()
