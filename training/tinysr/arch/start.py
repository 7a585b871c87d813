"""Initial weights: signals keep their size on the way through, residual branches begin small.

With PyTorch's own initial weights each convolution lets a sixth of the variance through; after the dozen of an autoencoder
nothing is left of the picture, and training ends at the interpolation of the skip.
"""

from __future__ import annotations

import torch
from torch import nn

from .autoencoder import NormBlock, ReluBlock, SepConv
from .blocks import ConvBlock
from .conditioning import Modulation

# Share of a residual branch at the start.
_BRANCH = 0.1


def _last(block: ReluBlock | NormBlock | ConvBlock) -> nn.Conv2d:
    last = block.project if isinstance(block, ConvBlock) else block.convs[-1]
    if isinstance(last, SepConv):
        last = last.pointwise
    assert isinstance(last, nn.Conv2d)
    return last


@torch.no_grad()
def start(model: nn.Module) -> None:
    """Convolutions after He et al. (arXiv:1502.01852), linear layers after Glorot and Bengio; modulations stay as they are."""
    kept = {module.linear for module in model.modules() if isinstance(module, Modulation)}
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            # A depthwise convolution has no ReLU of its own behind it.
            nn.init.kaiming_normal_(module.weight, nonlinearity="linear" if module.groups > 1 else "relu")
        elif isinstance(module, nn.Linear) and module not in kept:
            nn.init.xavier_uniform_(module.weight)
        else:
            continue
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    for module in model.modules():
        if isinstance(module, ReluBlock | NormBlock | ConvBlock):
            _last(module).weight.mul_(_BRANCH)
