"""The paper's central claim at a small size: a teacher pruned to half its depth in several ways, on equal terms.

Equal terms: the same batches in the same order, the same losses, the same count of block evaluations. A step with masks runs
all blocks of the teacher and so costs `depth / keep` steps of a student.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ..arch import TinySR, TinySRConfig, count_config
from .activation import DynamicActivation
from .depth import every_other, keep_blocks
from .gates import StaticPartition
from .jobs import Group, LossOf, Setting, groups_of, train
from .lora import add_lora, merge_lora
from .losses import Distance, Step, Weights, recovery_loss
from .measure import quality

Pairs = list[tuple[Tensor, Tensor]]

_MASK_SEEDS = 1000

METHODS = {
    "dia-ec": "masks, Dynamic Inter-block Activation + Expansion-Corrosion",
    "static": "masks, static partition",
    "every-other": "every other block",
    "scratch": "trained from scratch, no teacher",
    "scratch-distilled": "blocks from scratch, teacher's autoencoder and latents",
}


@dataclass(frozen=True)
class Plan:
    """What a replication does; see prune.py for the options behind it."""

    teacher: TinySRConfig
    keep: int
    group: int
    teacher_steps: int
    steps: int
    mask_share: float = 0.3
    lr: float = 5e-3
    recovery_lr: float = 2e-3
    bias_lr: float = 1e-3
    lora_lr: float = 5e-4
    gate_lr: float = 0.03
    rank: int = 16
    latent_weight: float = 0.5
    lpips_weight: float = 0.0

    def __post_init__(self) -> None:
        if self.keep * self.group % self.teacher.depth:
            raise ValueError(f"{self.keep} of {self.teacher.depth} blocks do not divide among groups of {self.group}")

    @property
    def mask_steps(self) -> int:
        """Steps of mask learning: `mask_share` of the budget, each as expensive as `depth / keep` steps."""
        return round(self.steps * self.mask_share * self.keep / self.teacher.depth)

    def gates(self, method: str) -> StaticPartition:
        """Fresh gates of a method that learns masks."""
        kind = DynamicActivation if method == "dia-ec" else StaticPartition
        return kind(self.teacher.depth, self.group, self.keep * self.group // self.teacher.depth)


class Replication:
    """All trainings of a plan in one folder; what is finished there is not done again."""

    def __init__(self, plan: Plan, setting: Setting, out: Path, perceptual: Distance | None = None) -> None:
        self.plan, self.setting, self.out, self.perceptual = plan, setting, out, perceptual
        self._teacher: TinySR | None = None

    def teacher(self) -> TinySR:
        """The deep model, trained on pictures alone (seed 0)."""
        if self._teacher is None:
            torch.manual_seed(0)
            model = TinySR(self.plan.teacher).to(self.setting.device)
            groups = groups_of(model, self.plan.lr, self.plan.bias_lr)
            train(self.out / "teacher.pt", model, groups, self.plan.teacher_steps, 0, self.setting, self._pictures(model))
            self._teacher = model.eval().requires_grad_(False)
        return self._teacher

    def student(self, method: str, seed: int) -> tuple[TinySR, list[int]]:
        """A student of one method and seed, and which of the teacher's blocks it began with."""
        plan = self.plan
        # The teacher is finished before anything draws from this seed.
        teacher = None if method == "scratch" else self.teacher()
        torch.manual_seed(seed + 1)
        steps, lr, kept = plan.steps, plan.recovery_lr, list[int]()
        if teacher is None or method == "scratch-distilled":
            model, lr = self._fresh(teacher), plan.lr
        elif method == "every-other":
            kept = every_other(plan.teacher.depth, plan.keep)
            model = keep_blocks(teacher, kept)
        else:
            model, kept = self._masked(teacher, method, seed)
            steps -= round(plan.mask_steps * plan.teacher.depth / plan.keep)
        model = model.to(self.setting.device).requires_grad_(True).train()
        loss_of = self._pictures(model) if teacher is None else self._distilled(model, teacher)
        train(self._path(method, seed), model, groups_of(model, lr, plan.bias_lr), steps, seed + 1, self.setting, loss_of)
        return model, kept

    def _path(self, method: str, seed: int, suffix: str = "") -> Path:
        return self.out / f"{method}-{seed}{suffix}.pt"

    def _fresh(self, teacher: TinySR | None) -> TinySR:
        """A shallow model of random weights, or with random blocks alone."""
        model = TinySR(replace(self.plan.teacher, depth=self.plan.keep))
        if teacher is not None:
            state = {k: v for k, v in teacher.state_dict().items() if not k.startswith("denoiser.blocks.")}
            model.load_state_dict(state, strict=False)
        return model

    def _masked(self, teacher: TinySR, method: str, seed: int) -> tuple[TinySR, list[int]]:
        """Masks and low-rank updates learnt together; then the blocks that the mask decides for."""
        plan = self.plan
        net = copy.deepcopy(teacher)
        net.requires_grad_(False)
        learnt = add_lora(net.denoiser.blocks, plan.rank)
        gates = plan.gates(method)
        both = nn.ModuleDict({"net": net, "gates": gates}).to(self.setting.device)
        groups = [Group(gates.parameters(), plan.gate_lr), Group(learnt, plan.lora_lr)]

        def loss_of(lr: Tensor, hr: Tensor) -> Tensor:
            return self._loss(Step(net(lr, gates=gates.sample()), hr))

        # Batches of its own: recovery then sees the ones that the other methods see.
        train(self._path(method, seed, "-mask"), both, groups, plan.mask_steps, seed + _MASK_SEEDS, self.setting, loss_of)
        kept = gates.decide()
        merge_lora(net.denoiser.blocks)
        return keep_blocks(net, kept), kept

    def _loss(self, step: Step) -> Tensor:
        weights = Weights(1.0, self.plan.latent_weight if step.latent is not None else 0.0, self.plan.lpips_weight)
        return recovery_loss(step, weights, self.perceptual)[0]

    def _pictures(self, model: TinySR) -> LossOf:
        return lambda lr, hr: self._loss(Step(model(lr), hr))

    def _distilled(self, model: TinySR, teacher: TinySR) -> LossOf:
        def loss_of(lr: Tensor, hr: Tensor) -> Tensor:
            with torch.no_grad():
                wanted = teacher.latent(lr)
            latent = model.latent(lr)
            return self._loss(Step(model.finish(latent, lr), hr, latent, wanted))

        return loss_of

    def result(self, method: str, seed: int, tracks: dict[str, Pairs]) -> dict[str, object]:
        """Trains where needed, measures, and remembers it in a JSON file beside the checkpoint."""
        path = self._path(method, seed).with_suffix(".json")
        if not path.exists():
            model, kept = (self.teacher(), list[int]()) if method == "teacher" else self.student(method, seed)
            path.write_text(json.dumps({"method": method, "seed": seed, "kept": kept, **self.measure(model, tracks)}))
        found: dict[str, object] = json.loads(path.read_text())
        return found

    def measure(self, model: nn.Module, tracks: dict[str, Pairs]) -> dict[str, float]:
        """PSNR-Y, and LPIPS where its network is there, on each track."""
        row: dict[str, float] = {}
        for name, pairs in tracks.items():
            on_device = [(lr.to(self.setting.device), hr.to(self.setting.device)) for lr, hr in pairs]
            psnr, lpips = quality(model, on_device, self.plan.teacher.scale, self.perceptual)
            row[f"{name} PSNR-Y"] = psnr
            if self.perceptual:
                row[f"{name} LPIPS"] = lpips
        return row


