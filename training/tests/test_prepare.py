"""The mixture of degradations that a cache of training pairs is made with."""

from pathlib import Path

import numpy as np
import pytest
from pictures import texture
from PIL import Image

from tinysr import prepare
from tinysr.prepare import Mixture, crops_of, main


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photos" / "a.png"
    path.parent.mkdir()
    # Large enough to stay larger than a crop when the seed makes it smaller first.
    Image.fromarray(texture(448, 448)).save(path)
    return path


def difference(lr: np.ndarray, hr: np.ndarray) -> float:
    """Mean distance from a plain reduction, in codes."""
    plain = hr.reshape(len(hr), lr.shape[1], 4, lr.shape[2], 4, 3).mean((2, 4))
    return float(np.abs(lr - plain).mean())


@pytest.mark.parametrize("codec", ["h264", "hevc", "vp9"])
def test_video_pairs_pass_the_codec_that_was_asked_for(photo: Path, monkeypatch: pytest.MonkeyPatch, codec: str) -> None:
    passed = []

    def watched(frames: list[np.ndarray], rng: np.random.Generator, codecs: tuple[str, ...], *rest: float) -> list[np.ndarray]:
        passed.append(codecs)
        return disturb(frames, rng, codecs, *rest)

    disturb = prepare.disturb_clip
    monkeypatch.setattr(prepare, "disturb_clip", watched)
    lr, hr = crops_of(photo, 4, 4, 1, Mixture((0, 0, 1), (codec,), halos=0.01))
    assert passed == [(codec,)] * 2
    assert lr.shape == (4, 64, 64, 3)
    # Compressed, but of the same place.
    assert 0.5 < difference(lr, hr) < 30


def test_bare_subsampling_leaves_luma_alone(photo: Path) -> None:
    weights = np.array([0.299, 0.587, 0.114])
    kept, _ = crops_of(photo, 2, 4, 1, Mixture((0, 0, 1), ("vp9",), subsampling=1.0))
    clean, _ = crops_of(photo, 2, 4, 1, Mixture((1, 0, 0), ("vp9",), subsampling=1.0))
    assert not np.array_equal(kept, clean)
    assert np.abs((kept - clean.astype(float)) @ weights).mean() < 4


def test_shares_decide_what_pairs_are(photo: Path) -> None:
    clean, hr = crops_of(photo, 3, 4, 2, Mixture((1, 0, 0)))
    degraded, worse = crops_of(photo, 3, 4, 2, Mixture((0, 1, 0)))
    assert difference(clean, hr) < difference(degraded, worse)


@pytest.mark.parametrize(
    ("options", "message"),
    [({"shares": (0.5, 0.5, 0.5)}, "add up"), ({"codecs": ("av1",)}, "codecs"), ({"codecs": ()}, "codecs")],
)
def test_a_mixture_that_cannot_be_is_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Mixture(**options)  # type: ignore[arg-type]


def test_the_command_takes_the_mixture(photo: Path, tmp_path: Path) -> None:
    options = ["--shares", "0", "0", "1", "--codecs", "vp9", "hevc", "--halos", "0.5", "--subsampling", "0.1"]
    main(["--data", str(photo.parent), "--out", str(tmp_path / "cache"), "--crops", "2", "--workers", "1", *options])
    assert np.load(tmp_path / "cache" / "lr.npy").shape == (2, 64, 64, 3)
