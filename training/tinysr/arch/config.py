"""What a TinySR is made of: one dataclass, and the named sizes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

Attention = Literal["global", "windowed", "linear", "none"]
ConvKind = Literal["plain", "separable"]
Residual = Literal["relu", "norm"]
Source = Literal["lr", "enlarged"]
Conditioning = Literal["live", "folded"]
Border = Literal["replicate", "zeros"]
Bicubic = Literal["keys", "pytorch"]


@dataclass(frozen=True)
class HalfConfig:
    """One half of the autoencoder, in the order in which data passes it.

    widths and blocks: channels and residual blocks of each stage; between stages the grid halves (encoder) or doubles
    (decoder). conv: `separable` is depthwise 3x3 + pointwise 1x1. residual: `relu` is three convolutions with ReLU (the
    compressed autoencoder), `norm` two with group norm and SiLU (the uncompressed one). project: whether a convolution
    stands between the latent and the stage next to it; without one, that stage is the latent. border: what the first
    convolution of an encoder sees beyond the picture.
    """

    widths: tuple[int, ...]
    blocks: tuple[int, ...]
    conv: ConvKind = "plain"
    residual: Residual = "relu"
    middle_attention: bool = False
    project: bool = True
    border: Border = "replicate"

    def __post_init__(self) -> None:
        if not self.widths or len(self.widths) != len(self.blocks):
            raise ValueError(f"widths and blocks must have one entry a stage: {self.widths}, {self.blocks}")
        if self.middle_attention and self.residual != "norm":
            raise ValueError("middle_attention needs residual='norm'")

    @property
    def factor(self) -> int:
        """How much the stages change the side of the grid."""
        return int(2 ** (len(self.widths) - 1))


@dataclass(frozen=True)
class TinySRConfig:
    """A TinySR: encoder -> depth one-step blocks on the latent grid -> decoder -> skip -> colour fix.

    width, heads, mlp_ratio, patch: of the transformer; patch: latent cells a token covers, each way.
    attention: `none` makes the blocks convolutional, on the latent itself.
    window: side of a window of `windowed`, in tokens; odd blocks see windows moved by half of it.
    position_side: side of the cached positional embedding's grid, in tokens (for `windowed` it is the window).
    source: the encoder reads the LR frame, `cell` x `cell` pixels as a cell of the latent, or the frame enlarged bicubically,
    8x8 a cell.
    conditioning: adaLN computed from the timestep (and the pooled prompt), or folded to constants.
    text_width, text_tokens, pooled_width: of the prompt; text_width > 0 gives each block a text stream.
    planes: 3 restores RGB; 1 restores the luma of Y'CbCr and interpolates chroma.
    signed: the autoencoder works on -1..1 and not on 0..1. squash: 3*tanh(z/3) before the decoder.
    bicubic: Keys' kernel with a = -0.5, or PyTorch's with a = -0.75.
    scaling: the latent is multiplied by it after the encoder and divided by it before the decoder.
    """

    width: int
    depth: int
    latent_channels: int
    encoder: HalfConfig
    decoder: HalfConfig
    attention: Attention = "global"
    heads: int = 1
    mlp_ratio: int = 4
    patch: int = 1
    window: int = 8
    position_side: int = 32
    source: Source = "lr"
    cell: int = 2
    scale: int = 4
    conditioning: Conditioning = "folded"
    text_width: int = 0
    text_tokens: int = 0
    pooled_width: int = 0
    planes: int = 3
    skip: bool = True
    signed: bool = False
    squash: bool = False
    bicubic: Bicubic = "keys"
    scaling: float = 1.0
    color_fix: bool = False

    def __post_init__(self) -> None:
        if self.scale not in (2, 3, 4):
            raise ValueError(f"scale must be 2, 3 or 4, not {self.scale}")
        if self.planes not in (1, 3):
            raise ValueError(f"planes must be 1 or 3, not {self.planes}")
        if self.attention == "none" and (self.latent_channels != self.width or self.patch != 1):
            raise ValueError("without attention the blocks work on the latent: latent_channels must be width, patch 1")
        if self.width % self.heads:
            raise ValueError(f"width {self.width} is not a multiple of {self.heads} heads")
        if self.text_width and (self.conditioning != "live" or self.attention != "global"):
            raise ValueError("a text stream needs live conditioning and global attention")
        if self.cell_in % self.encoder.factor or self.cell_out % self.decoder.factor:
            raise ValueError(f"the stages do not fit cells of {self.cell_in} pixels in and {self.cell_out} out")

    @property
    def cell_in(self) -> int:
        """Side of a latent cell in pixels of what the encoder reads."""
        return self.cell if self.source == "lr" else 8

    @property
    def cell_out(self) -> int:
        """Side of a latent cell in output pixels."""
        return self.cell * self.scale if self.source == "lr" else 8

    def fits(self, height: int, width: int) -> bool:
        """Whether an LR frame divides into whole tokens (and into 2x2 pixels, which the interpolation needs)."""
        step = self.cell_out * self.patch
        return not any(side % 2 or side * self.scale % step for side in (height, width))


def _same(width: int, *blocks: int, **more: Any) -> HalfConfig:
    return HalfConfig((width,) * len(blocks), blocks, **more)


def convolutional(width: int, depth: int, **more: Any) -> TinySRConfig:
    """Everything at one resolution, half the LR frame's where `cell` is 2: a convolution in, convolutional blocks, one out."""
    half = HalfConfig((width,), (0,), project=False)
    return TinySRConfig(width, depth, width, half, half, attention="none", **more)


