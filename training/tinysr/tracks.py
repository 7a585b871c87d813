"""What the evaluation feeds a model: LR pictures made from HR ones, in three ways."""

from __future__ import annotations

import zlib
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from .degrade import Image, bicubic_matrix, cubic, h264, jpeg, to_u8

Track = Callable[[Image, str, int], Image]

CRFS = (28, 35)
# Pictures are encoded as the end of a slow pan, because a single frame would show no artefact of prediction.
PAN_FRAMES = 5


def clean(image: Image, stem: str, scale: int) -> Image:
    """Antialiased bicubic reduction, rounded to 8 bits after the rows and again after the columns, as MATLAB does."""
    rows = bicubic_matrix(image.shape[0], scale) @ image.reshape(image.shape[0], -1).astype(np.float64)
    half = _round_up(rows).reshape(-1, image.shape[1], 3)
    return _round_up(np.einsum("xw,hwc->hxc", bicubic_matrix(image.shape[1], scale), half, optimize=True))


def _round_up(values: NDArray[np.float64]) -> Image:
    """Rounds halves up, unlike :func:`to_u8`."""
    return np.clip(np.floor(values + 0.5), 0, 255).astype(np.uint8)


def degraded(seed: int) -> Track:
    """Blur, reduction, noise, JPEG. The order of draws is fixed: a picture's name and the seed decide them."""

    def track(image: Image, stem: str, scale: int) -> Image:
        rng = np.random.default_rng(zlib.crc32(stem.encode()) + 1000003 * seed)
        floats = image.astype(np.float32)
        blurred = np.asarray(cv2.filter2D(floats, -1, _kernel(rng), borderType=cv2.BORDER_REFLECT_101), np.float32)
        size = (image.shape[1] // scale, image.shape[0] // scale)
        bicubic = rng.random() < 0.5
        small = _reduce_exact(blurred, scale) if bicubic else cv2.resize(blurred, size, interpolation=cv2.INTER_AREA)
        noisy = _noise(np.clip(small, 0, 255), rng)
        return jpeg(to_u8(noisy), int(rng.integers(30, 96)))

    return track


def _reduce_exact(image: NDArray[np.float32], scale: int) -> NDArray[np.float64]:
    columns = bicubic_matrix(image.shape[1], scale)
    rows = np.tensordot(bicubic_matrix(image.shape[0], scale), image.astype(np.float64), (1, 0))
    return np.moveaxis(np.tensordot(columns, rows, (1, 1)), 0, 1)


def _kernel(rng: np.random.Generator) -> NDArray[np.float32]:
    """A Gaussian of 13x13, round in 60 % of cases."""
    first = rng.uniform(0.2, 1.8)
    second = first if rng.random() < 0.6 else rng.uniform(0.2, 1.8)
    angle = rng.uniform(0, np.pi)
    y, x = np.mgrid[-6:7, -6:7]
    along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    kernel = np.exp(-0.5 * ((along / first) ** 2 + (across / second) ** 2))
    return (kernel / kernel.sum()).astype(np.float32)


def _noise(image: NDArray[np.floating], rng: np.random.Generator) -> NDArray[np.floating]:
    """Gaussian or Poisson noise, in 40 % of cases the same in all channels."""
    grey = rng.random() < 0.4
    shape = image.shape[:2] + ((1,) if grey else (3,))
    if rng.random() < 0.5:
        return image + rng.normal(0, rng.uniform(0.5, 4), shape)
    strength = rng.uniform(0.05, 0.5)
    base = (image.mean(2, keepdims=True) if grey else image) / 255
    return image + strength * 255 * (rng.poisson(base * 255) / 255 - base)


def compressed(crf: int) -> Track:
    """Clean reduction, then H.264: the last frame of a pan of one pixel a frame."""

    def track(image: Image, stem: str, scale: int) -> Image:
        small = clean(image, stem, scale)
        height, width = small.shape[:2]
        even = np.pad(small, ((0, height % 2), (0, width % 2), (0, 0)), "edge")
        frames = [np.roll(even, PAN_FRAMES - 1 - index, axis=1) for index in range(PAN_FRAMES)]
        return np.ascontiguousarray(h264(frames, crf)[-1][:height, :width])

    return track


def all_tracks(seed: int = 1) -> dict[str, Track]:
    """The tracks by name."""
    return {"bicubic": clean, "degraded": degraded(seed)} | {f"h264-{crf}": compressed(crf) for crf in CRFS}


def enlarge_bicubic(image: Image, scale: int) -> Image:
    """Bicubic enlargement with mirrored edges (Keys' kernel, a = -0.5): what every model is measured against."""
    rows, columns = (_enlarging(side, scale) for side in image.shape[:2])
    tall = np.tensordot(rows, image.astype(np.float64), (1, 0))
    return to_u8(np.moveaxis(np.tensordot(columns, tall, (1, 1)), 0, 1))


def _enlarging(size: int, scale: int) -> NDArray[np.float64]:
    centre = (np.arange(size * scale) + 0.5) / scale - 0.5
    index = np.floor(centre).astype(int)[:, None] + np.arange(-1, 3)[None]
    weight = cubic(centre[:, None] - index)
    folded = np.mod(index, 2 * size)
    folded = np.where(folded < size, folded, 2 * size - 1 - folded)
    matrix = np.zeros((size * scale, size))
    np.add.at(matrix, (np.arange(size * scale)[:, None], folded), weight)
    return matrix
