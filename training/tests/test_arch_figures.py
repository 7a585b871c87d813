"""The published figures, counted by code on the meta device: arXiv:2508.17434 (TinySR), arXiv:2411.18263 (TSD-SR)."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tinysr.arch import Cost, count, count_config, named, on_meta, parameters
from tinysr.arch.autoencoder import SepConv
from tinysr.compact import CompactConfig, CompactTinySR

M, G = 1e6, 1e9


def paper(**changes: object) -> Cost:
    return count_config(named("paper", **changes), 128, 128)


def test_counts_what_is_known() -> None:
    net = nn.Sequential(nn.Conv2d(4, 6, 3, padding=1, groups=2), nn.Conv2d(6, 5, 1, stride=2))
    cost = count(net, torch.zeros(1, 4, 8, 10))
    assert cost.macs == 80 * 6 * 2 * 9 + 20 * 5 * 6
    assert cost.parameters == 6 * 2 * 9 + 6 + 30 + 5
    assert cost.attention_macs == 0


def test_paper_has_340_million_parameters_in_its_blocks() -> None:
    model = on_meta(named("paper"))
    assert len(model.denoiser.blocks) == 12
    assert 340 * M <= parameters(model.denoiser.blocks) <= 341 * M
    assert parameters(model) == pytest.approx(341 * M, rel=0.005)


def test_paper_takes_427_gmacs_for_a_tile() -> None:
    cost = paper()
    assert cost.macs == pytest.approx(427 * G, rel=0.02)
    assert cost.macs == pytest.approx(426 * G, rel=0.005)
    # With attention's products, 0.93 TFLOP.
    assert 2 * (cost.macs + cost.attention_macs) == pytest.approx(0.93e12, rel=0.01)


def test_paper_has_an_autoencoder_of_width_64_without_attention() -> None:
    model = on_meta(named("paper"))
    assert set(model.config.encoder.widths + model.config.decoder.widths) == {64}
    assert model.encoder.middle is None
    assert model.decoder.middle is None
    assert any(isinstance(m, SepConv) for m in model.encoder.modules())
    assert not any(isinstance(m, SepConv) for m in model.decoder.modules())
    kept = paper()
    assert kept.parts["encoder"] + kept.parts["decoder"] < 0.2 * kept.macs


def test_paper_is_all_on_the_meta_device() -> None:
    model = on_meta(named("paper"))
    assert {t.device.type for t in (*model.parameters(), *model.buffers())} == {"meta"}


def test_teacher_is_stable_diffusion_3_medium_with_24_blocks() -> None:
    model = on_meta(named("teacher"))
    assert len(model.denoiser.blocks) == 24
    assert model.denoiser.condition is not None
    # What diffusers counts for the transformer of SD3-medium.
    assert parameters(model.denoiser) == 2_028_328_000
    assert parameters(model) == pytest.approx(2.2e9, rel=0.05)


def test_text_stream_and_time_modules_cost_what_the_paper_says() -> None:
    joint = named("teacher", depth=12)
    with_text = count_config(joint, 128, 128)
    without = count_config(named("teacher", depth=12, text_width=0, text_tokens=0), 128, 128)
    assert with_text.parameters - without.parameters == pytest.approx(486 * M, rel=0.005)
    assert with_text.macs - without.macs == pytest.approx(108 * G, rel=0.005)
    condition = on_meta(joint).denoiser.condition
    assert condition is not None
    assert parameters(condition) == pytest.approx(8 * M, rel=0.05)


def test_compressed_autoencoder_takes_22_times_fewer_macs() -> None:
    teacher, student = count_config(named("teacher"), 128, 128), paper()
    halves = [sum(cost.parts[half] for half in ("encoder", "decoder")) for cost in (teacher, student)]
    assert 22 <= halves[0] / halves[1] < 23


def test_nano_costs_what_the_compact_net_costs() -> None:
    compact = count(CompactTinySR(CompactConfig(16, 3, 4)), torch.zeros(1, 3, 64, 64))
    cost = count_config(named("nano"), 64, 64)
    assert (cost.parameters, cost.macs) == (compact.parameters, compact.macs)


# MACs for a pixel of the LR frame: SPAN takes 425 thousand, RealESRGAN_x4plus 17.9 million.
@pytest.mark.parametrize(("name", "limit"), [("small", 425e3), ("small-psnr", 425e3), ("base", 1.79e6), ("base-lr", 1.79e6)])
def test_sizes_stay_under_their_limits(name: str, limit: float) -> None:
    cost = count_config(named(name), 128, 128)
    assert cost.macs + cost.attention_macs <= limit * 128 * 128


def test_attention_is_counted_by_kind() -> None:
    # 64 tokens of 32x32 pixels at half the side: 16x16 = 256 tokens, width 96, 3 heads, 12 blocks.
    def products(kind: str) -> int:
        return count_config(named("replica", attention=kind), 32, 32).attention_macs

    assert products("global") == 12 * 2 * 256 * 256 * 96
    assert products("linear") == 12 * 2 * 256 * 96 * 32
    # Odd blocks have windows moved by half a window: three by three windows of 64 tokens and not two by two.
    assert products("windowed") == 6 * 2 * (256 + 576) * 64 * 96
