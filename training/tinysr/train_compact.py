"""Trains a convolutional TinySR on cached pairs for a given time; resumes from its checkpoint.

python -m tinysr.train_compact --cache CACHE --out RUN --minutes 60 --width 16 --blocks 3
"""

from __future__ import annotations

import argparse
import json
import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .color import rgb_to_ycc, ycc_to_rgb
from .compact import CompactConfig, CompactTinySR, grow
from .cpu import use_cpu
from .lpips import SqueezeLpips
from .muon import Muon
from .pairs import Pairs
from .recipe.temporal import Pair as Twins
from .recipe.temporal import drift
from .twins import TwinPairs
from .validate import load_validation, validate

_SAVE_EVERY = 150.0
_AVERAGE_DECAY = 0.999


def rate(progress: float, warm_up: float = 0.02) -> float:
    """Share of the highest learning rate at a progress of 0..1: a short climb, then half a cosine down to nothing."""
    return min(1.0, progress / warm_up) * 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))


def charbonnier(output: Tensor, target: Tensor) -> Tensor:
    """L1 that is smooth near zero, in one number."""
    return torch.sqrt((output - target) ** 2 + 1e-6).mean()


def temporal(model: CompactTinySR, twins: Twins, weight: float, device: str) -> Tensor:
    """Both views against their own HR pictures, or blur would win, and `weight` times their drift apart."""
    views = ((twins.first, twins.first_hr), (twins.second, twins.second_hr))
    lumas = [model.luma(rgb_to_ycc(lr.to(device))[:, :1]) for lr, _ in views]
    truth = [rgb_to_ycc(hr.to(device))[:, :1] for _, hr in views]
    restored = sum((charbonnier(luma, hr) for luma, hr in zip(lumas, truth, strict=True)), torch.zeros((), device=device))
    return restored / 2 + weight * drift(lumas[0], lumas[1], twins.shift)


class Run:
    """A model in training: weights, their running average, optimizers and how far it has come."""

    def __init__(self, config: CompactConfig, lr: float, bias_lr: float, device: str = "cpu") -> None:
        self.config, self.device = config, device
        self.model: CompactTinySR = CompactTinySR(config).to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = {name: value.detach().clone() for name, value in self.model.state_dict().items()}
        kernels = [p for p in self.model.parameters() if p.dim() == 4]
        biases = [p for p in self.model.parameters() if p.dim() != 4]
        self.optimizers = [(Muon(kernels, lr), lr), (torch.optim.Adam(biases, bias_lr, betas=(0.9, 0.99)), bias_lr)]
        self.step, self.seconds = 0, 0.0

    def start_from(self, state: dict[str, Tensor]) -> None:
        """Takes weights of a finished run, of a network of as many blocks that is no wider."""
        grow(self.model, state)
        self.average = {name: value.detach().clone() for name, value in self.model.state_dict().items()}

    def advance(self, loss: Tensor, progress: float) -> None:
        """One step of all optimizers, then of the average."""
        self.model.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        for optimizer, top in self.optimizers:
            optimizer.param_groups[0]["lr"] = top * rate(progress)
            optimizer.step()
        self.step += 1
        # Young averages follow faster, so that the first weights are soon forgotten.
        decay = min(_AVERAGE_DECAY, self.step / (self.step + 20))
        for name, value in self.model.state_dict().items():
            self.average[name].lerp_(value, 1 - decay)

    def save(self, path: Path) -> None:
        """Writes everything a resumed run needs; the file is whole at any moment."""
        state: dict[str, Any] = {"model": self.model.state_dict(), "average": self.average}
        state |= {"optimizers": [o.state_dict() for o, _ in self.optimizers], "step": self.step, "seconds": self.seconds}
        torch.save(state, path.with_suffix(".tmp"))
        path.with_suffix(".tmp").replace(path)

    def load(self, path: Path) -> None:
        """Takes up a run where :meth:`save` left it."""
        state = torch.load(path, weights_only=True, map_location=self.device)
        self.model.load_state_dict(state["model"])
        self.average, self.step, self.seconds = state["average"], state["step"], state["seconds"]
        for (optimizer, _), saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)

    def averaged(self) -> CompactTinySR:
        """A model with the averaged weights: what is validated and shipped."""
        model = CompactTinySR(self.config)
        # Validation runs on the CPU: its pictures differ in size and are few.
        model.load_state_dict({name: value.cpu() for name, value in self.average.items()})
        return model


