"""A discriminator that judges patches (arXiv:1611.07004) under spectral norm, with the hinge loss."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import spectral_norm


class PatchDiscriminator(nn.Module):
    """A map of verdicts: positive is real."""

    def __init__(self, width: int = 48, halvings: int = 3, channels: int = 3) -> None:
        super().__init__()
        widths = [channels] + [width * min(2**i, 8) for i in range(halvings)]
        self.convs = nn.ModuleList(spectral_norm(nn.Conv2d(a, b, 4, 2, 1)) for a, b in pairwise(widths))
        self.out = spectral_norm(nn.Conv2d(widths[-1], 1, 3, padding=1))

    def forward(self, picture: Tensor) -> Tensor:
        """(N,3,H,W) in 0..1 -> (N,1,H/2^halvings,W/2^halvings)."""
        x = 2 * picture - 1
        for conv in self.convs:
            x = functional.leaky_relu(conv(x), 0.2)
        verdict: Tensor = self.out(x)
        return verdict


def discriminator_loss(real: Tensor, fake: Tensor) -> Tensor:
    """Hinge: verdicts beyond +1 and -1 are good enough."""
    return functional.relu(1 - real).mean() + functional.relu(1 + fake).mean()
