"""Trains `small` and `base`, x4 and x2, on a machine that is lent for minutes and can download nothing.

python train_on_gpu.py pack --data PHOTOS GRAPHICS --lpips lpips_sq.onnx       # here: cache/pack.zip
python train_on_gpu.py train --out OUT --total-minutes 26 --minutes 9          # there, again and again until it is finished
python train_on_gpu.py collect --pieces OUT                                    # here, after each call: runs/gpu

docs/training.md has the whole procedure.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tinysr.arch import TinySR
from tinysr.compact import arch_state
from tinysr.cpu import use_cpu
from tinysr.gpu.batches import Batches
from tinysr.gpu.degrade import degrade
from tinysr.gpu.measure import measure_on
from tinysr.gpu.pack import Pack, Packed, Pixels, encode, read_pack, write_pack
from tinysr.gpu.pieces import State, read_pieces, write_pieces
from tinysr.gpu.plan import Job, check, plan, trial
from tinysr.gpu.trainer import Progress, Trainer
from tinysr.lpips import SqueezeLpips

# Bytes of a piece, below the 16 MiB that a transfer may take.
_PIECE = 15 << 20
_HELD_OUT = 8
_UNFINISHED = "unfinished-"
_BEGUN = "begin-"


def packed_pictures(files: Sequence[Path], quality: int, side: int, seed: int) -> Iterator[Packed]:
    """Pictures in a random order, by turns reduced (which makes them sharp and clean) and cut to where there is most detail."""
    from PIL import Image as PilImage

    from tinysr.prepare import Mixture, detail, video_reduction

    mixture = Mixture(codecs=("h264", "h264", "hevc", "vp9"), halos=0.15, subsampling=0.1)
    rng = np.random.default_rng(seed)
    for number, index in enumerate(rng.permutation(len(files))):
        with PilImage.open(files[index]) as opened:
            picture = opened.convert("RGB")
        factor = 0.6
        if number % 2 == 0 and factor * min(picture.size) >= side // 2:
            size = (round(factor * picture.width), round(factor * picture.height))
            image: Pixels = np.asarray(picture.resize(size, PilImage.Resampling.LANCZOS))
        else:
            image = np.asarray(picture)
        image = _most_detailed(image, side, rng, detail)
        # Even sides of the LR picture at either scale, as 4:2:0 wants them.
        height, width = (length // 16 * 16 for length in image.shape[:2])
        if min(height, width) < side // 2:
            continue
        image = np.ascontiguousarray(image[:height, :width])
        # At x2 an LR picture is four times as large: fewer of them.
        scales = (4, 2) if number % 5 == 0 else (4,)
        video = {scale: encode(video_reduction(image, scale, rng, mixture), 95) for scale in scales}
        yield Packed(encode(image, quality), video)


def _most_detailed(image: Pixels, side: int, rng: np.random.Generator, detail: Callable[[Pixels], float]) -> Pixels:
    """The best of six random squares, or the whole where it is smaller."""
    room = [max(0, length - side) for length in image.shape[:2]]
    corners = [[int(rng.integers(0, space + 1)) for space in room] for _ in range(6)]
    crops = [image[y : y + side, x : x + side] for y, x in corners]
    return max(crops, key=detail)


def pack_command(args: argparse.Namespace) -> None:
    """Writes the pack."""
    suffixes = {".png", ".jpg", ".jpeg", ".webp", ".bmp"}
    files = sorted(f for folder in args.data for f in folder.iterdir() if f.suffix.lower() in suffixes)
    lpips = SqueezeLpips(args.lpips).arrays() if args.lpips else None
    pictures = packed_pictures(files, args.quality, args.side, args.seed)
    count, size = write_pack(args.pack, pictures, int(args.limit_mb * 1e6), lpips)
    print(f"{args.pack}: {count} of {len(files)} pictures, {size / 1e6:.1f} MB")


def begin_command(args: argparse.Namespace) -> None:
    """Sends shipped weights along, so that the machine goes on from them."""
    from safetensors.torch import load_file

    if (args.folder / "weights").is_dir():
        raise SystemExit(f"{args.folder} holds weights of a run that has begun: give another --folder, or go on without `begin`")
    weights: dict[str, State] = {}
    for job in plan():
        path = args.checkpoints / f"{job.name}.safetensors"
        if not path.exists():
            continue
        state = arch_state(load_file(path))
        own = TinySR(job.config).state_dict()
        if any(name not in state or state[name].shape != value.shape for name, value in own.items()):
            print(f"{path} is of another network than {job.name} now is: left out")
            continue
        weights[_BEGUN + job.name] = state
    if not weights:
        raise SystemExit(f"{args.checkpoints} has none of {', '.join(job.name for job in plan())}")
    write_pieces(args.folder / "resume", weights, {}, 1 << 40)
    print(f"the next run begins with {', '.join(name.removeprefix(_BEGUN) for name in weights)}")


def held_out_pairs(images: Sequence[Pixels], scale: int, device: str, side: int = 256) -> dict[str, list[tuple[Tensor, Tensor]]]:
    """Squares from the middle of pictures that no training sees: clean and degraded pairs of (1,3,h,w) and (1,3,H,W)."""
    torch.manual_seed(1)
    tracks: dict[str, list[tuple[Tensor, Tensor]]] = {"clean": [], "degraded": []}
    for image in images:
        step = 16 * scale
        height, width = (min(side, length) // step * step for length in image.shape[:2])
        top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
        pixels = np.ascontiguousarray(image[top : top + height, left : left + width])
        hr = torch.from_numpy(pixels).to(device).permute(2, 0, 1)[None].float() / 255
        tracks["clean"].append((degrade(hr, scale, 1.0), hr))
        tracks["degraded"].append((degrade(hr, scale, 0.0), hr))
    return tracks


class Call:
    """One command on the lent machine: goes through the jobs until its minutes are over."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.args, self.jobs = args, trial() if args.trial else plan()
        check(self.jobs)
        self.deadline = time.monotonic() + 60 * args.minutes
        self.weights: dict[str, State] = {}
        self.notes: dict[str, Any] = {}
        resume = args.folder / "resume"
        if resume.is_dir():
            self.weights, self.notes = read_pieces(resume)
        # What came along is not sent back again.
        self.known = set(self.weights)
        self._packs: dict[int, tuple[Pack, list[Pixels]]] = {}

    def pack(self, scale: int) -> tuple[Pack, list[Pixels]]:
        """Read when it is needed; one scale at a time is kept."""
        if scale not in self._packs:
            self._packs = {scale: read_pack(self.args.pack, scale, self.args.device, self.args.folder, _HELD_OUT)}
        return self._packs[scale]

    def trainer(self, job: Job, perceptual: SqueezeLpips | None) -> Trainer:
        """Goes on where the job stands, or begins with the weights it is to begin with."""
        stopped = self.weights.get(_UNFINISHED + job.name)
        progress = Progress(**self.notes[job.name]) if stopped and job.name in self.notes else None
        begin = stopped or self.weights.get(_BEGUN + job.name) or self.weights.get(job.init or "")
        halves = self.args.device != "cpu"
        return Trainer(job, self.args.folder, self.args.device, perceptual, begin, progress, halves, not self.args.eager)

    def run(self) -> bool:
        """Whether all jobs are finished."""
        for job in self.jobs:
            finished = self.notes.get(job.name, {}).get("stage", 0) >= len(job.stages)
            if finished and not (self.args.folder / f"{job.name}.pt").exists():
                continue
            scale = job.config.scale
            pack, held_out = self.pack(scale)
            perceptual = SqueezeLpips(pack.lpips).to(self.args.device) if pack.lpips else None
            trainer = self.trainer(job, perceptual)
            measure = measure_on(job.config, held_out_pairs(held_out, scale, self.args.device), perceptual, self.args.device)
            done = trainer.run(Batches(pack, scale), 60 * self.args.total_minutes * job.share, self.deadline, measure)
            self.weights |= trainer.kept
            self.known -= set(trainer.kept)
            self.notes[job.name] = dict(vars(trainer.progress))
            self.weights.pop(_UNFINISHED + job.name, None)
            if not done:
                self.weights[_UNFINISHED + job.name] = trainer.averaged()
                self.known.discard(_UNFINISHED + job.name)
                return False
        return True

    def send(self) -> None:
        """Everything that this machine made, in pieces."""
        made = {name: state for name, state in self.weights.items() if name not in self.known}
        paths = write_pieces(self.args.out, made, {**self.notes, "trial": self.args.trial}, _PIECE)
        print(f"{len(made)} networks in {len(paths)} pieces, {sum(p.stat().st_size for p in paths) / 1e6:.1f} MB")


