"""Weights of convolutional networks, as models/ holds them: safetensors, raw-frame graphs, an entry of manifest.json.

python -m tinysr.gpu.export --checkpoint tinysr-small.safetensors --config small --name tinysr-small --quality small.json
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

from .. import graphs, rgb_graph
from ..arch import TinySR, TinySRConfig, count, named
from ..compact import CompactConfig, CompactTinySR, compact_state
from ..shared_weights import refer
from .pieces import State

_SIDE = 16
_MODELS = Path(__file__).resolve().parents[3] / "models"


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def export(name: str, config: TinySRConfig, state: State, folder: Path, quality: Path | None = None) -> str:
    """Writes a model to `folder`, which gets the layout of models/; a line that says what it is.

    quality: JSON of eval.py; without one, what the manifest has of the model stays.
    """
    path = folder / "manifest.json"
    models = json.loads(path.read_text())["models"] if path.exists() else []
    known: dict[str, Any] = next((m.get("quality", {}) for m in models if m["name"] == name), {})
    model = TinySR(config)
    # Weights are kept as halves. The interpolating kernel follows from the scale.
    model.load_state_dict({key: value.half().float() for key, value in state.items()}, strict=False)
    model.eval()
    luma = None
    if config.planes == 1:
        luma = CompactTinySR(CompactConfig(config.width, config.depth, config.scale)).eval()
        luma.load_state_dict(compact_state(model.state_dict()))
    (folder / "checkpoints").mkdir(parents=True, exist_ok=True)
    kept = (luma or model).state_dict()
    checkpoint = folder / "checkpoints" / f"{name}.safetensors"
    save_file({key: value.half().contiguous() for key, value in kept.items()}, checkpoint)
    weights = {"file": f"{checkpoint.parent.name}/{checkpoint.name}", "sha256": _digest(checkpoint)}
    variants: list[dict[str, Any]] = []
    for pixel_format in graphs.FORMATS:
        file = folder / f"{name}-{pixel_format}.onnx"
        graph = graphs.build_graph(luma, pixel_format) if luma else rgb_graph.build_rgb_graph(model, pixel_format)
        refer(graph, checkpoint, weights["file"])
        onnx.save(graph, str(file))
        onnx.checker.check_model(str(file))
        about = {"file": file.name, "sha256": _digest(file), "precision": "fp32", "format": pixel_format}
        variants.append(about | {"weights": weights})
    cost = count(model, torch.zeros(1, 3, _SIDE, _SIDE))
    entry: dict[str, Any] = {
        "name": name,
        "scale": config.scale,
        "multiple": 2,
        "receptiveRadius": graphs.receptive_radius(luma.config) if luma else rgb_graph.receptive_radius(model),
        "params": cost.parameters,
        "macsPerLrPixel": graphs.macs_per_lr_pixel(luma) if luma else cost.macs // _SIDE**2,
        "licence": "Apache-2.0",
        "quality": scores_of(quality, name) if quality else known,
        "file": variants[0]["file"],
        "sha256": variants[0]["sha256"],
        "variants": variants,
    }
    models = sorted([m for m in models if m["name"] != name] + [entry], key=lambda model: model["name"])
    path.write_text(json.dumps({"models": models}, indent=2) + "\n")
    return f"{name}: {cost.parameters} weights, {entry['macsPerLrPixel']} MACs an LR pixel, {len(variants)} graphs"


def scores_of(report: Path, name: str) -> dict[str, Any]:
    """What eval.py found of a model; not what it cost on that machine."""
    scores: dict[str, Any] = json.loads(report.read_text()).get(name, {})
    return {track: found for track, found in scores.items() if track != "cost"}


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, required=True, help="safetensors")
    parser.add_argument("--config", required=True, help="name of tinysr/arch/config.py; convolutional, RGB")
    parser.add_argument("--name", required=True)
    parser.add_argument("--scale", type=int, default=4, choices=(2, 3, 4))
    parser.add_argument("--quality", type=Path, help="JSON written by eval.py; kept as it was when absent")
    parser.add_argument("--models", type=Path, default=_MODELS)
    args = parser.parse_args()
    print(export(args.name, named(args.config, scale=args.scale), load_file(args.checkpoint), args.models, args.quality))


if __name__ == "__main__":
    main()
