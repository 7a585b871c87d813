"""A replication that fits a time: the pace is measured, then the numbers of steps are fixed for all calls."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from ..arch import TinySR
from .jobs import Setting, groups_of, optimizers_of
from .losses import Distance
from .measure import quality
from .replicate import Pairs, Plan

# Share of the time that is planned with: checkpoints, and a machine that is busier later, take the rest.
_PLANNED = 0.85
_RUNS = 3


@dataclass(frozen=True)
class Pace:
    """Seconds: of a training step of teacher and student, of the teacher's forward pass, and of measuring one network."""

    teacher: float
    student: float
    forward: float
    measure: float


def _seconds(run: Callable[[], object], device: str) -> float:
    """Of one run, the mean after a first one that does not count."""
    run()
    began = time.monotonic()
    for _ in range(_RUNS):
        run()
    if device.startswith("cuda"):
        torch.cuda.synchronize()
    return (time.monotonic() - began) / _RUNS


def pace(plan: Plan, setting: Setting, perceptual: Distance | None, tracks: dict[str, Pairs]) -> Pace:
    """Measured on the machine as busy as it is."""
    lr, hr = (t.to(setting.device) for t in setting.crops.batch((0, 0), setting.batch, setting.crop))

    def training(model: TinySR) -> Callable[[], None]:
        optimizers = [optimizer for optimizer, _ in optimizers_of(groups_of(model, 1e-9, 1e-9))]

        def step() -> None:
            with torch.autocast(setting.device.split(":")[0], torch.bfloat16, enabled=setting.bf16):
                loss = (model(lr) - hr).abs().mean()
                if plan.lpips_weight and perceptual:
                    loss = loss + plan.lpips_weight * perceptual(model(lr).clamp(0, 1), hr)
            model.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            for optimizer in optimizers:
                optimizer.step()

        return step

    deep = TinySR(plan.teacher).to(setting.device)
    flat = TinySR(replace(plan.teacher, depth=plan.keep)).to(setting.device)
    with torch.no_grad():
        forward = _seconds(lambda: deep.latent(lr), setting.device)
    # A few pictures tell how long all take.
    some = [(a.to(setting.device), b.to(setting.device)) for pairs in tracks.values() for a, b in pairs[:2]]
    quality(deep, some[:1], plan.teacher.scale, perceptual)
    began = time.monotonic()
    quality(deep, some, plan.teacher.scale, perceptual)
    measure = (time.monotonic() - began) / len(some) * sum(map(len, tracks.values()))
    return Pace(_seconds(training(deep), setting.device), _seconds(training(flat), setting.device), forward, measure)


def steps_in(seconds: float, plan: Plan, found: Pace, seeds: int, methods: Sequence[str]) -> tuple[int, int]:
    """Teacher's and students' steps that `seconds` allow, in the plan's ratio to each other."""
    ratio = plan.teacher_steps / plan.steps
    each = sum(found.student + (0 if method == "scratch" else found.forward) for method in methods)
    # Measuring: each student, the teacher, bicubic interpolation.
    left = _PLANNED * seconds - found.measure * (seeds * len(methods) + 2)
    steps = int(left / (ratio * found.teacher + seeds * each))
    if steps < 1:
        raise ValueError(f"{seconds / 60:.0f} minutes are too few: one step of everything does not fit")
    return max(1, round(ratio * steps)), steps


class Clock:
    """Seconds that all calls have taken of a time, in a file; and the steps that were planned with it."""

    def __init__(self, path: Path, minutes: float | None) -> None:
        self.path = path
        self.total = 60 * minutes if minutes else float("inf")
        self.state: dict[str, float] = json.loads(path.read_text()) if path.exists() else {"seconds": 0.0}

    @property
    def left(self) -> float:
        """Minutes."""
        return (self.total - self.state["seconds"]) / 60

    def spend(self, seconds: float) -> None:
        """Notes what a call took."""
        self.state["seconds"] += seconds
        self._write()

    def fitted(self, plan: Plan, measured: Callable[[], Pace], seeds: int, methods: Sequence[str]) -> Plan:
        """The plan with the steps that fit, as the first call found them."""
        if "steps" not in self.state:
            teacher, student = steps_in(self.total, plan, measured(), seeds, methods)
            self.state |= {"teacher_steps": teacher, "steps": student}
            self._write()
        return replace(plan, teacher_steps=int(self.state["teacher_steps"]), steps=int(self.state["steps"]))

    def _write(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps(self.state))
