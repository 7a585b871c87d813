"""Folding the conditioning is exact."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from test_arch_model import SMALL, stirred

from tinysr.arch import Prompt, TinySR, fold_conditioning, named, parameters

torch.set_num_threads(1)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"attention": "global", "pooled_width": 6},
        {"attention": "linear"},
        {"attention": "none", "width": 8, "latent_channels": 8, "heads": 1},
        {"attention": "none", "width": 8, "latent_channels": 8, "heads": 1, "pooled_width": 6},
    ],
)
@pytest.mark.parametrize("timestep", [1000, 400])
@torch.no_grad()
def test_folded_equals_conditioned(changes: dict[str, Any], timestep: int) -> None:
    torch.manual_seed(0)
    live = stirred(TinySR(replace(SMALL, conditioning="live", **changes)))
    pooled = torch.randn(1, 6) if live.config.pooled_width else None
    folded = fold_conditioning(live, timestep, pooled)
    frame = torch.rand(2, 3, 16, 20)
    expected = live(frame, Prompt(pooled=pooled), timestep)
    assert float((folded(frame) - expected).abs().max()) < 1e-5
    assert float((live(frame, Prompt(pooled=pooled), timestep + 300) - expected).abs().max()) > 1e-4
    assert folded.denoiser.condition is None
    assert parameters(folded) < parameters(live)


@torch.no_grad()
def test_a_block_of_the_papers_width_folds() -> None:
    live = stirred(TinySR(replace(SMALL, width=1536, heads=24, depth=1, attention="global", conditioning="live")))
    frame = torch.rand(1, 3, 16, 16)
    assert torch.allclose(fold_conditioning(live)(frame), live(frame), atol=1e-5)


def test_refuses_what_cannot_be_folded() -> None:
    with pytest.raises(ValueError, match="already"):
        fold_conditioning(TinySR(SMALL))
    text = replace(SMALL, attention="global", conditioning="live", text_width=4, text_tokens=2)
    with pytest.raises(ValueError, match="text stream"):
        fold_conditioning(TinySR(text))


def test_folded_teacher_of_twelve_blocks_is_the_paper() -> None:
    """Depth, autoencoder, text and time removed: the teacher's config becomes the paper's."""
    paper, teacher = named("paper"), named("teacher")
    pruned = replace(
        teacher, depth=12, text_width=0, text_tokens=0, pooled_width=0, conditioning="folded",
        encoder=paper.encoder, decoder=paper.decoder, squash=True,
    )  # fmt: skip
    assert pruned == paper
