"""What happens to video before it reaches us: scaling, blur, noise, JPEG and H.264 compression, mild as in real footage.

OpenCV is loaded where it is used: a machine that only trains needs none.
"""

from __future__ import annotations

import subprocess
from typing import Any

import numpy as np
from numpy.typing import NDArray

Image = NDArray[Any]


def cubic(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Keys' kernel with a = -0.5 (IEEE TASSP 29(6), 1981)."""
    a = np.abs(x)
    near = 1.5 * a**3 - 2.5 * a**2 + 1
    far = -0.5 * a**3 + 2.5 * a**2 - 4 * a + 2
    return np.where(a <= 1, near, np.where(a < 2, far, 0.0))


def bicubic_matrix(size: int, scale: int) -> NDArray[np.float64]:
    """(size/scale, size) antialiased bicubic reduction with mirrored edges, as MATLAB's imresize defines it."""
    out = size // scale
    centre = (np.arange(out) + 0.5) * scale - 0.5
    first = np.floor(centre - 2 * scale).astype(int)
    index = first[:, None] + np.arange(4 * scale + 2)[None]
    weight = cubic((centre[:, None] - index) / scale)
    weight /= weight.sum(1, keepdims=True)
    folded = np.mod(index, 2 * size)
    folded = np.where(folded < size, folded, 2 * size - 1 - folded)
    matrix = np.zeros((out, size))
    np.add.at(matrix, (np.arange(out)[:, None], folded), weight)
    return matrix


def reduce_bicubic(image: Image, scale: int) -> NDArray[Any]:
    """Antialiased bicubic reduction of (H,W,3), sides multiples of `scale`; floats, not clamped."""
    rows = bicubic_matrix(image.shape[0], scale)
    columns = bicubic_matrix(image.shape[1], scale)
    reduced = np.tensordot(rows, image.astype(np.float64), (1, 0))
    return np.moveaxis(np.tensordot(columns, reduced, (1, 1)), 0, 1).astype(np.float32)


def to_u8(image: NDArray[np.floating]) -> Image:
    """Rounds and clamps to 0..255."""
    return np.clip(np.round(image), 0, 255).astype(np.uint8)


def _blur(image: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
    import cv2

    sx, sy = rng.uniform(0.2, 1.9, 2)
    theta = rng.uniform(0, np.pi)
    grid = np.arange(13) - 6
    x, y = np.meshgrid(grid, grid)
    u, v = x * np.cos(theta) + y * np.sin(theta), -x * np.sin(theta) + y * np.cos(theta)
    kernel = np.exp(-0.5 * ((u / sx) ** 2 + (v / sy) ** 2))
    return cv2.filter2D(image, -1, (kernel / kernel.sum()).astype(np.float32), borderType=cv2.BORDER_REFLECT_101)


def _noise(image: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
    shape = image.shape[:2] + ((1,) if rng.random() < 0.4 else (3,))
    if rng.random() < 0.5:
        return image + rng.normal(0, rng.uniform(0.5, 5), shape).astype(np.float32)
    strength = rng.uniform(0.05, 0.5)
    base = np.clip(image.mean(2, keepdims=True) if shape[2] == 1 else image, 0, 255)
    return image + strength * (rng.poisson(base) - base).astype(np.float32)


def jpeg(image: Image, quality: int) -> Image:
    """One JPEG round trip of an RGB image."""
    import cv2

    ok, data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert ok
    decoded: Image = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR))
    return np.ascontiguousarray(decoded[..., ::-1])


def degrade(image: Image, scale: int, rng: np.random.Generator) -> Image:
    """A mild real-world reduction of (H,W,3): blur, one of three scalers, noise, JPEG."""
    import cv2

    x = image.astype(np.float32)
    if rng.random() < 0.8:
        x = _blur(x, rng)
    mode = rng.random()
    if mode < 0.5:
        x = reduce_bicubic(to_u8(x), scale)
    else:
        size = (image.shape[1] // scale, image.shape[0] // scale)
        method = cv2.INTER_AREA if mode < 0.85 else cv2.INTER_LINEAR
        x = np.asarray(cv2.resize(x, size, interpolation=method), np.float32)
    if rng.random() < 0.8:
        x = _noise(x, rng)
    u8 = to_u8(x)
    return jpeg(u8, int(rng.integers(30, 96))) if rng.random() < 0.85 else u8


def h264(frames: list[Image], crf: int, preset: str = "veryfast", key_every: int = 250) -> list[Image]:
    """Encodes frames (even sides) as one H.264 4:2:0 clip, a key frame every `key_every`, and decodes them again."""
    height, width = frames[0].shape[:2]
    raw = ["-f", "rawvideo", "-pix_fmt", "rgb24"]
    size = ["-s", f"{width}x{height}", "-r", "25"]
    encode = ["ffmpeg", "-v", "error", *raw, *size, "-i", "-", "-c:v", "libx264", "-preset", preset, "-threads", "1"]
    clip = subprocess.run(
        [*encode, "-crf", str(crf), "-g", str(key_every), "-pix_fmt", "yuv420p", "-f", "matroska", "-"],
        input=np.stack(frames).tobytes(),
        capture_output=True,
        check=True,
    ).stdout
    decoded = subprocess.run(
        ["ffmpeg", "-v", "error", "-f", "matroska", "-i", "-", *raw, "-"], input=clip, capture_output=True, check=True
    ).stdout
    return list(np.frombuffer(decoded, np.uint8).reshape(-1, height, width, 3))
