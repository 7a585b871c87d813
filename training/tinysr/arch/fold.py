"""Conditioning that never changes becomes constants: the modules that computed it go away, the output stays."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional

from .blocks import ConvBlock
from .conditioning import LAST_TIMESTEP, Modulation
from .model import TinySR


def _constants(modulation: Modulation, condition: Tensor) -> Tensor:
    assert modulation.linear is not None
    return modulation.linear(functional.silu(condition)).view(modulation.count, -1)


def _parent(name: str) -> str:
    return name.rpartition(".")[0]


@torch.no_grad()
def fold_conditioning(model: TinySR, timestep: int = LAST_TIMESTEP, pooled: Tensor | None = None) -> TinySR:
    """The same function of the frame, for one timestep and one pooled prompt (1,pooled_width), as a model without either."""
    config = model.config
    if config.conditioning != "live":
        raise ValueError("the conditioning is folded already")
    if config.text_width:
        raise ValueError("a text stream depends on the frame and cannot be folded; remove it first (recipe.conditions)")
    assert model.denoiser.condition is not None
    device = next(model.parameters()).device
    condition = model.denoiser.condition(torch.full((1,), timestep, device=device), pooled)
    state = {k: v.clone() for k, v in model.state_dict().items() if not k.startswith("denoiser.condition.")}
    for name, module in model.named_modules():
        if isinstance(module, ConvBlock):
            _fold_block(name, module, condition, state)
        elif isinstance(module, Modulation) and f"{name}.linear.weight" in state and not _in_conv_block(model, name):
            del state[f"{name}.linear.weight"], state[f"{name}.linear.bias"]
            state[f"{name}.constants"] = _constants(module, condition)
    folded = TinySR(replace(config, conditioning="folded", pooled_width=0)).to(device)
    folded.load_state_dict(state)
    return folded.train(model.training)


def _in_conv_block(model: nn.Module, name: str) -> bool:
    return isinstance(model.get_submodule(_parent(name)), ConvBlock)


def _fold_block(name: str, block: ConvBlock, condition: Tensor, state: dict[str, Tensor]) -> None:
    """Scale into the input channels of the first convolution, gate into the output channels of the second."""
    assert block.modulation is not None
    scale, gate = _constants(block.modulation, condition)
    del state[f"{name}.modulation.linear.weight"], state[f"{name}.modulation.linear.bias"]
    state[f"{name}.expand.weight"] *= (1 + scale)[:, None, None]
    state[f"{name}.project.weight"] *= gate[:, None, None, None]
    state[f"{name}.project.bias"] *= gate
