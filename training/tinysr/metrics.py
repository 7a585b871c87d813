"""Picture quality as the super-resolution papers report it: PSNR and SSIM of luma, LPIPS of the whole picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import correlate1d

from .color import rgb_to_ycc_matrix
from .degrade import Image
from .lpips import SqueezeLpips

Plane = NDArray[np.float64]

# Wang et al., IEEE TIP 13(4), 2004: window of 11 taps with sigma 1.5, and the two stabilisers for 8-bit codes.
_RADIUS = 5
_SIGMA = 1.5
_C1 = (0.01 * 255) ** 2
_C2 = (0.03 * 255) ** 2


def luma(image: NDArray[Any]) -> Plane:
    """(H,W,3) RGB codes 0..255 -> (H,W) BT.601 luma codes 16..235, not rounded."""
    matrix, offset = rgb_to_ycc_matrix()
    # The matrix maps 0..1 to codes over 255, so the same numbers map codes to codes.
    codes: Plane = image.astype(np.float64) @ matrix[0].numpy() + float(offset[0]) * 255
    return codes


def _inner(plane: Plane, border: int) -> Plane:
    return plane[border : plane.shape[0] - border, border : plane.shape[1] - border]


def psnr_y(reference: NDArray[Any], image: NDArray[Any], border: int) -> float:
    """PSNR of luma in dB, `border` pixels left out on every side."""
    error = float(np.mean(_inner(luma(reference) - luma(image), border) ** 2))
    return float("inf") if error == 0 else float(10 * np.log10(255.0**2 / error))


def _window_mean(plane: Plane) -> Plane:
    taps = np.exp(-0.5 * (np.arange(-_RADIUS, _RADIUS + 1) / _SIGMA) ** 2)
    taps /= taps.sum()
    return _inner(correlate1d(correlate1d(plane, taps, 0), taps, 1), _RADIUS)


def ssim_y(reference: NDArray[Any], image: NDArray[Any], border: int) -> float:
    """Mean SSIM of luma over the windows that lie inside, `border` pixels left out on every side."""
    a, b = _inner(luma(reference), border), _inner(luma(image), border)
    mean_a, mean_b = _window_mean(a), _window_mean(b)
    var_a = _window_mean(a * a) - mean_a**2
    var_b = _window_mean(b * b) - mean_b**2
    covariance = _window_mean(a * b) - mean_a * mean_b
    brightness = (2 * mean_a * mean_b + _C1) / (mean_a**2 + mean_b**2 + _C1)
    structure = (2 * covariance + _C2) / (var_a + var_b + _C2)
    return float(np.mean(brightness * structure))


class Lpips:
    """LPIPS of 8-bit pictures, with the weights of an ONNX file."""

    def __init__(self, path: Path) -> None:
        self._net = SqueezeLpips(path)

    @torch.no_grad()
    def __call__(self, reference: Image, image: Image) -> float:
        """Distance of two (H,W,3) pictures; smaller is more alike."""
        a, b = (torch.from_numpy(np.ascontiguousarray(x)).permute(2, 0, 1)[None].float() / 255 for x in (image, reference))
        return float(self._net(a, b))
