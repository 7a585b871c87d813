"""Adds a teacher's outputs to a cache of prepare.py: a further target for students (arXiv:1503.02531).

A teacher's picture has none of the detail that nobody could know, so a student's gradients are far less noisy than from HR.

python -m tinysr.teach --cache CACHE --teacher span.onnx --of clean
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from .degrade import Image, bicubic_matrix, to_u8
from .pairs import SHOWN, taught_path
from .upscalers import cpu_session

_TOGETHER = 16


def reduce_clean(hr: NDArray[np.uint8], scale: int) -> Image:
    """(N,H,W,3) -> (N,H/s,W/s,3): bicubic reduction of whole crops, rounded to 8 bits."""
    matrix = torch.from_numpy(bicubic_matrix(hr.shape[1], scale).astype(np.float32))
    reduced = torch.einsum("yh,nhwc,xw->nyxc", matrix, torch.from_numpy(np.array(hr, np.float32)), matrix)
    return to_u8(reduced.numpy())


def _shown(cache: Path, shown: str, hr: NDArray[np.uint8]) -> Iterator[tuple[slice, Image]]:
    lr = np.load(cache / "lr.npy", mmap_mode="r")
    scale = hr.shape[1] // lr.shape[1]
    for first in range(0, len(lr), _TOGETHER):
        part = slice(first, min(first + _TOGETHER, len(lr)))
        yield part, reduce_clean(hr[part], scale) if shown == "clean" else np.ascontiguousarray(lr[part])


def teach(cache: Path, teacher: Path, shown: str, threads: int) -> int:
    """Writes what the teacher makes of every crop; their number.

    teacher: an ONNX graph of (N,3,h,w) RGB floats in 0..1 with the cache's scale.
    @raises ValueError: the teacher's scale is another one
    """
    session = cpu_session(teacher, threads)
    name = session.get_inputs()[0].name
    hr = np.load(cache / "hr.npy", mmap_mode="r")
    path = taught_path(cache, shown)
    written = path.with_suffix(".tmp")
    taught = np.lib.format.open_memmap(written, "w+", np.uint8, hr.shape)
    for part, lr in _shown(cache, shown, hr):
        planes = np.ascontiguousarray(lr.transpose(0, 3, 1, 2)).astype(np.float32) / 255
        output = np.asarray(session.run(None, {name: planes})[0])
        if output.shape[2:] != hr.shape[1:3]:
            raise ValueError(f"{teacher.name} makes {output.shape[3]} pixels of {lr.shape[2]}, not {hr.shape[2]}")
        taught[part] = to_u8(output.transpose(0, 2, 3, 1) * 255)
    taught.flush()
    written.replace(path)
    return len(hr)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--teacher", type=Path, required=True, help="float ONNX model of the cache's scale")
    parser.add_argument("--of", choices=SHOWN, default="clean", help="what the teacher is shown")
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    print(f"{teach(args.cache, args.teacher, args.of, args.threads)} crops taught by {args.teacher.stem}")


if __name__ == "__main__":
    main()
