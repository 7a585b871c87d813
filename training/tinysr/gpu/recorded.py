"""Work on a CUDA device recorded once and replayed, so that hundreds of small kernels need not be launched one by one."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

# Runs before a recording: libraries choose their kernels, optimizers make their state.
_WARM_UP = 3

Inputs = tuple[Tensor | None, ...]


class Recorded:
    """`work` from tensors to one tensor, recorded anew for each key: whatever else its course depends on.

    It must not wait for the device, and what it reads besides its inputs must stay where it is.
    """

    def __init__(self, work: Callable[..., Tensor]) -> None:
        self._work = work
        self._key: object = None
        self._runs = 0
        self._graph: torch.cuda.CUDAGraph | None = None
        self._stream = torch.cuda.Stream()
        self._inputs: Inputs = ()
        self._output: Tensor

    def __call__(self, key: object, *inputs: Tensor | None) -> Tensor:
        """Runs the work; inputs of one key have the same shapes."""
        if key != self._key:
            self._key, self._runs, self._graph = key, 0, None
        if self._runs < _WARM_UP:
            self._runs += 1
            return self._aside(inputs)
        if self._graph is None:
            self._inputs = tuple(None if tensor is None else tensor.clone() for tensor in inputs)
            self._graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self._graph):
                self._output = self._work(*self._inputs)
        for held, tensor in zip(self._inputs, inputs, strict=True):
            if held is not None and tensor is not None:
                held.copy_(tensor)
        self._graph.replay()
        return self._output.clone()

    def _aside(self, inputs: Inputs) -> Tensor:
        """Not on the default stream, whose events a recording cannot wait for."""
        current = torch.cuda.current_stream()
        self._stream.wait_stream(current)
        with torch.cuda.stream(self._stream):
            result = self._work(*inputs)
        current.wait_stream(self._stream)
        return result
