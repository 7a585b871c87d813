"""The two halves of the autoencoder, compressed (three convolutions with ReLU a block) or not (group norm, attention)."""

from __future__ import annotations

import math
from typing import Any

from torch import Tensor, nn
from torch.nn import functional

from ..activation import activate
from .attention import SelfAttention
from .config import ConvKind, HalfConfig

_GROUPS = 32


class SepConv(nn.Module):
    """Depthwise 3x3 without bias, then pointwise 1x1."""

    def __init__(self, inside: int, out: int, stride: int = 1, bias: bool = True) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(inside, inside, 3, stride, 1, groups=inside, bias=False)
        self.pointwise = nn.Conv2d(inside, out, 1, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """(N,C,h,w) -> (N,out,h/stride,w/stride)."""
        result: Tensor = self.pointwise(self.depthwise(x))
        return result


def conv3(inside: int, out: int, kind: ConvKind, stride: int = 1, bias: bool = True) -> nn.Module:
    """A 3x3 convolution of either kind."""
    if kind == "separable":
        return SepConv(inside, out, stride, bias)
    return nn.Conv2d(inside, out, 3, stride, 1, bias=bias)


def group_norm(width: int) -> nn.GroupNorm:
    """32 groups, or as many as the width allows."""
    return nn.GroupNorm(math.gcd(_GROUPS, width), width, eps=1e-6)


class ReluBlock(nn.Module):
    """Three convolutions with ReLU between, skip, ReLU."""

    def __init__(self, inside: int, out: int, kind: ConvKind) -> None:
        super().__init__()
        self.convs = nn.ModuleList(conv3(inside if i == 0 else out, out, kind) for i in range(3))
        self.skip = nn.Conv2d(inside, out, 1, bias=False) if inside != out else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """(N,C,h,w) -> (N,out,h,w), not negative."""
        first, second, third = self.convs
        return functional.relu(self.skip(x) + third(functional.relu(second(functional.relu(first(x))))))


class NormBlock(nn.Module):
    """Twice group norm, SiLU, convolution; skip."""

    def __init__(self, inside: int, out: int, kind: ConvKind) -> None:
        super().__init__()
        self.norms = nn.ModuleList(group_norm(width) for width in (inside, out))
        self.convs = nn.ModuleList(conv3(width, out, kind) for width in (inside, out))
        self.skip = nn.Conv2d(inside, out, 1) if inside != out else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """(N,C,h,w) -> (N,out,h,w)."""
        inner = x
        for norm, conv in zip(self.norms, self.convs, strict=True):
            inner = conv(functional.silu(norm(inner)))
        return self.skip(x) + inner


class Middle(nn.Module):
    """Block, attention over all cells (one head), block: where the uncompressed autoencoder is narrowest."""

    def __init__(self, width: int, kind: ConvKind, attention: bool) -> None:
        super().__init__()
        self.before, self.after = NormBlock(width, width, kind), NormBlock(width, width, kind)
        self.norm = group_norm(width) if attention else None
        self.attention = SelfAttention(width, 1) if attention else None

    def forward(self, x: Tensor) -> Tensor:
        """(N,C,h,w) -> the same shape."""
        x = self.before(x)
        if self.attention is not None and self.norm is not None:
            grid = (x.shape[2], x.shape[3])
            tokens = self.norm(x).flatten(2).transpose(1, 2)  # (N,h*w,C)
            x = x + self.attention(tokens, grid).transpose(1, 2).unflatten(2, grid)
        result: Tensor = self.after(x)
        return result


def _stages(config: HalfConfig, enter: int) -> nn.ModuleList:
    """Residual blocks of each stage; the first of a stage changes the width."""
    block: Any = ReluBlock if config.residual == "relu" else NormBlock
    stages = nn.ModuleList()
    for width, count in zip(config.widths, config.blocks, strict=True):
        if count == 0 and width != enter:
            raise ValueError("a stage without blocks cannot change the width")
        stages.append(nn.Sequential(*(block(enter if i == 0 else width, width, config.conv) for i in range(count))))
        enter = width
    return stages


class Encoder(nn.Module):
    """Pixels to latent: `cell` x `cell` pixels become one."""

    def __init__(self, config: HalfConfig, channels: int, latent: int, cell: int) -> None:
        super().__init__()
        first, last = config.widths[0], config.widths[-1]
        self.config, self.unshuffle = config, cell // config.factor
        # Frames end where they end: the first convolution repeats their border, unless the config says otherwise.
        self.enter = nn.Conv2d(channels * self.unshuffle**2, first, 3, padding=1, padding_mode=config.border)
        self.stages = _stages(config, first)
        bias = config.residual == "norm"
        self.shrink = nn.ModuleList(conv3(width, width, config.conv, 2, bias) for width in config.widths[:-1])
        norm = config.residual == "norm"
        self.middle = Middle(last, config.conv, config.middle_attention) if norm else None
        self.norm = group_norm(last) if norm else None
        self.leave = nn.Conv2d(last, latent, 3, padding=1) if config.project else None

    def forward(self, image: Tensor) -> Tensor:
        """(N,3,H,W) -> (N,c,H/cell,W/cell)."""
        x = self.enter(functional.pixel_unshuffle(image, self.unshuffle))
        for index, stage in enumerate(self.stages):
            x = stage(x if index == 0 else self.shrink[index - 1](x))
        if self.middle is not None and self.norm is not None:
            x = functional.silu(self.norm(self.middle(x)))
        return activate(x) if self.leave is None else self.leave(x)


class Decoder(nn.Module):
    """Latent to pixels: one becomes `cell` x `cell`; what the stages do not enlarge, a pixel shuffle does."""

    def __init__(self, config: HalfConfig, channels: int, latent: int, cell: int) -> None:
        super().__init__()
        first, last = config.widths[0], config.widths[-1]
        self.config, self.shuffle = config, cell // config.factor
        self.enter = nn.Conv2d(latent, first, 3, padding=1) if config.project else None
        norm = config.residual == "norm"
        self.middle = Middle(first, config.conv, config.middle_attention) if norm else None
        self.stages = _stages(config, first)
        self.grow = nn.ModuleList(conv3(width, width, config.conv, 1, norm) for width in config.widths[:-1])
        self.norm = group_norm(last) if norm else None
        self.leave = nn.Conv2d(last, channels * self.shuffle**2, 3, padding=1)

    def forward(self, z: Tensor) -> Tensor:
        """(N,c,h,w) -> (N,3,h*cell,w*cell)."""
        x = z
        if self.enter is not None:
            x = self.enter(z)
            x = functional.relu(x) if self.norm is None else x
        if self.middle is not None:
            x = self.middle(x)
        for index, stage in enumerate(self.stages):
            if index:
                x = self.grow[index - 1](functional.interpolate(x, scale_factor=2.0, mode="nearest"))
            x = stage(x)
        if self.norm is not None:
            x = functional.silu(self.norm(x))
        return functional.pixel_shuffle(self.leave(x), self.shuffle)
