"""Training pairs cut and degraded on the device."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..pairs import Batch
from .degrade import degrade
from .pack import Pack, Pictures


@dataclass(frozen=True)
class Shares:
    """Of pairs that are only reduced, degraded like photographs, compressed by a video codec."""

    clean: float
    degraded: float
    video: float


def _places(sizes: Tensor, side: int, step: int) -> tuple[Tensor, Tensor]:
    """Random corners of squares in pictures of (N,2), multiples of `step`."""
    room = (sizes - side) // step + 1
    place = (torch.rand(len(sizes), 2, device=sizes.device) * room).long() * step
    return place[:, 0], place[:, 1]


def _detail(pictures: Pictures, pick: Tensor, y: Tensor, x: Tensor, side: int) -> Tensor:
    """(N): mean change between pixels four apart."""
    thin = pictures.crops(pick, y, x, side, 4).float().mean(1)
    return thin.diff(dim=1).abs().mean((1, 2)) + thin.diff(dim=2).abs().mean((1, 2))


def flip(lr: Tensor, hr: Tensor) -> tuple[Tensor, Tensor]:
    """The same flips and transposition for all of both."""
    for axis in (2, 3):
        if torch.rand(()) < 0.5:
            lr, hr = lr.flip(axis), hr.flip(axis)
    return (lr.transpose(2, 3), hr.transpose(2, 3)) if torch.rand(()) < 0.5 else (lr, hr)


class Batches:
    """Random pairs from a pack; torch's seed decides them."""

    def __init__(self, pack: Pack, scale: int) -> None:
        self.pack, self.scale = pack, scale

    def draw(self, count: int, crop: int, shares: Shares) -> Batch:
        """(count,3,crop,crop) and (count,3,s*crop,s*crop) in 0..1; crop: a multiple of 16."""
        video = round(count * shares.video) if self.pack.video else 0
        clean = round((count - video) * shares.clean / max(shares.clean + shares.degraded, 1e-6))
        # Not by luck for each pair: what is only reduced need not be degraded first.
        counts = {1.0: clean, 0.0: count - video - clean}
        parts = [self._photographs(number, crop, share) for share, number in counts.items() if number]
        parts += [self._video(video, crop)] if video else []
        lr, hr = (torch.cat(tensors) for tensors in zip(*parts, strict=True))
        return Batch(*flip(lr, hr))

    def _photographs(self, count: int, crop: int, clean: float) -> tuple[Tensor, Tensor]:
        """Of two random places each, that with more detail."""
        pictures, side = self.pack.hr, crop * self.scale
        pick = torch.randint(len(pictures), (2 * count,), device=pictures.pixels.device)
        y, x = _places(pictures.sizes[pick], side, 1)
        first, second = _detail(pictures, pick, y, x, side).view(2, count)
        best = torch.arange(count, device=pick.device) + count * (second > first)
        hr = pictures.crops(pick[best], y[best], x[best], side).float() / 255
        return degrade(hr, self.scale, clean), hr

    def _video(self, count: int, crop: int) -> tuple[Tensor, Tensor]:
        frames = self.pack.video
        assert frames is not None
        pick = torch.randint(len(frames), (count,), device=frames.pixels.device)
        y, x = _places(frames.sizes[pick], crop, 2)
        lr = frames.crops(pick, y, x, crop).float() / 255
        side, s = crop * self.scale, self.scale
        hr = self.pack.hr.crops(self.pack.owners[pick], s * y, s * x, side).float() / 255
        return lr, hr
