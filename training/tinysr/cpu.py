"""How PyTorch uses the CPU while training."""

from __future__ import annotations

import torch


def use_cpu(threads: int) -> None:
    """Takes so many threads, and lets numbers below 1e-38 be zero.

    Channels that a ReLU has shut leave momenta that halve for ever; once most of them were denormal, a step of twelve
    convolutional blocks took five times as long (docs/training.md). Before the first tensor operation: threads inherit it.
    """
    torch.set_flush_denormal(True)
    torch.set_num_threads(threads)
