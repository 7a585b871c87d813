"""Compresses a small autoencoder step by step, as the paper does its own, and measures each step. Stops and resumes.

python compress.py --cache CACHE --out runs/compress --lpips lpips_sq.onnx --steps 1500 --recovery-steps 500
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from tinysr.arch import HalfConfig, TinySR, TinySRConfig
from tinysr.cpu import use_cpu
from tinysr.lpips import SqueezeLpips
from tinysr.recipe.compress import Half, prune_channels, remove_attention, separate
from tinysr.recipe.jobs import Crops, LossOf, OutOfTime, Setting, groups_of, train
from tinysr.recipe.measure import Measure, measure_cost, quality

HALVES: tuple[Half, ...] = ("encoder", "decoder")


def start_config(width: int) -> TinySRConfig:
    """An autoencoder of the teacher's kind at a small size: group norms, attention in the middle, 8x8 pixels a cell."""
    widths = (width, 2 * width, 2 * width)
    encoder = HalfConfig(widths, (1, 1, 1), residual="norm", middle_attention=True)
    decoder = HalfConfig(widths[::-1], (1, 1, 1), residual="norm", middle_attention=True)
    return TinySRConfig(8, 1, 16, encoder, decoder, source="enlarged", skip=False, position_side=4)


class Autoencoder(nn.Module):
    """Only the two halves of a TinySR: pictures (N,3,H,W) in 0..1 there and back."""

    def __init__(self, model: TinySR) -> None:
        super().__init__()
        self.encoder, self.decoder = model.encoder, model.decoder

    def forward(self, picture: Tensor) -> Tensor:
        """(N,3,H,W) -> (N,3,H,W), not clamped."""
        image: Tensor = self.decoder(self.encoder(picture))
        return image


class StepOf(NamedTuple):
    """A step of compression: its name, and what it does to the model before it."""

    name: str
    words: str
    apply: Callable[[TinySR], TinySR]


def _both(model: TinySR, change: Callable[[TinySR, Half], TinySR]) -> TinySR:
    for half in HALVES:
        model = change(model, half)
    return model


def steps_of(width: int) -> list[StepOf]:
    """The paper's order, each upon the one before."""
    return [
        StepOf("no-attention", "attention removed", lambda model: _both(model, remove_attention)),
        StepOf("pruned", f"channels pruned to {width}", lambda m: _both(m, lambda x, half: prune_channels(x, half, width))),
        StepOf("separable-encoder", "SepConv, encoder", lambda model: separate(model, "encoder")),
        StepOf("separable", "SepConv, both", lambda model: separate(model, "decoder")),
    ]


def reconstruction(model: Autoencoder, teacher: Autoencoder | None) -> LossOf:
    """L1 to the picture; students' latents are held to those of the uncompressed encoder, too."""

    def loss_of(lr: Tensor, hr: Tensor) -> Tensor:
        del lr
        latent = model.encoder(hr)
        loss = functional.l1_loss(model.decoder(latent), hr)
        if teacher is not None:
            with torch.no_grad():
                wanted = teacher.encoder(hr)
            loss = loss + 0.1 * functional.l1_loss(latent, wanted)
        return loss

    return loss_of


class Row(NamedTuple):
    """Of the table: cost, and quality before and after training has repaired the step."""

    words: str
    cost: Measure
    before: float
    after: Measure


def table(rows: Sequence[Row], side: int) -> str:
    """Markdown."""
    lines = [
        f"| step | weights | MACs, {side}x{side} | ms | PSNR-Y at once | PSNR-Y repaired | LPIPS repaired |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for words, cost, before, after in rows:
        sizes = f"{cost.parameters / 1e3:.0f} k | {(cost.macs + cost.attention_macs) / 1e9:.2f} G | {cost.milliseconds:.0f}"
        lines.append(f"| {words} | {sizes} | {before:.2f} | {after.psnr:.2f} | {after.lpips:.4f} |")
    return "\n".join(lines) + "\n"


def arguments() -> argparse.ArgumentParser:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, required=True, help="pairs of tinysr.prepare; only HR is used")
    parser.add_argument("--out", type=Path, required=True, help="checkpoints and table.md; given again, the run goes on")
    parser.add_argument("--lpips", type=Path, help="lpips_sq.onnx: measures LPIPS")
    parser.add_argument("--steps", type=int, default=1500, help="training of the uncompressed autoencoder")
    parser.add_argument("--recovery-steps", type=int, default=500, help="training after each step of compression")
    parser.add_argument("--width", type=int, default=32, help="of the first stage; the others: twice that, then pruned to it")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--crop", type=int, default=16, help="side of LR patches; the autoencoder sees HR, four times as large")
    parser.add_argument("--held-out", type=int, default=32, help="pairs at the end of the cache to measure on")
    parser.add_argument("--scale", type=int, default=4, help="of the cache")
    parser.add_argument("--lr", type=float, default=5e-3, help="highest rate of matrices (Muon)")
    parser.add_argument("--recovery-lr", type=float, default=3e-3)
    parser.add_argument("--side", type=int, default=256, help="of the picture that is timed")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="stop this call after so long; everything is saved")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--bf16", action="store_true", help="mixed precision, for GPUs and CPUs with AMX")
    parser.add_argument("--threads", type=int, default=2)
    return parser


def run(args: argparse.Namespace) -> str:
    """All steps; what is finished in `args.out` is not done again. The table as text."""
    use_cpu(args.threads)
    crops = Crops(args.cache, args.scale, args.held_out)
    deadline = time.monotonic() + 60 * args.minutes
    setting = Setting(crops, args.batch, args.crop, args.device, args.bf16, deadline=deadline)
    perceptual = SqueezeLpips(args.lpips).to(args.device) if args.lpips else None
    pairs = [(hr.to(args.device), hr.to(args.device)) for _, hr in crops.held_out()]
    frame = torch.rand(1, 3, args.side, args.side, device=args.device)

    def measured(model: Autoencoder) -> Measure:
        psnr, lpips = quality(model, pairs, 4, perceptual)
        return Measure(0, 0, 0, 0.0, psnr, lpips)

    def finish(name: str, model: TinySR, steps: int, lr: float, words: str, teacher: Autoencoder | None) -> Row:
        own = Autoencoder(model).to(args.device)
        path = args.out / f"{name}.pt"
        before = measured(own).psnr if not path.exists() else float("nan")
        note = args.out / f"{name}.json"
        if note.exists():
            before = json.loads(note.read_text())["before"]
        args.out.mkdir(parents=True, exist_ok=True)
        note.write_text(json.dumps({"before": before}))
        train(path, own, groups_of(own, lr, 1e-3), steps, 0, setting, reconstruction(own, teacher))
        return Row(words, measure_cost(own.eval(), frame), before, measured(own))

    torch.manual_seed(0)
    model = TinySR(start_config(args.width)).to(args.device)
    rows = [finish("whole", model, args.steps, args.lr, "uncompressed", None)]
    teacher = Autoencoder(model).eval()
    for step in steps_of(args.width):
        model = step.apply(model).to(args.device)
        rows.append(finish(step.name, model, args.recovery_steps, args.recovery_lr, step.words, teacher))
    (args.out / "figures.json").write_text(json.dumps([[r.words, asdict(r.cost), r.before, asdict(r.after)] for r in rows]))
    return table(rows, args.side)


def main(given: Sequence[str] | None = None) -> None:
    """Runs what is missing, then prints the table."""
    args = arguments().parse_args(given)
    try:
        text = run(args)
    except OutOfTime as stop:
        raise SystemExit(f"{stop}; the same command goes on from there") from None
    (args.out / "table.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
