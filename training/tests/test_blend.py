"""Mixing weights."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from tinysr import blend
from tinysr.compact import CompactConfig, CompactTinySR


def weights(width: int, seed: int) -> dict[str, torch.Tensor]:
    torch.manual_seed(seed)
    return CompactTinySR(CompactConfig(width, 1, 2)).state_dict()


def test_a_share_leads_from_the_first_to_the_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = weights(8, 1), weights(8, 2)
    save_file(first, tmp_path / "a.safetensors")
    torch.save({"average": second}, tmp_path / "b.pt")
    command = ["blend", "--first", tmp_path / "a.safetensors", "--second", tmp_path / "b.pt", "--share", 0.25]
    monkeypatch.setattr(sys, "argv", [*map(str, command), "--out", str(tmp_path / "mix.safetensors")])
    blend.main()
    mixed = load_file(tmp_path / "mix.safetensors")
    assert torch.allclose(mixed["encoder.weight"], 0.75 * first["encoder.weight"] + 0.25 * second["encoder.weight"], atol=1e-6)
    assert not torch.allclose(mixed["encoder.weight"], first["encoder.weight"])


def test_different_networks_do_not_mix() -> None:
    with pytest.raises(ValueError, match="different networks"):
        blend.blend(weights(8, 1), weights(12, 1), 0.5)
    with pytest.raises(ValueError, match="different networks"):
        blend.add(weights(12, 1), weights(8, 1), weights(8, 2), 0.5)


def test_what_one_training_changed_is_added_to_other_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sets = {name: weights(8, seed) for seed, name in enumerate(("onto", "first", "second"))}
    for name, state in sets.items():
        save_file(state, tmp_path / f"{name}.safetensors")
    files = [part for name in sets for part in (f"--{name}", str(tmp_path / f"{name}.safetensors"))]
    monkeypatch.setattr(sys, "argv", ["blend", *files, "--share", "0.5", "--out", str(tmp_path / "sum.safetensors")])
    blend.main()
    onto, first, second = (state["encoder.weight"] for state in sets.values())
    added = load_file(tmp_path / "sum.safetensors")["encoder.weight"]
    assert torch.allclose(added, onto + 0.5 * (second - first), atol=1e-6)