def train_command(args: argparse.Namespace) -> None:
    """One call on the lent machine."""
    if args.device.startswith("cuda"):
        torch.backends.cudnn.benchmark = True
        # Convolutions alone: reductions and colours are products of matrices, and must be exact.
        torch.backends.cudnn.allow_tf32 = True
    elif args.threads:
        use_cpu(args.threads)
    call = Call(args)
    finished = call.run()
    call.send()
    print("finished" if finished else "not finished: collect the pieces, then give the same command again")


def merge(pieces: Path, folder: Path) -> tuple[dict[str, State], dict[str, Any]]:
    """What came back, added to what came back before; kept in `folder`/weights."""
    weights: dict[str, State] = {}
    notes: dict[str, Any] = {}
    known = folder / "weights"
    if known.is_dir():
        weights, notes = read_pieces(known)
    new, newer = read_pieces(pieces)
    weights = {name: state for name, state in weights.items() if not name.startswith(_UNFINISHED)} | new
    notes |= newer
    write_pieces(known, weights, notes, 1 << 40)
    return weights, notes


def write_resume(folder: Path, jobs: Sequence[Job], weights: dict[str, State], notes: dict[str, Any]) -> None:
    """What a fresh machine needs: the unfinished network, and those that jobs yet to come begin with."""
    resume = folder / "resume"
    sent = read_pieces(resume)[0] if resume.is_dir() else {}
    pending = [job for job in jobs if job.name not in notes]
    begun = {name: sent[name] for job in pending if (name := _BEGUN + job.name) in sent}
    wanted = {name for name in weights if name.startswith(_UNFINISHED)}
    wanted |= {job.init for job in pending if job.init in weights and not _later(job, jobs, notes)}
    write_pieces(resume, begun | {name: weights[name] for name in wanted}, notes, 1 << 40)


