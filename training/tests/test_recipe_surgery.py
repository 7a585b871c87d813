"""Cuts into a model: LoRA, depth, prompt and time, the autoencoder."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from test_arch_model import SMALL, stirred
from torch import nn

from tinysr.arch import HalfConfig, Prompt, TinySR, TinySRConfig, convolutional, count, parameters
from tinysr.recipe.compress import nearest_separable, prune_channels, remove_attention, separate
from tinysr.recipe.conditions import remove_prompt_and_time, remove_text
from tinysr.recipe.depth import every_other, keep_blocks
from tinysr.recipe.lora import LoraConv, add_lora, merge_lora
from tinysr.recipe.measure import measure_cost, quality

torch.set_num_threads(1)

FRAME = (1, 3, 16, 16)
TEXT = replace(SMALL, depth=4, attention="global", conditioning="live", text_width=5, text_tokens=3, pooled_width=6)


@pytest.mark.parametrize("config", [SMALL, convolutional(8, 2)])
def test_lora_begins_without_effect_learns_and_merges_exactly(config: TinySRConfig) -> None:
    torch.manual_seed(0)
    model = stirred(TinySR(config))
    frame = torch.rand(FRAME)
    before, names = model(frame).detach(), list(model.state_dict())
    learnt = add_lora(model.denoiser.blocks, 4)
    assert torch.allclose(model(frame), before, atol=1e-6)
    assert not any(p.requires_grad for p in model.denoiser.blocks.parameters() if not any(p is q for q in learnt))
    frozen = {name: value.clone() for name, value in model.denoiser.state_dict().items() if ".base." in name}
    assert frozen
    optimizer = torch.optim.Adam(learnt, lr=1e-2)
    for _ in range(3):
        optimizer.zero_grad()
        model(frame).square().mean().backward()
        optimizer.step()
    assert all(torch.equal(model.denoiser.state_dict()[name], value) for name, value in frozen.items())
    after = model(frame).detach()
    assert not torch.allclose(after, before, atol=1e-4)
    merge_lora(model.denoiser.blocks)
    assert list(model.state_dict()) == names
    assert all(p.requires_grad for p in model.parameters())
    assert torch.allclose(model(frame), after, atol=1e-5)


def test_a_convolution_whose_change_cannot_be_merged_is_refused() -> None:
    for kind in (nn.Conv2d(4, 4, 3, groups=4), nn.Conv2d(4, 4, 3, padding=1, padding_mode="replicate")):
        with pytest.raises(ValueError, match="plain convolutions"):
            LoraConv(kind, 2)


@torch.no_grad()
def test_kept_blocks_do_what_the_mask_did() -> None:
    model, frame = stirred(TinySR(replace(SMALL, depth=4))), torch.rand(FRAME)
    for kept in ([0, 2], [1], [0, 2, 3]):
        gates = torch.zeros(4)
        gates[kept] = 1.0
        student = keep_blocks(model, kept)
        if all(new % 2 == old % 2 for new, old in enumerate(kept)):
            assert torch.allclose(student(frame), model(frame, gates=gates), atol=1e-6)
        assert student.config.depth == len(kept)
    with pytest.raises(ValueError, match="must rise"):
        keep_blocks(model, [2, 1])


@torch.no_grad()
def test_depth_pruning_works_with_a_text_stream() -> None:
    torch.manual_seed(0)
    model, frame = stirred(TinySR(TEXT)), torch.rand(FRAME)
    prompt = Prompt(torch.randn(1, 3, 5), torch.randn(1, 6))
    for kept in ([0, 2], [1, 3]):
        gates = torch.zeros(4)
        gates[kept] = 1.0
        assert torch.allclose(keep_blocks(model, kept)(frame, prompt), model(frame, prompt, gates=gates), atol=1e-5)


def test_every_other_block() -> None:
    assert every_other(12, 6) == [0, 2, 4, 6, 8, 10]
    assert every_other(12, 4) == [0, 3, 6, 9]


@torch.no_grad()
def test_prompt_and_time_go() -> None:
    torch.manual_seed(0)
    model, frame, pooled = stirred(TinySR(TEXT)), torch.rand(FRAME), torch.randn(1, 6)
    without = remove_text(model)
    final = remove_prompt_and_time(model, pooled)
    assert parameters(final) < parameters(without) < parameters(model)
    assert (final.config.conditioning, final.config.text_width, final.config.pooled_width) == ("folded", 0, 0)
    assert torch.allclose(final(frame), without(frame, Prompt(pooled=pooled)), atol=1e-5)


WIDE = HalfConfig((16, 32), (2, 2), residual="norm", middle_attention=True)
WIDE_MODEL = replace(
    SMALL, source="enlarged", encoder=replace(WIDE, widths=(16, 16, 32, 32), blocks=(1, 1, 1, 1)),
    decoder=replace(WIDE, widths=(32, 32, 16, 16), blocks=(1, 1, 1, 1)),
)  # fmt: skip


def test_the_autoencoder_shrinks_step_by_step() -> None:
    torch.manual_seed(0)
    model = stirred(TinySR(WIDE_MODEL))
    steps = [model]
    for half in ("encoder", "decoder"):
        steps.append(remove_attention(steps[-1], half))  # type: ignore[arg-type]
        steps.append(prune_channels(steps[-1], half, 8))  # type: ignore[arg-type]
        steps.append(separate(steps[-1], half))  # type: ignore[arg-type]
    frame = torch.rand(FRAME)
    costs = [measure_cost(step, frame, runs=1) for step in steps]
    for before, after in pairwise(costs):
        assert after.parameters < before.parameters
        assert after.macs < before.macs
    assert set(steps[-1].config.encoder.widths + steps[-1].config.decoder.widths) == {8}
    assert costs[-1].milliseconds > 0
    assert steps[-1](frame).isfinite().all()
    steps[-1](frame).mean().backward()


@torch.no_grad()
def test_pruning_idle_channels_changes_nothing() -> None:
    """Channels that no convolution writes or reads are the first to go."""
    torch.manual_seed(0)
    half = HalfConfig((8, 8), (2, 1))
    model = stirred(TinySR(replace(SMALL, encoder=replace(half, widths=(8,), blocks=(2,)), decoder=half)))
    for part in (model.encoder, model.decoder):
        for module in part.modules():
            if isinstance(module, nn.Conv2d) and module is not part.leave:
                assert module.bias is None or len(module.bias) == 8
                module.weight[[2, 5]] = 0
                if module.bias is not None:
                    module.bias[[2, 5]] = 0
    frame = torch.rand(FRAME)
    pruned = prune_channels(prune_channels(model, "encoder", 6), "decoder", 6)
    assert pruned.config.decoder.widths == (6, 6)
    assert torch.allclose(pruned(frame), model(frame), atol=1e-5)


@torch.no_grad()
def test_separation_is_exact_where_it_can_be_and_else_the_nearest() -> None:
    torch.manual_seed(0)
    depthwise, pointwise = torch.randn(5, 1, 3, 3), torch.randn(7, 5, 1, 1)
    weight = pointwise * depthwise[:, 0]
    got = nearest_separable(weight)
    assert torch.allclose(got[1] * got[0][:, 0], weight, atol=1e-5)
    noisy = weight + 0.1 * torch.randn_like(weight)
    near = nearest_separable(noisy)
    assert (near[1] * near[0][:, 0] - noisy).norm() < (weight - noisy).norm()


@torch.no_grad()
def test_separated_model_equals_one_whose_convolutions_were_separable() -> None:
    torch.manual_seed(0)
    model = stirred(TinySR(replace(SMALL, decoder=HalfConfig((8, 8), (1, 1)))))
    for name, module in model.decoder.named_modules():
        if isinstance(module, nn.Conv2d) and module.kernel_size == (3, 3) and name not in ("enter", "leave"):
            depthwise, pointwise = nearest_separable(module.weight)
            module.weight.copy_(pointwise * depthwise[:, 0])
    frame = torch.rand(FRAME)
    apart = separate(model, "decoder")
    assert torch.allclose(apart(frame), model(frame), atol=1e-4)
    assert count(apart.decoder, torch.rand(1, 4, 8, 8)).macs < count(model.decoder, torch.rand(1, 4, 8, 8)).macs


def test_steps_refuse_what_is_not_there() -> None:
    model = TinySR(SMALL)
    with pytest.raises(ValueError, match="no attention"):
        remove_attention(model, "encoder")
    with pytest.raises(ValueError, match="separable already"):
        separate(separate(model, "encoder"), "encoder")
    with pytest.raises(ValueError, match="before separation"):
        prune_channels(separate(model, "encoder"), "encoder", 4)
    with pytest.raises(ValueError, match="no text stream"):
        remove_text(model)


@torch.no_grad()
def test_quality_of_a_perfect_and_a_poor_picture() -> None:
    torch.manual_seed(0)
    picture = torch.rand(1, 3, 32, 32)
    perfect, _ = quality(nn.Identity(), [(picture, picture)], 4)
    poor, distance = quality(nn.Identity(), [(1 - picture, picture)], 4, lambda a, b: (a - b).abs().mean())
    assert perfect == float("inf")
    assert poor < 15
    assert distance > 0.1
