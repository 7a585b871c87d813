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
        model.decoder.weight[:, 4:].zero_()
    return model


@pytest.mark.parametrize("scale", [2, 3, 4])
@torch.no_grad()
def test_starts_as_bicubic_interpolation(scale: int) -> None:
    lr = torch.rand(1, 3, 16, 20)
    picture = (lr[0].permute(1, 2, 0) * 255).round().byte()
    expected = torch.from_numpy(enlarge_bicubic(picture.numpy(), scale).copy()).permute(2, 0, 1)
    got = interpolating(scale)(picture.permute(2, 0, 1)[None] / 255)[0] * 255
    # The decoder pads its latent with zeros: only pixels further inside are equal.
    edge = 4 * scale
    inner = (..., slice(edge, -edge), slice(edge, -edge))
    assert float((got.round().clamp(0, 255) - expected)[inner].abs().max()) <= 1


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
def test_latent_is_half_the_input_and_not_negative() -> None:
    model = CompactTinySR(CompactConfig(24, 2, 4)).eval()
    z = model.blocks[0](functional.relu(torch.randn(2, 24, 9, 11)))
    assert z.shape == (2, 24, 9, 11)
    assert float(z.min()) >= 0
    assert model(torch.rand(2, 3, 18, 22)).shape == (2, 3, 72, 88)
