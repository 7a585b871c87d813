"""tinysr.degrade for whole batches, in torch alone: blur, one of three scalers, noise, JPEG. Each sample has its own luck."""

from __future__ import annotations

import math
from functools import cache

import torch
from torch import Tensor
from torch.nn import functional

from ..degrade import bicubic_matrix

_SIDE = 13


def _chance(count: int, share: float, like: Tensor) -> Tensor:
    """(N,1,1,1) of booleans."""
    return torch.rand(count, 1, 1, 1, device=like.device) < share


def _uniform(count: int, low: float, high: float, like: Tensor) -> Tensor:
    return low + (high - low) * torch.rand(count, 1, 1, 1, device=like.device)


@cache
def _reduction(side: int, scale: int, device: torch.device) -> Tensor:
    return torch.from_numpy(bicubic_matrix(side, scale)).float().to(device)


def reduce(x: Tensor, scale: int) -> Tensor:
    """Antialiased bicubic reduction of (N,C,H,W); its matrices stay on the device."""
    rows, columns = (_reduction(side, scale, x.device) for side in x.shape[2:])
    return torch.einsum("yh,nchw,xw->ncyx", rows, x, columns)


def blur(x: Tensor, share: float = 0.8) -> Tensor:
    """(N,3,H,W): a Gaussian of 13x13 for each sample, seldom round; `share` of them."""
    n, channels, height, width = x.shape
    grid = torch.arange(_SIDE, device=x.device, dtype=x.dtype) - _SIDE // 2
    theta = _uniform(n, 0, math.pi, x)
    along, across = (_uniform(n, 0.2, 1.9, x) for _ in range(2))
    u = grid * theta.cos() + grid[:, None] * theta.sin()  # (N,1,13,13)
    v = grid[:, None] * theta.cos() - grid * theta.sin()
    kernel = torch.exp(-0.5 * ((u / along) ** 2 + (v / across) ** 2))
    kernel = kernel / kernel.sum((2, 3), keepdim=True)
    wide = functional.pad(x, (_SIDE // 2,) * 4, mode="reflect").reshape(1, n * channels, height + _SIDE - 1, -1)
    blurred = functional.conv2d(wide, kernel.repeat_interleave(channels, 0), groups=n * channels)
    return torch.where(_chance(n, share, x), blurred.view(n, channels, height, width), x)


def shrink(x: Tensor, scale: int) -> Tensor:
    """(N,3,H,W): bicubic with antialiasing for half of the samples, area for most of the others, bilinear without."""
    kind = torch.rand(len(x), 1, 1, 1, device=x.device)
    area = functional.avg_pool2d(x, scale)
    bilinear = functional.interpolate(x, scale_factor=1 / scale, mode="bilinear", align_corners=False)
    return torch.where(kind < 0.5, reduce(x, scale), torch.where(kind < 0.85, area, bilinear))


def noise(x: Tensor, share: float = 0.8) -> Tensor:
    """Codes 0..255 with Gaussian or Poisson noise, in 40 % of cases the same in all channels."""
    n = len(x)
    coloured = torch.randn_like(x)
    normal = torch.where(_chance(n, 0.4, x), coloured[:, :1].expand_as(x), coloured)
    # Poisson's, by its deviation; at a mean of a few codes and more the shape is a Gaussian's.
    poisson = _uniform(n, 0.05, 0.5, x) * x.clamp(0, 255).sqrt() * normal
    noisy = x + torch.where(_chance(n, 0.5, x), _uniform(n, 0.5, 5, x) * normal, poisson)
    return torch.where(_chance(n, share, x), noisy, x)


# Quantisation tables of ITU-T T.81, annex K, row by row.
_LUMA = (
    "16 11 10 16 24 40 51 61 12 12 14 19 26 58 60 55 14 13 16 24 40 57 69 56 14 17 22 29 51 87 80 62 "
    "18 22 37 56 68 109 103 77 24 35 55 64 81 104 113 92 49 64 78 87 103 121 120 101 72 92 95 98 112 100 103 99"
)
_CHROMA = (
    "17 18 24 47 99 99 99 99 18 21 26 66 99 99 99 99 24 26 56 99 99 99 99 99 47 66 99 99 99 99 99 99 "
    "99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99"
)


@cache
def _ycc(device: torch.device) -> tuple[Tensor, Tensor]:
    """JFIF's RGB to YCbCr, without the offset, and back."""
    matrix = torch.tensor([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]])
    return matrix.to(device), torch.linalg.inv(matrix).to(device)


@cache
def _tables(device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """The cosine transform (8,8), and both tables (8,8)."""
    k = torch.arange(8, dtype=torch.float64)
    transform = torch.cos(math.pi * (2 * k[None] + 1) * k[:, None] / 16) * 0.5
    transform[0] /= math.sqrt(2)
    tables = [torch.tensor([float(v) for v in text.split()]).view(8, 8) for text in (_LUMA, _CHROMA)]
    return transform.float().to(device), tables[0].to(device), tables[1].to(device)


def _quantised(plane: Tensor, table: Tensor) -> Tensor:
    """(N,C,H,W) in -128..127 through the transform of 8x8 blocks, rounded in steps of (N,1,1,1,8,8)."""
    n, c, height, width = plane.shape
    transform = _tables(plane.device)[0].to(plane)
    blocks = plane.view(n, c, height // 8, 8, width // 8, 8).transpose(3, 4)
    steps = transform @ blocks @ transform.T
    back = transform.T @ (torch.round(steps / table) * table) @ transform
    return back.transpose(3, 4).reshape(n, c, height, width)


def jpeg(x: Tensor, quality: Tensor) -> Tensor:
    """Codes 0..255 (N,3,h,w), sides multiples of 16, after JPEG with 4:2:0 at (N) qualities; rounded."""
    _, luma, chroma = _tables(x.device)
    matrix, back = _ycc(x.device)
    ycc = torch.einsum("ij,njhw->nihw", matrix, x).round()
    scale = torch.where(quality < 50, 5000 / quality, 200 - 2 * quality).view(-1, 1, 1, 1, 1, 1)
    tables = [((table * scale + 50) / 100).floor().clamp(1, 255) for table in (luma, chroma)]
    y = _quantised(ycc[:, :1] - 128, tables[0]) + 128
    small = _quantised(functional.avg_pool2d(ycc[:, 1:], 2).round(), tables[1])
    wide = functional.interpolate(small, scale_factor=2.0, mode="bilinear", align_corners=False)
    rgb = torch.einsum("ij,njhw->nihw", back, torch.cat([y, wide], 1))
    return rgb.round().clamp(0, 255)


@torch.no_grad()
def degrade(hr: Tensor, scale: int, clean: float) -> Tensor:
    """(N,3,H,W) in 0..1 -> (N,3,h,w) in 0..1, whole codes; sides of LR multiples of 16. clean: share only reduced."""
    n, codes = len(hr), 255 * hr
    plain = reduce(codes, scale).round().clamp(0, 255)
    if clean >= 1:
        return plain / 255
    worse = noise(shrink(blur(codes), scale)).round().clamp(0, 255)
    packed = jpeg(worse, 30 + 65 * torch.rand(n, device=hr.device))
    worse = torch.where(_chance(n, 0.85, hr), packed, worse)
    return torch.where(_chance(n, clean, hr), plain, worse) / 255
