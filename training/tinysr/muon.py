"""Muon (K. Jordan et al., 2024): momentum whose matrices are made orthogonal before the step.

On the convolutions of the small nets here it reaches in one minute what Adam needs many for; docs/training.md has the
figures. Biases, which are not matrices, stay with Adam.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

# Odd polynomial that pulls singular values towards 1; five rounds bring those above 0.01 into about 0.7..1.2.
_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
_ROUNDS = 5


def orthogonalize(matrix: Tensor) -> Tensor:
    """(...,a,b): the nearest matrices with equal singular values, roughly, by the Newton-Schulz iteration.

    Each round multiplies from the left by a polynomial of x x^T, and these commute: the rounds are done on that small square,
    and the wide matrix is read twice and not ten times.
    """
    tall = matrix.shape[-2] > matrix.shape[-1]
    x = matrix.mT if tall else matrix
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    a, b, c = _COEFFICIENTS
    gram = x @ x.mT
    unit = torch.eye(gram.shape[-1], dtype=x.dtype, device=x.device)
    product = unit
    for _ in range(_ROUNDS):
        factor = a * unit + b * gram + c * gram @ gram
        product = factor @ product
        gram = factor @ gram @ factor
    x = product @ x
    return x.mT if tall else x


class Muon(torch.optim.Optimizer):
    """Steps of orthogonalised Nesterov momentum for convolution weights, each seen as a matrix (out, in*kh*kw).

    lr: a number, or a tensor on the parameters' device, which a recorded step reads anew each time.
    """

    def __init__(self, parameters: Iterable[Tensor], lr: float | Tensor, momentum: float = 0.95) -> None:
        super().__init__(parameters, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """One step; parameters without a gradient stay as they are."""
        for group in self.param_groups:
            # Matrices of one shape go through the iteration together: a deep net would else be hundreds of small products.
            alike: dict[tuple[int, int], list[tuple[Tensor, Tensor]]] = {}
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                state = self.state[weight]
                if not state:
                    state["momentum"] = torch.zeros_like(weight)
                average = state["momentum"].lerp_(weight.grad, 1 - group["momentum"])
                ahead = weight.grad.lerp(average, group["momentum"]).reshape(weight.shape[0], -1)
                alike.setdefault((ahead.shape[0], ahead.shape[1]), []).append((weight, ahead))
            for (rows, columns), pairs in alike.items():
                gain = max(1.0, rows / columns) ** 0.5
                straight = orthogonalize(torch.stack([ahead for _, ahead in pairs])) * (group["lr"] * gain)
                for (weight, _), step in zip(pairs, straight, strict=True):
                    weight.sub_(step.view(weight.shape))