def _later(job: Job, jobs: Sequence[Job], notes: dict[str, Any]) -> bool:
    """Whether what it begins with will be made before its turn, on the same machine or one that carries it on."""
    return any(other.name == job.init and notes.get(other.name, {}).get("stage", 0) < len(other.stages) for other in jobs)


def collect_command(args: argparse.Namespace) -> None:
    """Puts pieces together, writes graphs, checkpoints and a manifest, and what the next machine is to be given."""
    from tinysr.export import export

    weights, notes = merge(args.pieces, args.folder)
    jobs = trial() if notes.get("trial") else plan()
    write_resume(args.folder, jobs, weights, notes)
    for job in jobs:
        for stage in job.stages:
            name = f"{job.name}{stage.suffix}"
            if stage.suffix is not None and name in weights:
                print(export(name, job.config, weights[name], args.folder / "models"))
    done = [job.name for job in jobs if notes.get(job.name, {}).get("stage", 0) >= len(job.stages)]
    print(f"finished: {', '.join(done) or 'none'}; {json.dumps(notes)}")


def arguments() -> argparse.ArgumentParser:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True, metavar="pack|begin|train|collect")
    pack = commands.add_parser("pack", help="pictures and LPIPS weights in one file")
    pack.add_argument("--data", nargs="+", type=Path, required=True, help="folders of training pictures")
    pack.add_argument("--lpips", type=Path, help="lpips_sq.onnx; without it there is no perceptual loss")
    pack.add_argument("--pack", type=Path, default=Path("cache/pack.zip"))
    pack.add_argument("--limit-mb", type=float, default=42)
    pack.add_argument("--quality", type=int, default=88, help="of WebP")
    pack.add_argument("--side", type=int, default=512, help="longest side of a packed picture")
    pack.add_argument("--seed", type=int, default=0)
    pack.set_defaults(run=pack_command)
    begin = commands.add_parser("begin", help="lets the run go on from shipped weights")
    begin.add_argument("--checkpoints", type=Path, default=Path("../models/checkpoints"))
    begin.add_argument("--folder", type=Path, default=Path("runs/gpu"))
    begin.set_defaults(run=begin_command)
    train = commands.add_parser("train", help="one call on the lent machine")
    train.add_argument("--pack", type=Path, default=Path("cache/pack.zip"))
    train.add_argument("--folder", type=Path, default=Path("runs/gpu"), help="checkpoints, which stay; resume/ comes along")
    train.add_argument("--out", type=Path, required=True, help="weights.zip.00 and so on, which come back")
    train.add_argument("--total-minutes", type=float, default=26, help="of training, over all calls; the same in each")
    train.add_argument("--minutes", type=float, default=9, help="after which this call stops")
    train.add_argument("--device", default="cuda", help="cuda or cpu")
    train.add_argument("--threads", type=int, default=0, help="of a CPU; 0: as PyTorch likes")
    train.add_argument("--eager", action="store_true", help="launches every kernel by itself and records no CUDA graphs")
    train.add_argument("--trial", action="store_true", help="tiny nets and batches, to try the procedure on a CPU")
    train.set_defaults(run=train_command)
    collect = commands.add_parser("collect", help="what came back, into graphs and checkpoints")
    collect.add_argument("--pieces", type=Path, required=True, help="folder of weights.zip.00 and so on")
    collect.add_argument("--folder", type=Path, default=Path("runs/gpu"))
    collect.set_defaults(run=collect_command)
    return parser


def main(given: Sequence[str] | None = None) -> None:
    """Runs one of the commands."""
    args = arguments().parse_args(given)
    args.run(args)


if __name__ == "__main__":
    main()
