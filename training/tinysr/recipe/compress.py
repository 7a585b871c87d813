"""The autoencoder made cheaper, step by step: attention removed, channels pruned, convolutions separated.

Each step takes a model and returns a smaller one that begins as near to it as the step allows; training (latent L1 for the
encoder, recipe.losses for the decoder) has to close the gap.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import torch
from torch import Tensor, nn

from ..arch import HalfConfig, TinySR
from ..arch.autoencoder import Decoder, Encoder, Middle, NormBlock, ReluBlock

Half = Literal["encoder", "decoder"]
State = dict[str, Tensor]


def _rebuilt(model: TinySR, half: Half, config: HalfConfig, state: State) -> TinySR:
    """The model with one half of another config; `state` is that half's, the rest is copied."""
    changes: dict[str, Any] = {half: config}
    smaller = TinySR(replace(model.config, **changes))
    rest = {name: value for name, value in model.state_dict().items() if not name.startswith(f"{half}.")}
    smaller.load_state_dict(rest | {f"{half}.{name}": value for name, value in state.items()})
    return smaller.to(next(model.parameters()).device).train(model.training)


def _of(model: TinySR, half: Half) -> tuple[Encoder | Decoder, HalfConfig]:
    module: Encoder | Decoder = getattr(model, half)
    return module, module.config


def remove_attention(model: TinySR, half: Half) -> TinySR:
    """Without the attention in the middle; the skip around it stays."""
    module, config = _of(model, half)
    if not config.middle_attention:
        raise ValueError(f"the {half} has no attention")
    gone = ("middle.attention.", "middle.norm.")
    state = {name: value for name, value in module.state_dict().items() if not name.startswith(gone)}
    return _rebuilt(model, half, replace(config, middle_attention=False), state)


def nearest_separable(weight: Tensor) -> tuple[Tensor, Tensor]:
    """Depthwise (in,1,3,3) and pointwise (out,in,1,1) kernels whose product is nearest to (out,in,3,3).

    For each input channel by itself that is the first singular pair of its (out,9) matrix.
    """
    out, inside = weight.shape[:2]
    u, s, v = torch.linalg.svd(weight.transpose(0, 1).reshape(inside, out, -1), full_matrices=False)
    root = s[:, 0].sqrt()[:, None]
    depthwise = (root * v[:, 0]).view(inside, 1, *weight.shape[2:])
    pointwise = (root * u[:, :, 0]).T[..., None, None]
    return depthwise.contiguous(), pointwise.contiguous()


@torch.no_grad()
def separate(model: TinySR, half: Half) -> TinySR:
    """SepConv in place of the 3x3 convolutions (all but the first and the last), each as near as one can be."""
    module, config = _of(model, half)
    if config.conv == "separable":
        raise ValueError(f"the {half} is separable already")
    changes: dict[str, Any] = {half: replace(config, conv="separable")}
    wanted = getattr(TinySR(replace(model.config, **changes)), half).state_dict()
    state: State = {}
    for name, value in module.state_dict().items():
        if name in wanted:
            state[name] = value
        elif name.endswith(".weight"):
            stem = name.removesuffix("weight")
            state[f"{stem}depthwise.weight"], state[f"{stem}pointwise.weight"] = nearest_separable(value)
        else:
            state[f"{name.removesuffix('bias')}pointwise.bias"] = value
    return _rebuilt(model, half, replace(config, conv="separable"), state)


