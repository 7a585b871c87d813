"""Measures models on pictures, and on clips when asked.

python training/eval.py --data PICTURES --lpips lpips_sq.onnx --models tinysr-nano
python training/eval.py --data PICTURES --clips CLIPS --peers FOLDER --json out.json
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from statistics import fmean

import numpy as np
from PIL import Image as PilImage

from tinysr.degrade import Image
from tinysr.flicker import flicker, read_clip
from tinysr.metrics import Lpips, psnr_y, ssim_y
from tinysr.tracks import CRFS, Track, all_tracks
from tinysr.upscalers import Upscale, interpolation, peers, shipped

MODELS = Path(__file__).resolve().parent.parent / "models"
SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp"}
Scores = dict[str, float]


def load_pictures(folder: Path, scale: int) -> dict[str, Image]:
    """HR pictures by stem, cut to sides that are multiples of the scale."""
    pictures = {}
    for path in sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES):
        image = np.asarray(PilImage.open(path).convert("RGB"))
        height, width = (side // scale * scale for side in image.shape[:2])
        pictures[path.stem] = np.ascontiguousarray(image[:height, :width])
    return pictures


def score_pictures(
    pictures: dict[str, Image], upscalers: dict[str, Upscale], scale: int, tracks: dict[str, Track], lpips: Lpips | None
) -> dict[str, dict[str, Scores]]:
    """Mean scores as {model: {track: {psnrY, ssimY, lpips}}}."""
    result: dict[str, dict[str, Scores]] = {name: {} for name in upscalers}
    for track_name, track in tracks.items():
        inputs = {stem: track(image, stem, scale) for stem, image in pictures.items()}
        for name, upscale in upscalers.items():
            rows = []
            for stem, image in pictures.items():
                output = upscale(inputs[stem])
                row = {"psnrY": psnr_y(image, output, scale), "ssimY": ssim_y(image, output, scale)}
                rows.append(row | ({"lpips": lpips(image, output)} if lpips else {}))
            result[name][track_name] = {key: round(fmean(row[key] for row in rows), 4) for key in rows[0]}
    return result


def score_clips(folder: Path, upscalers: dict[str, Upscale], scale: int, frames: int, crf: int) -> dict[str, Scores]:
    """Mean flicker as {model: {warp, excess, still}}. Clips with the same pictures count once."""
    rows: dict[str, list[Scores]] = {name: [] for name in upscalers}
    seen: set[bytes] = set()
    for path in sorted(folder.iterdir()):
        clip = read_clip(path, frames, 2 * scale)
        if clip[-1].tobytes() in seen:
            continue
        seen.add(clip[-1].tobytes())
        for name, upscale in upscalers.items():
            rows[name].append(asdict(flicker(clip, upscale, scale, crf)))
    return {name: {key: round(fmean(row[key] for row in found), 3) for key in found[0]} for name, found in rows.items()}


def table(columns: list[str], rows: dict[str, list[float]], digits: list[int]) -> str:
    """A Markdown table with a row a model."""
    lines = [f"| model | {' | '.join(columns)} |", "|---|" + "---|" * len(columns)]
    for name, values in rows.items():
        lines.append(f"| {name} | {' | '.join(f'{value:.{n}f}' for value, n in zip(values, digits, strict=True))} |")
    return "\n".join(lines)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of HR pictures")
    parser.add_argument("--models", nargs="+", default=["tinysr-nano"], help="names from models/manifest.json, of one scale")
    parser.add_argument("--folder", type=Path, default=MODELS, help="folder of manifest.json")
    parser.add_argument("--peers", type=Path, help="folder of float ONNX models, or a JSON list, to set beside ours")
    parser.add_argument("--lpips", type=Path, help="lpips_sq.onnx; without it LPIPS is left out")
    parser.add_argument("--seed", type=int, default=1, help="of the track `degraded`")
    parser.add_argument("--clips", type=Path, help="folder of clips: measures flicker")
    parser.add_argument("--frames", type=int, default=16, help="frames a clip")
    parser.add_argument("--crf", type=int, default=CRFS[0], help="H.264 quality of the clips")
    parser.add_argument("--json", type=Path, help="writes {model: {track: scores}}, as export.py --quality reads it")
    args = parser.parse_args()
    ours = {name: shipped(args.folder, name) for name in args.models}
    scales = {scale for _, scale in ours.values()}
    if len(scales) != 1:
        parser.error(f"--models: all must have one scale, these have {sorted(scales)}")
    scale = scales.pop()
    upscalers = {name: interpolation(name, scale) for name in ("bicubic", "lanczos")}
    upscalers |= peers(args.peers, scale) if args.peers else {}
    upscalers |= {name: upscale for name, (upscale, _) in ours.items()}
    pictures = load_pictures(args.data, scale)
    result = score_pictures(pictures, upscalers, scale, all_tracks(args.seed), Lpips(args.lpips) if args.lpips else None)
    keys = ["psnrY", "ssimY", *(["lpips"] if args.lpips else [])]
    for track in all_tracks():
        rows = {name: [scores[track][key] for key in keys] for name, scores in result.items()}
        print(f"\n### {track}, x{scale}, {len(pictures)} pictures\n\n" + table(keys, rows, [2, 4, 4][: len(keys)]))
    if args.clips:
        moving = score_clips(args.clips, upscalers, scale, args.frames, args.crf)
        rows = {name: list(scores.values()) for name, scores in moving.items()}
        print(f"\n### flicker on clips, H.264 CRF {args.crf}\n\n" + table(["warp", "excess", "still"], rows, [3, 3, 3]))
        for name, scores in moving.items():
            result[name]["flicker"] = scores
    if args.json:
        args.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
