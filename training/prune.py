"""Prunes a small teacher to half its depth by several methods and prints one table. Stops and resumes at any time.

python prune.py --cache CACHE --out runs/prune --validate VALIDATION --teacher-steps 10000 --steps 3000 --seeds 0 1 2
python prune.py --cache CACHE --out runs/prune --validate VALIDATION --total-minutes 360        # as many steps as fit
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from tinysr.arch import TinySRConfig, convolutional, named
from tinysr.cpu import use_cpu
from tinysr.lpips import SqueezeLpips
from tinysr.recipe.budget import Clock, pace
from tinysr.recipe.jobs import Crops, OutOfTime, Setting
from tinysr.recipe.replicate import METHODS, Bicubic, Pairs, Plan, Replication, remember, table
from tinysr.validate import load_validation


def arguments() -> argparse.ArgumentParser:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, required=True, help="pairs of tinysr.prepare")
    parser.add_argument("--out", type=Path, required=True, help="checkpoints, results and table.md; given again, the run goes on")
    parser.add_argument("--validate", type=Path, help="folder of pictures to measure on, in place of held-out pairs")
    parser.add_argument("--held-out", type=int, default=64, help="pairs at the end of the cache that no training sees")
    parser.add_argument("--methods", nargs="+", choices=list(METHODS), default=list(METHODS)[:4])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--teacher-steps", type=int, default=10000)
    parser.add_argument("--steps", type=int, default=3000, help="budget of each student, mask learning included")
    parser.add_argument("--mask-share", type=float, default=0.3, help="share of the budget that mask learning takes")
    parser.add_argument(
        "--total-minutes",
        type=float,
        help="of all calls together: the first call measures the pace and decides both numbers of steps, in their ratio",
    )
    parser.add_argument("--minutes", type=float, default=float("inf"), help="stop this call after so long; everything is saved")
    parser.add_argument("--save-minutes", type=float, default=2, help="time between checkpoints")
    parser.add_argument("--width", type=int, default=96, help="channels of the blocks; with attention, 32 a head")
    parser.add_argument("--depth", type=int, default=12, help="blocks of the teacher")
    parser.add_argument("--keep", type=int, default=6, help="blocks of the students")
    parser.add_argument("--group", type=int, default=4, help="blocks of a group")
    parser.add_argument(
        "--attention", choices=("global", "windowed", "linear", "none"), default="windowed", help="none: convolutional blocks"
    )
    parser.add_argument("--scale", type=int, default=4, choices=(2, 3, 4))
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--crop", type=int, default=32, help="side of LR patches")
    parser.add_argument("--lr", type=float, default=5e-3, help="highest rate (Muon) for what starts from random weights")
    parser.add_argument("--recovery-lr", type=float, default=2e-3, help="highest rate (Muon) for pruned students")
    parser.add_argument("--gate-lr", type=float, default=0.03)
    parser.add_argument("--rank", type=int, default=16, help="of the low-rank updates while the mask is learnt")
    parser.add_argument("--latent-weight", type=float, default=0.5)
    parser.add_argument("--lpips", type=Path, help="lpips_sq.onnx: measures LPIPS")
    parser.add_argument("--lpips-weight", type=float, default=0.0, help="above 0, trains on it, too")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--bf16", action="store_true", help="mixed precision, for GPUs and CPUs with AMX")
    parser.add_argument("--threads", type=int, default=2)
    return parser


def replica(args: argparse.Namespace) -> TinySRConfig:
    """The teacher of the command line."""
    if args.attention == "none":
        # As `small` and `base` are built: at the LR resolution, where every block has work to do.
        return convolutional(args.width, args.depth, scale=args.scale, skip=False, cell=1)
    size = {"width": args.width, "heads": max(1, args.width // 32), "depth": args.depth}
    return named("replica", **size, attention=args.attention, scale=args.scale, position_side=args.crop // 2)


def plan_of(args: argparse.Namespace) -> Plan:
    """The plan of the command line."""
    return Plan(
        replica(args), args.keep, args.group, args.teacher_steps, args.steps, args.mask_share,
        lr=args.lr, recovery_lr=args.recovery_lr, gate_lr=args.gate_lr, rank=args.rank,
        latent_weight=args.latent_weight, lpips_weight=args.lpips_weight,
    )  # fmt: skip


def main() -> None:
    """Runs what is missing, then prints the table."""
    args = arguments().parse_args()
    if args.lpips_weight and not args.lpips:
        raise SystemExit("--lpips-weight needs --lpips")
    use_cpu(args.threads)
    began = time.monotonic()
    clock = Clock(args.out / "minutes.json", args.total_minutes)
    crops = Crops(args.cache, args.scale, args.held_out)
    deadline = began + 60 * min(args.minutes, clock.left)
    setting = Setting(crops, args.batch, args.crop, args.device, args.bf16, 60 * args.save_minutes, deadline)
    perceptual = SqueezeLpips(args.lpips).to(args.device) if args.lpips else None
    tracks: dict[str, Pairs] = load_validation(args.validate, args.scale) if args.validate else {"held out": crops.held_out()}
    plan = plan_of(args)
    if args.total_minutes:
        plan = clock.fitted(plan, lambda: pace(plan, setting, perceptual, tracks), len(args.seeds), args.methods)
    measured = str(args.validate) if args.validate else args.held_out
    others: dict[str, object] = {"cache": str(args.cache), "batch": args.batch, "crop": args.crop, "measured on": measured}
    remember(plan, others, args.out / "plan.json")
    run = Replication(plan, setting, args.out, perceptual)
    reference: dict[str, dict[str, float]] = {}
    rows: list[dict[str, object]] = []
    stopped: OutOfTime | None = None
    try:
        reference["bicubic"] = run.measure(Bicubic(plan.teacher).to(args.device), tracks)
        trained = run.result("teacher", 0, tracks)
        reference["teacher"] = {name: float(str(trained[name])) for name in reference["bicubic"]}
        # Seed by seed, so that a run that was cut short has all methods of the seeds it has.
        for seed in args.seeds:
            for method in args.methods:
                rows.append(run.result(method, seed, tracks))
    except OutOfTime as stop:
        stopped = stop
    finally:
        clock.spend(time.monotonic() - began)
    if stopped and clock.left > 0:
        raise SystemExit(f"{stopped}; the same command goes on from there")
    text = table(plan, reference, rows)
    if stopped:
        text += f"\nThe time is over: {stopped}. Seeds that are missing are not in the table.\n"
    (args.out / "table.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