class _Slicer:
    """Cuts the tensors of a module to chosen channels."""

    def __init__(self, width: int) -> None:
        self.width, self.state = width, dict[str, Tensor]()

    def best(self, scores: Tensor) -> Tensor:
        """Indices of the channels with the largest scores, at most `width`, in their order."""
        return scores.topk(min(self.width, len(scores))).indices.sort().values

    def conv(self, name: str, conv: nn.Module, inside: Tensor | None, out: Tensor | None) -> None:
        weight, bias = conv.weight, conv.bias
        assert isinstance(weight, Tensor)
        weight = weight if out is None else weight[out]
        self.state[f"{name}.weight"] = weight if inside is None else weight[:, inside]
        if isinstance(bias, Tensor):
            self.state[f"{name}.bias"] = bias if out is None else bias[out]

    def norm(self, name: str, norm: nn.Module, kept: Tensor) -> None:
        assert isinstance(norm.weight, Tensor)
        assert isinstance(norm.bias, Tensor)
        self.state |= {f"{name}.weight": norm.weight[kept], f"{name}.bias": norm.bias[kept]}

    def block(self, name: str, block: ReluBlock | NormBlock, inside: Tensor, out: Tensor) -> None:
        """A residual block: what it hands from one convolution to the next is chosen by what both make of it."""
        convs, entering = list(block.convs), inside
        for i, conv in enumerate(convs):
            leaving = out
            if i + 1 < len(convs):
                leaving = self.best(_written(conv) * _read(convs[i + 1]))
            self.conv(f"{name}.convs.{i}", conv, entering, leaving)
            if isinstance(block, NormBlock):
                self.norm(f"{name}.norms.{i}", block.norms[i], entering)
            entering = leaving
        # Where both widths become the same there is no convolution left to skip through: identity takes its place.
        if isinstance(block.skip, nn.Conv2d) and len(inside) != len(out):
            self.conv(f"{name}.skip", block.skip, inside, out)

    def middle(self, middle: Middle, kept: Tensor) -> None:
        self.block("middle.before", middle.before, kept, kept)
        self.block("middle.after", middle.after, kept, kept)


def _written(conv: nn.Module) -> Tensor:
    """(out): how much a convolution writes to each channel."""
    assert isinstance(conv.weight, Tensor)
    return conv.weight.flatten(1).norm(dim=1)


def _read(conv: nn.Module) -> Tensor:
    """(in): how much a convolution takes from each channel."""
    assert isinstance(conv.weight, Tensor)
    return conv.weight.transpose(0, 1).flatten(1).norm(dim=1)


def _importance(module: Encoder | Decoder) -> list[Tensor]:
    """(width) for each stage: what its convolutions write to each channel of the stream.

    Stages of one width pass their channels on as they are, so they have one score together.
    """
    scores = []
    for stage, width in zip(module.stages, module.config.widths, strict=True):
        assert isinstance(stage, nn.Sequential)
        score = torch.zeros(width, device=next(module.parameters()).device)
        for block in stage:
            assert isinstance(block, ReluBlock | NormBlock)
            writers = [block.convs[-1]] + ([block.skip] if isinstance(block.skip, nn.Conv2d) else [])
            score = score + sum(_written(conv) for conv in writers)
        scores.append(score)
    first, last = scores[0], scores[-1]
    if module.enter is not None:
        scores[0] = first + _written(module.enter)
    if module.middle is not None:
        end = -1 if isinstance(module, Encoder) else 0
        scores[end] = (last if end else scores[0]) + sum(
            _written(block.convs[-1]) for block in (module.middle.before, module.middle.after)
        )
    widths = module.config.widths
    start = 0
    for index in range(1, len(widths) + 1):
        if index == len(widths) or widths[index] != widths[start]:
            together = torch.stack(scores[start:index]).sum(0)
            scores[start:index] = [together] * (index - start)
            start = index
    return scores


@torch.no_grad()
def prune_channels(model: TinySR, half: Half, width: int) -> TinySR:
    """No stage wider than `width`: the channels on which the convolutions write most stay.

    Where stages become equally wide the convolution of the skip between them is lost. Attention goes before, separation comes
    after.
    """
    module, config = _of(model, half)
    if config.middle_attention or config.conv == "separable" or not config.project:
        raise ValueError("channels are pruned after the attention is removed, before separation, beside a projection")
    slicer = _Slicer(width)
    kept = [slicer.best(scores) for scores in _importance(module)]
    assert module.enter is not None
    slicer.conv("enter", module.enter, None, kept[0])
    entering = kept[0]
    between = module.shrink if isinstance(module, Encoder) else module.grow
    for index, stage in enumerate(module.stages):
        assert isinstance(stage, nn.Sequential)
        if index:
            name = "shrink" if isinstance(module, Encoder) else "grow"
            slicer.conv(f"{name}.{index - 1}", between[index - 1], entering, entering)
        for number, block in enumerate(stage):
            assert isinstance(block, ReluBlock | NormBlock)
            slicer.block(f"stages.{index}.{number}", block, entering, kept[index])
            entering = kept[index]
    if module.middle is not None:
        slicer.middle(module.middle, kept[-1] if isinstance(module, Encoder) else kept[0])
    if module.norm is not None:
        slicer.norm("norm", module.norm, kept[-1])
    assert module.leave is not None
    slicer.conv("leave", module.leave, kept[-1], None)
    widths = tuple(len(channels) for channels in kept)
    return _rebuilt(model, half, replace(config, widths=widths), slicer.state)
