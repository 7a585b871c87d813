"""Synthetic pictures for tests."""

from __future__ import annotations

import numpy as np

from tinysr.degrade import Image


def texture(height: int, width: int, seed: int = 0) -> Image:
    """Coloured waves of several lengths: something to see at every scale."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    planes = np.zeros((height, width, 3))
    for _ in range(8):
        fy, fx = rng.uniform(-0.4, 0.4, 2)
        planes += np.sin(fy * y + fx * x + rng.uniform(0, 6))[..., None] * rng.uniform(2, 18, 3)
    return np.clip(128 + planes, 0, 255).astype(np.uint8)
