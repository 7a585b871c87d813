"""Makes the cache of training pairs: LR and HR crops as uint8 arrays on disk, degraded once.

python -m tinysr.prepare --data PHOTOS [GRAPHICS ...] --out CACHE --crops 12000
python -m tinysr.prepare --data PHOTOS --out CACHE --shares 0.3 0.2 0.5 --codecs h264 hevc vp9 --halos 0.3 --subsampling 0.15
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as PilImage

from .degrade import Image, degrade, h264, reduce_bicubic, to_u8
from .recipe.video import CODECS, disturb_clip

SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp"}
HR_CROP = 256
CLIP_FRAMES = 5


@dataclass(frozen=True)
class Mixture:
    """What LR pictures go through.

    shares: of clean, degraded and video pairs. codecs: of the video pairs; each clip takes one of them. halos, subsampling:
    share of the clips that are sharpened first, and that see 4:2:0 without a codec.
    """

    shares: tuple[float, float, float] = (0.45, 0.3, 0.25)
    codecs: tuple[str, ...] = ("h264",)
    halos: float = 0.0
    subsampling: float = 0.0

    def __post_init__(self) -> None:
        if abs(sum(self.shares) - 1) > 1e-6 or min(self.shares) < 0:
            raise ValueError(f"shares must add up to 1: {self.shares}")
        if not self.codecs or not set(self.codecs) <= set(CODECS):
            raise ValueError(f"codecs must be some of {', '.join(CODECS)}: {self.codecs}")

    @property
    def plain(self) -> bool:
        """Nothing but H.264, as the shipped weights saw it."""
        return self.codecs == ("h264",) and not self.halos and not self.subsampling


SHIPPED = Mixture()


def load_picture(path: Path) -> Image:
    """An image file as (H,W,3) RGB codes."""
    return np.asarray(PilImage.open(path).convert("RGB"))


def video_reduction(image: Image, scale: int, rng: np.random.Generator, mixture: Mixture) -> Image:
    """The frame as it stands at the end of a short compressed pan, so that inter-coding artefacts are there."""
    lr = to_u8(reduce_bicubic(image, scale)) if rng.random() < 0.6 else degrade_light(image, scale)
    height, width = lr.shape[0] // 2 * 2, lr.shape[1] // 2 * 2
    step = int(rng.integers(0, 4))
    frames = [np.roll(lr, step * (CLIP_FRAMES - 1 - i), axis=1)[:height, :width] for i in range(CLIP_FRAMES)]
    out = lr.copy()
    if mixture.plain:
        disturbed = h264(frames, int(rng.integers(18, 38)))
    else:
        disturbed = disturb_clip(frames, rng, mixture.codecs, mixture.halos, mixture.subsampling)
    out[:height, :width] = disturbed[-1]
    return out


def degrade_light(image: Image, scale: int) -> Image:
    """Area reduction, as camera scalers do."""
    return cv2.resize(image, (image.shape[1] // scale, image.shape[0] // scale), interpolation=cv2.INTER_AREA)


def detail(crop: Image) -> float:
    """Mean change from pixel to pixel, in codes."""
    grey = crop.astype(np.float32).mean(2)
    return float(np.abs(np.diff(grey, axis=0)).mean() + np.abs(np.diff(grey, axis=1)).mean())


def crops_of(
    path: Path, count: int, scale: int, seed: int, mixture: Mixture = SHIPPED
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """`count` pairs (LR, HR) of one image: clean bicubic, degraded, compressed as video."""
    rng = np.random.default_rng(seed)
    image: NDArray[Any] = load_picture(path)
    if rng.random() < 0.3:
        factor = rng.uniform(0.6, 0.9)
        image = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    height, width = image.shape[0] // (2 * scale) * 2 * scale, image.shape[1] // (2 * scale) * 2 * scale
    image = np.ascontiguousarray(image[:height, :width])
    side = HR_CROP // scale
    if min(height, width) < HR_CROP:
        return np.zeros((0, side, side, 3), np.uint8), np.zeros((0, HR_CROP, HR_CROP, 3), np.uint8)
    reductions = [
        to_u8(reduce_bicubic(image, scale)),
        degrade(image, scale, rng),
        degrade(image, scale, rng),
        video_reduction(image, scale, rng, mixture),
    ]
    clean, degraded, video = mixture.shares
    shares = [clean, degraded / 2, degraded / 2, video]
    if not mixture.plain:
        # More than one codec: a second clip of the same picture, most often of another.
        reductions.append(video_reduction(image, scale, rng, mixture))
        shares = [*shares[:3], video / 2, video / 2]
    kinds = rng.choice(len(shares), count, p=shares)
    lrs, hrs = [], []
    for kind in kinds:
        best = None
        for _ in range(3):
            y = int(rng.integers(0, (height - HR_CROP) // (2 * scale) + 1)) * 2 * scale
            x = int(rng.integers(0, (width - HR_CROP) // (2 * scale) + 1)) * 2 * scale
            found = detail(image[y : y + HR_CROP, x : x + HR_CROP])
            if best is None or found > best[0]:
                best = (found, y, x)
        assert best is not None
        _, y, x = best
        hrs.append(image[y : y + HR_CROP, x : x + HR_CROP])
        lrs.append(reductions[kind][y // scale : y // scale + side, x // scale : x // scale + side])
    return np.stack(lrs), np.stack(hrs)


def cache_arguments(description: str | None) -> argparse.ArgumentParser:
    """What every program that fills a cache from pictures can be told."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", nargs="+", type=Path, required=True, help="folders of training images")
    parser.add_argument("--out", type=Path, required=True, help="folder of the cache")
    parser.add_argument("--scale", type=int, default=4, choices=(2, 3, 4))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    return parser


def pictures_in(folders: Sequence[Path]) -> list[Path]:
    """All image files of these folders, in one order everywhere. @raises ValueError: there are none"""
    found = sorted(file for folder in folders for file in folder.iterdir() if file.suffix.lower() in SUFFIXES)
    if not found:
        raise ValueError(f"no pictures in {', '.join(map(str, folders))}")
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = cache_arguments(__doc__)
    parser.add_argument("--crops", type=int, default=12000)
    default = SHIPPED
    shares = {"nargs": 3, "type": float, "metavar": ("CLEAN", "DEGRADED", "VIDEO")}
    parser.add_argument("--shares", default=default.shares, help="of the pairs; together 1", **shares)  # type: ignore[arg-type]
    parser.add_argument("--codecs", nargs="+", choices=list(CODECS), default=default.codecs, help="that video pairs pass")
    parser.add_argument("--halos", type=float, default=default.halos, help="share of the clips that are sharpened first")
    parser.add_argument("--subsampling", type=float, default=default.subsampling, help="share that sees bare 4:2:0 instead")
    args = parser.parse_args(arguments)
    mixture = Mixture(tuple(args.shares), tuple(args.codecs), args.halos, args.subsampling)
    files = pictures_in(args.data)
    each = -(-args.crops // len(files))
    args.out.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(args.workers) as pool:
        seeds = range(args.seed, args.seed + len(files))
        pairs = list(
            pool.map(crops_of, files, [each] * len(files), [args.scale] * len(files), seeds, [mixture] * len(files), chunksize=4)
        )
    lr, hr = (np.concatenate(arrays) for arrays in zip(*pairs, strict=True))
    order = np.random.default_rng(args.seed).permutation(len(lr))
    np.save(args.out / "lr.npy", lr[order])
    np.save(args.out / "hr.npy", hr[order])
    print(f"{len(lr)} pairs from {len(files)} images")


if __name__ == "__main__":
    main()
