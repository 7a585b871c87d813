"""The blocks of the denoiser: transformer blocks, with or without a text stream, and convolutional ones."""

from __future__ import annotations

from torch import Tensor, nn

from ..activation import activate
from .attention import Grid, JointAttention, SelfAttention
from .conditioning import Modulation, modulate
from .config import TinySRConfig


def mlp(width: int, ratio: int) -> nn.Sequential:
    """Two linear layers with GELU between."""
    return nn.Sequential(nn.Linear(width, ratio * width), nn.GELU(approximate="tanh"), nn.Linear(ratio * width, width))


class DiTBlock(nn.Module):
    """Attention, then an MLP, both on a normalised and modulated copy and added through a gate."""

    def __init__(self, config: TinySRConfig, index: int) -> None:
        super().__init__()
        offset = config.window // 2 if index % 2 else 0
        self.modulation = Modulation(config.width, 6, (2, 5), config.conditioning)
        self.attention = SelfAttention(config.width, config.heads, config.attention, config.window, offset)
        self.mlp = mlp(config.width, config.mlp_ratio)

    def forward(self, x: Tensor, text: Tensor | None, grid: Grid, condition: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """(N,L,C) -> (N,L,C); text passes by."""
        shift, scale, gate, mlp_shift, mlp_scale, mlp_gate = self.modulation(condition)
        x = x + gate * self.attention(modulate(x, shift, scale), grid)
        return x + mlp_gate * self.mlp(modulate(x, mlp_shift, mlp_scale)), text


class JointBlock(nn.Module):
    """A transformer block whose image and text tokens meet in attention and have all else of their own."""

    def __init__(self, config: TinySRConfig, index: int) -> None:
        super().__init__()
        # After the last block nobody reads the text.
        ends = index == config.depth - 1
        self.modulation = Modulation(config.width, 6, (2, 5), config.conditioning)
        # Shift and scale come first: what is left of it where the text ends is its beginning.
        self.text_modulation = Modulation(config.width, 2 if ends else 6, () if ends else (2, 5), config.conditioning)
        self.attention = JointAttention(config.width, config.heads, ends)
        self.mlp = mlp(config.width, config.mlp_ratio)
        self.text_mlp = None if ends else mlp(config.width, config.mlp_ratio)

    def forward(self, x: Tensor, text: Tensor | None, grid: Grid, condition: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """(N,L,C) and (N,T,C) -> the same; no text after the last block."""
        assert text is not None
        shift, scale, gate, mlp_shift, mlp_scale, mlp_gate = self.modulation(condition)
        text_shift, text_scale, *rest = self.text_modulation(condition)
        seen, said = self.attention(modulate(x, shift, scale), modulate(text, text_shift, text_scale), grid)
        x = x + gate * seen
        x = x + mlp_gate * self.mlp(modulate(x, mlp_shift, mlp_scale))
        if self.text_mlp is None:
            return x, None
        text_gate, mlp_shift, mlp_scale, mlp_gate = rest
        text = text + text_gate * said
        return x, text + mlp_gate * self.text_mlp(modulate(text, mlp_shift, mlp_scale))


class ConvBlock(nn.Module):
    """One step on the latent itself: z - eps(z), eps being two 3x3 convolutions.

    Of adaLN it has scale and gate: they can be folded into the convolutions, a shift could not where these pad with zeros.
    """

    def __init__(self, config: TinySRConfig, index: int) -> None:
        super().__init__()
        del index
        live = config.conditioning == "live"
        self.modulation = Modulation(config.width, 2, (1,), "live") if live else None
        self.expand = nn.Conv2d(config.width, config.width, 3, padding=1)
        self.project = nn.Conv2d(config.width, config.width, 3, padding=1)

    def forward(self, z: Tensor, condition: Tensor | None) -> Tensor:
        """(N,C,h,w) -> the same shape."""
        if self.modulation is None:
            return activate(z - self.project(activate(self.expand(z))))
        scale, gate = (vector.transpose(1, 2)[..., None] for vector in self.modulation(condition))  # (N,C,1,1)
        eps = self.project(activate(self.expand(z * (1 + scale))))
        return activate(z - gate * eps)
