"""Random training batches from a cache of prepare.py."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .degrade import bicubic_matrix
from .recipe.temporal import Pair as Twins

# What a teacher is shown: clean reductions of the HR crops, or the LR crops as they lie in the cache.
SHOWN = ("clean", "cached")


def taught_path(cache: Path, shown: str) -> Path:
    """Where tinysr.teach leaves the teacher's outputs."""
    return cache / f"taught-{shown}.npy"


class Batch(NamedTuple):
    """LR, HR and what a teacher made of LR, if it was asked: (N,3,h,w) and twice (N,3,s*h,s*w) RGB in 0..1.

    twins: pictures seen twice, beside these.
    """

    lr: Tensor
    hr: Tensor
    taught: Tensor | None = None
    twins: Twins | None = None


class Pairs:
    """Random batches from a cache of prepare.py, with a teacher's outputs where teach.py has added them and `taught` is set."""

    def __init__(self, cache: Path, scale: int, rng: np.random.Generator, taught: bool = False) -> None:
        self._lr, self._hr = (np.load(cache / f"{name}.npy", mmap_mode="r") for name in ("lr", "hr"))
        paths = {shown: taught_path(cache, shown) for shown in SHOWN}
        self._taught = {name: np.load(path, mmap_mode="r") for name, path in paths.items() if taught and path.exists()}
        if taught and not self._taught:
            raise ValueError(f"no teacher's outputs in {cache}: make them with tinysr.teach")
        self._scale, self._rng = scale, rng
        self.side: int = self._lr.shape[1]
        self._reduction = bicubic_matrix(self._hr.shape[1], scale).astype(np.float32)

    def batch(self, count: int, crop: int, clean: bool = False) -> Batch:
        """`count` pairs of (3,crop,crop) and (3,s*crop,s*crop) RGB in 0..1, flipped and turned at random.

        clean: LR is reduced from HR here, bicubically and without degradation, instead of taken from the cache.
        """
        pick = np.sort(self._rng.integers(0, len(self._lr), count))
        y, x = (2 * int(v) for v in self._rng.integers(0, (self.side - crop) // 2 + 1, 2))
        if clean:
            lr = self._reduce(pick, slice(y, y + crop), slice(x, x + crop))
        else:
            lr = planes(self._lr[pick, y : y + crop, x : x + crop])
        s = self._scale
        fine = (slice(s * y, s * (y + crop)), slice(s * x, s * (x + crop)))
        taught = self._taught.get("clean" if clean else "cached")
        targets = [planes(array[(pick, *fine)]) for array in (self._hr, taught) if array is not None]
        turned = augment([lr, *targets], self._rng)
        return Batch(turned[0], turned[1], turned[2] if len(turned) > 2 else None)

    def reseed(self, rng: np.random.Generator) -> None:
        """What is drawn from here on follows `rng`."""
        self._rng = rng

    def _reduce(self, pick: NDArray[np.int64], rows: slice, columns: slice) -> Tensor:
        """The part of the reduced crops that is wanted; rounded to 8 bits like everything a model is given."""
        (high, tall), (broad, wide) = (self._seen(part) for part in (rows, columns))
        hr = torch.from_numpy(self._hr[pick, high, broad]).permute(0, 3, 1, 2).float()
        return (tall @ hr @ wide.T).round().clamp(0, 255) / 255

    def _seen(self, part: slice) -> tuple[slice, Tensor]:
        """Which HR lines take part in these LR lines, and their weights: reading whole crops took most of a step."""
        matrix = self._reduction[part]
        used = np.flatnonzero(np.abs(matrix).max(0))
        lines = slice(int(used[0]), int(used[-1]) + 1)
        return lines, torch.from_numpy(matrix[:, lines])


def planes(pixels: NDArray[np.uint8]) -> Tensor:
    """(N,H,W,3) codes as (N,3,H,W) in 0..1."""
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255


def augment(pictures: list[Tensor], rng: np.random.Generator) -> list[Tensor]:
    """The same flips and transposition for all."""
    for axis in (2, 3):
        if rng.random() < 0.5:
            pictures = [picture.flip(axis) for picture in pictures]
    return [picture.transpose(2, 3) for picture in pictures] if rng.random() < 0.5 else pictures
