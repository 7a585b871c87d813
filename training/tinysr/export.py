"""Models as models/ holds them.

Weights as halves in safetensors, graphs of raw frames that refer to these, an entry of manifest.json.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import onnx
import torch
from safetensors.torch import save_file
from torch import Tensor

from . import graphs, rgb_graph
from .arch import TinySR, TinySRConfig, count
from .compact import CompactConfig, CompactTinySR, compact_state
from .shared_weights import refer

_SIDE = 16


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def network(config: TinySRConfig, state: dict[str, Tensor]) -> CompactTinySR | TinySR:
    """The network as it ships, its weights rounded to halves: those of `planes` 1 by the names of either class."""
    model: CompactTinySR | TinySR = TinySR(config)
    if config.planes == 1:
        model = CompactTinySR(CompactConfig(config.width, config.depth, config.scale))
        state = compact_state(state) if any(name.startswith("denoiser.") for name in state) else state
    shapes, wanted = ({name: value.shape for name, value in weights.items()} for weights in (state, model.state_dict()))
    if shapes != wanted:
        others = [name for name in shapes.keys() | wanted.keys() if shapes.get(name) != wanted.get(name)]
        raise ValueError(f"these weights are of another network: {', '.join(sorted(others)[:3])}")
    model.load_state_dict({name: value.half().float() for name, value in state.items()})
    return model.eval()


def graph_of(model: CompactTinySR | TinySR, pixel_format: str) -> onnx.ModelProto:
    """The graph for one raw frame format."""
    if isinstance(model, CompactTinySR):
        return graphs.build_graph(model, pixel_format)
    return rgb_graph.build_rgb_graph(model, pixel_format)


def export(name: str, config: TinySRConfig, state: dict[str, Tensor], folder: Path, quality: Path | None = None) -> str:
    """Writes a model to `folder`, which gets the layout of models/; a line that says what it is.

    quality: JSON of eval.py; without one, what the manifest has of the model stays.
    @raises ValueError: the weights are of another network, or the graphs are not for such a config
    """
    path = folder / "manifest.json"
    models = json.loads(path.read_text())["models"] if path.exists() else []
    known: dict[str, Any] = next((m for m in models if m["name"] == name), {})
    model = network(config, state)
    # Before anything is replaced: a config that has no graphs must not cost what is there.
    made = {pixel_format: graph_of(model, pixel_format) for pixel_format in graphs.FORMATS}
    for variant in known.get("variants", []):
        (folder / variant["file"]).unlink(missing_ok=True)
    (folder / "checkpoints").mkdir(parents=True, exist_ok=True)
    checkpoint = folder / "checkpoints" / f"{name}.safetensors"
    save_file({key: value.half().contiguous() for key, value in model.state_dict().items()}, checkpoint)
    weights = {"file": f"{checkpoint.parent.name}/{checkpoint.name}", "sha256": _digest(checkpoint)}
    variants: list[dict[str, Any]] = []
    for pixel_format, graph in made.items():
        file = folder / f"{name}-{pixel_format}.onnx"
        refer(graph, checkpoint, weights["file"])
        onnx.save(graph, str(file))
        onnx.checker.check_model(str(file))
        about = {"file": file.name, "sha256": _digest(file), "precision": "fp32", "format": pixel_format}
        variants.append(about | {"weights": weights})
    entry: dict[str, Any] = {"name": name, "scale": config.scale, "multiple": 2} | _size(model)
    entry |= {
        "licence": "Apache-2.0",
        "quality": scores_of(quality, name) if quality else known.get("quality", {}),
        "file": variants[0]["file"],
        "sha256": variants[0]["sha256"],
        "variants": variants,
    }
    models = sorted([m for m in models if m["name"] != name] + [entry], key=lambda model: model["name"])
    path.write_text(json.dumps({"models": models}, indent=2) + "\n")
    return f"{name}: {entry['params']} weights, {entry['macsPerLrPixel']} MACs an LR pixel, {len(variants)} graphs"


def _size(model: CompactTinySR | TinySR) -> dict[str, int]:
    if isinstance(model, CompactTinySR):
        parameters, macs = sum(p.numel() for p in model.parameters()), graphs.macs_per_lr_pixel(model)
        radius = graphs.receptive_radius(model.config)
    else:
        cost = count(model, torch.zeros(1, 3, _SIDE, _SIDE))
        parameters, macs, radius = cost.parameters, cost.macs // _SIDE**2, rgb_graph.receptive_radius(model)
    return {"receptiveRadius": radius, "params": parameters, "macsPerLrPixel": macs}


def scores_of(report: Path, name: str) -> dict[str, Any]:
    """What eval.py found of a model; not what it cost on that machine."""
    scores: dict[str, Any] = json.loads(report.read_text()).get(name, {})
    return {track: found for track, found in scores.items() if track != "cost"}
