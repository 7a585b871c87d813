"""From the files of the release to a TinySR."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..arch import TinySR, TinySRConfig, named
from ..compact import interpolation_kernel
from .autoencoder import half_config, half_state
from .files import Tensors, read_json, read_tensor
from .lora import Lora
from .transformer import transformer_state

LORA_FILE = "transformer.safetensors"


@dataclass(frozen=True)
class Release:
    """Where the parts lie.

    transformer: folder with config.json and weights. vae: likewise. pooled: .pt of the pooled prompt embedding (1,P).
    lora: folder with transformer.safetensors, or that file. position: .pt of the positional embedding (1,L,C); without it
    the transformer's own is taken. alpha: of the LoRA, if it is not its rank.
    """

    transformer: Path
    vae: Path
    pooled: Path
    lora: Path | None = None
    position: Path | None = None
    alpha: float | None = None


def release_config(transformer: dict[str, Any], vae: dict[str, Any], tensors: Tensors, tile: int) -> TinySRConfig:
    """`paper` with the sizes of two config.json; tile: LR pixels, 4 to an output pixel, 8 of these to a latent cell."""
    heads, size, patch = (transformer[key] for key in ("num_attention_heads", "attention_head_dim", "patch_size"))
    paper = named("paper")
    if tile % (2 * patch):
        raise ValueError(f"a tile must be a multiple of {2 * patch} pixels, not {tile}")
    return replace(
        paper,
        width=heads * size,
        depth=transformer["num_layers"],
        heads=heads,
        patch=patch,
        latent_channels=transformer["in_channels"],
        encoder=half_config(vae, "encoder", tensors),
        decoder=half_config(vae, "decoder", tensors),
        position_side=tile * paper.scale // 8 // patch,
        pooled_width=transformer["pooled_projection_dim"],
        # The release enlarges as PyTorch does; its autoencoder works on 0..1 inside.
        bicubic="pytorch",
        signed=False,
        scaling=float(vae["scaling_factor"]),
        # Colours are those of the whole frame; that is done where the whole frame is.
        color_fix=False,
    )


def load(release: Release, tile: int = 128, dtype: torch.dtype = torch.float32) -> TinySR:
    """The release as one model for LR tiles of (N,3,tile,tile), LoRA merged, conditioning folded."""

    def store(tensor: Tensor) -> Tensor:
        stored = tensor.to(dtype)
        if not bool(stored.isfinite().all()):
            raise ValueError(f"a weight of the release does not fit {dtype}")
        return stored

    vae = Tensors(release.vae)
    live = release_config(read_json(release.transformer / "config.json"), read_json(release.vae / "config.json"), vae, tile)
    lora_file = release.lora / LORA_FILE if release.lora and release.lora.is_dir() else release.lora
    lora = Lora(Tensors(lora_file), release.alpha) if lora_file else None
    position = read_tensor(release.position) if release.position else None
    state = transformer_state(live, Tensors(release.transformer), lora, read_tensor(release.pooled), position, store)
    for half in ("encoder", "decoder"):
        halves = half_state(half, getattr(live, half), vae)  # type: ignore[arg-type]
        state |= {name: store(value) for name, value in halves.items()}
    return _assembled(replace(live, pooled_width=0), state)


def _assembled(config: TinySRConfig, state: dict[str, Tensor]) -> TinySR:
    """A model made of these very tensors, without memory for initial weights."""
    with torch.device("meta"):
        model = TinySR(config)
    model.load_state_dict(state, assign=True)
    model.kernel = interpolation_kernel(config.scale)
    return model.eval().requires_grad_(False)
