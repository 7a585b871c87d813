"""Trains one job on the device: stages by the clock, weights averaged, everything resumable."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.nn import functional

from ..arch import TinySR
from ..color import rgb_to_ycc, ycc_to_rgb
from ..muon import Muon
from ..pairs import Batch
from ..recipe.discriminator import PatchDiscriminator, discriminator_loss
from ..recipe.losses import Distance
from ..recipe.temporal import Pair as Twins
from ..recipe.temporal import drift
from .batches import Shares
from .pieces import State
from .plan import Job, Stage
from .recorded import Recorded

_DECAY = 0.999
# Chroma counts less than luma, by which fidelity is measured.
_CHROMA = 0.3
# Share of a stage before the generator hears of the discriminator, which is new by then.
_LISTEN_FROM = 0.1
# Steps between two looks at the clock: each waits for the device.
_STRIDE = 25


def faithful(picture: Tensor, target: Tensor) -> Tensor:
    """Charbonnier of luma and, with less weight, of chroma; RGB in."""
    distance = ((rgb_to_ycc(picture) - rgb_to_ycc(target)) ** 2 + 1e-6).sqrt().mean((0, 2, 3))
    return distance[0] + _CHROMA * distance[1:].mean()


def pictures(model: TinySR, lr: Tensor, halves: bool = False) -> Tensor:
    """What the model makes of (N,3,h,w) RGB in 0..1, as RGB, also where it restores luma alone.

    halves: convolutions in bf16; the conversion of colours, a product of matrices, would lose three codes by them.
    """
    luma = model.config.planes == 1
    seen = rgb_to_ycc(lr) if luma else lr
    with torch.autocast(lr.device.type, torch.bfloat16, enabled=halves):
        image: Tensor = model(seen)
    return ycc_to_rgb(image.float()) if luma else image.float()


def rate(progress: float, warm_up: float = 0.03) -> float:
    """Share of the highest rate at 0..1 of a stage: a climb, then half a cosine."""
    falling = 0.5 * (1 + torch.cos(torch.tensor(torch.pi * min(progress, 1.0))).item())
    return min(1.0, progress / warm_up) * falling


def _fitting(state: State, own: State) -> State:
    """Those weights of another network that this one has in the same shape."""
    return {name: state[name] if name in state and state[name].shape == value.shape else value for name, value in own.items()}


class Source(Protocol):
    """Where batches come from; torch's seed decides them."""

    def draw(self, count: int, crop: int, shares: Shares) -> Batch:
        """`count` pairs of `crop` LR pixels a side on the trainer's device."""


@dataclass
class Progress:
    """Where a job stands: which stage, seconds spent in it, steps in all."""

    stage: int = 0
    seconds: float = 0.0
    step: int = 0


