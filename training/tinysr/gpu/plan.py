"""What is trained on a lent machine, in which order, and how long each part of the time given."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..arch import HalfConfig, TinySRConfig, named
from .batches import Shares


@dataclass(frozen=True)
class Stage:
    """Part of a job.

    share: of the job's time. shares: of the pairs. lr: highest rate of kernels (Muon); biases learn with Adam at a fifth of it.
    perceptual, adversarial: weights of LPIPS and of the discriminator's verdict beside the pixels' 1. perceptual_pairs:
    how many of a batch LPIPS sees; 0: all. taught: share of the pixels' loss that is against a teacher's pictures, for
    batches that have them. temporal: weight of the drift between two views of a picture, for batches that have twins.
    suffix: of the name of the weights that the stage leaves; None: they are only the next stage's beginning.
    """

    share: float
    shares: Shares
    lr: float
    perceptual: float = 0.0
    perceptual_pairs: int = 0
    adversarial: float = 0.0
    taught: float = 0.0
    temporal: float = 0.0
    suffix: str | None = ""


@dataclass(frozen=True)
class Job:
    """A network. share: of all time. init: weights to begin with, as far as they fit."""

    name: str
    config: TinySRConfig
    share: float
    stages: tuple[Stage, ...]
    init: str | None = None
    batch: int = 64
    crop: int = 48


# Suffix of the weights that a job's first stage leaves: for mixtures, and for x2 to begin with.
FIDELITY = "-fidelity"


def _stages(first: float, lr: float, perceptual: float) -> tuple[Stage, ...]:
    """Pixels for a `first` share of the time, then perception."""
    return (
        Stage(first, Shares(0.4, 0.35, 0.25), lr, suffix=FIDELITY),
        Stage(1 - first, Shares(0.25, 0.5, 0.25), lr=0.3 * lr, perceptual=perceptual, adversarial=0.005),
    )


def plan() -> list[Job]:
    """All jobs. x2 begins with the x4 weights, after them: its latent is the same, its decoder is not."""
    clean = (Stage(1.0, Shares(0.9, 0.05, 0.05), lr=0.01),)
    return [
        Job("tinysr-small", named("small"), 0.18, _stages(0.45, 0.01, 0.15)),
        Job("tinysr-base", named("base"), 0.33, _stages(0.45, 0.008, 0.15)),
        Job("tinysr-small-psnr", named("small-psnr"), 0.3, clean),
        Job("tinysr-small-x2", named("small", scale=2), 0.08, _stages(0.45, 0.007, 0.1), f"tinysr-small{FIDELITY}"),
        Job("tinysr-base-x2", named("base", scale=2), 0.11, _stages(0.45, 0.006, 0.1), f"tinysr-base{FIDELITY}"),
    ]


def trial() -> list[Job]:
    """The same jobs with nets, batches and patches so small that a CPU gets through them."""
    half = HalfConfig((16,), (0,), project=False)
    tiny = {"width": 16, "depth": 2, "latent_channels": 16, "encoder": half, "decoder": half}
    return [replace(job, config=replace(job.config, **tiny), batch=4, crop=16) for job in plan()]  # type: ignore[arg-type]


def check(jobs: list[Job]) -> None:
    """Shares that do not add up would leave time or take too much."""
    for total, what in [(sum(job.share for job in jobs), "jobs"), *((sum(s.share for s in j.stages), j.name) for j in jobs)]:
        if abs(total - 1) > 1e-6:
            raise ValueError(f"the shares of {what} add up to {total}, not to 1")
