"""The inputs of the evaluation."""

from __future__ import annotations

import numpy as np
import pytest
from pictures import texture

from tinysr.degrade import reduce_bicubic
from tinysr.tracks import all_tracks, clean, compressed, degraded, enlarge_bicubic


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_all_tracks_reduce_by_the_scale(scale: int) -> None:
    image = texture(24 * scale + scale, 36 * scale)
    for track in all_tracks().values():
        lr = track(image, "name", scale)
        assert lr.shape == (25, 36, 3)
        assert lr.dtype == np.uint8


def test_clean_differs_from_unrounded_reduction_by_rounding_only() -> None:
    image = texture(96, 128)
    assert np.abs(clean(image, "", 4) - reduce_bicubic(image, 4)).max() <= 1.3


def test_degradation_follows_name_and_seed() -> None:
    image = texture(96, 128)
    first = degraded(1)(image, "a", 4)
    assert np.array_equal(first, degraded(1)(image, "a", 4))
    assert not np.array_equal(first, degraded(1)(image, "b", 4))
    assert not np.array_equal(first, degraded(2)(image, "a", 4))


def test_higher_crf_is_further_away() -> None:
    image = texture(192, 256)
    lr = clean(image, "", 4).astype(int)
    near, far = (np.abs(compressed(crf)(image, "", 4) - lr).mean() for crf in (20, 40))
    assert near < far


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_bicubic_enlargement_keeps_ramps(scale: int) -> None:
    ramp = np.broadcast_to((np.arange(20) * 8).astype(np.uint8)[None, :, None], (12, 20, 3))
    centres = ((np.arange(20 * scale) + 0.5) / scale - 0.5) * 8
    got = enlarge_bicubic(ramp, scale)
    assert got.shape == (12 * scale, 20 * scale, 3)
    assert np.abs(got[..., 0] - centres)[:, 2 * scale : -2 * scale].max() <= 0.5
