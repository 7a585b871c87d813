"""A checkpoint of the release's structure and names with random weights, and what the release computes from it.

Names and order of operations after github.com/Microtreei/TinySR and diffusers 0.29; the functions below are written from
these, not from tinysr.official, and work on the tensors as they lie in the files: LoRA beside the weights, adaLN live.

python tests/release.py --out FOLDER        # at the full size: 1.3 GB
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional

State = dict[str, Tensor]
LINEAR = ("attn.to_q", "attn.to_k", "attn.to_v", "attn.to_out.0")
TIME = "time_text_embed.timestep_embedder"
TEXT = "time_text_embed.text_embedder"


@dataclass(frozen=True)
class Size:
    """What the sizes of a release follow from; tile: in LR pixels."""

    heads: int = 24
    head: int = 64
    layers: int = 12
    pooled: int = 2048
    latent: int = 16
    vae: int = 64
    rank: int = 64
    tile: int = 128
    separable: bool = True

    @property
    def width(self) -> int:
        return self.heads * self.head

    @property
    def tokens(self) -> int:
        return (self.tile // 4) ** 2


SMALL = Size(heads=2, head=8, layers=2, pooled=12, latent=4, vae=8, rank=3, tile=32)


def _random(*shape: int, gain: float = 1.0) -> Tensor:
    inside = 1
    for side in shape[1:]:
        inside *= side
    return gain * torch.randn(*shape) / max(inside, 1) ** 0.5


def transformer_tensors(size: Size) -> State:
    c = size.width
    state: State = {}

    def layer(name: str, out: int, *inside: int, gain: float = 1.0) -> None:
        state[f"{name}.weight"] = _random(out, *inside, gain=gain)
        state[f"{name}.bias"] = 0.05 * torch.randn(out)

    layer("pos_embed.proj", c, size.latent, 2, 2)
    state["pos_embed.pos_embed"] = 0.3 * torch.randn(1, size.tokens, c)
    layer(f"{TIME}.linear_1", c, 256)
    layer(f"{TIME}.linear_2", c, c)
    layer(f"{TEXT}.linear_1", c, size.pooled)
    layer(f"{TEXT}.linear_2", c, c)
    for i in range(size.layers):
        block = f"transformer_blocks.{i}"
        layer(f"{block}.norm1.linear", 6 * c, c, gain=0.4)
        for name in LINEAR:
            layer(f"{block}.{name}", c, c)
        layer(f"{block}.ff.net.0.proj", 4 * c, c)
        layer(f"{block}.ff.net.2", c, 4 * c)
    layer("norm_out.linear", 2 * c, c, gain=0.4)
    layer("proj_out", 4 * size.latent, c, gain=0.3)
    return state


def lora_tensors(size: Size, transformer: State) -> State:
    """For each layer that the release's adapter names: to_k, to_q, to_v, to_out.0, proj, linear, linear_1, linear_2, net.2."""
    ends = (*[name.split("attn")[1] for name in LINEAR], ".proj", ".linear", ".linear_1", ".linear_2", ".net.2")
    state: State = {}
    for name, weight in transformer.items():
        stem = name.removesuffix(".weight")
        if name.endswith(".weight") and stem.endswith(ends):
            state[f"transformer.{stem}.lora_A.weight"] = _random(size.rank, *weight.shape[1:])
            one = (1, 1) if weight.dim() == 4 else ()
            state[f"transformer.{stem}.lora_B.weight"] = 0.2 * _random(weight.shape[0], size.rank, *one)
    return state


ENCODER_BLOCKS, DECODER_BLOCKS = (1, 3, 3, 3), (3, 3, 3, 1)


