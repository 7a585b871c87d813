"""Converts the published TinySR release to one ONNX file for the CLI's tiles.

python convert.py --transformer CHECKPOINT/tinybackbone/prune-12-merge-tinysr --lora CHECKPOINT/tinysr \\
  --vae CHECKPOINT/vae/separable --pooled dataset/default/pool_embeds.pt --position dataset/cache/pos_embed.pt \\
  --out tinysr-paper.onnx
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from pathlib import Path

import onnx
import torch

from tinysr.arch import count_config
from tinysr.official import Release, load
from tinysr.tile_graph import build_tile_graph, color_fix_graph

# Overlap of neighbouring tiles in the release: 8 latent cells, which are 16 LR pixels at x4. The CLI mixes tiles over 8
# pixels and adds twice the radius to that.
_RADIUS = 4
_LICENCE = "Apache-2.0 by the release's README; weights derived from Stable Diffusion 3 Medium"


def transformer_folder(path: Path) -> Path:
    """The folder that has config.json: given itself, or the pipeline's folder around it."""
    return path / "transformer" if (path / "transformer" / "config.json").is_file() else path


def sidecar(finish: Path) -> dict[str, object]:
    """What the CLI is told about the graph, see docs/models.md."""
    words = {"name": "tinysr-paper", "scale": 4, "layout": "nchw", "range": 1, "receptiveRadius": _RADIUS}
    return {**words, "finish": finish.name, "licence": _LICENCE}


def convert(release: Release, out: Path, tile: int = 128, precision: str = "fp16") -> None:
    """Writes the graph, its colour fix and the sidecar that binds them."""
    dtype = torch.float16 if precision == "fp16" else torch.float32
    model = load(release, tile, dtype)
    cost = count_config(model.config, tile, tile)
    proto = build_tile_graph(model, precision)
    del model
    out.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(proto, str(out))
    del proto
    onnx.checker.check_model(str(out))
    finish = out.with_name(f"{out.stem}-color.onnx")
    onnx.save(color_fix_graph(), str(finish))
    out.with_name(f"{out.name}.json").write_text(json.dumps(sidecar(finish), indent=2) + "\n")
    total = (cost.macs + cost.attention_macs) / 1e9
    print(f"{out}: {cost.parameters / 1e6:.1f} M weights, {total:.1f} GMACs a tile, {out.stat().st_size / 1e6:.0f} MB")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--transformer", type=Path, required=True, help="folder with config.json, or the one around it")
    parser.add_argument("--vae", type=Path, required=True, help="folder of the tiny autoencoder")
    parser.add_argument("--pooled", type=Path, required=True, help="pooled prompt embedding, .pt")
    parser.add_argument("--lora", type=Path, help="folder with transformer.safetensors, or that file")
    parser.add_argument("--lora-alpha", type=float, help="of the adapter; default: its rank, as in the release")
    parser.add_argument("--position", type=Path, help="cached positional embedding, .pt; default: the transformer's own")
    parser.add_argument("--tile", type=int, default=128, help="side of LR tiles")
    parser.add_argument("--precision", choices=("fp16", "fp32"), default="fp16")
    parser.add_argument("--out", type=Path, default=Path("tinysr-paper.onnx"))
    args = parser.parse_args()
    began = time.monotonic()
    release = Release(transformer_folder(args.transformer), args.vae, args.pooled, args.lora, args.position, args.lora_alpha)
    convert(release, args.out, args.tile, args.precision)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{time.monotonic() - began:.0f} s, {peak:.1f} GiB of memory at most")


if __name__ == "__main__":
    main()
