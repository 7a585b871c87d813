"""The smallest members of the TinySR family: convolutions at the resolution of the LR frame.

The network restores luma. Chroma, of which video carries a quarter, is interpolated: a network for all three planes at
the same cost was 0.4 dB worse in luma. Half the LR resolution, which at x4 is the H/8 grid of arXiv:2508.17434, gave far less
for the same work (docs/training.md).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from .activation import activate
from .degrade import cubic


@dataclass(frozen=True)
class CompactConfig:
    """Size of a convolutional TinySR.

    width: latent channels; blocks: one-step denoiser blocks; scale: enlargement (2, 3 or 4).
    """

    width: int = 16
    blocks: int = 3
    scale: int = 4


class DenoiserBlock(nn.Module):
    """One step of the denoiser on the latent: z - eps(z) (arXiv:2508.17434, section 3.1), conditioning folded away."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.expand = nn.Conv2d(width, width, 3, padding=1)
        self.project = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, z: Tensor) -> Tensor:
        """(N,C,h,w) -> the same shape."""
        eps = self.project(activate(self.expand(z)))
        return activate(z - eps)


def interpolation_kernel(scale: int) -> Tensor:
    """Bicubic interpolation as a convolution over cells of 2x2 pixels: (4*s*s, 4, 3, 3)."""
    shuffle = 2 * scale
    # The pixels of the cell before, the cell itself and the one after stand at -2..3.
    centres = (np.arange(shuffle) + 0.5) / scale - 0.5
    line = torch.from_numpy(cubic(centres[:, None] - np.arange(-2, 4)[None])).view(shuffle, 3, 2)
    kernel = torch.einsum("ayp,bxq->abpqyx", line, line)
    return kernel.reshape(shuffle * shuffle, 4, 3, 3).float()


def _line(scale: int, weight: Callable[[NDArray[np.float64]], NDArray[np.float64]], reach: int) -> Tensor:
    """(s,2*reach+1): what each of the pixels that one becomes takes of the neighbours -reach..reach."""
    centres = (np.arange(scale) + 0.5) / scale - 0.5
    return torch.from_numpy(weight(centres[:, None] - np.arange(-reach, reach + 1)[None]))


def pixel_kernel(scale: int) -> Tensor:
    """Bicubic interpolation as a convolution over pixels: (s*s,1,5,5)."""
    line = _line(scale, cubic, 2)
    return torch.einsum("ay,bx->abyx", line, line).reshape(scale * scale, 1, 5, 5).float()


def linear_kernel(scale: int) -> Tensor:
    """Bilinear interpolation in the same way: (s*s,1,3,3)."""
    line = _line(scale, lambda x: np.maximum(0, 1 - np.abs(x)), 1)
    return torch.einsum("ay,bx->abyx", line, line).reshape(scale * scale, 1, 3, 3).float()


def _pad(planes: Tensor, by: int) -> Tensor:
    return functional.pad(planes, (by, by, by, by), mode="replicate")


@torch.no_grad()
def start_as_interpolation(encoder: nn.Conv2d, decoder: nn.Conv2d, scale: int) -> None:
    """Initial weights of a net at the LR resolution: the first latent channels copy the planes, the decoder interpolates them."""
    assert encoder.bias is not None
    assert decoder.bias is not None
    decoder.weight.mul_(0.1)
    decoder.bias.zero_()
    for plane, fine in enumerate(decoder.weight.split(scale**2)):
        encoder.weight[plane].zero_()
        encoder.bias[plane].zero_()
        encoder.weight[plane, plane, 1, 1] = 1.0
        fine[:, plane : plane + 1] = linear_kernel(scale)


# Beginnings of the weights' names in tinysr.arch and in CompactTinySR.
_PLACES = {"encoder.enter.": "encoder.", "denoiser.blocks.": "blocks.", "decoder.leave.": "decoder."}


def _renamed(state: Mapping[str, Tensor], places: Mapping[str, str]) -> dict[str, Tensor]:
    return {new + name.removeprefix(old): v for name, v in state.items() for old, new in places.items() if name.startswith(old)}


def compact_state(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights of the same net as tinysr.arch has it, by the names that they have in CompactTinySR."""
    return _renamed(state, _PLACES)


def arch_state(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The other way round; what has the names of tinysr.arch already keeps them."""
    if any(name.startswith(tuple(_PLACES)) for name in state):
        return dict(state)
    return _renamed(state, {new: old for old, new in _PLACES.items()})


@torch.no_grad()
def grow(model: CompactTinySR, state: dict[str, Tensor]) -> None:
    """Starts a network as a narrower one: it computes the same until it is trained.

    Channels that the narrower one lacks read from everything but are not read by what was there (T. Chen et al., Net2Net,
    arXiv:1511.05641). Scale and blocks must be the same, the width no smaller.

    @raises ValueError: the state is not of such a network
    """
    known = max((int(name.split(".")[1]) + 1 for name in state if name.startswith("blocks.")), default=0)
    if known != len(model.blocks):
        raise ValueError(f"{known} blocks cannot start {len(model.blocks)}")
    if "decoder.bias" in state and len(state["decoder.bias"]) != model.config.scale**2:
        raise ValueError("weights of one scale cannot start a network of another")
    for name, parameter in model.named_parameters():
        if name in state:
            _embed(parameter, state[name], name)


def _embed(parameter: nn.Parameter, known: Tensor, name: str) -> None:
    if any(there < wanted for there, wanted in zip(parameter.shape, known.shape, strict=True)):
        raise ValueError(f"{name}: {tuple(known.shape)} does not fit into {tuple(parameter.shape)}")
    outputs = known.shape[0]
    if known.dim() == 4:
        parameter[:outputs, known.shape[1] :] = 0
    parameter[tuple(slice(side) for side in known.shape)] = known


class CompactTinySR(nn.Module):
    """Encoder from the LR frame, denoiser blocks, decoder. The skip runs through the latent: inputs are not negative, so
    the activation lets the channel that starts as their copy pass."""

    def __init__(self, config: CompactConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = nn.Conv2d(1, config.width, 3)
        self.blocks = nn.ModuleList(DenoiserBlock(config.width) for _ in range(config.blocks))
        self.decoder = nn.Conv2d(config.width, config.scale**2, 3, padding=1)
        self.interpolation: Tensor
        self.register_buffer("interpolation", pixel_kernel(config.scale), persistent=False)
        start_as_interpolation(self.encoder, self.decoder, config.scale)
        for block in self.blocks:
            assert isinstance(block, DenoiserBlock)
            block.project.weight.data.mul_(0.1)

    def luma(self, y: Tensor) -> Tensor:
        """(N,1,h,w) luma codes over 255 -> (N,1,s*h,s*w), not clamped."""
        z = activate(self.encoder(_pad(y, 1)))
        for block in self.blocks:
            z = block(z)
        return functional.pixel_shuffle(self.decoder(z), self.config.scale)

    def chroma(self, planes: Tensor) -> Tensor:
        """(N,C,h,w) -> (N,C,s*h,s*w), every plane interpolated by itself."""
        n, count, h, w = planes.shape
        wide = _pad(planes.reshape(n * count, 1, h, w), 2)
        fine = functional.pixel_shuffle(functional.conv2d(wide, self.interpolation), self.config.scale)
        return fine.reshape(n, count, h * self.config.scale, w * self.config.scale)

    def forward(self, lr: Tensor) -> Tensor:
        """(N,3,h,w) Y'CbCr codes over 255 -> (N,3,s*h,s*w), not clamped."""
        return torch.cat([self.luma(lr[:, :1]), self.chroma(lr[:, 1:])], 1)
