"""Quick PSNR-Y check while training. The full evaluation is eval.py."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import torch
from PIL import Image as PilImage
from torch import Tensor, nn

from .color import rgb_to_ycc
from .degrade import degrade, reduce_bicubic, to_u8

Tracks = dict[str, list[tuple[Tensor, Tensor]]]


def _tensor(image: np.ndarray) -> Tensor:
    return torch.from_numpy(np.array(image)).permute(2, 0, 1)[None].float() / 255


def load_validation(folder: Path, scale: int) -> Tracks:
    """Pairs (LR, HR) as (1,3,H,W) RGB in 0..1, of two tracks: clean bicubic and degraded."""
    tracks: Tracks = {"bicubic": [], "degraded": []}
    for path in sorted(folder.glob("*.png")):
        hr = np.asarray(PilImage.open(path).convert("RGB"))
        hr = hr[: hr.shape[0] // (2 * scale) * 2 * scale, : hr.shape[1] // (2 * scale) * 2 * scale]
        rng = np.random.default_rng(zlib.crc32(path.stem.encode()))
        tracks["bicubic"].append((_tensor(to_u8(reduce_bicubic(hr, scale))), _tensor(hr)))
        tracks["degraded"].append((_tensor(degrade(hr, scale, rng)), _tensor(hr)))
    return tracks


@torch.no_grad()
def validate(model: nn.Module, tracks: Tracks, scale: int) -> dict[str, float]:
    """Mean PSNR of luma codes (borders of `scale` pixels left out) on each track, in dB."""
    model.eval()
    result = {}
    for name, pairs in tracks.items():
        values = []
        for lr, hr in pairs:
            luma = (model(rgb_to_ycc(lr))[:, :1] * 255).round().clamp(0, 255)
            error = (luma - rgb_to_ycc(hr)[:, :1] * 255)[..., scale:-scale, scale:-scale]
            values.append(10 * np.log10(255**2 / float((error**2).mean())))
        result[name] = round(float(np.mean(values)), 3)
    return result
