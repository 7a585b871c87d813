"""Folded weights do exactly what the model and the colour conversions around it do."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from tinysr.activation import activate
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


def padded(planes: Tensor, right: int, others: int = 1) -> Tensor:
    return functional.pad(planes, (others, right, others, others), mode="replicate")


def luma(planes: Tensor, folded: Folded) -> Tensor:
    z = activate(conv(padded(planes, 1), folded.encoder, 0))
    for expand, project in folded.blocks:
        z = activate(z + conv(activate(conv(z, expand, 1)), project, 1))
    return conv(z, folded.decoder, 1)


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("white", [255.0, 65535.0])
@torch.no_grad()
def test_rgb(scale: int, white: float) -> None:
    model = model_of(scale)
    rgb = torch.rand(2, 3, 12, 16, dtype=torch.float64)
    expected = ycc_to_rgb(model(rgb_to_ycc(rgb)))
    folded = fold_rgb(model, white)
    out = conv(padded(rgb * white, 2, 2), folded.chroma, 0).unflatten(1, (-1, 3)) + luma(rgb * white, folded).unsqueeze(2)
    out = out.transpose(1, 2).flatten(1, 2)
    assert torch.allclose(functional.pixel_shuffle(out, scale) / white, expected, atol=1e-5)


@pytest.mark.parametrize("scale", [2, 3, 4])
@torch.no_grad()
def test_yuv420(scale: int) -> None:
    model = model_of(scale)
    y, samples = torch.rand(1, 1, 12, 16, dtype=torch.float64), torch.rand(1, 2, 6, 8, dtype=torch.float64)
    following = torch.cat([samples[..., 1:], samples[..., -1:]], -1)
    wide = torch.stack([samples, (samples + following) / 2], -1).flatten(-2).repeat_interleave(2, 2)
    expected = model(torch.cat([y, wide], 1))
    folded = fold_yuv420(model, 255.0)
    got = functional.pixel_shuffle(luma(y * 255, folded) / 255, scale)
    assert torch.allclose(got, expected[:, :1], atol=1e-5)
    weight = torch.from_numpy(folded.chroma.weight).double()
    fine = functional.pixel_shuffle(functional.conv2d(padded(samples, 2), weight, groups=2), scale)
    sited = (expected[:, 1:, 0::2, 0::2] + expected[:, 1:, 1::2, 0::2]) / 2
    assert torch.allclose(fine, sited, atol=1e-5)
