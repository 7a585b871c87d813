"""The tiny autoencoder of the release: `encoder.layers.N`, `decoder.layers.N`, convolutions plain or separable."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor

from ..arch import HalfConfig
from .files import Tensors

Half = Literal["encoder", "decoder"]
State = dict[str, Tensor]


def half_config(config: dict[str, Any], half: Half, tensors: Tensors) -> HalfConfig:
    """One half, by the folder's config.json and by which kind of convolution the tensors are of."""
    widths = tuple(config[f"{half}_block_out_channels"])
    blocks = tuple(config[f"num_{half}_blocks"])
    separable = any(name.startswith(f"{half}.") and ".conv.0.depthwise." in name for name in tensors)
    return HalfConfig(widths, blocks, "separable" if separable else "plain", border="zeros")


def half_state(half: Half, config: HalfConfig, tensors: Tensors) -> State:
    """Names of arch.autoencoder for what lies in one list of layers there."""
    walk = _Walk(half, config, tensors)
    state: State = {}
    # Entry and exit are plain convolutions here.
    state |= walk.plain("enter")
    if half == "decoder":
        walk.skip()  # ReLU
    for index, count in enumerate(config.blocks):
        if half == "encoder" and index:
            state |= walk.kept(f"shrink.{index - 1}")
        for number in range(count):
            state |= walk.block(f"stages.{index}.{number}")
        if half == "decoder" and index + 1 < len(config.blocks):
            walk.skip()  # nearest-neighbour enlargement
            state |= walk.kept(f"grow.{index}")
    state |= walk.plain("leave")
    walk.check_end()
    return {f"{half}.{name}": value for name, value in state.items()}


class _Walk:
    """Takes the layers of one half in their order."""

    def __init__(self, half: Half, config: HalfConfig, tensors: Tensors) -> None:
        self._half, self._config, self._tensors, self._layer = half, config, tensors, 0

    def skip(self) -> None:
        """A layer without weights."""
        self._layer += 1

    def _next(self) -> str:
        self._layer += 1
        return f"{self._half}.layers.{self._layer - 1}"

    def _conv(self, source: str, name: str) -> State:
        """As it is: weight and bias, or those of both parts."""
        parts = ["depthwise.", "pointwise."] if f"{source}.depthwise.weight" in self._tensors else [""]
        found = [f"{part}{what}" for part in parts for what in ("weight", "bias") if f"{source}.{part}{what}" in self._tensors]
        if not found:
            raise KeyError(f"{source} is missing from the checkpoint")
        return {f"{name}.{end}": self._tensors[f"{source}.{end}"] for end in found}

    def kept(self, name: str) -> State:
        """A convolution of the same kind here."""
        return self._conv(self._next(), name)

    def plain(self, name: str) -> State:
        """A convolution that is plain here: a depthwise and a pointwise one are multiplied out, which is exact."""
        found = self._conv(self._next(), "x")
        if "x.weight" in found:
            weight = found["x.weight"]
        else:
            weight = torch.einsum("oi,iyx->oiyx", found["x.pointwise.weight"][..., 0, 0], found["x.depthwise.weight"][:, 0])
        bias = found["x.bias"] if "x.bias" in found else found["x.pointwise.bias"]
        return {f"{name}.weight": weight, f"{name}.bias": bias}

    def block(self, name: str) -> State:
        """Three convolutions; the layers between them are activations."""
        source = self._next()
        state: State = {}
        for index in range(3):
            state |= self._conv(f"{source}.conv.{2 * index}", f"{name}.convs.{index}")
        return state

    def check_end(self) -> None:
        """Refuses layers beyond those that the config speaks of."""
        numbers = [int(name.split(".")[2]) for name in self._tensors if name.startswith(f"{self._half}.layers.")]
        if max(numbers) != self._layer - 1:
            raise ValueError(f"the {self._half} has {max(numbers) + 1} layers, but its config speaks of {self._layer}")
