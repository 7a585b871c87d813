"""Ways to run a graph on a machine: whatever it has of onnxruntime and PyTorch."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .torch_graph import TorchGraph

Frames = NDArray[Any]
# Frames in host memory -> upscaled frames in host memory.
Run = Callable[[Frames], Frames]
# Opens a graph for batches of one shape.
Open = Callable[[Path, tuple[int, ...]], Run]

# onnxruntime's name of a provider -> ours. TensorRT builds engines for minutes and is left out.
PROVIDERS = {"CUDAExecutionProvider": "cuda", "ROCMExecutionProvider": "rocm", "WebGpuExecutionProvider": "webgpu"}


def onnxruntime_session(path: Path, provider: str) -> Run:
    """A session on one provider, with the CPU behind it."""
    import onnxruntime

    names = [provider] if provider == "CPUExecutionProvider" else [provider, "CPUExecutionProvider"]
    session = onnxruntime.InferenceSession(str(path), providers=names)
    if session.get_providers()[0] != provider:
        raise RuntimeError(f"onnxruntime fell back to {session.get_providers()[0]}")
    feed = session.get_inputs()[0].name

    def run(frames: Frames) -> Frames:
        output: Frames = session.run(None, {feed: frames})[0]
        return output

    return run


def torch_eager(path: Path, device: str, dtype: torch.dtype) -> Run:
    """PyTorch, operator by operator, with the copies there and back."""
    graph = TorchGraph(path, device, dtype)

    def run(frames: Frames) -> Frames:
        output: Frames = graph(torch.from_numpy(frames).to(device)).cpu().numpy()
        return output

    return run


def torch_recorded(path: Path, shape: tuple[int, ...], dtype: torch.dtype) -> Run:
    """PyTorch with the whole run recorded as a CUDA graph, through pinned memory."""
    graph = TorchGraph(path, "cuda", dtype)
    held = torch.zeros(shape, dtype=torch.uint8, device="cuda")
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):
            graph(held)
    torch.cuda.current_stream().wait_stream(stream)
    recording = torch.cuda.CUDAGraph()
    with torch.cuda.graph(recording):
        output = graph(held)
    pinned: tuple[Tensor, Tensor] = (
        torch.empty(shape, dtype=torch.uint8, pin_memory=True),
        torch.empty(output.shape, dtype=torch.uint8, pin_memory=True),
    )

    def run(frames: Frames) -> Frames:
        pinned[0].copy_(torch.from_numpy(frames))
        held.copy_(pinned[0], non_blocking=True)
        recording.replay()
        pinned[1].copy_(output, non_blocking=True)
        torch.cuda.synchronize()
        found: Frames = pinned[1].numpy()
        return found

    return run


def has_onnxruntime() -> bool:
    """Whether onnxruntime can be imported."""
    return importlib.util.find_spec("onnxruntime") is not None


def reference(path: Path) -> tuple[str, Run]:
    """What others are compared with, and its name."""
    if has_onnxruntime():
        return "onnxruntime, cpu", onnxruntime_session(path, "CPUExecutionProvider")
    return "torch, cpu", torch_eager(path, "cpu", torch.float32)


def _on(provider: str) -> Open:
    return lambda path, _: onnxruntime_session(path, provider)


def runtimes(device: str) -> Iterator[tuple[str, Open]]:
    """Every way to run a graph here, by name."""
    if has_onnxruntime():
        import onnxruntime

        found = {"CPUExecutionProvider": "cpu"} if device == "cpu" else PROVIDERS
        for provider in (name for name in onnxruntime.get_available_providers() if name in found):
            yield f"onnxruntime, {found[provider]}", _on(provider)
    yield f"torch, {device}, fp32", lambda path, _: torch_eager(path, device, torch.float32)
    if device == "cuda":
        yield "torch, cuda, fp16", lambda path, _: torch_eager(path, "cuda", torch.float16)
        yield "torch, cuda, fp32, recorded", lambda path, shape: torch_recorded(path, shape, torch.float32)
        yield "torch, cuda, fp16, recorded", lambda path, shape: torch_recorded(path, shape, torch.float16)


def textured(shape: tuple[int, ...]) -> Frames:
    """Frames of waves and noise, 8 bits."""
    rng = np.random.default_rng(1)
    waves = 128 + 80 * np.sin(np.arange(int(np.prod(shape))).reshape(shape) / 37)
    return np.clip(waves + rng.integers(-20, 20, shape), 0, 255).astype(np.uint8)
