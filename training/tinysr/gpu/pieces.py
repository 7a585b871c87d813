"""Weights as halves in one archive, cut into pieces that small transfers take, and put together again."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

State = dict[str, Tensor]


def to_bytes(state: Mapping[str, Tensor]) -> bytes:
    """An .npz of halves."""
    data = io.BytesIO()
    np.savez(data, **{name: value.detach().cpu().half().numpy() for name, value in state.items()})  # type: ignore[arg-type]
    return data.getvalue()


def from_bytes(data: bytes) -> State:
    """As float32."""
    with np.load(io.BytesIO(data)) as stored:
        return {name: torch.from_numpy(stored[name].astype(np.float32)) for name in stored.files}


def write_pieces(
    folder: Path, weights: Mapping[str, Mapping[str, Tensor]], notes: Mapping[str, object], limit: int
) -> list[Path]:
    """`weights.zip.00`, ... of at most `limit` bytes each: NAME.npz for each network, and notes.json."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("notes.json", json.dumps(notes, indent=1))
        for name, state in weights.items():
            archive.writestr(f"{name}.npz", to_bytes(state))
    data = whole.getvalue()
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("weights.zip.*"):
        old.unlink()
    paths = []
    for index in range(-(-len(data) // limit)):
        paths.append(folder / f"weights.zip.{index:02}")
        paths[-1].write_bytes(data[index * limit : (index + 1) * limit])
    return paths


def read_pieces(folder: Path) -> tuple[dict[str, State], dict[str, object]]:
    """Weights by name, and the notes."""
    paths = sorted(folder.glob("weights.zip.*"))
    if not paths:
        raise FileNotFoundError(f"{folder} holds no weights.zip.00")
    with zipfile.ZipFile(io.BytesIO(b"".join(path.read_bytes() for path in paths))) as archive:
        notes: dict[str, object] = json.loads(archive.read("notes.json"))
        names = [name for name in archive.namelist() if name.endswith(".npz")]
        return {name.removesuffix(".npz"): from_bytes(archive.read(name)) for name in names}, notes
