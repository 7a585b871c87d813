"""What a student is trained on: the picture, the teacher's latent, perception, a discriminator, steadiness over time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional

Distance = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Weights:
    """How much each term counts; a term of weight zero is not computed."""

    pixel: float = 1.0
    latent: float = 0.0
    perceptual: float = 0.0
    adversarial: float = 0.0
    temporal: float = 0.0


@dataclass(frozen=True)
class Step:
    """What a step of training has at hand; optional parts are there when their weight is not zero.

    picture, target: (N,3,H,W) in 0..1. latent, wanted_latent: the student's and the teacher's z_hat.
    verdict: the discriminator's map for `picture`. drift: the temporal term of recipe.temporal.
    """

    picture: Tensor
    target: Tensor
    latent: Tensor | None = None
    wanted_latent: Tensor | None = None
    verdict: Tensor | None = None
    drift: Tensor | None = None


def recovery_loss(step: Step, weights: Weights, perceptual: Distance | None = None) -> tuple[Tensor, dict[str, float]]:
    """The weighted sum, and each term by itself for the log."""
    terms: dict[str, Tensor] = {}
    if weights.pixel:
        terms["pixel"] = functional.l1_loss(step.picture, step.target)
    if weights.latent:
        assert step.latent is not None
        assert step.wanted_latent is not None
        terms["latent"] = functional.l1_loss(step.latent, step.wanted_latent.detach())
    if weights.perceptual:
        assert perceptual is not None
        terms["perceptual"] = perceptual(step.picture.clamp(0, 1), step.target)
    if weights.adversarial:
        assert step.verdict is not None
        terms["adversarial"] = -step.verdict.mean()
    if weights.temporal:
        assert step.drift is not None
        terms["temporal"] = step.drift
    if not terms:
        raise ValueError("all weights are zero")
    total = sum((getattr(weights, name) * term for name, term in terms.items()), step.picture.new_zeros(()))
    return total, {name: float(term.detach()) for name, term in terms.items()}
