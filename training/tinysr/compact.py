"""The convolutional members of the TinySR family: everything at half the LR resolution, which at x4 is the H/8 latent grid."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True)
class CompactConfig:
    """Size of a convolutional TinySR.

    width: latent channels; blocks: one-step denoiser blocks; scale: enlargement (2, 3 or 4).
    """

    width: int = 32
    blocks: int = 2
    scale: int = 4

    @property
    def shuffle(self) -> int:
        """Output pixels a latent cell covers, each way."""
        return 2 * self.scale


class DenoiserBlock(nn.Module):
    """One step of the denoiser on the latent: z - eps(z) (arXiv:2508.17434, section 3.1), conditioning folded away."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.expand = nn.Conv2d(width, width, 3, padding=1)
        self.project = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, z: Tensor) -> Tensor:
        """(N,C,h/2,w/2) -> the same shape, not negative."""
        eps = self.project(functional.relu(self.expand(z)))
        return functional.relu(z - eps)


class CompactTinySR(nn.Module):
    """Encoder from the LR frame, denoiser blocks, decoder. The skip runs through the latent: inputs are not negative, so
    ReLU lets the channels that start as copies of the input pass."""

    def __init__(self, config: CompactConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = nn.Conv2d(12, config.width, 3)
        self.blocks = nn.ModuleList(DenoiserBlock(config.width) for _ in range(config.blocks))
        self.decoder = nn.Conv2d(config.width, 3 * config.shuffle**2, 3, padding=1)
        self._start_as_interpolation()

    @torch.no_grad()
    def _start_as_interpolation(self) -> None:
        """Initial weights: the first 12 latent channels copy the input, the decoder interpolates them bilinearly."""
        self.encoder.weight[:12].zero_()
        assert self.encoder.bias is not None
        self.encoder.bias[:12].zero_()
        for channel in range(12):
            self.encoder.weight[channel, channel, 1, 1] = 1.0
        for block in self.blocks:
            assert isinstance(block, DenoiserBlock)
            block.project.weight.mul_(0.1)
        shuffle, scale = self.config.shuffle, self.config.scale
        self.decoder.weight.mul_(0.1)
        assert self.decoder.bias is not None
        self.decoder.bias.zero_()
        self.decoder.weight[:, :12].zero_()
        for plane in range(3):
            for row in range(shuffle):
                for column in range(shuffle):
                    out = plane * shuffle**2 + row * shuffle + column
                    for y, wy in _taps(row, scale):
                        for x, wx in _taps(column, scale):
                            channel = plane * 4 + (y % 2) * 2 + x % 2
                            self.decoder.weight[out, channel, y // 2 + 1, x // 2 + 1] += wy * wx

    def latent(self, cells: Tensor) -> Tensor:
        """(N,12,h/2,w/2) input cells -> (N,3*(2s)^2,h/2,w/2) output cells."""
        z = functional.relu(self.encoder(functional.pad(cells, (1, 1, 1, 1), mode="replicate")))
        for block in self.blocks:
            z = block(z)
        return self.decoder(z)

    def forward(self, lr: Tensor) -> Tensor:
        """(N,3,h,w) Y'CbCr codes over 255, h and w even -> (N,3,s*h,s*w), not clamped."""
        return functional.pixel_shuffle(self.latent(functional.pixel_unshuffle(lr, 2)), self.config.shuffle)


def _taps(position: int, scale: int) -> list[tuple[int, float]]:
    """Bilinear taps, as (LR offset from the cell's first pixel, weight), for one output pixel of a cell."""
    centre = (position + 0.5) / scale - 0.5
    low = int(centre // 1)
    return [(low, 1.0 - (centre - low)), (low + 1, centre - low)]
