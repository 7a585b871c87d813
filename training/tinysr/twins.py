"""Pictures seen twice, for the temporal term: two neighbouring frames of a short pan, each with noise and compression of its own.

python -m tinysr.twins --data PHOTOS [GRAPHICS ...] --out CACHE --count 3000
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from .degrade import Image, h264, jpeg, reduce_bicubic, to_u8
from .pairs import planes
from .prepare import CLIP_FRAMES, HR_CROP, cache_arguments, detail, load_picture, pictures_in
from .recipe.temporal import Pair
from .recipe.video import CODECS, encode_decode

# HR pixels from frame to frame, at most: up to two LR pixels at x4, so every fraction of one comes about.
FARTHEST = 7
# Share of the clips in which nothing moves but noise, which is where eyes find flicker first.
_STILL = 0.3
_NOISY, _MOST_NOISE = 0.9, 4.0
# What compresses a clip that moves. One that stands still never passes a codec that predicts: it would repeat the first frame.
_PREDICTED = 0.65
# H.264 of key frames alone, whose errors do not repeat; else JPEG for each frame.
_KEYS = 0.7


def files(cache: Path) -> dict[str, Path]:
    """LR frames (N,2,h,w,3), HR pictures that hold both views (N,H+7,W+7,3), and shifts (N,2) in HR pixels, down and right."""
    return {name: cache / f"twins-{name}.npy" for name in ("lr", "hr", "shift")}


def compressed(frames: list[Image], moving: bool, rng: np.random.Generator) -> list[Image]:
    """What a camera and an encoder leave of a clip; settings are the clip's, noise is each frame's."""
    if rng.random() < _NOISY:
        deviation = rng.uniform(0.5, _MOST_NOISE)
        frames = [to_u8(frame + rng.normal(0, deviation, frame.shape)) for frame in frames]
    if moving and rng.random() < _PREDICTED:
        codec = str(rng.choice(list(CODECS)))
        low, high = CODECS[codec][1]
        return encode_decode(frames, codec, int(rng.integers(low, high)))
    if rng.random() < _KEYS:
        return h264(frames, int(rng.integers(18, 38)), key_every=1)
    quality = int(rng.integers(35, 96))
    return [jpeg(frame, quality) for frame in frames]


def twin(picture: Image, scale: int, shift: tuple[int, int], rng: np.random.Generator) -> tuple[NDArray[np.uint8], Image]:
    """LR frames (2,h,w,3) of a place of the picture, the last of a pan by `shift` HR pixels a frame; and the place in HR.

    The picture has HR_CROP plus four times the shift at least on each side. Of three places the one with the most detail counts.
    """
    reach = [HR_CROP + (CLIP_FRAMES - 1) * step for step in shift]
    places = []
    for _ in range(3):
        y, x = (int(rng.integers(0, side - need + 1)) for side, need in zip(picture.shape, reach, strict=False))
        places.append(picture[y : y + reach[0], x : x + reach[1]])
    place = max(places, key=detail)
    views = [(shift[0] * n, shift[1] * n) for n in range(CLIP_FRAMES)]
    frames = [to_u8(reduce_bicubic(place[y : y + HR_CROP, x : x + HR_CROP], scale)) for y, x in views]
    lr = np.stack(compressed(frames, max(shift) > 0, rng)[-2:])
    y, x = views[-2]
    held = place[y : y + HR_CROP + shift[0], x : x + HR_CROP + shift[1]]
    missing = [(0, HR_CROP + FARTHEST - side) for side in held.shape[:2]]
    return lr, np.pad(held, (*missing, (0, 0)))


def twins_of(path: Path, count: int, scale: int, seed: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.int64]]:
    """`count` twins of one picture as :func:`files` has them; none of one that is too small."""
    rng = np.random.default_rng(seed)
    picture = load_picture(path)
    lrs, hrs, shifts = [], [], []
    if min(picture.shape[:2]) >= HR_CROP + (CLIP_FRAMES - 1) * FARTHEST:
        for _ in range(count):
            down, right = (0, 0) if rng.random() < _STILL else (int(step) for step in rng.integers(0, FARTHEST + 1, 2))
            turned = picture[:: rng.choice((1, -1)), :: rng.choice((1, -1))]
            lr, hr = twin(turned, scale, (down, right), rng)
            lrs.append(lr)
            hrs.append(hr)
            shifts.append((down, right))
    side, tall = HR_CROP // scale, HR_CROP + FARTHEST
    return (
        np.array(lrs, np.uint8).reshape(-1, 2, side, side, 3),
        np.array(hrs, np.uint8).reshape(-1, tall, tall, 3),
        np.array(shifts, np.int64).reshape(-1, 2),
    )


class TwinPairs:
    """Random batches of twins.

    @raises ValueError: the cache has none
    """

    def __init__(self, cache: Path, scale: int, rng: np.random.Generator) -> None:
        found = files(cache)
        if not all(path.exists() for path in found.values()):
            raise ValueError(f"no twins in {cache}: make them with tinysr.twins")
        self._lr, self._hr = (np.load(found[name], mmap_mode="r") for name in ("lr", "hr"))
        self._shift = np.load(found["shift"])
        self._scale, self._rng = scale, rng
        self.side: int = self._lr.shape[2]

    def batch(self, count: int, crop: int) -> Pair:
        """`count` twins with one shift, views of (3,crop,crop) and (3,s*crop,s*crop) RGB in 0..1, turned at random."""
        shift = self._shift[self._rng.integers(0, len(self._shift))]
        alike = np.flatnonzero((self._shift == shift).all(1))
        pick = np.sort(self._rng.choice(alike, count))
        y, x = (2 * int(v) for v in self._rng.integers(0, (self.side - crop) // 2 + 1, 2))
        first, second = (planes(self._lr[pick, n, y : y + crop, x : x + crop]) for n in (0, 1))
        down, right = (int(v) for v in shift)
        fine, top, left = self._scale * crop, self._scale * y, self._scale * x
        first_hr, second_hr = (
            planes(self._hr[pick, top + dy : top + dy + fine, left + dx : left + dx + fine]) for dy, dx in ((0, 0), (down, right))
        )
        if self._rng.random() < 0.5:
            # Upside down, the second view becomes the one that lies behind.
            first, second = second.flip(2, 3), first.flip(2, 3)
            first_hr, second_hr = second_hr.flip(2, 3), first_hr.flip(2, 3)
        if self._rng.random() < 0.5:
            first, second, first_hr, second_hr = (view.transpose(2, 3) for view in (first, second, first_hr, second_hr))
            down, right = right, down
        return Pair(first, second, first_hr, second_hr, (down, right))

    def reseed(self, rng: np.random.Generator) -> None:
        """What is drawn from here on follows `rng`."""
        self._rng = rng


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = cache_arguments(__doc__)
    parser.add_argument("--count", type=int, default=3000)
    args = parser.parse_args(arguments)
    cv2.setNumThreads(1)
    found = pictures_in(args.data)
    each = -(-args.count // len(found))
    args.out.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(args.workers) as pool:
        seeds = range(args.seed, args.seed + len(found))
        made = pool.map(twins_of, found, [each] * len(found), [args.scale] * len(found), seeds, chunksize=4)
        arrays = [np.concatenate(parts) for parts in zip(*made, strict=True)]
    for path, array in zip(files(args.out).values(), arrays, strict=True):
        np.save(path, array)
    print(f"{len(arrays[0])} twins from {len(found)} images")


if __name__ == "__main__":
    main()
