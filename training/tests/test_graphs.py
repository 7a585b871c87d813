"""The exported graphs against PyTorch, on several sizes and a batch of two."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from tinysr.color import rgb_to_ycc, ycc_to_rgb
from tinysr.compact import CompactConfig, CompactTinySR
from tinysr.graphs import build_graph

SIZES = [(1, 16, 16), (2, 34, 50), (1, 64, 38)]


def model_of(scale: int) -> CompactTinySR:
    """Initial weights with noise on top, so that every weight counts."""
    torch.manual_seed(7)
    model = CompactTinySR(CompactConfig(16, 2, scale)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.01)
    return model


def run(model: CompactTinySR, pixel_format: str, frames: NDArray[Any]) -> NDArray[Any]:
    session = onnxruntime.InferenceSession(
        build_graph(model, pixel_format).SerializeToString(), providers=["CPUExecutionProvider"]
    )
    output: NDArray[Any] = session.run(["output"], {"input": frames})[0]
    return output


def smooth(shape: tuple[int, ...], top: int, kind: type) -> NDArray[Any]:
    rng = np.random.default_rng(3)
    return rng.integers(top // 8, top * 7 // 8, shape).astype(kind)


@torch.no_grad()
def expected_rgb(model: CompactTinySR, frames: NDArray[Any], top: int) -> NDArray[Any]:
    x = torch.from_numpy(frames.astype(np.float32)).permute(0, 3, 1, 2) / top
    y = ycc_to_rgb(model(rgb_to_ycc(x))) * top
    return y.permute(0, 2, 3, 1).round().clamp(0, top).numpy()


def upsample_chroma(plane: Tensor) -> Tensor:
    """(N,h/2,w/2) sited left -> (N,h,w): rows doubled, odd columns the mean of their neighbours (the last one repeated)."""
    following = torch.cat([plane[..., 1:], plane[..., -1:]], -1)
    wide = torch.stack([plane, (plane + following) / 2], -1).flatten(-2)
    return wide.repeat_interleave(2, 1)


@torch.no_grad()
def expected_yuv(model: CompactTinySR, frames: NDArray[Any], unit: float, top: int) -> NDArray[Any]:
    n, rows, w = frames.shape
    h = rows * 2 // 3
    flat = torch.from_numpy(frames.astype(np.float32)).reshape(n, -1) / unit
    luma = flat[:, : h * w].reshape(n, h, w)
    u, v = flat[:, h * w :].reshape(n, 2, h // 2, w // 2).unbind(1)
    y = model(torch.stack([luma, upsample_chroma(u), upsample_chroma(v)], 1))
    chroma = (y[:, 1:, 0::2, 0::2] + y[:, 1:, 1::2, 0::2]) / 2
    joined = torch.cat([y[:, 0].reshape(n, -1), chroma.reshape(n, -1)], 1) * unit
    s = model.config.scale
    return joined.round().clamp(0, top).reshape(n, rows * s, w * s).numpy()


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("pixel_format", "top", "kind"), [("rgb24", 255, np.uint8), ("rgb48le", 65535, np.uint16)])
def test_rgb_equals_pytorch(scale: int, size: tuple[int, int, int], pixel_format: str, top: int, kind: type) -> None:
    model = model_of(scale)
    frames = smooth((*size, 3), top, kind)
    got = run(model, pixel_format, frames)
    assert got.dtype == kind
    assert got.shape == (size[0], size[1] * scale, size[2] * scale, 3)
    level = 1 if top == 255 else 2
    assert np.abs(got.astype(np.float64) - expected_rgb(model, frames, top)).max() <= level


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("pixel_format", "unit", "top", "kind"),
    [("yuv420p", 255.0, 255, np.uint8), ("yuv420p10le", 1020.0, 1023, np.uint16)],
)
def test_yuv_equals_pytorch(scale: int, size: tuple[int, int, int], pixel_format: str, unit: float, top: int, kind: type) -> None:
    """Everywhere. The graph pads chroma samples, the model the enlarged chroma: at the left edge these agree when the
    first two samples of a row are the same, which the frames here see to."""
    model = model_of(scale)
    n, h, w = size
    frames = smooth((n, h * 3 // 2, w), top, kind)
    chroma = frames.reshape(n, -1)[:, h * w :].reshape(n, h, w // 2)
    chroma[:, :, 1] = chroma[:, :, 0]
    got = run(model, pixel_format, frames)
    assert got.dtype == kind
    assert got.shape == (n, h * 3 // 2 * scale, w * scale)
    difference = np.abs(got.astype(np.float64) - expected_yuv(model, frames, unit, top))
    assert difference.max() <= 1


def test_a_batch_equals_its_frames() -> None:
    model = model_of(4)
    frames = smooth((2, 24, 32, 3), 255, np.uint8)
    both = run(model, "rgb24", frames)
    assert np.array_equal(both[1:], run(model, "rgb24", frames[1:]))
