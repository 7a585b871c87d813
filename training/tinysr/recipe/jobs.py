"""Training that can be stopped at any moment and goes on where it was, on the very batches it would have seen."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ..muon import Muon
from ..pairs import augment
from ..train_compact import rate

LossOf = Callable[[Tensor, Tensor], Tensor]


class OutOfTime(Exception):
    """The time of this call is over; everything is saved."""


class Crops:
    """Pairs of prepare.py's cache; the last ones are held out for measuring."""

    def __init__(self, cache: Path, scale: int, held_out: int) -> None:
        self._lr, self._hr = (np.load(cache / f"{name}.npy", mmap_mode="r") for name in ("lr", "hr"))
        if len(self._lr) <= held_out:
            raise ValueError(f"the cache has {len(self._lr)} pairs: not more than the {held_out} to hold out")
        self._scale, self._held_out = scale, held_out

    def batch(self, seed: tuple[int, ...], count: int, crop: int) -> tuple[Tensor, Tensor]:
        """`count` pairs of (3,crop,crop) and (3,s*crop,s*crop) in 0..1; the seed decides them."""
        rng = np.random.default_rng(seed)
        side, s = self._lr.shape[1], self._scale
        pick = np.sort(rng.integers(0, len(self._lr) - self._held_out, count))
        y, x = (2 * int(v) for v in rng.integers(0, (side - crop) // 2 + 1, 2))
        lr = self._lr[pick, y : y + crop, x : x + crop]
        hr = self._hr[pick, s * y : s * (y + crop), s * x : s * (x + crop)]
        small, large = augment([_tensor(lr), _tensor(hr)], rng)
        return small, large

    def held_out(self) -> list[tuple[Tensor, Tensor]]:
        """Whole pairs that no batch has: (1,3,h,w) and (1,3,H,W)."""
        last = range(len(self._lr) - self._held_out, len(self._lr))
        return [(_tensor(self._lr[i : i + 1]), _tensor(self._hr[i : i + 1])) for i in last]


def _tensor(pixels: np.ndarray) -> Tensor:
    return torch.from_numpy(np.array(pixels)).permute(0, 3, 1, 2).float() / 255


@dataclass(frozen=True)
class Setting:
    """What all jobs of a run have in common.

    crop: side of LR patches. save_every: seconds between checkpoints. deadline: time.monotonic() at which to stop.
    """

    crops: Crops
    batch: int
    crop: int
    device: str = "cpu"
    bf16: bool = False
    save_every: float = 120.0
    deadline: float = float("inf")


@dataclass(frozen=True)
class Group:
    """Parameters, their highest rate of learning, and whether they are matrices for Muon and not for Adam."""

    parameters: Iterable[Tensor]
    lr: float
    muon: bool = False


def groups_of(module: nn.Module, lr: float, bias_lr: float) -> list[Group]:
    """All of a module: kernels and matrices with Muon at `lr`, vectors with Adam at `bias_lr`."""
    weights = list(module.parameters())
    return [Group([p for p in weights if p.dim() > 1], lr, True), Group([p for p in weights if p.dim() < 2], bias_lr)]


def optimizers_of(groups: list[Group]) -> list[tuple[torch.optim.Optimizer, float]]:
    """An optimizer for each group, and its highest rate."""
    return [
        (Muon(g.parameters, g.lr) if g.muon else torch.optim.Adam(g.parameters, g.lr, betas=(0.9, 0.99)), g.lr) for g in groups
    ]


def train(path: Path, module: nn.Module, groups: list[Group], steps: int, seed: int, setting: Setting, loss_of: LossOf) -> None:
    """Runs a job to its last step. `path` is its checkpoint; a finished job is only loaded.

    loss_of: from LR and HR batches to the loss.
    """
    optimizers = optimizers_of(groups)
    step = 0
    if path.exists():
        state = torch.load(path, weights_only=True, map_location=setting.device)
        module.load_state_dict(state["module"])
        step = state["step"]
        for (optimizer, _), old in zip(optimizers, state["optimizers"], strict=False):
            optimizer.load_state_dict(old)
    saved = began = time.monotonic()
    first, losses = step, list[float]()
    while step < steps:
        lr, hr = (t.to(setting.device) for t in setting.crops.batch((seed, step), setting.batch, setting.crop))
        # Samples of masks, too, are those of this step, whenever it comes.
        torch.manual_seed(1_000_003 * seed + step)
        with torch.autocast(setting.device.split(":")[0], torch.bfloat16, enabled=setting.bf16):
            loss = loss_of(lr, hr)
        module.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        for optimizer, top in optimizers:
            optimizer.param_groups[0]["lr"] = top * rate((step + 1) / (steps + 1))
            optimizer.step()
        losses.append(float(loss.detach()))
        step += 1
        now = time.monotonic()
        late = now >= setting.deadline and step < steps
        if step == steps or late or now - saved >= setting.save_every:
            # A finished job needs its weights alone.
            _save(path, module, [o for o, _ in optimizers] if step < steps else [], step)
            pace = f"{(step - first) / (now - began):.2f} steps a second"
            print(f"{path.stem}: step {step} of {steps}, loss {np.mean(losses[-200:]):.4f}, {pace}", flush=True)
            saved = now
        if late:
            raise OutOfTime(f"stopped in {path.stem} at step {step} of {steps}")


def _save(path: Path, module: nn.Module, optimizers: list[torch.optim.Optimizer], step: int) -> None:
    """The file is whole at any moment."""
    path.parent.mkdir(parents=True, exist_ok=True)
    state = {"module": module.state_dict(), "optimizers": [o.state_dict() for o in optimizers], "step": step}
    torch.save(state, path.with_suffix(".tmp"))
    path.with_suffix(".tmp").replace(path)
