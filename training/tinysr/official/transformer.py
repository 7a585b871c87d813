"""The 12-block transformer of the release: diffusers' names of Stable Diffusion 3, without the text stream."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from ..arch import LAST_TIMESTEP, TinySRConfig
from ..arch.conditioning import Condition
from .files import Tensors
from .lora import Lora

State = dict[str, Tensor]
# Of a block: diffusers' name, ours.
_LINEAR = {
    "attn.to_q": "attention.image.query",
    "attn.to_k": "attention.image.key",
    "attn.to_v": "attention.image.value",
    "attn.to_out.0": "attention.image.out",
    "ff.net.0.proj": "mlp.0",
    "ff.net.2": "mlp.2",
}
_CONDITION = {
    "time_text_embed.timestep_embedder.linear_1": "time.0",
    "time_text_embed.timestep_embedder.linear_2": "time.2",
    "time_text_embed.text_embedder.linear_1": "pooled.0",
    "time_text_embed.text_embedder.linear_2": "pooled.2",
}
# What a block of Stable Diffusion 3 has for the text, and the release has not: passed over if it is there.
_TEXT = ("context_embedder.", ".add_q_proj.", ".add_k_proj.", ".add_v_proj.", ".to_add_out.", ".ff_context.", ".norm1_context.")


class _Reader:
    """Weights with their updates merged, and a note of what has been read."""

    def __init__(self, tensors: Tensors, lora: Lora | None) -> None:
        self._tensors, self._lora = tensors, lora
        self.read = set[str]()

    def layer(self, name: str) -> tuple[Tensor, Tensor]:
        """Weight and bias."""
        self.read |= {f"{name}.weight", f"{name}.bias"}
        weight = self._tensors[f"{name}.weight"]
        return self._lora.merged(name, weight) if self._lora else weight, self._tensors[f"{name}.bias"]

    def check_all_read(self) -> None:
        unknown = [name for name in self._tensors if name not in self.read and not any(part in name for part in _TEXT)]
        if unknown:
            raise ValueError(f"{len(unknown)} tensors of the transformer are not known, such as {unknown[0]}")


def position_table(embedding: Tensor, side: int) -> Tensor:
    """(1, L, C) of a square grid -> (1, C, side, side), cut from the middle as Stable Diffusion 3 does."""
    full = math.isqrt(embedding.shape[1])
    if embedding.dim() != 3 or full * full != embedding.shape[1] or full < side:
        raise ValueError(f"a positional embedding of shape {tuple(embedding.shape)} does not cover {side}x{side} tokens")
    start = (full - side) // 2
    grid = embedding.float().view(1, full, full, -1)[:, start : start + side, start : start + side]
    return grid.permute(0, 3, 1, 2).contiguous()


@torch.no_grad()
def transformer_state(
    config: TinySRConfig,
    tensors: Tensors,
    lora: Lora | None,
    pooled: Tensor,
    position: Tensor | None,
    store: Callable[[Tensor], Tensor],
) -> State:
    """The state of a denoiser with folded conditioning.

    pooled: (1,P), of the prompt. position: (1,L,C), in place of the checkpoint's own. store: applied to each finished tensor
    (a cast, say), so that no more than one layer is in full precision at a time.
    """
    reader = _Reader(tensors, lora)
    condition = _condition(config, reader, pooled)
    state: State = {}
    state["denoiser.embed.weight"], state["denoiser.embed.bias"] = map(store, reader.layer("pos_embed.proj"))
    for index in range(config.depth):
        for theirs, ours in _LINEAR.items():
            weight, bias = reader.layer(f"transformer_blocks.{index}.{theirs}")
            state[f"denoiser.blocks.{index}.{ours}.weight"] = store(weight)
            state[f"denoiser.blocks.{index}.{ours}.bias"] = store(bias)
        constants = functional.linear(condition, *reader.layer(f"transformer_blocks.{index}.norm1.linear"))
        state[f"denoiser.blocks.{index}.modulation.constants"] = store(constants.view(6, -1))
    # The last norm has scale before shift.
    scale, shift = functional.linear(condition, *reader.layer("norm_out.linear")).view(2, -1)
    state["denoiser.modulation.constants"] = store(torch.stack([shift, scale]))
    weight, bias = reader.layer("proj_out")
    # Channels are innermost in a token there, pixels of the patch here.
    order = torch.arange(len(bias)).view(config.patch**2, -1).T.flatten()
    state["denoiser.out.weight"], state["denoiser.out.bias"] = store(weight[order]), store(bias[order])
    reader.read.add("pos_embed.pos_embed")
    embedding = tensors["pos_embed.pos_embed"] if position is None else position
    state["denoiser.position.table"] = store(position_table(embedding, config.position_side))
    reader.check_all_read()
    if lora:
        lora.check_used()
    return state


def _condition(config: TinySRConfig, reader: _Reader, pooled: Tensor) -> Tensor:
    """(1,C): what each adaLN's linear layer is given."""
    module = Condition(config)
    for theirs, ours in _CONDITION.items():
        weight, bias = reader.layer(theirs)
        module.load_state_dict({f"{ours}.weight": weight, f"{ours}.bias": bias}, strict=False)
    vector: Tensor = module(torch.tensor([LAST_TIMESTEP]), pooled.float().view(1, -1))
    return functional.silu(vector)