def vae_tensors(size: Size) -> State:
    w = size.vae
    state: State = {}

    def conv(name: str, out: int, inside: int, bias: bool = True, gain: float = 1.4) -> None:
        if size.separable:
            state[f"{name}.depthwise.weight"] = _random(inside, 1, 3, 3)
            state[f"{name}.pointwise.weight"] = _random(out, inside, 1, 1, gain=gain)
            name = f"{name}.pointwise"
        else:
            state[f"{name}.weight"] = _random(out, inside, 3, 3, gain=gain)
        if bias:
            state[f"{name}.bias"] = 0.1 * torch.randn(out)

    def blocks(half: str, layer: int, count: int) -> int:
        for _ in range(count):
            for i in (0, 2, 4):
                conv(f"{half}.layers.{layer}.conv.{i}", w, w, gain=0.4 if i == 4 else 1.4)
            layer += 1
        return layer

    conv("encoder.layers.0", w, 3)
    layer = 1
    for stage, count in enumerate(ENCODER_BLOCKS):
        if stage:
            conv(f"encoder.layers.{layer}", w, w, bias=False)
            layer += 1
        layer = blocks("encoder", layer, count)
    conv(f"encoder.layers.{layer}", size.latent, w)
    conv("decoder.layers.0", w, size.latent)
    layer = 2
    for stage, count in enumerate(DECODER_BLOCKS):
        layer = blocks("decoder", layer, count)
        last = stage == len(DECODER_BLOCKS) - 1
        layer += 0 if last else 1
        conv(f"decoder.layers.{layer}", 3 if last else w, w, bias=last, gain=(2.0 if size.separable else 0.06) if last else 1.4)
        if last:
            state[next(name for name in reversed(state) if name.endswith("bias"))] += 0.5
        layer += 1
    return state


def write_release(folder: Path, size: Size, seed: int = 0) -> None:
    """The folders of a download, in half precision like theirs."""
    torch.manual_seed(seed)
    parts = {name: folder / name for name in ("tinybackbone/prune-12-merge-tinysr/transformer", "tinysr", "vae/separable")}
    for path in (*parts.values(), folder / "dataset/default", folder / "dataset/cache"):
        path.mkdir(parents=True, exist_ok=True)
    backbone, lora_folder, vae = parts.values()
    config = {
        "_class_name": "TinySD3Transformer2DModel",
        "sample_size": 128,
        "patch_size": 2,
        "in_channels": size.latent,
        "num_layers": size.layers,
        "attention_head_dim": size.head,
        "num_attention_heads": size.heads,
        "pooled_projection_dim": size.pooled,
        "out_channels": size.latent,
        "pos_embed_max_size": 192,
    }
    (backbone / "config.json").write_text(json.dumps(config))
    transformer = transformer_tensors(size)
    save_file(_half(lora_tensors(size, transformer)), lora_folder / "transformer.safetensors")
    save_file(_half(transformer), backbone / "diffusion_pytorch_model.safetensors")
    torch.save(transformer["pos_embed.pos_embed"].half(), folder / "dataset/cache/pos_embed.pt")
    torch.save(torch.randn(1, size.pooled).half(), folder / "dataset/default/pool_embeds.pt")
    widths = [size.vae] * 4
    halves = {"encoder_block_out_channels": widths, "decoder_block_out_channels": widths}
    blocks = {"num_encoder_blocks": ENCODER_BLOCKS, "num_decoder_blocks": DECODER_BLOCKS}
    words = {"_class_name": "AutoencoderTiny", "latent_channels": size.latent, "scaling_factor": 1.5305, "act_fn": "relu"}
    (vae / "config.json").write_text(json.dumps({**words, **halves, **blocks}))
    save_file(_half(vae_tensors(size)), vae / "diffusion_pytorch_model.safetensors")


def _half(state: State) -> State:
    return {name: value.half() for name, value in state.items()}


