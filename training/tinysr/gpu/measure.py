"""How weights do on pairs of pictures, while they are trained."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from ..arch import TinySR, TinySRConfig
from ..recipe.losses import Distance
from .pieces import State
from .trainer import luma_psnr, pictures

Tracks = Mapping[str, Sequence[tuple[Tensor, Tensor]]]


def measure_on(
    config: TinySRConfig, tracks: Tracks, perceptual: Distance | None, device: str
) -> Callable[[State], dict[str, float]]:
    """From weights to PSNR-Y and LPIPS on tracks of (1,3,h,w) and (1,3,s*h,s*w) pairs, which lie on `device`."""
    model = TinySR(config).to(device).eval()

    def mean(values: Sequence[float], digits: int) -> float:
        return round(sum(values) / len(values), digits)

    @torch.no_grad()
    def measure(state: State) -> dict[str, float]:
        model.load_state_dict(state)
        found: dict[str, float] = {}
        for name, pairs in tracks.items():
            shown = [(pictures(model, lr).clamp(0, 1), hr) for lr, hr in pairs]
            found[f"{name} PSNR-Y"] = mean([luma_psnr(a, b) for a, b in shown], 3)
            if perceptual:
                found[f"{name} LPIPS"] = mean([float(perceptual(a, b)) for a, b in shown], 4)
        return found

    return measure