def arguments() -> argparse.ArgumentParser:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=60, help="length of the run; the learning rate falls with time")
    parser.add_argument("--width", type=int, default=16)
    parser.add_argument("--blocks", type=int, default=3)
    parser.add_argument("--scale", type=int, default=4, choices=(2, 3, 4))
    parser.add_argument("--batch", type=int, default=24)
    parser.add_argument("--crop", type=int, default=32, help="side of LR patches; the last part of the run takes whole ones")
    parser.add_argument("--whole-from", type=float, default=0.7, help="progress after which patches are whole")
    parser.add_argument("--clean", type=float, default=0.0, help="share of batches reduced from HR without degradation")
    parser.add_argument("--taught", type=float, default=0.0, help="share of the loss against the outputs of tinysr.teach")
    parser.add_argument("--bf16", action="store_true", help="convolutions in bf16: twice as fast on GPUs and CPUs with AMX")
    parser.add_argument("--lr", type=float, default=0.01, help="highest rate of the convolutions (Muon)")
    parser.add_argument("--bias-lr", type=float, default=1e-3, help="highest rate of the biases (Adam)")
    parser.add_argument("--lpips", type=Path, help="lpips_sq.onnx: adds the perceptual loss")
    parser.add_argument("--lpips-weight", type=float, default=0.05)
    parser.add_argument("--lpips-pairs", type=int, default=4, help="pairs a step that the perceptual loss sees")
    parser.add_argument(
        "--temporal-weight",
        type=float,
        default=0.0,
        help="weight of the drift between two views of a picture; needs tinysr.twins",
    )
    parser.add_argument("--temporal-pairs", type=int, default=2, help="pictures a step that are seen twice")
    parser.add_argument("--init", type=Path, help="safetensors to start from")
    parser.add_argument("--validate", type=Path, help="folder of validation images")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--threads", type=int, default=2)
    return parser


def main() -> None:
    """Runs the training."""
    args = arguments().parse_args()
    torch.manual_seed(args.seed)
    use_cpu(args.threads)
    run = Run(CompactConfig(args.width, args.blocks, args.scale), args.lr, args.bias_lr, args.device)
    if args.init:
        from safetensors.torch import load_file

        run.start_from(load_file(args.init))
    args.out.mkdir(parents=True, exist_ok=True)
    checkpoint = args.out / "checkpoint.pt"
    if checkpoint.exists():
        run.load(checkpoint)
    # A resumed run must not see the first batches again.
    rng = np.random.default_rng((args.seed, run.step, 1))
    pairs = Pairs(args.cache, args.scale, np.random.default_rng((args.seed, run.step)), args.taught > 0)
    seen_twice = (
        TwinPairs(args.cache, args.scale, np.random.default_rng((args.seed, run.step, 2))) if args.temporal_weight else None
    )
    perceptual = SqueezeLpips(args.lpips).to(args.device) if args.lpips else None
    tracks = load_validation(args.validate, args.scale) if args.validate else {}
    began, saved, losses = time.monotonic() - run.seconds, time.monotonic(), []
    progress = 0.0
    while progress < 1:
        whole = progress >= args.whole_from
        crop = pairs.side if whole else min(args.crop, pairs.side)
        # Whole patches are larger: fewer of them, for steps of about the same length.
        batch = pairs.batch(max(4, args.batch // 2) if whole else args.batch, crop, rng.random() < args.clean)
        source, hr = rgb_to_ycc(batch.lr.to(args.device)), batch.hr.to(args.device)
        with torch.autocast(torch.device(args.device).type, torch.bfloat16, enabled=args.bf16):
            luma = run.model.luma(source[:, :1])
        luma = luma.float()
        loss = charbonnier(luma, rgb_to_ycc(hr)[:, :1])
        if batch.taught is not None:
            lesson = charbonnier(luma, rgb_to_ycc(batch.taught.to(args.device))[:, :1])
            loss = torch.lerp(loss, lesson, args.taught)
        if perceptual:
            n = args.lpips_pairs
            picture = torch.cat([luma[:n], run.model.chroma(source[:n, 1:])], 1)
            loss = loss + args.lpips_weight * perceptual(ycc_to_rgb(picture).clamp(0, 1), hr[:n])
        if seen_twice:
            loss = loss + temporal(run.model, seen_twice.batch(args.temporal_pairs, crop), args.temporal_weight, args.device)
        run.advance(loss, progress)
        losses.append(float(loss.detach()))
        run.seconds = time.monotonic() - began
        progress = run.seconds / (60 * args.minutes)
        if progress >= 1 or time.monotonic() - saved > _SAVE_EVERY:
            run.save(checkpoint)
            entry: dict[str, float] = {"step": run.step, "progress": round(progress, 3), "loss": float(np.mean(losses[-500:]))}
            if tracks:
                entry |= validate(run.averaged(), tracks, args.scale)
            print(json.dumps(entry), flush=True)
            saved = time.monotonic()


if __name__ == "__main__":
    main()
