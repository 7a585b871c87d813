"""The convolutional model in PyTorch."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from tinysr.compact import CompactConfig, CompactTinySR
from tinysr.tracks import enlarge_bicubic


def interpolating(scale: int) -> CompactTinySR:
    """Initial weights without the random part: nothing but the interpolation is left."""
    model = CompactTinySR(CompactConfig(16, 2, scale)).eval()
    with torch.no_grad():
        for block in model.blocks:
            block.project.weight.zero_()  # type: ignore[union-attr, operator]
            block.project.bias.zero_()  # type: ignore[union-attr, operator]
        model.decoder.weight[:, 1:].zero_()
    return model


@pytest.mark.parametrize("scale", [2, 3, 4])
@torch.no_grad()
def test_luma_starts_bilinear_and_chroma_is_bicubic(scale: int) -> None:
    picture = (torch.rand(16, 20, 3) * 255).round().byte()
    got = interpolating(scale)(picture.permute(2, 0, 1)[None] / 255)[0] * 255
    planes = picture.permute(2, 0, 1)[None].float()
    linear = functional.interpolate(planes, scale_factor=scale, mode="bilinear", align_corners=False)[0, :1]
    cubic = torch.from_numpy(enlarge_bicubic(picture.numpy(), scale).copy()).permute(2, 0, 1)[1:]
    # The decoder pads its latent with zeros: only pixels further inside are equal.
    edge = 4 * scale
    inner = (..., slice(edge, -edge), slice(edge, -edge))
    assert float((got[:1] - linear)[inner].abs().max()) <= 1e-3
    assert float((got[1:].round().clamp(0, 255) - cubic)[inner].abs().max()) <= 1


@torch.no_grad()
def test_chroma_is_interpolated_whatever_the_weights() -> None:
    torch.manual_seed(2)
    lr = torch.rand(2, 3, 16, 20)
    one, other = CompactTinySR(CompactConfig(16, 1, 4))(lr), CompactTinySR(CompactConfig(24, 2, 4))(lr)
    assert torch.equal(one[:, 1:], other[:, 1:])
    assert not torch.equal(one[:, :1], other[:, :1])


@pytest.mark.parametrize("scale", [2, 3, 4])
@torch.no_grad()
def test_a_shift_of_a_cell_shifts_the_output(scale: int) -> None:
    torch.manual_seed(1)
    model = CompactTinySR(CompactConfig(16, 1, scale)).eval()
    wide = torch.rand(1, 3, 32, 34)
    left, right = model(wide[..., :32]), model(wide[..., 2:])
    reach = 10 * scale
    assert torch.allclose(left[..., reach + 2 * scale : -reach], right[..., reach : -reach - 2 * scale], atol=1e-5)


@torch.no_grad()
def test_latent_is_as_large_as_the_input() -> None:
    model = CompactTinySR(CompactConfig(24, 2, 4)).eval()
    z = model.blocks[0](torch.randn(2, 24, 9, 11))
    assert z.shape == (2, 24, 9, 11)
    assert model(torch.rand(2, 3, 18, 22)).shape == (2, 3, 72, 88)
