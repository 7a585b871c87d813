"""A shallower model from a deeper one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..arch import TinySR

_BLOCKS = "denoiser.blocks."


def every_other(depth: int, keep: int) -> list[int]:
    """`keep` of `depth` blocks at even distances, the first one among them."""
    return [i * depth // keep for i in range(keep)]


def keep_blocks(model: TinySR, kept: Sequence[int]) -> TinySR:
    """The model with these of its blocks alone, in their order; weights are copied."""
    if list(kept) != sorted(set(kept)) or not kept or not 0 <= kept[0] <= kept[-1] < model.config.depth:
        raise ValueError(f"blocks must rise and lie in 0..{model.config.depth - 1}: {list(kept)}")
    new_index = {old: new for new, old in enumerate(kept)}
    student = TinySR(replace(model.config, depth=len(kept)))
    wanted, state = student.state_dict(), {}
    for name, value in model.state_dict().items():
        if name.startswith(_BLOCKS):
            index, rest = name.removeprefix(_BLOCKS).split(".", 1)
            if int(index) not in new_index:
                continue
            name = f"{_BLOCKS}{new_index[int(index)]}.{rest}"
        if name in wanted:
            # In the block that is now the last one, the text stream ends: of its modulation the beginning is left.
            state[name] = value[: wanted[name].shape[0]] if ".text_modulation." in name else value
    student.load_state_dict(state)
    return student.to(next(model.parameters()).device).train(model.training)
