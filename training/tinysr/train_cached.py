"""Trains a convolutional RGB model of the registry (`small`, `base`) on a cache of prepare.py: fidelity first, then perception.

python -m tinysr.train_cached --cache CACHE --out RUN --config small --minutes 80 --taught 0.7 --lpips lpips_sq.onnx

Ends with the weights of both stages as safetensors; goes on from its checkpoint when it is given again.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from .arch import TinySRConfig, named
from .cpu import use_cpu
from .drawn import DrawnBatches
from .gpu.batches import Shares
from .gpu.measure import measure_on
from .gpu.plan import FIDELITY, Job, Stage
from .gpu.trainer import Source, Trainer
from .lpips import SqueezeLpips
from .pairs import Batch, Pairs
from .recipe.temporal import Pair
from .twins import TwinPairs
from .validate import load_validation

# Seconds between two checkpoints.
_SAVE_EVERY = 240.0


class CachedBatches:
    """Batches of a cache, each of one kind: clean, or as the cache has it. twins: how many come with each."""

    def __init__(self, cache: Path, scale: int, device: str, taught: bool, twins: int = 0) -> None:
        self._pairs = Pairs(cache, scale, np.random.default_rng(0), taught)
        self._twins, self._count = TwinPairs(cache, scale, np.random.default_rng(0)) if twins else None, twins
        self.side, self._device = self._pairs.side, device

    def draw(self, count: int, crop: int, shares: Shares) -> Batch:
        """See :class:`tinysr.gpu.trainer.Source`; what is not clean comes in the cache's own mixture."""
        seed = int(torch.randint(1 << 62, ()))
        self._pairs.reseed(np.random.default_rng(seed))
        clean = float(torch.rand(())) < shares.clean
        batch = self._pairs.batch(count, crop, clean)
        taught = None if batch.taught is None else batch.taught.to(self._device)
        return Batch(batch.lr.to(self._device), batch.hr.to(self._device), taught, self._seen_twice(seed, crop))

    def _seen_twice(self, seed: int, crop: int) -> Pair | None:
        if self._twins is None:
            return None
        self._twins.reseed(np.random.default_rng((seed, 1)))
        pair = self._twins.batch(self._count, crop)
        first, second, first_hr, second_hr = (
            view.to(self._device) for view in (pair.first, pair.second, pair.first_hr, pair.second_hr)
        )
        return Pair(first, second, first_hr, second_hr, pair.shift)


def job_of(args: argparse.Namespace, name: str, config: TinySRConfig, side: int) -> Job:
    """Two stages: pixels, then pixels and perception. Without LPIPS there is only the first."""
    clean = Shares(args.clean, 1 - args.clean, 0.0)
    mixed = Shares(args.perceptual_clean, 1 - args.perceptual_clean, 0.0)
    first = args.first if args.lpips else 1.0
    stages = (
        [Stage(first, clean, lr=args.lr, taught=args.taught, temporal=args.temporal_weight, suffix=FIDELITY)] if first else []
    )
    if first < 1:
        stages.append(
            Stage(
                1 - first,
                mixed,
                lr=args.perceptual_lr,
                perceptual=args.lpips_weight,
                perceptual_pairs=args.lpips_pairs,
                adversarial=args.adversarial,
                taught=args.perceptual_taught,
                temporal=args.temporal_weight,
            )
        )
    return Job(name, config, 1.0, tuple(stages), batch=args.batch, crop=min(args.crop, side))


def arguments() -> argparse.ArgumentParser:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument(
        "--pictures", nargs="+", type=Path, help="folders of pictures that pairs are cut from and damaged anew, too"
    )
    parser.add_argument("--drawn", type=float, default=0.6, help="share of the batches that come from --pictures")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--config", default="small", help="name of tinysr/arch/config.py; convolutional, RGB")
    parser.add_argument("--scale", type=int, default=4, choices=(2, 3, 4))
    parser.add_argument("--minutes", type=float, default=80)
    parser.add_argument("--first", type=float, default=0.65, help="share of the time that goes to fidelity alone; 0: none")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--crop", type=int, default=32, help="side of LR patches")
    parser.add_argument("--clean", type=float, default=0.6, help="share of batches reduced cleanly from HR, first stage")
    parser.add_argument("--perceptual-clean", type=float, default=0.3, help="the same for the second stage")
    parser.add_argument("--taught", type=float, default=0.0, help="share of the pixels' loss against tinysr.teach's outputs")
    parser.add_argument("--perceptual-taught", type=float, default=0.0, help="the same for the second stage")
    parser.add_argument("--lr", type=float, default=0.01, help="highest rate of the convolutions (Muon), first stage")
    parser.add_argument("--perceptual-lr", type=float, default=0.003)
    parser.add_argument("--lpips", type=Path, help="lpips_sq.onnx; without it there is no second stage")
    parser.add_argument("--lpips-weight", type=float, default=0.1)
    parser.add_argument("--lpips-pairs", type=int, default=6, help="how many of a batch LPIPS sees; 0: all")
    parser.add_argument("--adversarial", type=float, default=0.0, help="weight of the discriminator's verdict")
    parser.add_argument(
        "--temporal-weight", type=float, default=0.0, help="weight of the drift between two views; needs tinysr.twins"
    )
    parser.add_argument("--temporal-pairs", type=int, default=4, help="pictures a step that are seen twice")
    parser.add_argument("--init", type=Path, help="safetensors to start from, as far as they fit")
    parser.add_argument("--validate", type=Path, help="folder of validation images")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--bf16", action="store_true", help="convolutions in bf16: twice as fast on GPUs and CPUs with AMX")
    return parser


def main() -> None:
    """Runs the training."""
    args = arguments().parse_args()
    use_cpu(args.threads)
    config = named(args.config, scale=args.scale)
    name = f"tinysr-{args.config}" + (f"-x{args.scale}" if args.scale != 4 else "")
    batches: Source
    batches = cached = CachedBatches(
        args.cache,
        args.scale,
        args.device,
        max(args.taught, args.perceptual_taught) > 0,
        args.temporal_pairs if args.temporal_weight else 0,
    )
    if args.pictures:
        batches = DrawnBatches(args.pictures, args.scale, args.device, args.drawn, cached)
    perceptual = SqueezeLpips(args.lpips).to(args.device) if args.lpips else None
    found = load_validation(args.validate, args.scale) if args.validate else {}
    tracks = {track: [(lr.to(args.device), hr.to(args.device)) for lr, hr in pairs] for track, pairs in found.items()}
    measure = measure_on(config, tracks, perceptual, args.device)
    job = job_of(args, name, config, cached.side)
    begin = load_file(args.init) if args.init else None
    trainer = Trainer(job, args.out, args.device, perceptual, begin, halves=args.bf16)
    while not trainer.run(batches, 60 * args.minutes, time.monotonic() + _SAVE_EVERY, measure):
        pass
    for kept, state in trainer.kept.items():
        save_file({key: value.contiguous() for key, value in state.items()}, args.out / f"{kept}.safetensors")


if __name__ == "__main__":
    main()