class Reference:
    """What the release's test script does with a picture that one tile covers, without the colour fix."""

    def __init__(self, transformer: State, lora: State, vae: State, pooled: Tensor, size: Size) -> None:
        self.t, self.l, self.v = ({k: x.float() for k, x in part.items()} for part in (transformer, lora, vae))
        self.pooled, self.size = pooled.float(), size

    def linear(self, name: str, x: Tensor) -> Tensor:
        out = functional.linear(x, self.t[f"{name}.weight"], self.t[f"{name}.bias"])
        down, up = (self.l.get(f"transformer.{name}.lora_{end}.weight") for end in "AB")
        return out if down is None or up is None else out + functional.linear(functional.linear(x, down), up)

    def condition(self) -> Tensor:
        frequency = torch.exp(-torch.log(torch.tensor(10000.0)) * torch.arange(128) / 128)
        phase = 1000.0 * frequency
        steps = torch.cat([phase.cos(), phase.sin()])[None]
        time = self.linear(f"{TIME}.linear_2", functional.silu(self.linear(f"{TIME}.linear_1", steps)))
        text = self.linear(f"{TEXT}.linear_2", functional.silu(self.linear(f"{TEXT}.linear_1", self.pooled)))
        return functional.silu(time + text)

    def transformer(self, latent: Tensor) -> Tensor:
        size, c = self.size, self.size.width
        x = functional.conv2d(latent, self.t["pos_embed.proj.weight"], self.t["pos_embed.proj.bias"], stride=2)
        down, up = (self.l[f"transformer.pos_embed.proj.lora_{end}.weight"] for end in "AB")
        x = x + functional.conv2d(functional.conv2d(latent, down, stride=2), up)
        x = x.flatten(2).transpose(1, 2) + self.t["pos_embed.pos_embed"]
        condition = self.condition()
        for i in range(size.layers):
            block = f"transformer_blocks.{i}"
            parts = self.linear(f"{block}.norm1.linear", condition)[:, None].chunk(6, dim=-1)
            shift, scale, gate, mlp_shift, mlp_scale, mlp_gate = parts
            y = functional.layer_norm(x, (c,), eps=1e-6) * (1 + scale) + shift
            q, k, v = (
                self.linear(f"{block}.attn.{name}", y).view(len(x), -1, size.heads, size.head).transpose(1, 2)
                for name in ("to_q", "to_k", "to_v")
            )
            weights = torch.softmax(q @ k.transpose(-2, -1) / size.head**0.5, -1)
            y = (weights @ v).transpose(1, 2).reshape(len(x), -1, c)
            x = x + gate * self.linear(f"{block}.attn.to_out.0", y)
            y = functional.layer_norm(x, (c,), eps=1e-6) * (1 + mlp_scale) + mlp_shift
            y = functional.gelu(self.linear(f"{block}.ff.net.0.proj", y), approximate="tanh")
            x = x + mlp_gate * self.linear(f"{block}.ff.net.2", y)
        scale, shift = self.linear("norm_out.linear", condition)[:, None].chunk(2, dim=-1)
        x = functional.layer_norm(x, (c,), eps=1e-6) * (1 + scale) + shift
        side = latent.shape[-1] // 2
        x = self.linear("proj_out", x).reshape(len(x), side, side, 2, 2, size.latent)
        return torch.einsum("nhwpqc->nchpwq", x).reshape(latent.shape)

    def conv(self, name: str, x: Tensor, stride: int = 1) -> Tensor:
        if f"{name}.depthwise.weight" not in self.v:
            return functional.conv2d(x, self.v[f"{name}.weight"], self.v.get(f"{name}.bias"), stride, 1)
        x = functional.conv2d(x, self.v[f"{name}.depthwise.weight"], None, stride, 1, groups=x.shape[1])
        return functional.conv2d(x, self.v[f"{name}.pointwise.weight"], self.v.get(f"{name}.pointwise.bias"))

    def blocks(self, half: str, layer: int, count: int, x: Tensor) -> tuple[int, Tensor]:
        for _ in range(count):
            y = x
            for i in (0, 2, 4):
                y = self.conv(f"{half}.layers.{layer}.conv.{i}", functional.relu(y) if i else y)
            x, layer = functional.relu(x + y), layer + 1
        return layer, x

    def encode(self, image: Tensor) -> Tensor:
        x, layer = self.conv("encoder.layers.0", (image + 1) / 2), 1
        for stage, count in enumerate(ENCODER_BLOCKS):
            if stage:
                x, layer = self.conv(f"encoder.layers.{layer}", x, 2), layer + 1
            layer, x = self.blocks("encoder", layer, count, x)
        return self.conv(f"encoder.layers.{layer}", x)

    def decode(self, latent: Tensor) -> Tensor:
        x, layer = functional.relu(self.conv("decoder.layers.0", 3 * torch.tanh(latent / 3))), 2
        for stage, count in enumerate(DECODER_BLOCKS):
            layer, x = self.blocks("decoder", layer, count, x)
            if stage < len(DECODER_BLOCKS) - 1:
                x, layer = functional.interpolate(x, scale_factor=2.0, mode="nearest"), layer + 1
            x, layer = self.conv(f"decoder.layers.{layer}", x), layer + 1
        return x * 2 - 1

    @torch.no_grad()
    def __call__(self, picture: Tensor) -> Tensor:
        """(N,3,t,t) -> (N,3,4t,4t), both in 0..1."""
        size = [4 * side for side in picture.shape[2:]]
        image = functional.interpolate(picture, size=size, mode="bicubic", align_corners=False) * 2 - 1
        z = self.encode(image) * 1.5305
        return (self.decode((z - self.transformer(z)) / 1.5305).clamp(-1, 1) + 1) / 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--small", action="store_true", help="as small as the tests use it, for tiles of 32 pixels")
    args = parser.parse_args()
    write_release(args.out, SMALL if args.small else Size())


if __name__ == "__main__":
    main()
