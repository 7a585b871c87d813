"""What a step of compression costs and what it gains: parameters, MACs, milliseconds, PSNR, LPIPS."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from ..arch import count
from ..metrics import psnr_y
from .losses import Distance


@dataclass(frozen=True)
class Measure:
    """macs and milliseconds are for one call; psnr is of luma, in dB; lpips is nan where no network was given."""

    parameters: int
    macs: int
    attention_macs: int
    milliseconds: float
    psnr: float = float("nan")
    lpips: float = float("nan")

    def row(self, name: str) -> str:
        """One line of a Markdown table: name, parameters, MACs, ms, PSNR, LPIPS."""
        cost = f"{self.parameters / 1e3:.0f} k | {self.macs / 1e6:.1f} M | {self.milliseconds:.1f}"
        return f"| {name} | {cost} | {self.psnr:.2f} | {self.lpips:.4f} |"


def milliseconds(module: nn.Module, *inputs: Tensor, runs: int = 5) -> float:
    """Median time of a call, after one that does not count."""
    times = []
    with torch.no_grad():
        for _ in range(runs + 1):
            began = time.perf_counter()
            module(*inputs)
            if inputs[0].is_cuda:
                torch.cuda.synchronize()
            times.append(1e3 * (time.perf_counter() - began))
    return float(np.median(times[1:]))


def measure_cost(module: nn.Module, *inputs: Tensor, runs: int = 5) -> Measure:
    """Parameters, MACs and time of a part or the whole."""
    cost = count(module, *inputs)
    return Measure(cost.parameters, cost.macs, cost.attention_macs, milliseconds(module, *inputs, runs=runs))


def codes(picture: Tensor) -> np.ndarray:
    """(3,H,W) in 0..1 -> (H,W,3) in 0..255, rounded as 8 bits."""
    return (picture.clamp(0, 1) * 255).round().permute(1, 2, 0).cpu().numpy()


@torch.no_grad()
def quality(
    model: nn.Module, pairs: Sequence[tuple[Tensor, Tensor]], border: int, perceptual: Distance | None = None
) -> tuple[float, float]:
    """Mean PSNR-Y (dB) and LPIPS of `model(input)` over pairs of (1,3,h,w) and (1,3,H,W) in 0..1."""
    was_training = model.training
    model.eval()
    psnrs, distances = [], []
    for source, target in pairs:
        picture = model(source).clamp(0, 1)
        psnrs.append(psnr_y(codes(target[0]), codes(picture[0]), border))
        distances.append(float(perceptual(picture, target)) if perceptual else float("nan"))
    model.train(was_training)
    return float(np.mean(psnrs)), float(np.mean(distances))
