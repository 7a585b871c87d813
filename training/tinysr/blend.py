"""Mixes two sets of weights of one network, tensor by tensor: a scale between fidelity and perception.

Weights that were fine-tuned from each other lie in one valley, and what lies between them works (X. Wang et al., ESRGAN,
arXiv:1809.00219, section 3.4).

python -m tinysr.blend --first PSNR.safetensors --second PERCEPTUAL.safetensors --share 0.6 --out MIX.safetensors

With `--onto` a share of what lies between the two is added to a third set: what one training changed, for weights that another
one made of the same beginning (G. Ilharco et al., Editing models with task arithmetic, arXiv:2212.04089).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor


def read_weights(path: Path) -> dict[str, Tensor]:
    """Weights from safetensors, or the averaged ones of a training checkpoint."""
    if path.suffix == ".safetensors":
        return load_file(path)
    averages: dict[str, Tensor] = torch.load(path, weights_only=True, map_location="cpu")["average"]
    return averages


def blend(first: dict[str, Tensor], second: dict[str, Tensor], share: float) -> dict[str, Tensor]:
    """(1 - share) of the first and `share` (0..1) of the second. @raises ValueError: they are of different networks"""
    if first.keys() != second.keys() or any(first[name].shape != second[name].shape for name in first):
        raise ValueError("the weights are of different networks")
    return {name: torch.lerp(first[name].float(), second[name].float(), share).contiguous() for name in first}


def add(onto: dict[str, Tensor], first: dict[str, Tensor], second: dict[str, Tensor], share: float) -> dict[str, Tensor]:
    """`onto` plus `share` of the way from the first to the second. @raises ValueError: they are of different networks"""
    moved = blend(first, second, share)
    if onto.keys() != moved.keys() or any(onto[name].shape != moved[name].shape for name in onto):
        raise ValueError("the weights are of different networks")
    return {name: (onto[name].float() + moved[name] - first[name].float()).contiguous() for name in onto}


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--first", type=Path, required=True)
    parser.add_argument("--second", type=Path, required=True)
    parser.add_argument("--share", type=float, required=True, help="share of the second, 0..1")
    parser.add_argument("--onto", type=Path, help="weights that the change from the first to the second is added to")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    first, second = read_weights(args.first), read_weights(args.second)
    mixed = add(read_weights(args.onto), first, second, args.share) if args.onto else blend(first, second, args.share)
    save_file(mixed, args.out)


if __name__ == "__main__":
    main()
