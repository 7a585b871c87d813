"""Work on a CUDA device recorded once and replayed, so that hundreds of small kernels need not be launched one by one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

# Runs before a recording: libraries choose their kernels, optimizers make their state.
_WARM_UP = 3

Inputs = tuple[Tensor | None, ...]


@dataclass
class _Course:
    """Work of one key: how often it ran, then its recording with the tensors it reads and writes."""

    runs: int = 0
    graph: torch.cuda.CUDAGraph | None = None
    inputs: Inputs = ()
    output: Tensor | None = None


class Recorded:
    """`work` from tensors to one tensor, recorded once for each key: whatever else its course depends on.

    It must not wait for the device, and what it reads besides its inputs must stay where it is.
    """

    def __init__(self, work: Callable[..., Tensor]) -> None:
        self._work = work
        self._courses: dict[object, _Course] = {}
        self._stream = torch.cuda.Stream()

    def forget(self) -> None:
        """To be called when what the work reads besides its inputs has moved."""
        self._courses.clear()

    def __call__(self, key: object, *inputs: Tensor | None) -> Tensor:
        """Runs the work; inputs of one key have the same shapes."""
        course = self._courses.setdefault(key, _Course())
        if course.runs < _WARM_UP:
            course.runs += 1
            return self._aside(inputs)
        if course.graph is None:
            course.inputs = tuple(None if tensor is None else tensor.clone() for tensor in inputs)
            course.graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(course.graph):
                course.output = self._work(*course.inputs)
        for held, tensor in zip(course.inputs, inputs, strict=True):
            if held is not None and tensor is not None:
                held.copy_(tensor)
        course.graph.replay()
        assert course.output is not None
        return course.output.clone()

    def _aside(self, inputs: Inputs) -> Tensor:
        """Not on the default stream, whose events a recording cannot wait for."""
        current = torch.cuda.current_stream()
        self._stream.wait_stream(current)
        with torch.cuda.stream(self._stream):
            result = self._work(*inputs)
        current.wait_stream(self._stream)
        return result
