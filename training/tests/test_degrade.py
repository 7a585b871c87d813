"""Reductions and compression of the training data."""

from __future__ import annotations

import numpy as np
import pytest
from pictures import texture

from tinysr.degrade import bicubic_matrix, degrade, h264, jpeg, reduce_bicubic, to_u8


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_bicubic_keeps_constants_and_ramps(scale: int) -> None:
    size = 24 * scale
    matrix = bicubic_matrix(size, scale)
    assert np.allclose(matrix.sum(1), 1)
    ramp = matrix @ np.arange(size)
    centres = (np.arange(24) + 0.5) * scale - 0.5
    # The mirror bends a ramp at the ends.
    assert np.allclose(ramp[3:-3], centres[3:-3])


def test_rounding_clamps() -> None:
    assert to_u8(np.array([-3.0, 1.4, 1.6, 300.0])).tolist() == [0, 1, 2, 255]


def test_degrade_is_decided_by_the_seed() -> None:
    image = texture(96, 128)
    first, again, other = (degrade(image, 4, np.random.default_rng(seed)) for seed in (5, 5, 6))
    assert first.shape == (24, 32, 3)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("seed", range(6))
def test_degrade_is_mild(seed: int) -> None:
    image = texture(96, 128)
    clean = reduce_bicubic(image, 4)
    assert np.abs(degrade(image, 4, np.random.default_rng(seed)) - clean).mean() < 25


def test_lower_quality_is_further_away() -> None:
    image = texture(64, 64)
    near, far = (np.abs(jpeg(image, quality).astype(int) - image).mean() for quality in (95, 30))
    assert near < far


def test_h264_keeps_frames_in_number_size_and_order() -> None:
    frames = [np.full((32, 48, 3), level, np.uint8) for level in (40, 120, 200)]
    decoded = h264(frames, 20)
    assert [frame.shape for frame in decoded] == [(32, 48, 3)] * 3
    assert [round(float(frame.mean()), -1) for frame in decoded] == [40, 120, 200]
