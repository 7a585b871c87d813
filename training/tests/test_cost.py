"""Costs of graphs against the same network counted in PyTorch."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import nn

from tinysr.arch import TinySR, count, named
from tinysr.cost import count_graph, time_graphs
from tinysr.export import export


class Mixed(nn.Module):
    """All kinds of products that are counted."""

    def __init__(self) -> None:
        super().__init__()
        self.near = nn.Conv2d(3, 8, 3, padding=1, groups=1)
        self.apart = nn.Conv2d(8, 8, 3, padding=1, groups=8)
        self.across = nn.Linear(8, 3)
        self.up = nn.ConvTranspose2d(3, 3, 2, stride=2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N,3,h,w) -> (N,3,2h,2w)."""
        z = self.across(self.apart(self.near(x)).permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        return torch.as_tensor(self.up(z))


def test_products_are_counted_whatever_their_kind(tmp_path: Path) -> None:
    path = tmp_path / "mixed.onnx"
    axes = {"x": {2: "h", 3: "w"}}
    torch.onnx.export(Mixed(), (torch.zeros(1, 3, 8, 8),), str(path), input_names=["x"], dynamic_axes=axes, dynamo=False)
    cost = count_graph(path)
    assert cost.macs_per_pixel == 3 * 8 * 9 + 8 * 9 + 8 * 3 + 3 * 3 * 4
    assert cost.parameters == 3 * 8 * 9 + 8 + 8 * 9 + 8 + 8 * 3 + 3 + 3 * 3 * 4 + 3


def test_a_graph_that_ships_costs_what_its_network_does(tmp_path: Path) -> None:
    model = TinySR(named("small"))
    export("tinysr-small", model.config, model.state_dict(), tmp_path)
    entry = json.loads((tmp_path / "manifest.json").read_text())["models"][0]
    found = count_graph(tmp_path / entry["file"])
    network = count(model, torch.zeros(1, 3, 16, 16)).macs / 256
    # The graph's interpolation of the skip is a product as well.
    assert network <= found.macs_per_pixel == pytest.approx(network, rel=0.05)
    times = time_graphs({"small": tmp_path / entry["file"]}, 1, 1)
    assert times["small"] > 0
