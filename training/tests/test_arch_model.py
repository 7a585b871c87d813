"""The network: shapes for every choice of the config, attention against plain formulas, nano against the compact net."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from tinysr.arch import HalfConfig, Prompt, TinySR, TinySRConfig, named
from tinysr.arch.attention import Products, SelfAttention
from tinysr.arch.autoencoder import Decoder, Encoder
from tinysr.arch.conditioning import LAST_TIMESTEP
from tinysr.arch.model import match_statistics
from tinysr.arch.position import grid_embedding
from tinysr.compact import CompactConfig, CompactTinySR, compact_state

torch.set_num_threads(1)

HALF = HalfConfig((8,), (1,))
DEEP = HalfConfig((8, 8, 8, 8), (1, 0, 0, 1), conv="separable")
SMALL = TinySRConfig(16, 2, 4, HALF, HALF, attention="windowed", heads=2, window=4, position_side=8)


def stirred(model: TinySR) -> TinySR:
    """Every parameter away from its start, so that no path is shut."""
    torch.manual_seed(5)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return model.eval()


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"attention": "global"},
        {"attention": "linear"},
        {"attention": "none", "width": 8, "latent_channels": 8},
        {"attention": "none", "width": 8, "latent_channels": 8, "conditioning": "live"},
        {"source": "enlarged", "encoder": DEEP, "decoder": replace(DEEP, conv="plain"), "patch": 2, "signed": True},
        {"conditioning": "live", "pooled_width": 6},
        {"conditioning": "live", "attention": "global", "text_width": 5, "text_tokens": 3, "skip": False},
        {"color_fix": True, "squash": True, "scaling": 1.5},
    ],
)
@torch.no_grad()
def test_enlarges_by_the_scale(scale: int, changes: dict[str, Any]) -> None:
    torch.manual_seed(0)
    model = stirred(TinySR(replace(SMALL, scale=scale, **changes)))
    prompt = Prompt(torch.randn(2, 3, 5), torch.randn(2, 6))
    picture = model(torch.rand(2, 3, 16, 24 if scale != 3 else 32), prompt)
    assert picture.shape == (2, 3, 16 * scale, (24 if scale != 3 else 32) * scale)
    assert picture.isfinite().all()


@pytest.mark.parametrize("scale", [2, 3, 4])
@torch.no_grad()
def test_nano_is_the_compact_net(scale: int) -> None:
    torch.manual_seed(0)
    compact = CompactTinySR(CompactConfig(16, 3, scale)).eval()
    nano = TinySR(named("nano", scale=scale)).eval()
    # Both start near interpolation; other weights do not interpolate.
    ramp = torch.linspace(0.2, 0.8, 22).expand(1, 3, 18, 22)
    assert float((nano(ramp) - nano.enlarge(ramp)).abs().mean()) < 0.1
    for parameter in nano.parameters():
        parameter.add_(0.05 * torch.randn_like(parameter))
    compact.load_state_dict(compact_state(nano.state_dict()))
    frame = torch.rand(2, 3, 18, 22)
    found, expected = nano(frame), compact(frame)
    assert torch.allclose(found[:, :1], expected[:, :1], atol=1e-5)
    # Chroma at the edges: one repeats pixels, the other cells of four.
    inner = (slice(None), slice(1, None), slice(4 * scale, -4 * scale), slice(4 * scale, -4 * scale))
    assert torch.allclose(found[inner], expected[inner], atol=1e-5)


@torch.no_grad()
def test_untrained_denoiser_returns_the_latent() -> None:
    model = TinySR(SMALL).eval()
    z = torch.randn(1, 4, 8, 8)
    assert torch.equal(model.denoiser(z), z)


@torch.no_grad()
def test_gates_switch_blocks_off() -> None:
    model = stirred(TinySR(SMALL))
    frame = torch.rand(1, 3, 16, 16)
    assert torch.allclose(model(frame, gates=torch.ones(2)), model(frame), atol=1e-6)
    shorter = TinySR(replace(SMALL, depth=1)).eval()
    shorter.load_state_dict({k: v for k, v in model.state_dict().items() if ".blocks.1." not in k})
    assert torch.allclose(model(frame, gates=torch.tensor([1.0, 0.0])), shorter(frame), atol=1e-5)


def whole(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    return (query @ key.transpose(-2, -1) / query.shape[-1] ** 0.5).softmax(-1) @ value


@pytest.mark.parametrize(("grid", "offset"), [((8, 8), 0), ((8, 12), 2), ((7, 9), 0), ((5, 6), 2)])
@torch.no_grad()
def test_windows_see_themselves_only(grid: tuple[int, int], offset: int) -> None:
    torch.manual_seed(0)
    tensors = [torch.randn(2, 3, grid[0] * grid[1], 4) for _ in range(3)]
    got = Products("windowed", 4, offset)(*tensors, grid)
    frames = [t.unflatten(2, grid) for t in tensors]
    edges = [[0, *range((-offset) % 4 or 4, side, 4), side] for side in grid]
    for top, bottom in zip(edges[0], edges[0][1:], strict=False):
        for left, right in zip(edges[1], edges[1][1:], strict=False):
            window = [f[:, :, top:bottom, left:right].flatten(2, 3) for f in frames]
            part = got.unflatten(2, grid)[:, :, top:bottom, left:right].flatten(2, 3)
            assert torch.allclose(part, whole(*window), atol=1e-5)


@torch.no_grad()
def test_linear_attention_is_attention_with_another_kernel() -> None:
    torch.manual_seed(0)
    query, key, value = (torch.randn(1, 2, 10, 4) for _ in range(3))
    positive = [torch.nn.functional.elu(t) + 1 for t in (query, key)]
    weight = positive[0] @ positive[1].transpose(-2, -1)
    expected = weight / weight.sum(-1, keepdim=True) @ value
    assert torch.allclose(Products("linear", 0, 0)(query, key, value, (2, 5)), expected, atol=1e-5)


@torch.no_grad()
def test_self_attention_agrees_with_pytorch() -> None:
    torch.manual_seed(0)
    ours, theirs = SelfAttention(16, 4).eval(), torch.nn.MultiheadAttention(16, 4, batch_first=True).eval()
    layers = [ours.image.query, ours.image.key, ours.image.value]
    theirs.in_proj_weight.copy_(torch.cat([layer.weight for layer in layers]))
    theirs.in_proj_bias.copy_(torch.cat([layer.bias for layer in layers]))
    assert ours.image.out is not None
    theirs.out_proj.load_state_dict(ours.image.out.state_dict())
    x = torch.randn(2, 12, 16)
    assert torch.allclose(ours(x, (3, 4)), theirs(x, x, x)[0], atol=1e-5)


def test_positions_differ_everywhere() -> None:
    cells = grid_embedding(8, 16)[0].flatten(1).T
    apart = torch.cdist(cells, cells) + 10 * torch.eye(64)
    assert apart.min() > 0.1


@torch.no_grad()
def test_prompt_and_time_matter() -> None:
    config = replace(SMALL, attention="global", conditioning="live", text_width=5, text_tokens=3, pooled_width=6)
    model, frame = stirred(TinySR(config)), torch.rand(1, 3, 16, 16)
    torch.manual_seed(1)
    tokens, pooled = torch.randn(1, 3, 5), torch.randn(1, 6)
    base = model(frame, Prompt(tokens, pooled), LAST_TIMESTEP)
    for other in (
        model(frame, Prompt(-tokens, pooled)),
        model(frame, Prompt(tokens, -pooled)),
        model(frame, Prompt(tokens, pooled), 500),
    ):
        assert not torch.allclose(base, other, atol=1e-4)
    with pytest.raises(ValueError, match="pooled prompt"):
        model(frame)


@torch.no_grad()
def test_color_fix_gives_the_statistics_of_the_frame() -> None:
    torch.manual_seed(0)
    picture, frame = torch.rand(2, 3, 32, 32), 0.2 + 0.3 * torch.rand(2, 3, 8, 8)
    fixed = match_statistics(picture, frame)
    for got, wanted in zip(torch.std_mean(fixed, (2, 3)), torch.std_mean(frame, (2, 3)), strict=True):
        assert torch.allclose(got, wanted, atol=1e-3)


@pytest.mark.parametrize("residual", ["relu", "norm"])
@torch.no_grad()
def test_halves_change_the_grid(residual: Any) -> None:
    config = HalfConfig((32, 64), (1, 2), residual=residual, middle_attention=residual == "norm")
    picture = torch.rand(1, 3, 16, 24)
    z = Encoder(config, 3, 5, 4)(picture)
    assert z.shape == (1, 5, 4, 6)
    assert Decoder(replace(config, widths=(64, 32)), 3, 5, 8)(z).shape == (1, 3, 32, 48)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scale": 5}, "2, 3 or 4"),
        ({"heads": 3}, "3 heads"),
        ({"attention": "none"}, "latent_channels must be width"),
        ({"text_width": 4}, "live conditioning"),
        ({"encoder": DEEP}, "do not fit cells"),
        ({"planes": 2}, "1 or 3"),
    ],
)
def test_refuses_what_does_not_fit(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(SMALL, **changes)


def test_refuses_unknown_names_and_odd_frames() -> None:
    with pytest.raises(ValueError, match="nano, small, small-psnr, base, base-lr, paper, teacher"):
        named("huge")
    with pytest.raises(ValueError, match="17x16"):
        TinySR(SMALL)(torch.rand(1, 3, 16, 17))
