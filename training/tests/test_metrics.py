"""Metrics against closed forms and against scikit-image."""

from __future__ import annotations

import numpy as np
import pytest
from pictures import texture
from skimage.metrics import structural_similarity

from tinysr.metrics import luma, psnr_y, ssim_y


def test_luma_of_black_and_white() -> None:
    assert luma(np.array([[[0, 0, 0], [255, 255, 255]]], np.uint8)).tolist() == [[16.0, 235.0]]


def test_psnr_of_a_known_error() -> None:
    black = np.zeros((20, 20, 3), np.uint8)
    grey = np.full_like(black, 10)
    error = 10 * 219 / 255
    assert psnr_y(black, grey, 2) == pytest.approx(20 * np.log10(255 / error))
    assert psnr_y(black, black, 2) == float("inf")


def test_borders_do_not_count() -> None:
    image = texture(32, 32)
    framed = image.copy()
    framed[:4] = framed[-4:] = framed[:, :4] = framed[:, -4:] = 0
    assert psnr_y(image, framed, 4) == float("inf")
    assert ssim_y(image, framed, 4) == pytest.approx(1)
    assert psnr_y(image, framed, 3) < 40


def test_ssim_equals_scikit_image() -> None:
    image = texture(60, 80)
    noisy = np.clip(image + np.random.default_rng(0).normal(0, 12, image.shape), 0, 255).astype(np.uint8)
    a, b = luma(image), luma(noisy)
    _, whole = structural_similarity(
        a, b, data_range=255, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, full=True
    )
    # Windows that reach over the edge are left out here.
    assert ssim_y(image, noisy, 0) == pytest.approx(float(whole[5:-5, 5:-5].mean()), abs=1e-6)
