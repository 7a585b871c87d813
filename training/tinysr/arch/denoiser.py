"""The one-step denoiser: z_hat = z - eps(z) on the latent grid."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .blocks import ConvBlock, DiTBlock, JointBlock
from .conditioning import LAST_TIMESTEP, Condition, Modulation, Prompt, modulate
from .config import TinySRConfig
from .position import CachedPosition


def _gate(before: Tensor, after: Tensor, gates: Tensor | None, index: int) -> Tensor:
    """m * after + (1 - m) * before: a block that the mask can switch off."""
    return after if gates is None else before + gates[index] * (after - before)


class Denoiser(nn.Module):
    """Base of both kinds: holds the blocks and, where conditioning is live, what makes the condition."""

    def __init__(self, config: TinySRConfig) -> None:
        super().__init__()
        self.config = config
        self.condition = Condition(config) if config.conditioning == "live" else None
        self.blocks: nn.ModuleList

    def conditions(self, z: Tensor, prompt: Prompt | None, timestep: int) -> Tensor | None:
        """(N or 1, C), or nothing where it is folded."""
        if self.condition is None:
            return None
        pooled = prompt.pooled if prompt else None
        vector: Tensor = self.condition(torch.full((1,), timestep, device=z.device), pooled)
        return vector


class TokenDenoiser(Denoiser):
    """Transformer blocks over patches of the latent."""

    def __init__(self, config: TinySRConfig) -> None:
        super().__init__(config)
        cells = config.patch**2 * config.latent_channels
        self.embed = nn.Conv2d(config.latent_channels, config.width, config.patch, config.patch)
        windowed = config.attention == "windowed"
        self.position = CachedPosition(config.window if windowed else config.position_side, config.width, windowed)
        self.text = nn.Linear(config.text_width, config.width) if config.text_width else None
        kind = JointBlock if config.text_width else DiTBlock
        self.blocks = nn.ModuleList(kind(config, index) for index in range(config.depth))
        self.modulation = Modulation(config.width, 2, (), config.conditioning)
        self.out = nn.Linear(config.width, cells)

    def forward(
        self, z: Tensor, prompt: Prompt | None = None, timestep: int = LAST_TIMESTEP, gates: Tensor | None = None
    ) -> Tensor:
        """(N,c,h,w) -> (N,c,h,w); gates: (depth), what of each block is used."""
        p = self.config.patch
        grid = (z.shape[2] // p, z.shape[3] // p)
        condition = self.conditions(z, prompt, timestep)
        text = self._text(prompt)
        x = self.embed(z).flatten(2).transpose(1, 2)  # (N,L,C), L = h*w/p^2
        x = self.position(x, grid)
        for index, block in enumerate(self.blocks):
            after, said = block(x, text, grid, condition)
            x = _gate(x, after, gates, index)
            text = said if said is None or text is None else _gate(text, said, gates, index)
        shift, scale = self.modulation(condition)
        eps = self.out(modulate(x, shift, scale))  # (N,L,c*p*p)
        eps = nn.functional.pixel_shuffle(eps.transpose(1, 2).unflatten(2, grid), p)
        return z - eps

    def _text(self, prompt: Prompt | None) -> Tensor | None:
        if self.text is None:
            return None
        if prompt is None or prompt.tokens is None:
            raise ValueError("this model needs the prompt's tokens")
        tokens: Tensor = self.text(prompt.tokens)
        return tokens


class ConvDenoiser(Denoiser):
    """Convolutional blocks on the latent itself, each a step of its own."""

    def __init__(self, config: TinySRConfig) -> None:
        super().__init__(config)
        self.blocks = nn.ModuleList(ConvBlock(config, index) for index in range(config.depth))

    def forward(
        self, z: Tensor, prompt: Prompt | None = None, timestep: int = LAST_TIMESTEP, gates: Tensor | None = None
    ) -> Tensor:
        """(N,C,h,w) -> (N,C,h,w)."""
        condition = self.conditions(z, prompt, timestep)
        for index, block in enumerate(self.blocks):
            z = _gate(z, block(z, condition), gates, index)
        return z
