"""Tensors of a diffusers folder or of one file, read one at a time: the whole is never in memory twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor

_STEM = "diffusion_pytorch_model"


def read_json(path: Path) -> dict[str, Any]:
    """A diffusers config."""
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: is {path.parent} the folder that the release has?")
    content: dict[str, Any] = json.loads(path.read_text())
    return content


def read_tensor(path: Path) -> Tensor:
    """The one tensor of a .pt file (an embedding)."""
    value = torch.load(path, weights_only=True, map_location="cpu")
    if not isinstance(value, Tensor):
        raise ValueError(f"{path} holds a {type(value).__name__}, not a tensor")
    return value


class Tensors:
    """Tensors by name, from safetensors (one file, or several with an index) or from a pickle of weights."""

    def __init__(self, path: Path) -> None:
        self._where: dict[str, Any] = {}
        self._loaded: dict[str, Tensor] = {}
        for file in _weight_files(path):
            if file.suffix == ".safetensors":
                opened: Any = safe_open(file, framework="pt")  # type: ignore[no-untyped-call]
                self._where |= dict.fromkeys(opened.keys(), opened)
            else:
                self._loaded |= torch.load(file, weights_only=True, map_location="cpu", mmap=True)

    def __iter__(self) -> Iterator[str]:
        return iter([*self._where, *self._loaded])

    def __contains__(self, name: str) -> bool:
        return name in self._where or name in self._loaded

    def __getitem__(self, name: str) -> Tensor:
        """As float32."""
        if name in self._loaded:
            return self._loaded[name].float()
        if name not in self._where:
            raise KeyError(f"{name} is missing from the checkpoint")
        tensor: Tensor = self._where[name].get_tensor(name)
        return tensor.float()


def _weight_files(path: Path) -> list[Path]:
    """What holds the weights of a folder as diffusers writes it; or the file itself."""
    if path.is_file():
        return [path]
    for variant in ("", ".fp16"):
        index = path / f"{_STEM}.safetensors.index{variant}.json"
        if index.is_file():
            return [path / name for name in sorted(set(read_json(index)["weight_map"].values()))]
        for suffix in (".safetensors", ".bin"):
            file = path / f"{_STEM}{variant}{suffix}"
            if file.is_file():
                return [file]
    raise FileNotFoundError(f"{path} holds no {_STEM}.safetensors or .bin")
