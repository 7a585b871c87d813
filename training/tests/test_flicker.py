"""Flicker of clips whose motion is known."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
from pictures import texture

from tinysr.degrade import Image
from tinysr.filtered import through_filter
from tinysr.flicker import UpscaleClip, along_motion, compress, flicker, motion, read_clip, restlessness, still_scene
from tinysr.upscalers import Upscale, interpolation

SIDE = 96


def pan(count: int, step: int = 2) -> list[Image]:
    """A window that moves over a texture."""
    wide = texture(SIDE, SIDE + step * count, 2)
    return [np.ascontiguousarray(wide[:, step * i : step * i + SIDE]) for i in range(count)]


def noisy(frames: list[Image], strength: float) -> list[Image]:
    rng = np.random.default_rng(1)
    return [np.clip(frame + rng.normal(0, strength, frame.shape), 0, 255).astype(np.uint8) for frame in frames]


def test_motion_of_a_pan_is_found() -> None:
    start, end = pan(2, 2)
    flow, trusted = motion(start, end)
    assert trusted.mean() > 0.8
    assert np.abs(np.median(flow[trusted], 0) - [-2, 0]).max() < 0.2


def test_a_perfect_output_has_no_excess() -> None:
    clip = pan(4)
    warp, excess = along_motion(clip, clip)
    assert excess == 0
    assert warp < 2


def test_changing_detail_costs_and_following_detail_does_not() -> None:
    clip = pan(4)
    restless = along_motion(clip, noisy(clip, 8))[1]
    brighter = along_motion(clip, [np.clip(f + 10.0, 0, 255).astype(np.uint8) for f in clip])[1]
    assert restless > 3
    assert brighter < 0.5


def test_a_still_clip_is_still() -> None:
    frame = texture(SIDE, SIDE)
    assert restlessness([frame] * 3) == pytest.approx(0, abs=1e-9)
    # Noise of 2 in each channel is 1.15 in luma.
    assert restlessness(still_scene(frame, 8)) == pytest.approx(1.15, abs=0.2)


def each(upscale: Upscale) -> UpscaleClip:
    return lambda frames: [upscale(frame) for frame in frames]


def test_flicker_of_an_upscaler_grows_with_its_noise() -> None:
    clip = pan(4)
    bicubic = interpolation("bicubic", 2)
    rng = np.random.default_rng(0)

    def restless(image: Image) -> Image:
        output = bicubic(image)
        return np.clip(output + rng.normal(0, 6, output.shape), 0, 255).astype(np.uint8)

    compressed = compress(clip, 2, 28)
    calm, wild = (flicker(clip, f(compressed), f, 2, 28) for f in (each(bicubic), each(restless)))
    assert calm.excess < wild.excess
    assert calm.still < wild.still
    assert calm.warp < wild.warp


def test_averaging_neighbouring_frames_calms_a_still_scene() -> None:
    scene = still_scene(texture(SIDE, SIDE), 12)
    calm = through_filter(scene, "atadenoise=s=9")
    assert len(calm) == len(scene)
    assert restlessness(calm) < 0.7 * restlessness(scene)


def test_a_filter_that_drops_frames_is_refused() -> None:
    with pytest.raises(ValueError, match="made 2 frames of 4"):
        through_filter(pan(4), "framestep=2")


def test_reads_the_first_frames_of_a_clip(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    source = ["-f", "lavfi", "-i", "testsrc=size=50x38:rate=10:duration=1"]
    subprocess.run(["ffmpeg", "-v", "error", *source, "-pix_fmt", "yuv420p", str(path)], check=True)
    assert [frame.shape for frame in read_clip(path, 3, 8)] == [(32, 48, 3)] * 3


def test_refuses_what_is_no_clip(tmp_path: Path) -> None:
    path = tmp_path / "empty.mp4"
    path.write_bytes(b"")
    with pytest.raises(ValueError, match="0 frames could be read"):
        read_clip(path, 3, 8)
