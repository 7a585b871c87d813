"""What video adds to the degradations of tinysr.degrade: its codecs, chroma at half resolution, sharpening halos."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

import cv2
import numpy as np

from ..degrade import Image, to_u8

# ffmpeg's encoder and its fastest sensible settings; and the CRFs at which each runs from good to poor.
CODECS: dict[str, tuple[list[str], tuple[int, int]]] = {
    "h264": (["-c:v", "libx264", "-preset", "veryfast"], (18, 38)),
    "hevc": (["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none:pools=1:frame-threads=1"], (20, 40)),
    "vp9": (["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "0"], (24, 52)),
}


def encode_decode(frames: list[Image], codec: str, crf: int) -> list[Image]:
    """Frames (H,W,3) with even sides through one of CODECS, 4:2:0, and back."""
    height, width = frames[0].shape[:2]
    raw = ["-f", "rawvideo", "-pix_fmt", "rgb24"]
    settings, _ = CODECS[codec]
    encode = ["ffmpeg", "-v", "error", *raw, "-s", f"{width}x{height}", "-r", "25", "-i", "-", *settings]
    encode += ["-threads", "1", "-crf", str(crf), "-pix_fmt", "yuv420p", "-f", "matroska", "-"]
    decode = ["ffmpeg", "-v", "error", "-f", "matroska", "-i", "-", *raw, "-"]
    clip = subprocess.run(encode, input=np.stack(frames).tobytes(), capture_output=True, check=True).stdout
    decoded = subprocess.run(decode, input=clip, capture_output=True, check=True).stdout
    return list(np.frombuffer(decoded, np.uint8).reshape(-1, height, width, 3))


def subsample_chroma(image: Image) -> Image:
    """Chroma at half resolution and back, luma untouched: 4:2:0 without a codec. Even sides."""
    size = (image.shape[1], image.shape[0])
    ycc = cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2YCrCb).astype(np.float32)
    small = cv2.resize(ycc[..., 1:], (size[0] // 2, size[1] // 2), interpolation=cv2.INTER_AREA)
    ycc[..., 1:] = cv2.resize(small, size, interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.cvtColor(to_u8(ycc), cv2.COLOR_YCrCb2RGB))


def sharpen(image: Image, amount: float, radius: float) -> Image:
    """Unsharp masking, which leaves halos along edges as cameras and scalers do. radius: sigma in pixels."""
    floats = image.astype(np.float32)
    blurred = cv2.GaussianBlur(floats, (0, 0), radius)
    return to_u8(floats + amount * (floats - blurred))


def disturb_clip(
    frames: list[Image],
    rng: np.random.Generator,
    codecs: Sequence[str] = tuple(CODECS),
    halos: float = 0.3,
    subsampling: float = 0.15,
) -> list[Image]:
    """The same processing for all frames of a clip: halos for some, then one of the codecs at a random CRF, or bare 4:2:0."""
    if rng.random() < halos:
        amount, radius = rng.uniform(0.3, 1.5), rng.uniform(0.6, 1.6)
        frames = [sharpen(frame, amount, radius) for frame in frames]
    if rng.random() < subsampling:
        return [subsample_chroma(frame) for frame in frames]
    codec = str(rng.choice(list(codecs)))
    low, high = CODECS[codec][1]
    return encode_decode(frames, codec, int(rng.integers(low, high)))
