"""What the graphs that ship do on a machine: right or not, frames a second by size and batch."""

from __future__ import annotations

import html
import json
import shutil
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from .gpu_runtimes import Open, Run, has_onnxruntime, reference, runtimes, textured

SIZES = {"240p": (426, 240), "270p": (480, 270), "360p": (640, 360), "480p": (854, 480), "720p": (1280, 720)}
# Levels of 255 by which a right result may differ: rounding, and the order of sums.
TOLERANCE = 2
CHECKED = (64, 48)
Row = dict[str, Any]


@dataclass(frozen=True)
class Options:
    """What to measure. runtime: part of the names of those wanted; wanted: models, all where there are none."""

    models: Path
    device: str
    sizes: dict[str, tuple[int, ...]]
    batches: list[int]
    seconds: float
    runtime: str = ""
    wanted: tuple[str, ...] = ()


def machine(device: str) -> Row:
    """What can be said of the machine and of its runtimes."""
    found: Row = {"torch": torch.__version__, "torchCuda": torch.version.cuda, "gpu": None, "onnxruntime": None}
    if device == "cuda" and torch.cuda.is_available():
        found["gpu"] = torch.cuda.get_device_name()
        found["gpuMemoryBytes"] = torch.cuda.get_device_properties(0).total_memory
    if has_onnxruntime():
        import onnxruntime

        found["onnxruntime"] = {"version": onnxruntime.__version__, "providers": onnxruntime.get_available_providers()}
    query = ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"]
    if shutil.which("nvidia-smi"):
        found["driver"] = subprocess.run(query, capture_output=True, text=True, check=False).stdout.strip()
    found["tools"] = {tool: shutil.which(tool) is not None for tool in ("node", "ffmpeg", "nvidia-smi", "vulkaninfo")}
    return found


def _shape(pixel_format: str, batch: int, width: int, height: int) -> tuple[int, ...]:
    return (batch, height * 3 // 2, width) if pixel_format == "yuv420p" else (batch, height, width, 3)


def _rate(runs: list[Run], shape: tuple[int, ...], seconds: float) -> tuple[float, float]:
    """Frames a second of all runs together, each in a thread of its own, and milliseconds of a run."""

    def lane(run: Run) -> list[float]:
        # Threads begin on the default device's stream; one each lets copies of one overlap the other's work.
        stream = torch.cuda.Stream() if torch.cuda.is_available() else None
        frames = textured(shape)
        times: list[float] = []
        with torch.cuda.stream(stream):
            for _ in range(3):
                run(frames)
            until = time.perf_counter() + seconds
            while not times or time.perf_counter() < until:
                started = time.perf_counter()
                run(frames)
                times.append(time.perf_counter() - started)
        return times

    with ThreadPoolExecutor(len(runs)) as pool:
        times = list(pool.map(lane, runs))
    fps = sum(shape[0] * len(lane_times) / sum(lane_times) for lane_times in times)
    return fps, 1000 * float(np.median([one for lane_times in times for one in lane_times]))


def _difference(open_graph: Open, path: Path, pixel_format: str) -> int:
    shape = _shape(pixel_format, 2, *CHECKED)
    frames = textured(shape)
    expected = reference(path)[1](frames).astype(np.int16)
    return int(np.abs(expected - open_graph(path, shape)(frames).astype(np.int16)).max())


def _rows(options: Options, name: str, open_graph: Open, entry: Row) -> list[Row]:
    rows: list[Row] = []
    # int8 graphs are for CPUs.
    for variant in (variant for variant in entry["variants"] if variant["precision"] != "int8"):
        pixel_format, path = variant["format"], options.models / variant["file"]
        if pixel_format not in ("rgb24", "yuv420p"):
            continue
        about = {"runtime": name, "model": entry["name"], "format": pixel_format, "precision": variant["precision"]}
        levels = _difference(open_graph, path, pixel_format)
        about |= {"levels": levels, "ok": levels <= TOLERANCE}
        # Frames of the line are yuv420p; the other graph is only checked.
        if pixel_format == "rgb24":
            rows.append(about)
            continue
        for size, (width, height) in options.sizes.items():
            for batch, sessions in [(batch, 1) for batch in options.batches] + [(1, 2)]:
                # Recorded runs wait for the whole device, so that two of them would not overlap.
                if sessions > 1 and "recorded" in name:
                    continue
                shape = _shape(pixel_format, batch, width, height)
                load = {"size": size, "batch": batch, "sessions": sessions}
                try:
                    fps, ms = _rate([open_graph(path, shape) for _ in range(sessions)], shape, options.seconds)
                    rows.append(about | load | {"fps": round(fps, 1), "ms": round(ms, 3)})
                except RuntimeError as error:
                    rows.append(about | load | {"error": str(error).splitlines()[0]})
    return rows


def measure(options: Options) -> Row:
    """Everything. A runtime that fails is reported and does not end the rest."""
    entries = json.loads((options.models / "manifest.json").read_text())["models"]
    entries = [entry for entry in entries if not options.wanted or entry["name"] in options.wanted]
    rows: list[Row] = []
    for name, open_graph in (found for found in runtimes(options.device) if options.runtime in found[0]):
        for entry in entries:
            try:
                rows += _rows(options, name, open_graph, entry)
            except Exception as error:  # each runtime raises its own types
                rows.append({"runtime": name, "model": entry["name"], "error": str(error).splitlines()[0]})
    against = reference(options.models / entries[0]["variants"][0]["file"])[0]
    return {"machine": machine(options.device), "comparedWith": against, "rows": rows}


def page(result: Row) -> str:
    """The result as a page that needs nothing else."""
    keys = list(dict.fromkeys(key for row in result["rows"] for key in row))

    def line(tag: str, cells: list[Any]) -> str:
        return "<tr>" + "".join(f"<{tag}>{html.escape(str(cell))}</{tag}>" for cell in cells) + "</tr>"

    body = "".join(line("td", [row.get(key, "") for key in keys]) for row in result["rows"])
    about = html.escape(json.dumps(result["machine"], indent=2))
    style = "body{font:15px system-ui;margin:2em}td,th{text-align:right;padding:4px 12px;border-bottom:1px solid #ddd}"
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Graphs on this machine</title><style>{style}</style>'
        f"<h1>Graphs on this machine</h1><p>Frames a second with the copies to and from the device; differences in levels of "
        f"255 from {html.escape(result['comparedWith'])}.</p><table>{line('th', keys)}{body}</table><pre>{about}</pre></html>\n"
    )
