"""Settings of the CPU."""

from __future__ import annotations

import torch

from tinysr.cpu import use_cpu


def test_numbers_below_the_normal_ones_become_zero() -> None:
    threads = torch.get_num_threads()
    # Another test may have run a program that sets it.
    torch.set_flush_denormal(False)
    tiny = torch.full((64,), 1e-30)
    assert (tiny * 1e-9 > 0).all()
    try:
        use_cpu(1)
        assert torch.get_num_threads() == 1
        assert (tiny * 1e-9 == 0).all()
        assert (tiny * 1e-7 > 0).all()
    finally:
        torch.set_flush_denormal(False)
        torch.set_num_threads(threads)
