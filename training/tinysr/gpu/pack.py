"""Training pictures in one small file: WebP in a zip, decoded to one block of memory on the device.

`hr/0000.webp`: pictures. `x4/0000.webp`, `x2/...`: LR versions of some of them that have passed a real codec, as the device
has none. `lpips.npz`: weights of the perceptual loss.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image as PilImage
from torch import Tensor

Pixels = NDArray[np.uint8]


def encode(image: Pixels, quality: int) -> bytes:
    """(H,W,3) as WebP."""
    data = io.BytesIO()
    PilImage.fromarray(image).save(data, "WEBP", quality=quality, method=4)
    return data.getvalue()


def decode(data: bytes) -> Pixels:
    """WebP -> (H,W,3)."""
    return np.asarray(PilImage.open(io.BytesIO(data)).convert("RGB"))


@dataclass(frozen=True)
class Packed:
    """A picture, encoded, and its LR versions by scale, where it has any."""

    hr: bytes
    video: dict[int, bytes]

    def __len__(self) -> int:
        return len(self.hr) + sum(map(len, self.video.values()))


def write_pack(
    path: Path, pictures: Iterator[Packed], limit: int, lpips: dict[str, NDArray[np.float16]] | None
) -> tuple[int, int]:
    """Pictures until `limit` bytes are reached; how many there are, and how many bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    count = total = 0
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        if lpips:
            data = io.BytesIO()
            np.savez_compressed(data, **lpips)  # type: ignore[arg-type]
            archive.writestr("lpips.npz", data.getvalue())
            total += len(data.getvalue())
        for picture in pictures:
            if total + len(picture) > limit:
                break
            archive.writestr(f"hr/{count:04}.webp", picture.hr)
            for scale, lr in picture.video.items():
                archive.writestr(f"x{scale}/{count:04}.webp", lr)
            count, total = count + 1, total + len(picture)
        archive.writestr("index.json", json.dumps({"pictures": count}))
    return count, path.stat().st_size


class Pictures:
    """Pictures of any sizes, end to end in one tensor of (pixels, 3) bytes."""

    def __init__(self, images: list[Pixels], device: str) -> None:
        self.sizes = torch.tensor([image.shape[:2] for image in images], device=device)  # (n,2): height, width
        areas = torch.tensor([image.shape[0] * image.shape[1] for image in images])
        self.starts = (areas.cumsum(0) - areas).to(device)
        self.pixels = torch.from_numpy(np.concatenate([image.reshape(-1, 3) for image in images])).to(device)

    def __len__(self) -> int:
        return len(self.starts)

    def crops(self, pick: Tensor, y: Tensor, x: Tensor, side: int, step: int = 1) -> Tensor:
        """(N) each -> (N,3,side/step,side/step) bytes, every `step`th pixel."""
        line = torch.arange(0, side, step, device=pick.device)
        rows = (y[:, None] + line) * self.sizes[pick, 1:2] + self.starts[pick, None]
        where = rows[:, :, None] + (x[:, None] + line)[:, None, :]
        return self.pixels[where].permute(0, 3, 1, 2)


@dataclass(frozen=True)
class Pack:
    """What a pack holds for one scale; video: LR pictures, and which HR picture each belongs to."""

    hr: Pictures
    video: Pictures | None
    owners: Tensor
    lpips: Path | None


def read_pack(path: Path, scale: int, device: str, scratch: Path, held_out: int = 0) -> tuple[Pack, list[Pixels]]:
    """The pack on the device, and the last pictures, which are left out of it. scratch: folder for the LPIPS weights."""
    with zipfile.ZipFile(path) as archive:
        names = sorted(name for name in archive.namelist() if name.startswith("hr/"))
        data = {name: archive.read(name) for name in archive.namelist()}
    with ThreadPoolExecutor() as pool:
        hr = list(pool.map(lambda name: decode(data[name]), names))
        kept = len(hr) - held_out
        if kept < 1:
            raise ValueError(f"{path} has {len(hr)} pictures: not more than the {held_out} to hold out")
        owners = [i for i in range(kept) if f"x{scale}/{i:04}.webp" in data]
        video = list(pool.map(lambda i: decode(data[f"x{scale}/{i:04}.webp"]), owners))
    lpips = None
    if "lpips.npz" in data:
        lpips = scratch / "lpips.npz"
        lpips.parent.mkdir(parents=True, exist_ok=True)
        lpips.write_bytes(data["lpips.npz"])
    pictures = Pictures(hr[:kept], device)
    pack = Pack(pictures, Pictures(video, device) if video else None, torch.tensor(owners, device=device), lpips)
    return pack, hr[kept:]
