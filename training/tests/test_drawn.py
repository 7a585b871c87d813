"""Pairs drawn from whole pictures."""

from pathlib import Path

import pytest
import torch
from pictures import texture
from PIL import Image

from tinysr.drawn import DrawnBatches, views_of
from tinysr.gpu.batches import Shares
from tinysr.gpu.degrade import reduce
from tinysr.pairs import Batch


class Black:
    """A source that is told from pictures at a glance."""

    def draw(self, count: int, crop: int, shares: Shares) -> Batch:
        """See :class:`tinysr.gpu.trainer.Source`."""
        return Batch(torch.zeros(count, 3, crop, crop), torch.zeros(count, 3, 4 * crop, 4 * crop))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number, side in enumerate((300, 480)):
        Image.fromarray(texture(side, side + 20, number)).save(tmp_path / f"{number}.png")
    return tmp_path


def test_pictures_are_there_reduced_too_where_a_crop_fits(folder: Path) -> None:
    assert [view.shape for view in views_of(folder / "0.png")] == [(300, 320, 3)]
    assert [view.shape for view in views_of(folder / "1.png")] == [(480, 500, 3), (288, 300, 3)]


def test_clean_pairs_are_reductions_and_damage_is_new_each_time(folder: Path) -> None:
    torch.manual_seed(1)
    batches = DrawnBatches([folder], 4, "cpu", 1.0, Black())
    clean = batches.draw(2, 32, Shares(1.0, 0.0, 0.0))
    assert clean.hr.shape == (2, 3, 128, 128)
    inner = (slice(None), slice(None), slice(4, -4), slice(4, -4))
    assert torch.allclose(clean.lr[inner], reduce(clean.hr, 4)[inner], atol=1 / 255)
    first, second = (batches.draw(2, 32, Shares(0.0, 1.0, 0.0)) for _ in range(2))
    assert not torch.equal(first.lr, second.lr)
    assert float((first.lr - reduce(first.hr, 4)).abs().mean()) > 1 / 255


def test_the_share_of_steps_is_kept(folder: Path) -> None:
    torch.manual_seed(2)
    batches = DrawnBatches([folder], 4, "cpu", 0.25, Black())
    black = sum(float(batches.draw(1, 16, Shares(1.0, 0.0, 0.0)).hr.max()) == 0 for _ in range(60))
    assert 34 <= black <= 54
