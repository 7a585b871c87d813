"""LPIPS v0.1 (Zhang et al., arXiv:1801.03924) on SqueezeNet 1.1 as a training loss; its weights come from an ONNX file,
or from an .npz that :meth:`SqueezeLpips.arrays` wrote, for machines without onnx."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

# ImageNet statistics that the backbone was trained with.
_MEAN = (0.485, 0.456, 0.406)
_STD = (0.229, 0.224, 0.225)
# Fire modules after which features are compared, by index in torchvision's SqueezeNet 1.1 `features`.
_TAPS = (1, 4, 7, 9, 10, 11, 12)
_POOLS = (2, 5, 8)


_CONVOLUTIONS = 25
Weights = list[tuple[Tensor, Tensor | None]]


def _from_onnx(path: Path) -> Weights:
    """Weight and bias of each convolution, once, in the order of the graph."""
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(str(path)).graph
    weights = {i.name: torch.from_numpy(numpy_helper.to_array(i).copy()) for i in graph.initializer}
    seen: Weights = []
    names: set[str] = set()
    for node in graph.node:
        if node.op_type != "Conv" or node.input[1] in names or node.input[1] not in weights:
            continue
        names.add(node.input[1])
        bias = weights[node.input[2]].float() if len(node.input) > 2 else None
        seen.append((weights[node.input[1]].float(), bias))
    return seen


def _from_npz(path: Path) -> Weights:
    with np.load(path) as stored:
        tensors = [torch.from_numpy(stored[name]).float() for name in sorted(stored.files)]
    pairs = [(tensors[2 * i], tensors[2 * i + 1]) for i in range(_CONVOLUTIONS)]
    return [*pairs, *((head, None) for head in tensors[2 * _CONVOLUTIONS :])]


class SqueezeLpips(nn.Module):
    """Distance of image pairs; smaller is more alike. Weights are frozen."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        seen = _from_npz(path) if path.suffix == ".npz" else _from_onnx(path)
        self.backbone = [(w, b) for w, b in seen if b is not None]
        self.heads = [w for w, b in seen if b is None and w.shape[0] == 1]
        self.statistics = [torch.tensor(values).view(1, 3, 1, 1) for values in (_MEAN, _STD)]
        found = (len(self.backbone), len(self.heads))
        if found != (_CONVOLUTIONS, 7):
            raise ValueError(f"expected 25 backbone convolutions and 7 heads, found {found}")

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Weights follow `.to(device)` although they are no parameters."""
        self.backbone = [(fn(weight), fn(bias)) for weight, bias in self.backbone]
        self.heads = [fn(head) for head in self.heads]
        self.statistics = [fn(values) for values in self.statistics]
        return super()._apply(fn, recurse)

    def arrays(self) -> dict[str, Any]:
        """For numpy.savez: weights and biases in their order, as halves."""
        tensors = [tensor for pair in self.backbone for tensor in pair] + self.heads
        return {f"{index:02}": tensor.half().cpu().numpy() for index, tensor in enumerate(tensors)}

    def features(self, image: Tensor) -> list[Tensor]:
        """(N,3,H,W) RGB in 0..1 -> the seven compared feature maps."""
        mean, std = self.statistics
        x = (image - mean.to(image)) / std.to(image)
        convs = ((weight.to(x), bias.to(x)) for weight, bias in self.backbone)
        out: list[Tensor] = []
        for index in range(13):
            if index in _POOLS:
                x = functional.max_pool2d(x, 3, 2, ceil_mode=True)
            elif index == 0:
                weight, bias = next(convs)
                x = functional.relu(functional.conv2d(x, weight, bias, stride=2))
            elif index > 1:
                squeeze, one, three = next(convs), next(convs), next(convs)
                s = functional.relu(functional.conv2d(x, *squeeze))
                x = functional.relu(torch.cat([functional.conv2d(s, *one), functional.conv2d(s, *three, padding=1)], 1))
            if index in _TAPS:
                out.append(x)
        return out

    def forward(self, image: Tensor, reference: Tensor) -> Tensor:
        """Mean LPIPS of (N,3,H,W) RGB pairs in 0..1."""
        total = image.new_zeros(())
        with torch.no_grad():
            wanted = self.features(reference)
        for got, want, head in zip(self.features(image), wanted, self.heads, strict=True):
            a = got / (got.norm(dim=1, keepdim=True) + 1e-10)
            b = want / (want.norm(dim=1, keepdim=True) + 1e-10)
            total = total + functional.conv2d((a - b) ** 2, head.to(image)).mean()
        return total
