"""Folded weights do exactly what the model and the colour conversions around it do."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from tinysr.color import rgb_to_ycc, ycc_to_rgb
from tinysr.compact import CompactConfig, CompactTinySR
from tinysr.fold import Conv, Folded, fold_rgb, fold_yuv420


def model_of(scale: int) -> CompactTinySR:
    torch.manual_seed(4)
    model = CompactTinySR(CompactConfig(16, 2, scale)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.02)
    return model.double()


def conv(x: Tensor, weights: Conv, pad: int) -> Tensor:
    return functional.conv2d(x, torch.from_numpy(weights.weight).double(), torch.from_numpy(weights.bias).double(), padding=pad)


def run(cells: Tensor, folded: Folded, right: int) -> Tensor:
    z = functional.relu(conv(functional.pad(cells, (1, right, 1, 1), mode="replicate"), folded.encoder, 0))
    for expand, project in folded.blocks:
        z = functional.relu(z + conv(functional.relu(conv(z, expand, 1)), project, 1))
    return conv(z, folded.decoder, 1)


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("white", [255.0, 65535.0])
@torch.no_grad()
def test_rgb(scale: int, white: float) -> None:
    model = model_of(scale)
    rgb = torch.rand(2, 3, 12, 16, dtype=torch.float64)
    expected = ycc_to_rgb(model(rgb_to_ycc(rgb)))
    # Cells hold (dy, dx, rgb); PyTorch's unshuffle gives (rgb, dy, dx).
    cells = functional.pixel_unshuffle(rgb * white, 2).unflatten(1, (3, 4)).transpose(1, 2).flatten(1, 2)
    out = run(cells, fold_rgb(model, white), 1).unflatten(1, (-1, 3)).transpose(1, 2).flatten(1, 2)
    assert torch.allclose(functional.pixel_shuffle(out, model.config.shuffle) / white, expected, atol=1e-5)


@pytest.mark.parametrize("scale", [2, 4])
@torch.no_grad()
def test_yuv420_luma_and_flat_chroma(scale: int) -> None:
    """Flat chroma is the same at any siting, so the whole picture must agree."""
    model = model_of(scale)
    luma = torch.rand(1, 1, 12, 16, dtype=torch.float64)
    chroma = torch.tensor([0.4, 0.6], dtype=torch.float64).view(1, 2, 1, 1)
    expected = model(torch.cat([luma, chroma.expand(1, 2, 12, 16)], 1))
    cells = torch.cat([functional.pixel_unshuffle(luma, 2), chroma.expand(1, 2, 6, 8)], 1) * 255
    out = run(cells, fold_yuv420(model, 255.0), 2) / 255
    r = model.config.shuffle
    assert torch.allclose(functional.pixel_shuffle(out[:, : r * r], r), expected[:, :1], atol=1e-5)
    u, v = (functional.pixel_shuffle(part, r // 2) for part in out[:, r * r :].chunk(2, 1))
    sited = (expected[:, 1:, 0::2, 0::2] + expected[:, 1:, 1::2, 0::2]) / 2
    assert torch.allclose(torch.cat([u, v], 1), sited, atol=1e-5)