# The autoencoder of the teacher: Stable Diffusion 3's.
_WIDE_ENCODER = HalfConfig((128, 256, 512, 512), (2, 2, 2, 2), residual="norm", middle_attention=True)
_WIDE_DECODER = HalfConfig((512, 512, 256, 128), (3, 3, 3, 3), residual="norm", middle_attention=True)

_PAPER = TinySRConfig(
    width=1536,
    depth=12,
    latent_channels=16,
    encoder=_same(64, 1, 3, 3, 3, conv="separable"),
    decoder=_same(64, 3, 3, 3, 1),
    heads=24,
    patch=2,
    source="enlarged",
    skip=False,
    signed=True,
    squash=True,
    scaling=1.5305,
    color_fix=True,
)

CONFIGS: dict[str, TinySRConfig] = {
    # Real time on a CPU. The same net as tinysr.compact.CompactTinySR.
    "nano": convolutional(16, 3, planes=1, skip=False, cell=1),
    # Laptop GPUs, and CPUs that have time: less than half the MACs of SPAN.
    "small": convolutional(64, 8),
    # For fidelity alone: luma, which is what PSNR is taken of, at nearly the MACs of SPAN.
    "small-psnr": convolutional(48, 8, planes=1, skip=False, cell=1),
    # GPUs: less than a tenth of RealESRGAN_x4plus. Convolutions alone: every provider runs them at any size, without padding.
    "base": convolutional(128, 16),
    # Half the cost on the other grid: ahead on clean pictures, behind on damaged ones (docs/training.md). Does not ship.
    "base-lr": convolutional(64, 8, skip=False, cell=1),
    # arXiv:2508.17434.
    "paper": _PAPER,
    # arXiv:2411.18263, the net that `paper` is pruned from.
    "teacher": replace(
        _PAPER,
        depth=24,
        encoder=_WIDE_ENCODER,
        decoder=_WIDE_DECODER,
        squash=False,
        conditioning="live",
        text_width=4096,
        text_tokens=333,
        pooled_width=2048,
    ),
    # A teacher that a CPU can train, for the comparison of pruning methods (prune.py).
    "replica": TinySRConfig(
        width=96,
        depth=12,
        latent_channels=32,
        encoder=HalfConfig((32,), (1,)),
        decoder=HalfConfig((32,), (1,)),
        attention="windowed",
        heads=3,
        mlp_ratio=2,
    ),
    # Windowed attention in place of convolutions, for comparison.
    "base-attention": TinySRConfig(
        width=192,
        depth=12,
        latent_channels=64,
        encoder=HalfConfig((64,), (1,)),
        decoder=HalfConfig((96, 64), (1, 1)),
        attention="windowed",
        heads=6,
    ),
}


def named(name: str, **changes: Any) -> TinySRConfig:
    """A config of the registry, with some fields changed."""
    if name not in CONFIGS:
        raise ValueError(f"no config {name!r}; there are {', '.join(CONFIGS)}")
    return replace(CONFIGS[name], **changes)
