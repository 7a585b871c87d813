"""Weights that came back, as models/ holds them: safetensors, raw-frame graphs, an entry of manifest.json."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import onnx
import torch
from safetensors.torch import save_file

from ..arch import TinySR, TinySRConfig, count
from ..rgb_graph import FORMATS, build_rgb_graph, receptive_radius
from .pieces import State

_SIDE = 16


def export(name: str, config: TinySRConfig, state: State, folder: Path) -> str:
    """Writes a model to `folder`, which gets the layout of models/; a line that says what it is."""
    model = TinySR(config)
    model.load_state_dict(state)
    model.eval()
    (folder / "checkpoints").mkdir(parents=True, exist_ok=True)
    save_file(
        {key: value.contiguous() for key, value in model.state_dict().items()}, folder / "checkpoints" / f"{name}.safetensors"
    )
    variants = []
    for pixel_format in FORMATS:
        file = folder / f"{name}-{pixel_format}.onnx"
        onnx.save(build_rgb_graph(model, pixel_format), str(file))
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        variants.append({"file": file.name, "sha256": digest, "precision": "fp32", "format": pixel_format})
    cost = count(model, torch.zeros(1, 3, _SIDE, _SIDE))
    entry: dict[str, Any] = {
        "name": name,
        "scale": config.scale,
        "multiple": 2,
        "receptiveRadius": receptive_radius(model),
        "params": cost.parameters,
        "macsPerLrPixel": cost.macs // _SIDE**2,
        "licence": "Apache-2.0",
        "quality": {},
        "file": variants[0]["file"],
        "sha256": variants[0]["sha256"],
        "variants": variants,
    }
    path = folder / "manifest.json"
    models = json.loads(path.read_text())["models"] if path.exists() else []
    models = sorted([m for m in models if m["name"] != name] + [entry], key=lambda model: model["name"])
    path.write_text(json.dumps({"models": models}, indent=2) + "\n")
    return f"{name}: {cost.parameters} weights, {entry['macsPerLrPixel']} MACs an LR pixel, {len(variants)} graphs"