class Bicubic(nn.Module):
    """What every row has to beat."""

    def __init__(self, config: TinySRConfig) -> None:
        super().__init__()
        self.enlarge: Callable[[Tensor], Tensor] = TinySR(config).enlarge

    def forward(self, lr: Tensor) -> Tensor:
        """(N,3,h,w) -> (N,3,s*h,s*w)."""
        return self.enlarge(lr)


def table(plan: Plan, reference: dict[str, dict[str, float]], rows: Sequence[dict[str, object]]) -> str:
    """Markdown: a line for each reference and method, mean and deviation over seeds; then the blocks each seed kept."""
    columns = list(next(iter(reference.values())))
    lines = ["| net | blocks | parameters | seeds | " + " | ".join(columns) + " |", "|---" * (4 + len(columns)) + "|"]
    sizes = {}
    for depth in (plan.teacher.depth, plan.keep):
        sizes[depth] = f"{count_config(replace(plan.teacher, depth=depth), 32, 32).parameters / 1e3:.0f} k"
    for name, values in reference.items():
        depth = plan.teacher.depth if name == "teacher" else 0
        cells = [_cell(column, [values[column]]) for column in columns]
        lines.append(f"| {name} | {depth or ''} | {sizes.get(depth, '')} | | " + " | ".join(cells) + " |")
    for method, words in METHODS.items():
        own = [row for row in rows if row["method"] == method]
        if own:
            cells = [_cell(c, [float(str(row[c])) for row in own]) for c in columns]
            lines.append(f"| {words} | {plan.keep} | {sizes[plan.keep]} | {len(own)} | " + " | ".join(cells) + " |")
    kept = [f"- {row['method']}, seed {row['seed']}: {row['kept']}" for row in rows if row["kept"]]
    return "\n".join([*lines, *(["", "Blocks kept:", ""] if kept else []), *kept]) + "\n"


def _cell(column: str, values: list[float]) -> str:
    digits = 4 if column.endswith("LPIPS") else 3
    spread = f" ± {np.std(values, ddof=1):.{digits}f}" if len(values) > 1 else ""
    return f"{np.mean(values):.{digits}f}{spread}"


def remember(plan: Plan, others: dict[str, object], path: Path) -> None:
    """Writes the plan and other options beside the results, and refuses a folder whose results come from others."""
    text = json.dumps(asdict(plan) | others, indent=1, sort_keys=True)
    if path.exists() and path.read_text() != text:
        raise ValueError(f"{path.parent} holds a run with other options; take another folder")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
