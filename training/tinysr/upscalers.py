"""Anything that enlarges an 8-bit picture: the graphs that ship, foreign float graphs, interpolation."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from PIL import Image as PilImage

from .degrade import Image, to_u8
from .tracks import enlarge_bicubic

Upscale = Callable[[Image], Image]
# Float graphs that work at LR resolution need gigabytes for more LR pixels than this.
_TILE_ABOVE = 500_000


def cpu_session(path: Path, threads: int) -> onnxruntime.InferenceSession:
    """A graph on the CPU."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def raw_graph(path: Path, scale: int, multiple: int = 2, threads: int = 2) -> Upscale:
    """An rgb24 graph of models/: (N,h,w,3) bytes in and out. Sides are mirrored up to a multiple and cut back."""
    session = cpu_session(path, threads)

    def upscale(image: Image) -> Image:
        height, width = image.shape[:2]
        padded = np.pad(image, ((0, -height % multiple), (0, -width % multiple), (0, 0)), "reflect")
        output: NDArray[Any] = session.run(None, {session.get_inputs()[0].name: padded[None]})[0]
        return output[0, : height * scale, : width * scale]

    return upscale


def float_graph(path: Path, scale: int, threads: int = 2) -> Upscale:
    """A graph of (N,3,h,w) RGB floats in 0..1, as most published models are exported."""
    session = cpu_session(path, threads)

    def upscale(image: Image) -> Image:
        if image.shape[0] * image.shape[1] > _TILE_ABOVE:
            raise ValueError(f"{path.name}: {image.shape[1]}x{image.shape[0]} is too large for a float graph without tiles")
        planes = np.ascontiguousarray(image.transpose(2, 0, 1)[None]).astype(np.float32) / 255
        output: NDArray[Any] = session.run(None, {session.get_inputs()[0].name: planes})[0]
        return to_u8(output[0].transpose(1, 2, 0) * 255)

    return upscale


def interpolation(name: str, scale: int) -> Upscale:
    """`bicubic` or `lanczos`."""

    def lanczos(image: Image) -> Image:
        size = (image.shape[1] * scale, image.shape[0] * scale)
        return np.asarray(PilImage.fromarray(image).resize(size, PilImage.Resampling.LANCZOS))

    return lanczos if name == "lanczos" else lambda image: enlarge_bicubic(image, scale)


def _entry(models: Path, name: str) -> dict[str, Any]:
    entries: dict[str, dict[str, Any]] = {
        entry["name"]: entry for entry in json.loads((models / "manifest.json").read_text())["models"]
    }
    if name not in entries:
        raise ValueError(f"no model {name} in {models / 'manifest.json'}; there are: {', '.join(entries)}")
    return entries[name]


def rgb24_entry(models: Path, name: str) -> tuple[Path, int]:
    """The rgb24 graph of a model of models/manifest.json, and what its sides must be multiples of.

    name: as the manifest has it; `NAME:int8` asks for that precision.
    Raises ValueError where there is no such graph.
    """
    model, _, precision = name.partition(":")
    entry = _entry(models, model)
    graphs = {v["precision"]: v["file"] for v in reversed(entry["variants"]) if v["format"] == "rgb24"}
    file = graphs.get(precision) if precision else next(reversed(graphs.values()))
    if file is None:
        raise ValueError(f"{model} has no {precision} graph; there are: {', '.join(graphs)}")
    return models / file, entry["multiple"]


def shipped(models: Path, name: str) -> tuple[Upscale, int]:
    """A model of models/manifest.json by name, and its scale."""
    file, multiple = rgb24_entry(models, name)
    scale: int = _entry(models, name.partition(":")[0])["scale"]
    return raw_graph(file, scale, multiple), scale


def _scale_of(path: Path) -> int:
    """How much a float graph enlarges a small picture; 0 when it takes no such picture."""
    session = cpu_session(path, 1)
    feed = {session.get_inputs()[0].name: np.zeros((1, 3, 16, 16), np.float32)}
    try:
        return int(session.run(None, feed)[0].shape[-1]) // 16
    except Exception:  # the runtime raises its own types, one for each way a graph can refuse
        return 0


def peer_files(source: Path, scale: int) -> dict[str, Path]:
    """Float graphs of a scale: all of a folder, or those named in a JSON list of {name, path, scale}."""
    if source.is_dir():
        return {path.stem: path for path in sorted(source.glob("*.onnx")) if _scale_of(path) == scale}
    entries = [entry for entry in json.loads(source.read_text()) if entry["scale"] == scale]
    return {entry["name"]: source.parent / entry["path"] for entry in entries}


def peers(source: Path, scale: int) -> dict[str, Upscale]:
    """What :func:`peer_files` finds, ready to run."""
    return {name: float_graph(path, scale) for name, path in peer_files(source, scale).items()}
