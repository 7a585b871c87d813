"""Trains a convolutional TinySR on cached pairs; resumes from its checkpoint.

python -m tinysr.train_compact --cache CACHE --out RUN --steps 12000 --width 32 --blocks 2
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from .color import rgb_to_ycc, ycc_to_rgb
from .compact import CompactConfig, CompactTinySR
from .lpips import SqueezeLpips
from .validate import load_validation, validate


def _augment(lr: Tensor, hr: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    for axis in (2, 3):
        if rng.random() < 0.5:
            lr, hr = lr.flip(axis), hr.flip(axis)
    if rng.random() < 0.5:
        lr, hr = lr.transpose(2, 3), hr.transpose(2, 3)
    return lr, hr


def _halve_chroma(image: Tensor) -> Tensor:
    """What 4:2:0 leaves of the chroma planes: the graph for video sees no more."""
    chroma = functional.interpolate(functional.avg_pool2d(image[:, 1:], 2), scale_factor=2, mode="nearest")
    return torch.cat([image[:, :1], chroma], 1)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=12000)
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--blocks", type=int, default=2)
    parser.add_argument("--scale", type=int, default=4, choices=(2, 3, 4))
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--lr", type=float, default=1.5e-3)
    parser.add_argument("--lpips", type=Path, help="lpips_sq.onnx: adds the perceptual loss")
    parser.add_argument("--lpips-weight", type=float, default=0.05)
    parser.add_argument("--lpips-pairs", type=int, default=4, help="pairs a step that the perceptual loss sees")
    parser.add_argument("--init", type=Path, help="safetensors to start from")
    parser.add_argument("--validate", type=Path, help="folder of validation images")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    torch.set_num_threads(2)
    rng = np.random.default_rng(args.seed + int(time.time()))
    config = CompactConfig(args.width, args.blocks, args.scale)
    model = CompactTinySR(config).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    if args.init:
        from safetensors.torch import load_file

        model.load_state_dict(load_file(args.init))
    average = {name: value.detach().clone() for name, value in model.state_dict().items()}
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr, betas=(0.9, 0.99), weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, args.lr, total_steps=args.steps + 1, pct_start=0.03)
    args.out.mkdir(parents=True, exist_ok=True)
    checkpoint = args.out / "checkpoint.pt"
    step = 0
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        schedule.load_state_dict(state["schedule"])
        average, step = state["average"], state["step"]
    lr_all, hr_all = (np.load(args.cache / f"{name}.npy", mmap_mode="r") for name in ("lr", "hr"))
    perceptual = SqueezeLpips(args.lpips) if args.lpips else None
    tracks = load_validation(args.validate, args.scale) if args.validate else {}
    weights = torch.tensor([1.0, 0.5, 0.5]).view(1, 3, 1, 1)
    saved, losses = time.monotonic(), []
    while step < args.steps:
        pick = np.sort(rng.integers(0, len(lr_all), args.batch))
        lr, hr = (torch.from_numpy(a[pick]).permute(0, 3, 1, 2).float() / 255 for a in (lr_all, hr_all))
        lr, hr = _augment(lr, hr, rng)
        source, target = rgb_to_ycc(lr), rgb_to_ycc(hr)
        if rng.random() < 0.5:
            source = _halve_chroma(source)
        output = model(source.contiguous(memory_format=torch.channels_last))
        loss = (torch.sqrt((output - target) ** 2 + 1e-6) * weights).mean()
        if perceptual:
            n = args.lpips_pairs
            loss = loss + args.lpips_weight * perceptual(ycc_to_rgb(output[:n]).clamp(0, 1), hr[:n])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        optimizer.step()
        schedule.step()
        step += 1
        losses.append(float(loss.detach()))
        decay = min(0.999, step / (step + 20))
        for name, value in model.state_dict().items():
            average[name].lerp_(value, 1 - decay)
        if step == args.steps or time.monotonic() - saved > 150:
            state = {"model": model.state_dict(), "average": average, "step": step}
            torch.save(
                state | {"optimizer": optimizer.state_dict(), "schedule": schedule.state_dict()},
                checkpoint.with_suffix(".tmp"),
            )
            checkpoint.with_suffix(".tmp").replace(checkpoint)
            entry = {"step": step, "loss": float(np.mean(losses[-200:]))}
            if tracks:
                probe = CompactTinySR(config)
                probe.load_state_dict(average)
                entry |= validate(probe, tracks, args.scale)
            print(json.dumps(entry), flush=True)
            saved = time.monotonic()


if __name__ == "__main__":
    main()
