"""The activation between the convolutions of the networks that have no attention."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

# With ReLU whole blocks fell silent for good: five of the eight of a network that was trained for an hour. docs/training.md.
SLOPE = 0.1


def activate(x: Tensor) -> Tensor:
    """x where it is positive, a tenth of it elsewhere (A. Maas et al., 2013)."""
    return functional.leaky_relu(x, SLOPE)
