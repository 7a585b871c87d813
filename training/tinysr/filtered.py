"""Clips through a filter of ffmpeg's, as `tinysr-video --steady` puts one behind the model."""

from __future__ import annotations

import subprocess

import numpy as np

from .degrade import Image


def through_filter(frames: list[Image], graph: str) -> list[Image]:
    """The frames, full chroma, behind `graph`, which must neither add nor drop any."""
    height, width = frames[0].shape[:2]
    raw = ["-f", "rawvideo", "-pix_fmt", "rgb24"]
    filtered = subprocess.run(
        ["ffmpeg", "-v", "error", *raw, "-s", f"{width}x{height}", "-i", "-", "-vf", f"format=yuv444p,{graph}", *raw, "-"],
        input=np.stack(frames).tobytes(),
        capture_output=True,
        check=True,
    ).stdout
    result = list(np.frombuffer(filtered, np.uint8).reshape(-1, height, width, 3))
    if len(result) != len(frames):
        raise ValueError(f"{graph}: made {len(result)} frames of {len(frames)}")
    return result
