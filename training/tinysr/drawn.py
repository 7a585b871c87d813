"""Training pairs cut from whole pictures and damaged at each step, so that no pair is seen twice."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image as PilImage

from .gpu.batches import Batches, Shares
from .gpu.pack import Pack, Pictures, Pixels
from .gpu.trainer import Source
from .pairs import Batch
from .prepare import HR_CROP, pictures_in

# Every picture is there a second time, this much smaller: sharper, and with more in a crop.
_REDUCED = 0.6


def views_of(path: Path) -> list[Pixels]:
    """A picture as (H,W,3), and reduced; those that a crop fits into."""
    with PilImage.open(path) as opened:
        picture = opened.convert("RGB")
    smaller = picture.resize((round(_REDUCED * picture.width), round(_REDUCED * picture.height)), PilImage.Resampling.LANCZOS)
    return [np.asarray(view) for view in (picture, smaller) if min(view.size) >= HR_CROP]


class DrawnBatches:
    """Batches from pictures for `share` of the steps, and from elsewhere for the others: a cache has what video codecs did."""

    def __init__(self, folders: Sequence[Path], scale: int, device: str, share: float, others: Source) -> None:
        images = [view for path in pictures_in(folders) for view in views_of(path)]
        pack = Pack(Pictures(images, device), None, torch.zeros(0, dtype=torch.long), None)
        self._drawn, self._share, self._others = Batches(pack, scale), share, others

    def draw(self, count: int, crop: int, shares: Shares) -> Batch:
        """See :class:`tinysr.gpu.trainer.Source`."""
        if float(torch.rand(())) < self._share:
            return self._drawn.draw(count, crop, shares)
        return self._others.draw(count, crop, shares)
