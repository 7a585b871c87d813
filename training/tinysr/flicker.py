"""How restless an upscaled clip is: change along motion, and change where nothing moves.

Restoration frame by frame turns the noise of compression into detail that comes and goes. Three numbers, all in luma codes:

warp    mean absolute change of the output along the motion of the original clip (blurred outputs score low here);
excess  the same, after the change of the original itself is taken off: detail that follows the motion costs nothing, so
        blur does not win;
still   mean over pixels of the standard deviation in time of a scene that stands still, each frame with sensor noise and
        compression noise of its own: all frames are key frames, because prediction would repeat the first one's noise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from .degrade import Image, h264, reduce_bicubic, to_u8
from .metrics import luma

Flow = NDArray[np.float32]
# Frames of a clip, and what became of them.
UpscaleClip = Callable[[list[Image]], list[Image]]

# A pixel counts where the motion there and back ends at most this far from its start, in pixels.
_CONSISTENT = 1.0
# Sensor noise of the still scene, in codes of the reduced frame.
_SENSOR_NOISE = 2.0


@dataclass(frozen=True)
class Flicker:
    """Luma codes; see the module's text."""

    warp: float
    excess: float
    still: float


def read_clip(path: Path, count: int, multiple: int) -> list[Image]:
    """The first frames of a clip as RGB, upright, cut to sides that are multiples of `multiple`."""
    capture = cv2.VideoCapture(str(path))
    frames: list[Image] = []
    while len(frames) < count:
        found, frame = capture.read()
        if not found:
            break
        height, width = (side // multiple * multiple for side in frame.shape[:2])
        frames.append(np.ascontiguousarray(frame[:height, :width, ::-1]))
    capture.release()
    if len(frames) < 2:
        raise ValueError(f"{path}: {len(frames)} frames could be read, two are needed")
    return frames


def compress(frames: Iterable[Image], scale: int, crf: int) -> list[Image]:
    """The clip reduced by `scale` and sent through H.264."""
    return h264([to_u8(reduce_bicubic(frame, scale)) for frame in frames], crf)


def still_scene(frame: Image, count: int, seed: int = 0) -> list[Image]:
    """One frame `count` times, each with sensor noise of its own."""
    rng = np.random.default_rng(seed)
    return [to_u8(frame + rng.normal(0, _SENSOR_NOISE, frame.shape)) for _ in range(count)]


def _flow(start: Image, end: Image) -> Flow:
    grey = [cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in (start, end)]
    method = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    return np.asarray(method.calc(grey[0], grey[1], np.zeros((*grey[0].shape, 2), np.float32)), np.float32)


def _follow(values: NDArray[np.float32], flow: Flow) -> NDArray[np.float32]:
    """`values` read where `flow` leads from each pixel."""
    rows, columns = np.indices(flow.shape[:2], dtype=np.float32)
    target = (columns + flow[..., 0], rows + flow[..., 1])
    return np.asarray(cv2.remap(values, *target, interpolation=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE), np.float32)


def motion(start: Image, end: Image) -> tuple[Flow, NDArray[np.bool_]]:
    """Flow from `start` to `end`, and where it can be trusted: it leads back to where it began, inside the picture."""
    there, back = _flow(start, end), _flow(end, start)
    error = np.linalg.norm(there + _follow(back, there), axis=2)
    rows, columns = np.indices(error.shape)
    x, y = columns + there[..., 0], rows + there[..., 1]
    inside = (x >= 0) & (y >= 0) & (x <= error.shape[1] - 1) & (y <= error.shape[0] - 1)
    return there, (error < _CONSISTENT) & inside


def along_motion(original: list[Image], output: list[Image]) -> tuple[float, float]:
    """`warp` and `excess` of an output clip: motion is measured on the original, so all models are judged alike."""
    warp, excess = [], []
    lumas = [[luma(frame).astype(np.float32) for frame in clip] for clip in (original, output)]
    for index, (start, end) in enumerate(pairwise(original)):
        flow, trusted = motion(start, end)
        if not trusted.any():
            continue
        true_change, change = (_follow(clip[index + 1], flow) - clip[index] for clip in lumas)
        warp.append(float(np.abs(change)[trusted].mean()))
        excess.append(float(np.abs(change - true_change)[trusted].mean()))
    return float(np.mean(warp)), float(np.mean(excess))


def restlessness(frames: list[Image]) -> float:
    """Mean over pixels of the standard deviation of luma in time."""
    return float(np.stack([luma(frame) for frame in frames]).std(0).mean())


def flicker(original: list[Image], output: list[Image], upscale: UpscaleClip, scale: int, crf: int) -> Flicker:
    """Flicker of an upscaler on one clip. output: what it made of the clip; the still scene is the clip's middle frame."""
    warp, excess = along_motion(original, output)
    scene = still_scene(to_u8(reduce_bicubic(original[len(original) // 2], scale)), len(original))
    still = restlessness(upscale(h264(scene, crf, key_every=1)))
    return Flicker(warp, excess, still)
