"""Static quantisation of exported graphs by onnxruntime, and what it gains and costs."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from PIL import Image as PilImage

from .degrade import Image
from .metrics import psnr_y
from .shared_weights import embedded
from .tracks import all_tracks, clean
from .upscalers import raw_graph

Frame = NDArray[np.uint8]
# Side of a frame to calibrate on, in LR pixels.
SIDE = 96


@dataclass(frozen=True)
class Variant:
    """A way to quantise."""

    style: QuantFormat
    operators: tuple[str, ...] = ("Conv",)
    # Convolutions that touch pixels: what they lose shows at once.
    keep_ends: bool = False
    method: CalibrationMethod = CalibrationMethod.MinMax


VARIANTS = {
    "qdq": Variant(QuantFormat.QDQ),
    "qdq-ends-fp32": Variant(QuantFormat.QDQ, keep_ends=True),
    "qdq-percentile": Variant(QuantFormat.QDQ, keep_ends=True, method=CalibrationMethod.Percentile),
    "qdq-with-add": Variant(QuantFormat.QDQ, ("Conv", "LeakyRelu", "Add"), keep_ends=True),
    "qoperator": Variant(QuantFormat.QOperator),
    "qoperator-ends-fp32": Variant(QuantFormat.QOperator, keep_ends=True),
}


class _Frames(CalibrationDataReader):
    def __init__(self, feed: str, frames: Sequence[Frame]) -> None:
        self._feeds = iter([{feed: frame[None]} for frame in frames])

    def get_next(self) -> dict[str, Any] | None:
        return next(self._feeds, None)


def lr_frames(folder: Path, count: int, scale: int) -> list[Frame]:
    """LR pictures from all over a folder, cut to one size: large enough to see how far activations reach."""
    paths = sorted(path for path in folder.iterdir() if path.suffix in (".png", ".webp", ".jpg"))
    frames = []
    for path in paths[:: max(1, len(paths) // count)]:
        picture = np.asarray(PilImage.open(path).convert("RGB"))[: SIDE * scale, : SIDE * scale]
        if picture.shape[:2] == (SIDE * scale, SIDE * scale):
            frames.append(clean(picture, path.stem, scale))
    return frames[:count]


def to_yuv420(frame: Frame) -> Frame:
    """A frame as the yuv420p graph takes it; BT.601 full range, chroma by averages."""
    red, green, blue = (frame[..., channel].astype(np.float32) for channel in range(3))
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    planes = [luma, 128 + 0.564 * (blue - luma), 128 + 0.713 * (red - luma)]
    height, width = luma.shape
    chroma = [plane.reshape(height // 2, 2, width // 2, 2).mean((1, 3)) for plane in planes[1:]]
    joined = np.concatenate([planes[0].ravel(), *(plane.ravel() for plane in chroma)])
    return np.clip(np.round(joined), 0, 255).astype(np.uint8).reshape(height * 3 // 2, width)


def end_convolutions(graph: onnx.GraphProto) -> list[str]:
    """Names of the convolutions that read the frame, and of the last before the output."""
    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    made = {output: node.op_type for node in graph.node for output in node.output}
    first = [node.name for node in convolutions if made.get(node.input[0]) in ("Pad", "Cast")]
    inner = [node.name for node in convolutions if node.name not in first]
    return [*first, *inner[-1:]]


def quantise(source: Path, target: Path, calibration: Sequence[Frame], variant: Variant) -> None:
    """Writes the graph with int8 weights a channel and uint8 activations."""
    model = embedded(onnx.load(source))
    for index, node in enumerate(model.graph.node):
        node.name = node.name or f"{node.op_type}_{index}"
    named = target.with_suffix(".named.onnx")
    onnx.save(model, named)
    rank = len(model.graph.input[0].type.tensor_type.shape.dim)
    frames = [to_yuv420(frame) for frame in calibration] if rank == 3 else list(calibration)
    quantize_static(
        str(named),
        str(target),
        _Frames(model.graph.input[0].name, frames),
        quant_format=variant.style,
        op_types_to_quantize=list(variant.operators),
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        nodes_to_exclude=end_convolutions(model.graph) if variant.keep_ends else [],
        calibrate_method=variant.method,
    )
    named.unlink()


def time_in_turn(graphs: Mapping[str, Path], shape: tuple[int, ...], threads: int, rounds: int) -> dict[str, dict[str, float]]:
    """Milliseconds of a run of each graph: the least and the median by the clock, and the median of CPU time, which others at
    work change little."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    # As the product runs them: threads that wait do not spin, so that CPU time is work.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    sessions = {name: onnxruntime.InferenceSession(str(path), options) for name, path in graphs.items()}
    frame = np.random.default_rng(0).integers(0, 255, shape, np.uint8)
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in graphs}
    for turn in range(rounds + 3):
        for name, session in sessions.items():
            started, worked = time.perf_counter(), time.process_time()
            session.run(None, {session.get_inputs()[0].name: frame})
            if turn >= 3:
                times[name].append((1000 * (time.perf_counter() - started), 1000 * (time.process_time() - worked)))
    result = {}
    for name, found in times.items():
        wall, cpu = zip(*found, strict=True)
        result[name] = {"ms": min(wall), "medianMs": median(wall), "cpuMs": median(cpu)}
    return result


def quality(graph: Path, pictures: Mapping[str, Image], scale: int) -> dict[str, float]:
    """Mean PSNR of luma by track, of an rgb24 graph."""
    upscale = raw_graph(graph, scale)
    return {
        f"psnrY-{name}": fmean(psnr_y(image, upscale(track(image, stem, scale)), scale) for stem, image in pictures.items())
        for name, track in all_tracks().items()
        if name in ("bicubic", "degraded")
    }
