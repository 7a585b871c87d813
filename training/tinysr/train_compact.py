"""Trains a convolutional TinySR on cached pairs for a given time; resumes from its checkpoint.

python -m tinysr.train_compact --cache CACHE --out RUN --minutes 60 --width 32 --blocks 2
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
from numpy.typing import NDArray
from torch import Tensor

from .color import rgb_to_ycc, ycc_to_rgb
from .compact import CompactConfig, CompactTinySR, grow
from .degrade import bicubic_matrix, jpeg, to_u8
from .lpips import SqueezeLpips
from .muon import Muon
from .recipe.temporal import Pair as Twins
from .recipe.temporal import drift, shifted_pair
from .validate import load_validation, validate

_SAVE_EVERY = 150.0
_AVERAGE_DECAY = 0.999


class Pairs:
    """Random batches from a cache of prepare.py."""

    def __init__(self, cache: Path, scale: int, rng: np.random.Generator) -> None:
        self._lr, self._hr = (np.load(cache / f"{name}.npy", mmap_mode="r") for name in ("lr", "hr"))
        self._scale, self._rng = scale, rng
        self.side: int = self._lr.shape[1]
        self._reduction = bicubic_matrix(self._hr.shape[1], scale).astype(np.float32)

    def batch(self, count: int, crop: int, clean: bool = False) -> tuple[Tensor, Tensor]:
        """`count` pairs of (3,crop,crop) and (3,s*crop,s*crop) RGB in 0..1, flipped and turned at random.

        clean: LR is reduced from HR here, bicubically and without degradation, instead of taken from the cache.
        """
        pick = np.sort(self._rng.integers(0, len(self._lr), count))
        y, x = (2 * int(v) for v in self._rng.integers(0, (self.side - crop) // 2 + 1, 2))
        if clean:
            lr = self._reduce(self._hr[pick], slice(y, y + crop), slice(x, x + crop))
        else:
            lr = _planes(self._lr[pick, y : y + crop, x : x + crop])
        s = self._scale
        hr = _planes(self._hr[pick, s * y : s * (y + crop), s * x : s * (x + crop)])
        return augment(lr, hr, self._rng)

    def _reduce(self, hr: NDArray[np.uint8], rows: slice, columns: slice) -> Tensor:
        """The part of the reduced crops that is wanted; rounded to 8 bits like everything a model is given."""
        tall, wide = (torch.from_numpy(self._reduction[part]) for part in (rows, columns))
        reduced = torch.einsum("yh,nhwc,xw->ncyx", tall, torch.from_numpy(hr).float(), wide)
        return reduced.round().clamp(0, 255) / 255

    def still(self, count: int, farthest: int = 7) -> Twins:
        """`count` pictures seen twice: a fraction of an LR pixel apart, each time with noise and compression of its own."""
        pick = np.sort(self._rng.integers(0, len(self._hr), count))
        down, right = (int(v) for v in self._rng.integers(0, farthest + 1, 2))
        # What a camera and an encoder do stays the same between two frames; what noise they leave does not.
        deviation, quality = self._rng.uniform(0, 3), int(self._rng.integers(35, 96))

        def disturb(lr: Tensor) -> Tensor:
            codes = 255 * lr + deviation * torch.from_numpy(self._rng.standard_normal(lr.shape, np.float32))
            frames = [jpeg(to_u8(frame.permute(1, 2, 0).numpy()), quality) for frame in codes]
            return _planes(np.stack(frames))

        return shifted_pair(_planes(self._hr[pick]), self._scale, (down, right), disturb)


def _planes(pixels: NDArray[np.uint8]) -> Tensor:
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255


def augment(lr: Tensor, hr: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """The same flips and transposition for both."""
    for axis in (2, 3):
        if rng.random() < 0.5:
            lr, hr = lr.flip(axis), hr.flip(axis)
    if rng.random() < 0.5:
        lr, hr = lr.transpose(2, 3), hr.transpose(2, 3)
    return lr, hr


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
        self.model = CompactTinySR(config).to(device)
        self.average = {name: value.detach().clone() for name, value in self.model.state_dict().items()}
        kernels = [p for p in self.model.parameters() if p.dim() == 4]
        biases = [p for p in self.model.parameters() if p.dim() != 4]
        self.optimizers = [(Muon(kernels, lr), lr), (torch.optim.Adam(biases, bias_lr, betas=(0.9, 0.99)), bias_lr)]
        self.step, self.seconds = 0, 0.0

    def start_from(self, state: dict[str, Tensor]) -> None:
        """Takes weights of a finished run, of a network of the same size or a smaller one."""
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
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--blocks", type=int, default=2)
    parser.add_argument("--scale", type=int, default=4, choices=(2, 3, 4))
    parser.add_argument("--batch", type=int, default=24)
    parser.add_argument("--crop", type=int, default=32, help="side of LR patches; the last part of the run takes whole ones")
    parser.add_argument("--whole-from", type=float, default=0.7, help="progress after which patches are whole")
    parser.add_argument("--clean", type=float, default=0.0, help="share of batches reduced from HR without degradation")
    parser.add_argument("--lr", type=float, default=0.01, help="highest rate of the convolutions (Muon)")
    parser.add_argument("--bias-lr", type=float, default=1e-3, help="highest rate of the biases (Adam)")
    parser.add_argument("--lpips", type=Path, help="lpips_sq.onnx: adds the perceptual loss")
    parser.add_argument("--lpips-weight", type=float, default=0.05)
    parser.add_argument("--lpips-pairs", type=int, default=4, help="pairs a step that the perceptual loss sees")
    parser.add_argument("--temporal-weight", type=float, default=0.0, help="weight of the drift between two views of a picture")
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
    torch.set_num_threads(args.threads)
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
    pairs = Pairs(args.cache, args.scale, np.random.default_rng((args.seed, run.step)))
    perceptual = SqueezeLpips(args.lpips).to(args.device) if args.lpips else None
    tracks = load_validation(args.validate, args.scale) if args.validate else {}
    began, saved, losses = time.monotonic() - run.seconds, time.monotonic(), []
    progress = 0.0
    while progress < 1:
        whole = progress >= args.whole_from
        crop = pairs.side if whole else min(args.crop, pairs.side)
        # Whole patches are larger: fewer of them, for steps of about the same length.
        lr, hr = pairs.batch(max(4, args.batch // 2) if whole else args.batch, crop, rng.random() < args.clean)
        lr, hr = lr.to(args.device), hr.to(args.device)
        source, target = rgb_to_ycc(lr), rgb_to_ycc(hr)
        luma = run.model.luma(source[:, :1])
        loss = charbonnier(luma, target[:, :1])
        if perceptual:
            n = args.lpips_pairs
            picture = torch.cat([luma[:n], run.model.chroma(source[:n, 1:])], 1)
            loss = loss + args.lpips_weight * perceptual(ycc_to_rgb(picture).clamp(0, 1), hr[:n])
        if args.temporal_weight:
            twins = pairs.still(args.temporal_pairs)
            loss = loss + temporal(run.model, twins, args.temporal_weight, args.device)
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
