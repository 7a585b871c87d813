"""Pictures seen twice: the cache of them, its batches, and what a trainer makes of these."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from pictures import texture
from PIL import Image
from torch.nn import functional

from tinysr.gpu.batches import Shares
from tinysr.gpu.plan import trial
from tinysr.gpu.trainer import Trainer
from tinysr.pairs import Batch
from tinysr.prepare import HR_CROP
from tinysr.recipe.temporal import Pair, drift
from tinysr.twins import FARTHEST, TwinPairs, compressed, files, main, twin


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("twins")
    (folder / "photos").mkdir()
    for seed, side in ((1, 320), (2, 300), (3, 128)):
        Image.fromarray(texture(side, side, seed)).save(folder / "photos" / f"{seed}.png")
    main(["--data", str(folder / "photos"), "--out", str(folder), "--count", "18", "--workers", "1"])
    return folder


def test_pictures_that_are_too_small_give_none(cache: Path) -> None:
    lr, hr, shift = (np.load(path) for path in files(cache).values())
    assert (lr.shape, hr.shape, shift.shape) == ((12, 2, 64, 64, 3), (12, 263, 263, 3), (12, 2))
    assert (shift.min(), shift.max()) == (0, FARTHEST)


def test_views_are_the_same_place_a_fraction_of_a_pixel_on(cache: Path) -> None:
    pairs, shifts = TwinPairs(cache, 4, np.random.default_rng(1)), set()
    for _ in range(40):
        pair = pairs.batch(2, 32)
        shifts.add(pair.shift)
        assert pair.first.shape == pair.second.shape == (2, 3, 32, 32)
        assert pair.first_hr.shape == pair.second_hr.shape == (2, 3, 128, 128)
        # What a perfect model would give does not drift, whichever way the views were turned.
        assert float(drift(pair.first_hr, pair.second_hr, pair.shift)) == 0
        for lr, hr in ((pair.first, pair.first_hr), (pair.second, pair.second_hr)):
            assert float((functional.avg_pool2d(hr, 4) - lr).abs().mean()) < 0.08
    assert len(shifts) > 4


def test_the_frames_themselves_drift() -> None:
    rng = np.random.default_rng(0)
    lr, hr = twin(texture(320, 320), 4, (1, 3), rng)
    assert (lr.shape, hr.shape) == ((2, 64, 64, 3), (HR_CROP + FARTHEST, HR_CROP + FARTHEST, 3))
    frames = torch.from_numpy(lr).permute(0, 3, 1, 2).float() / 255
    nearest = functional.interpolate(frames, scale_factor=4.0)
    assert float(drift(nearest[:1], nearest[1:], (1, 3))) > 0.01


def test_each_frame_of_a_still_clip_has_noise_of_its_own() -> None:
    frame = texture(64, 64)
    apart = []
    for seed in range(12):
        *_, first, second = compressed([frame] * 5, False, np.random.default_rng(seed))
        apart.append(float(np.abs(first.astype(float) - second).mean()))
    assert max(apart) < 12
    assert sum(value > 0.2 for value in apart) >= 6


def test_a_cache_without_twins_says_how_to_make_them(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"make them with tinysr\.twins"):
        TwinPairs(tmp_path, 4, np.random.default_rng(0))


class Restless:
    """Batches that say nothing but that two views differ by noise."""

    def __init__(self, twins: Pair) -> None:
        self._twins = twins

    def draw(self, count: int, crop: int, shares: Shares) -> Batch:
        """The same batch each time."""
        return Batch(self._twins.first, self._twins.first_hr, twins=self._twins)


def apart(trainer: Trainer, twins: Pair) -> float:
    """How far apart the model's views of the twins are."""
    with torch.no_grad():
        return float(drift(trainer.model(twins.first), trainer.model(twins.second), twins.shift))


def test_a_trainer_brings_the_views_together(tmp_path: Path) -> None:
    job = trial()[0]
    torch.manual_seed(0)
    hr = torch.rand(2, 3, 64, 64)
    lr = functional.avg_pool2d(hr, 4)
    noisy = (lr + 0.1 * torch.randn_like(lr)).clamp(0, 1)
    twins = Pair(lr, noisy, hr, hr, (0, 0))
    left = {}
    for weight in (0.0, 20.0):
        stage = replace(job.stages[0], temporal=weight)
        trainer = Trainer(
            replace(job, config=replace(job.config, scale=4), stages=(stage,)), tmp_path / str(weight), "cpu", halves=False
        )
        for _ in range(80):
            trainer.step(Restless(twins), 0.2)
        left[weight] = apart(trainer, twins)
    assert left[20.0] < 0.8 * left[0.0]
