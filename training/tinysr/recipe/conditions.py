"""Removal of prompt and time: the text stream is cut off, which training has to repair; the rest folds exactly."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor

from ..arch import LAST_TIMESTEP, TinySR, fold_conditioning


def remove_text(model: TinySR) -> TinySR:
    """The model without text streams. The pooled prompt stays until it is folded."""
    if not model.config.text_width:
        raise ValueError("there is no text stream")
    student = TinySR(replace(model.config, text_width=0, text_tokens=0))
    state = model.state_dict()
    student.load_state_dict({name: state[name] for name in student.state_dict()})
    return student.to(next(model.parameters()).device).train(model.training)


def remove_prompt_and_time(model: TinySR, pooled: Tensor | None = None, timestep: int = LAST_TIMESTEP) -> TinySR:
    """Both: no text stream, modulation as constants."""
    return fold_conditioning(remove_text(model) if model.config.text_width else model, timestep, pooled)
