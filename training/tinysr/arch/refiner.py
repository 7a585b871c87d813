"""What the latent's coarse grid cannot hold: a second, narrow denoiser at the resolution of the LR frame."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..activation import activate
from .blocks import ConvBlock
from .config import TinySRConfig


class Refiner(nn.Module):
    """Frame and denoised latent -> what is to be added to the picture.

    A latent cell of the trunk covers several LR pixels, which gives a wide view for little work; details are cheaper to draw
    with a cell a pixel (docs/training.md, "Which grid"). It begins with adding nothing: trained weights of the rest stay what
    they were.
    """

    def __init__(self, config: TinySRConfig) -> None:
        super().__init__()
        width = config.refine_width
        self.scale = config.scale
        self.grow = config.cell
        self.enter = nn.Conv2d(config.planes, width, 3, padding=1, padding_mode=config.encoder.border)
        self.lift = nn.Conv2d(config.latent_channels, width * self.grow**2, 1)
        own = replace(config, width=width, latent_channels=width, attention="none", conditioning="folded", text_width=0, refine=0)
        self.blocks = nn.ModuleList(ConvBlock(own, index) for index in range(config.refine))
        self.leave = nn.Conv2d(width, config.planes * config.scale**2, 3, padding=1)

    @torch.no_grad()
    def start(self) -> None:
        """Adds nothing."""
        self.leave.weight.zero_()

    def forward(self, z: Tensor, lr: Tensor) -> Tensor:
        """(N,c,h/cell,w/cell) and (N,planes,h,w) -> (N,planes,s*h,s*w)."""
        x = activate(self.enter(lr) + functional.pixel_shuffle(self.lift(z), self.grow))
        for block in self.blocks:
            x = block(x, None)
        return functional.pixel_shuffle(self.leave(x), self.scale)