class Trainer:
    """A job under way. Its file in `folder` comes first; else it begins with weights, and at a progress, from elsewhere.

    halves: convolutions in bf16. A CPU without AMX is slower by them. record: steps become CUDA graphs, on a GPU; not those of a
    job that sees twins, whose shift changes.
    """

    def __init__(
        self,
        job: Job,
        folder: Path,
        device: str,
        perceptual: Distance | None = None,
        begin: State | None = None,
        progress: Progress | None = None,
        halves: bool = True,
        record: bool = True,
    ) -> None:
        self.job, self.device, self.perceptual, self.halves = job, device, perceptual, halves
        self.path = folder / f"{job.name}.pt"
        torch.manual_seed(0)
        self.model = TinySR(job.config)
        if begin:
            self.model.load_state_dict(_fitting(begin, self.model.state_dict()))
        self.model = self.model.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = [p.detach().clone() for p in self.model.parameters()]
        # What the averages take of the weights at each step; on the device, so that a recorded step sees it change.
        self.pull = torch.zeros((), device=device)
        record = record and not any(stage.temporal for stage in job.stages)
        self.recorded = Recorded(self._learn) if record and device.startswith("cuda") else None
        self.heard = False
        self.progress = progress or Progress()
        self.judge: PatchDiscriminator | None = None
        # Where in the stage it began to learn; elsewhere than at the start where a machine goes on that was not sent it.
        self.judge_since: float | None = None
        self.kept: dict[str, State] = {}
        self._open_stage()
        if self.path.exists():
            self._load()

    @property
    def finished(self) -> bool:
        return self.progress.stage >= len(self.job.stages)

    @property
    def stage(self) -> Stage:
        return self.job.stages[min(self.progress.stage, len(self.job.stages) - 1)]

    def _open_stage(self) -> None:
        """Optimizers, and a discriminator where one is wanted."""
        if self.recorded:
            self.recorded.forget()
        self.judge_since = None
        weights = list(self.model.parameters())
        self.kernels = Muon([p for p in weights if p.dim() > 1], self._rate_of(self.stage.lr))
        self.biases = self._adam([p for p in weights if p.dim() < 2], self._rate_of(self.stage.lr / 5), 0.9)
        if self.stage.adversarial and self.judge is None:
            self.judge = PatchDiscriminator().to(self.device)
        if self.judge is not None:
            self.judging = self._adam(list(self.judge.parameters()), 2e-4, 0.5)

    def _rate_of(self, value: float) -> float | Tensor:
        """A rate that changes, where a recorded step can see it change."""
        return torch.tensor(value, device=self.device) if self.recorded else value

    def _adam(self, weights: list[Tensor], lr: float | Tensor, momentum: float) -> torch.optim.Adam:
        return torch.optim.Adam(weights, lr, betas=(momentum, 0.99), capturable=self.recorded is not None)

    def averaged(self) -> State:
        """The averaged weights by name."""
        state = {name: value.detach() for name, value in self.model.state_dict().items()}
        names = [name for name, _ in self.model.named_parameters()]
        return state | dict(zip(names, self.average, strict=True))

    def _autocast(self) -> Any:
        return torch.autocast(self.device.split(":")[0], torch.bfloat16, enabled=self.halves)

    def step(self, batches: Source, done: float) -> Tensor:
        """One step; the loss, which nobody need wait for."""
        stage, job = self.stage, self.job
        torch.manual_seed(1_000_003 + self.progress.step)
        batch = batches.draw(job.batch, job.crop, stage.shares)
        lr, hr = (t.contiguous(memory_format=torch.channels_last) for t in (batch.lr, batch.hr))
        if self.judge is not None and self.judge_since is None:
            self.judge_since = done
        self.heard = done >= _LISTEN_FROM + (self.judge_since or 0)
        self.progress.step += 1
        self.pull.fill_(1 - min(_DECAY, self.progress.step / (self.progress.step + 20)))
        for optimizer, top in ((self.kernels, stage.lr), (self.biases, stage.lr / 5)):
            group, now = optimizer.param_groups[0], top * rate(done)
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(now)
            else:
                group["lr"] = now
        taught = batch.taught if stage.taught else None
        if self.recorded is None:
            return self._learn(lr, hr, taught, batch.twins if stage.temporal else None)
        return self.recorded((self.progress.stage, self.heard, taught is None), lr, hr, taught)

    def _learn(self, lr: Tensor, hr: Tensor, taught: Tensor | None, twins: Twins | None = None) -> Tensor:
        """Forwards, backwards and the optimizers' steps."""
        stage = self.stage
        picture = pictures(self.model, lr, self.halves)
        loss = faithful(picture, hr)
        if taught is not None:
            loss = torch.lerp(loss, faithful(picture, taught), stage.taught)
        if stage.perceptual and self.perceptual:
            # Not in bf16: LPIPS is made of differences of normalised features.
            n = stage.perceptual_pairs or len(picture)
            loss = loss + stage.perceptual * self.perceptual(picture[:n].clamp(0, 1), hr[:n])
        if twins is not None:
            loss = loss + self._apart(twins)
        if self.judge is not None and stage.adversarial:
            loss = loss + self._listen(self.judge, picture, hr, self.heard)
        self.model.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.kernels.step()
        self.biases.step()
        ahead = torch._foreach_sub([p.detach() for p in self.model.parameters()], self.average)
        torch._foreach_mul_(ahead, self.pull)
        torch._foreach_add_(self.average, ahead)
        return loss.detach()

    def _apart(self, twins: Twins) -> Tensor:
        """Both views against their own pictures, or blur would win, and how far apart in luma they come out."""
        hr = torch.cat([twins.first_hr, twins.second_hr])
        made = pictures(
            self.model, torch.cat([twins.first, twins.second]).contiguous(memory_format=torch.channels_last), self.halves
        )
        first, second = rgb_to_ycc(made)[:, :1].chunk(2)
        return faithful(made, hr) + self.stage.temporal * drift(first, second, twins.shift)

    def _listen(self, judge: PatchDiscriminator, picture: Tensor, hr: Tensor, heard: bool) -> Tensor:
        """Trains the discriminator on this batch; what it says of the pictures, if that is to be heard already."""
        with self._autocast():
            loss = discriminator_loss(judge(hr).float(), judge(picture.detach()).float())
        self.judging.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.judging.step()
        if not heard:
            return picture.new_zeros(())
        judge.requires_grad_(False)
        with self._autocast():
            verdict = judge(picture).float()
        judge.requires_grad_(True)
        return -self.stage.adversarial * verdict.mean()

    def run(self, batches: Source, seconds: float, deadline: float, measure: Callable[[State], dict[str, float]]) -> bool:
        """Trains until the job's `seconds` are spent or time.monotonic() reaches `deadline`; whether the job is finished."""
        while not self.finished:
            budget = seconds * self.stage.share
            began = time.monotonic() - self.progress.seconds
            losses = []
            while self.progress.seconds < budget:
                losses.append(self.step(batches, self.progress.seconds / budget))
                if self.progress.step % _STRIDE == 0 or self.device == "cpu":
                    losses = [torch.stack(losses[-100:]).mean()]
                    losses[0].item()
                    now = time.monotonic()
                    self.progress.seconds = now - began
                    if now >= deadline:
                        self.save()
                        self._report(losses, measure)
                        return False
            self._report(losses, measure)
            if self.stage.suffix is not None:
                self.kept[f"{self.job.name}{self.stage.suffix}"] = {k: v.cpu().clone() for k, v in self.averaged().items()}
            # The next stage goes on from the averaged weights.
            for weight, value in zip(self.model.parameters(), self.average, strict=True):
                weight.data.copy_(value)
            self.progress = Progress(self.progress.stage + 1, 0.0, self.progress.step)
            self._open_stage()
            self.save()
        return True

    def _report(self, losses: list[Tensor], measure: Callable[[State], dict[str, float]]) -> None:
        entry: dict[str, object] = {"job": self.job.name, "stage": self.progress.stage, "step": self.progress.step}
        entry["seconds"] = round(self.progress.seconds, 1)
        if losses:
            entry["loss"] = round(float(torch.stack(losses).mean()), 5)
        print(json.dumps(entry | measure(self.averaged())), flush=True)

    def save(self) -> None:
        """The file is whole at any moment."""
        state: dict[str, Any] = {"model": self.model.state_dict(), "average": self.average, "kept": self.kept}
        state["progress"] = vars(self.progress)
        state["optimizers"] = [self.kernels.state_dict(), self.biases.state_dict()]
        if self.judge is not None:
            state["judge"] = [self.judge.state_dict(), self.judging.state_dict()]
            state["judge since"] = self.judge_since
        self.path.parent.mkdir(parents=True, exist_ok=True)
        torch.save(state, self.path.with_suffix(".tmp"))
        self.path.with_suffix(".tmp").replace(self.path)

    def _load(self) -> None:
        state = torch.load(self.path, weights_only=True, map_location=self.device)
        self.progress, self.kept = Progress(**state["progress"]), state["kept"]
        self.model.load_state_dict(state["model"])
        self.average = state["average"]
        self._open_stage()
        for optimizer, old in zip((self.kernels, self.biases), state["optimizers"], strict=True):
            self._take(optimizer, old)
        if self.judge is not None and "judge" in state:
            self.judge.load_state_dict(state["judge"][0])
            self._take(self.judging, state["judge"][1])
            self.judge_since = state["judge since"]

    def _take(self, optimizer: torch.optim.Optimizer, old: dict[str, Any]) -> None:
        """What an optimizer knew, whether it was recorded then or not."""
        group = optimizer.param_groups[0]
        own: dict[str, Any] = {name: group[name] for name in ("lr", "capturable") if name in group}
        optimizer.load_state_dict(old)
        optimizer.param_groups[0].update(own)
        for known in optimizer.state.values():
            if "step" in known:
                known["step"] = known["step"].to(self.device if own["capturable"] else "cpu")


def luma_psnr(picture: Tensor, target: Tensor) -> float:
    """PSNR of luma codes in dB, for one pair of (1,3,H,W) in 0..1."""
    codes = [(255 * rgb_to_ycc(image.clamp(0, 1))[:, :1]).round() for image in (picture, target)]
    return float(10 * torch.log10(255**2 / functional.mse_loss(codes[0], codes[1]).clamp(min=1e-9)))
