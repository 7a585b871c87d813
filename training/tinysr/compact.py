"""The convolutional members of the TinySR family: everything at half the LR resolution, which at x4 is the H/8 latent grid.

The network restores luma. Chroma, of which video carries a quarter, is interpolated: a network for all three planes at
the same cost was 0.4 dB worse in luma (docs/training.md).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from .degrade import cubic


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


def interpolation_kernel(scale: int) -> Tensor:
    """Bicubic interpolation as a convolution over cells of 2x2 pixels: (4*s*s, 4, 3, 3)."""
    shuffle = 2 * scale
    # The pixels of the cell before, the cell itself and the one after stand at -2..3.
    centres = (np.arange(shuffle) + 0.5) / scale - 0.5
    line = torch.from_numpy(cubic(centres[:, None] - np.arange(-2, 4)[None])).view(shuffle, 3, 2)
    kernel = torch.einsum("ayp,bxq->abpqyx", line, line)
    return kernel.reshape(shuffle * shuffle, 4, 3, 3).float()


def _pad(cells: Tensor) -> Tensor:
    return functional.pad(cells, (1, 1, 1, 1), mode="replicate")


@torch.no_grad()
def grow(model: CompactTinySR, state: dict[str, Tensor]) -> None:
    """Starts a network as a smaller one: it computes the same until it is trained.

    Channels that the smaller one lacks read from everything but are not read by what was there; blocks that it lacks
    take nothing away (T. Chen et al., Net2Net, arXiv:1511.05641). Scale must be the same, width and blocks no smaller.

    @raises ValueError: the state is not of a smaller network of the same scale
    """
    known = max((int(name.split(".")[1]) + 1 for name in state if name.startswith("blocks.")), default=0)
    if known > len(model.blocks):
        raise ValueError(f"{known} blocks cannot start {len(model.blocks)}")
    if "decoder.bias" in state and len(state["decoder.bias"]) != model.config.shuffle**2:
        raise ValueError("weights of one scale cannot start a network of another")
    for name, parameter in model.named_parameters():
        if name in state:
            _embed(parameter, state[name], name)
        elif ".project." in name:
            parameter.zero_()


def _embed(parameter: nn.Parameter, known: Tensor, name: str) -> None:
    if any(there < wanted for there, wanted in zip(parameter.shape, known.shape, strict=True)):
        raise ValueError(f"{name}: {tuple(known.shape)} does not fit into {tuple(parameter.shape)}")
    outputs = known.shape[0]
    if known.dim() == 4:
        parameter[:outputs, known.shape[1] :] = 0
    parameter[tuple(slice(side) for side in known.shape)] = known


class CompactTinySR(nn.Module):
    """Encoder from the LR frame, denoiser blocks, decoder. The skip runs through the latent: inputs are not negative, so
    ReLU lets the channels that start as copies of the input pass."""

    def __init__(self, config: CompactConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = nn.Conv2d(4, config.width, 3)
        self.blocks = nn.ModuleList(DenoiserBlock(config.width) for _ in range(config.blocks))
        self.decoder = nn.Conv2d(config.width, config.shuffle**2, 3, padding=1)
        self.register_buffer("interpolation", interpolation_kernel(config.scale), persistent=False)
        self._start_as_interpolation()

    @torch.no_grad()
    def _start_as_interpolation(self) -> None:
        """Initial weights: the first four latent channels copy the input, the decoder interpolates them."""
        assert self.encoder.bias is not None
        assert self.decoder.bias is not None
        self.encoder.weight[:4].zero_()
        self.encoder.bias[:4].zero_()
        for channel in range(4):
            self.encoder.weight[channel, channel, 1, 1] = 1.0
        for block in self.blocks:
            assert isinstance(block, DenoiserBlock)
            block.project.weight.mul_(0.1)
        self.decoder.weight.mul_(0.1)
        self.decoder.bias.zero_()
        self.decoder.weight[:, :4] = interpolation_kernel(self.config.scale)

    def luma(self, y: Tensor) -> Tensor:
        """(N,1,h,w) luma codes over 255, h and w even -> (N,1,s*h,s*w), not clamped."""
        z = functional.relu(self.encoder(_pad(functional.pixel_unshuffle(y, 2))))
        for block in self.blocks:
            z = block(z)
        return functional.pixel_shuffle(self.decoder(z), self.config.shuffle)

    def chroma(self, planes: Tensor) -> Tensor:
        """(N,C,h,w) -> (N,C,s*h,s*w), every plane interpolated by itself."""
        n, count, h, w = planes.shape
        cells = functional.pixel_unshuffle(planes.reshape(n * count, 1, h, w), 2)
        assert isinstance(self.interpolation, Tensor)
        fine = functional.pixel_shuffle(functional.conv2d(_pad(cells), self.interpolation), self.config.shuffle)
        return fine.reshape(n, count, h * self.config.scale, w * self.config.scale)

    def forward(self, lr: Tensor) -> Tensor:
        """(N,3,h,w) Y'CbCr codes over 255, h and w even -> (N,3,s*h,s*w), not clamped."""
        return torch.cat([self.luma(lr[:, :1]), self.chroma(lr[:, 1:])], 1)
