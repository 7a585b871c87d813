"""Counts parameters and multiplications by running a model on PyTorch's meta device: shapes only, no memory."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from .attention import Products
from .conditioning import Prompt
from .config import TinySRConfig
from .model import TinySR


@dataclass(frozen=True)
class Cost:
    """What a model costs.

    parameters: all; macs: multiplications of convolutions and linear layers; attention_macs: of attention's score and
    value products, which publications leave out; both for one frame. parts: macs of each child of the model.
    """

    parameters: int
    macs: int
    attention_macs: int
    parts: dict[str, int] = field(default_factory=dict)


def parameters(module: nn.Module) -> int:
    """Number of parameters."""
    return sum(p.numel() for p in module.parameters())


def _macs(module: nn.Module, out: Tensor) -> int:
    if isinstance(module, nn.Conv2d):
        each = module.in_channels // module.groups * module.kernel_size[0] * module.kernel_size[1]
        return out.numel() * each
    return out.numel() * module.in_features if isinstance(module, nn.Linear) else 0


def count(model: nn.Module, *inputs: Any) -> Cost:
    """Cost of one call `model(*inputs)`. Interpolation with a fixed kernel, norms and activations are not counted."""
    parts: Counter[str] = Counter()
    products: Counter[str] = Counter()

    def watch(name: str) -> Any:
        def hook(module: nn.Module, args: tuple[Any, ...], out: Any) -> None:
            if isinstance(module, Products):
                products[name] += module.macs(args[0], args[1], args[3])
            else:
                parts[name] += _macs(module, out)

        return hook

    watched = [
        module.register_forward_hook(watch(name.split(".")[0]))
        for name, module in model.named_modules()
        if isinstance(module, nn.Conv2d | nn.Linear | Products)
    ]
    try:
        with torch.no_grad():
            model(*inputs)
    finally:
        for handle in watched:
            handle.remove()
    return Cost(parameters(model), parts.total(), products.total(), dict(parts))


def on_meta(config: TinySRConfig) -> TinySR:
    """A model of any size without its weights."""
    with torch.device("meta"):
        model = TinySR(config)
    # The interpolation kernel comes from numpy and has landed in memory.
    return model.to("meta").eval()


def count_config(config: TinySRConfig, height: int, width: int) -> Cost:
    """Cost for one LR frame of height x width."""
    prompt = None
    if config.conditioning == "live":
        tokens = torch.empty(1, config.text_tokens, config.text_width, device="meta") if config.text_width else None
        pooled = torch.empty(1, config.pooled_width, device="meta") if config.pooled_width else None
        prompt = Prompt(tokens, pooled)
    return count(on_meta(config), torch.empty(1, 3, height, width, device="meta"), prompt)
