"""Y'CbCr codes against the values ITU-R BT.601 names."""

from __future__ import annotations

import pytest
import torch

from tinysr.color import rgb_to_ycc, ycc_to_rgb


@pytest.mark.parametrize(
    ("rgb", "codes"),
    [
        ((0, 0, 0), (16, 128, 128)),
        ((1, 1, 1), (235, 128, 128)),
        ((1, 0, 0), (81.481, 90.203, 240)),
        ((0, 0, 1), (40.966, 240, 109.786)),
    ],
)
def test_known_colours(rgb: tuple[float, ...], codes: tuple[float, ...]) -> None:
    pixel = torch.tensor(rgb, dtype=torch.float64).view(1, 3, 1, 1)
    assert torch.allclose(rgb_to_ycc(pixel).flatten() * 255, torch.tensor(codes, dtype=torch.float64), atol=1e-6)


def test_there_and_back_is_the_same() -> None:
    image = torch.rand(2, 3, 5, 7, dtype=torch.float64)
    assert torch.allclose(ycc_to_rgb(rgb_to_ycc(image)), image, atol=1e-12)
