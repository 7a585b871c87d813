"""The terms a student is trained on, and video's degradations."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from pictures import texture
from torch import Tensor
from torch.nn import functional

from tinysr.recipe.discriminator import PatchDiscriminator, discriminator_loss
from tinysr.recipe.losses import Step, Weights, recovery_loss
from tinysr.recipe.video import CODECS, disturb_clip, encode_decode, sharpen, subsample_chroma

torch.set_num_threads(1)


def picture(height: int, width: int) -> Tensor:
    return torch.from_numpy(texture(height, width).copy()).permute(2, 0, 1)[None].float() / 255


def test_terms_add_up_with_their_weights() -> None:
    torch.manual_seed(0)
    a, b, z, wanted = torch.rand(1, 3, 8, 8), torch.rand(1, 3, 8, 8), torch.randn(1, 4, 2, 2), torch.randn(1, 4, 2, 2)
    step = Step(a, b, z, wanted, verdict=torch.tensor([0.5, 1.5]), drift=torch.tensor(0.2))
    weights = Weights(pixel=1, latent=2, perceptual=3, adversarial=0.5, temporal=10)
    total, terms = recovery_loss(step, weights, lambda x, y: (x - y).square().mean())
    assert terms["pixel"] == pytest.approx(float((a - b).abs().mean()))
    assert terms["latent"] == pytest.approx(float((z - wanted).abs().mean()))
    assert (terms["adversarial"], terms["temporal"]) == pytest.approx((-1.0, 0.2))
    expected = terms["pixel"] + 2 * terms["latent"] + 3 * terms["perceptual"] - 0.5 + 2
    assert float(total) == pytest.approx(expected, rel=1e-5)


def test_no_gradient_reaches_the_teacher() -> None:
    z, wanted = torch.randn(1, 4, 2, 2, requires_grad=True), torch.randn(1, 4, 2, 2, requires_grad=True)
    total, terms = recovery_loss(Step(z, z, z, wanted), Weights(pixel=0, latent=1))
    total.backward()
    assert list(terms) == ["latent"]
    assert wanted.grad is None
    assert z.grad is not None


def test_all_weights_zero_is_an_error() -> None:
    with pytest.raises(ValueError, match="all weights"):
        recovery_loss(Step(torch.rand(1), torch.rand(1)), Weights(pixel=0))


def test_discriminator_learns_to_tell_and_its_gradient_repairs() -> None:
    torch.manual_seed(0)
    sharp = torch.cat([picture(32, 32), picture(32, 32).flip(3)])
    blurred = functional.avg_pool2d(sharp, 5, 1, 2)
    critic = PatchDiscriminator(width=8, halvings=2)
    assert critic(sharp).shape == (2, 1, 8, 8)
    optimizer = torch.optim.Adam(critic.parameters(), lr=5e-3)
    for _ in range(60):
        optimizer.zero_grad()
        loss = discriminator_loss(critic(sharp), critic(blurred))
        loss.backward()
        optimizer.step()
    assert float(loss.detach()) < 1.0
    fake = blurred.clone().requires_grad_(True)
    recovery_loss(Step(fake, sharp, verdict=critic(fake)), Weights(pixel=0, adversarial=1))[0].backward()
    assert fake.grad is not None
    assert float(fake.grad.abs().sum()) > 0


@pytest.mark.parametrize("codec", list(CODECS))
def test_codecs_lose_more_at_higher_crf(codec: str) -> None:
    frames = [np.roll(texture(64, 96), shift, 1) for shift in range(3)]
    low, high = CODECS[codec][1]
    errors = []
    for crf in (low, high):
        decoded = encode_decode(frames, codec, crf)
        assert len(decoded) == 3
        assert decoded[0].shape == (64, 96, 3)
        errors.append(float(np.abs(decoded[-1].astype(float) - frames[-1]).mean()))
    assert errors[0] < errors[1]


def test_chroma_blurs_and_luma_stays() -> None:
    image = np.full((16, 16, 3), 100, np.uint8)
    image[:, 7:] = (180, 90, 70)
    out = subsample_chroma(image).astype(float)
    weights = np.array([0.299, 0.587, 0.114])
    assert np.abs((out - image) @ weights).max() < 4
    assert np.abs((out - image)[..., 0]).max() > 20


def test_sharpening_leaves_halos() -> None:
    image = np.full((16, 16, 3), 80, np.uint8)
    image[:, 8:] = 160
    out = sharpen(image, 1.0, 1.0)
    assert out.min() < 75
    assert out.max() > 165
    assert (out[:, 0] == 80).all()


def test_a_clip_is_disturbed_as_one_and_repeatably() -> None:
    frames = [np.roll(texture(32, 48), shift, 1) for shift in range(2)]
    for seed in range(2):
        first, second = (disturb_clip(frames, np.random.default_rng(seed)) for _ in range(2))
        assert len(first) == 2
        assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
