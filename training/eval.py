"""Measures what models cost and how they do on pictures, and on clips when asked.

python training/eval.py --data PICTURES --lpips lpips_sq.onnx --models tinysr-nano
python training/eval.py --data PICTURES --clips CLIPS --peers FOLDER --json out.json
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from functools import partial
from pathlib import Path
from statistics import fmean

import numpy as np
from PIL import Image as PilImage

from tinysr.cost import FRAME, count_graph, time_graphs
from tinysr.degrade import Image
from tinysr.filtered import through_filter
from tinysr.flicker import compress, flicker, read_clip
from tinysr.metrics import Lpips, psnr_y, ssim_y
from tinysr.tracks import CRFS, Track, all_tracks
from tinysr.upscalers import Upscale, interpolation, peer_files, peers, rgb24_entry, shipped

MODELS = Path(__file__).resolve().parent.parent / "models"
SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp"}
Scores = dict[str, float]
# Neighbours in a clip look alike: every so many frames is scored as a picture.
_STRIDE = 5


def load_pictures(folder: Path, scale: int) -> dict[str, Image]:
    """HR pictures by stem, cut to sides that are multiples of the scale."""
    pictures = {}
    for path in sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES):
        image = np.asarray(PilImage.open(path).convert("RGB"))
        height, width = (side // scale * scale for side in image.shape[:2])
        pictures[path.stem] = np.ascontiguousarray(image[:height, :width])
    return pictures


def _score(image: Image, output: Image, scale: int, lpips: Lpips | None) -> Scores:
    scores = {"psnrY": psnr_y(image, output, scale), "ssimY": ssim_y(image, output, scale)}
    return scores | ({"lpips": lpips(image, output)} if lpips else {})


def _means(rows: list[Scores], digits: int) -> Scores:
    return {key: round(fmean(row[key] for row in rows), digits) for key in rows[0]}


def score_pictures(
    pictures: dict[str, Image], upscalers: dict[str, Upscale], scale: int, tracks: dict[str, Track], lpips: Lpips | None
) -> dict[str, dict[str, Scores]]:
    """Mean scores as {model: {track: {psnrY, ssimY, lpips}}}."""
    result: dict[str, dict[str, Scores]] = {name: {} for name in upscalers}
    for track_name, track in tracks.items():
        inputs = {stem: track(image, stem, scale) for stem, image in pictures.items()}
        for name, upscale in upscalers.items():
            rows = [_score(image, upscale(inputs[stem]), scale, lpips) for stem, image in pictures.items()]
            result[name][track_name] = _means(rows, 4)
    return result


def _upscaled(upscale: Upscale, after: str, frames: list[Image]) -> list[Image]:
    output = [upscale(frame) for frame in frames]
    return through_filter(output, after) if after else output


def score_clips(
    folder: Path, upscalers: dict[str, Upscale], scale: int, frames: int, crf: int, lpips: Lpips | None, after: str = ""
) -> dict[str, dict[str, Scores]]:
    """after: filter of ffmpeg's behind each upscaler.

    Means as {model: {clips: {psnrY, ssimY, lpips}, flicker: {warp, excess, still}}}. The same pictures count once.
    """
    quality: dict[str, list[Scores]] = {name: [] for name in upscalers}
    unrest: dict[str, list[Scores]] = {name: [] for name in upscalers}
    seen: set[bytes] = set()
    for path in sorted(folder.iterdir()):
        clip = read_clip(path, frames, 2 * scale)
        if clip[-1].tobytes() in seen:
            continue
        seen.add(clip[-1].tobytes())
        compressed = compress(clip, scale, crf)
        for name, upscale in upscalers.items():
            made = partial(_upscaled, upscale, after)
            output = made(compressed)
            chosen = range(_STRIDE // 2 if len(clip) > _STRIDE else 0, len(clip), _STRIDE)
            quality[name] += [_score(clip[index], output[index], scale, lpips) for index in chosen]
            unrest[name].append(asdict(flicker(clip, output, made, scale, crf)))
    return {name: {"clips": _means(quality[name], 4), "flicker": _means(unrest[name], 3)} for name in upscalers}


def price(files: dict[str, Path], rounds: int, threads: int) -> dict[str, Scores]:
    """{model: {parameters, macsPerLrPixel, msPerFrame}}."""
    times = time_graphs(files, rounds, threads)
    counts = {name: count_graph(path) for name, path in files.items()}
    return {
        name: {"parameters": cost.parameters, "macsPerLrPixel": round(cost.macs_per_pixel), "msPerFrame": times[name]}
        for name, cost in counts.items()
    }


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
    parser.add_argument(
        "--models",
        nargs="+",
        default=["tinysr-nano"],
        help="names in models/manifest.json, of one scale, or NAME:int8",
    )
    parser.add_argument("--folder", type=Path, default=MODELS, help="folder of manifest.json")
    parser.add_argument("--peers", type=Path, help="folder of float ONNX models, or a JSON list, to set beside ours")
    parser.add_argument("--lpips", type=Path, help="lpips_sq.onnx; without it LPIPS is left out")
    parser.add_argument("--seed", type=int, default=1, help="of the track `degraded`")
    parser.add_argument("--clips", type=Path, help="folder of clips: measures flicker")
    parser.add_argument("--frames", type=int, default=16, help="frames a clip")
    parser.add_argument("--crf", type=int, default=CRFS[0], help="H.264 quality of the clips")
    parser.add_argument(
        "--after", default="", metavar="FILTER", help="ffmpeg filter that clips pass behind each model, such as atadenoise"
    )
    parser.add_argument("--json", type=Path, help="writes {model: {track: scores}}, as export.py --quality reads it")
    parser.add_argument("--rounds", type=int, default=5, help="timed runs a model; 0 leaves cost and time out")
    parser.add_argument("--threads", type=int, default=2, help="that models are timed on")
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
    lpips = Lpips(args.lpips) if args.lpips else None
    files = (peer_files(args.peers, scale) if args.peers else {}) | {n: rgb24_entry(args.folder, n)[0] for n in args.models}
    costs = price(files, args.rounds, args.threads) if args.rounds else {}
    if costs:
        print(f"\n### cost, x{scale}; ms for {FRAME[0]}x{FRAME[1]} on {args.threads} CPU threads\n")
        columns = ["weights", "MACs an LR pixel", "ms a frame"]
        print(table(columns, {name: list(cost.values()) for name, cost in costs.items()}, [0, 0, 1]))
    result = score_pictures(pictures, upscalers, scale, all_tracks(args.seed), lpips)
    keys = ["psnrY", "ssimY", *(["lpips"] if args.lpips else [])]
    digits = [2, 4, 4][: len(keys)]
    for track in all_tracks():
        rows = {name: [scores[track][key] for key in keys] for name, scores in result.items()}
        print(f"\n### {track}, x{scale}, {len(pictures)} pictures\n\n" + table(keys, rows, digits))
    if args.clips:
        moving = score_clips(args.clips, upscalers, scale, args.frames, args.crf, lpips, args.after)
        rows = {name: [*scores["clips"].values(), *scores["flicker"].values()] for name, scores in moving.items()}
        columns = [*keys, "warp", "excess", "still"]
        print(f"\n### clips, H.264 CRF {args.crf}\n\n" + table(columns, rows, [*digits, 3, 3, 3]))
        result = {name: scores | moving[name] for name, scores in result.items()}
    if args.json:
        whole = {name: scores | ({"cost": costs[name]} if name in costs else {}) for name, scores in result.items()}
        args.json.write_text(json.dumps(whole, indent=2) + "\n")


if __name__ == "__main__":
    main()
