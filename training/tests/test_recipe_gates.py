"""Masks over blocks: what is sampled, what is learnt, what is decided."""

from __future__ import annotations

import pytest
import torch

from tinysr.recipe.activation import DynamicActivation, corrode, expand
from tinysr.recipe.gates import StaticPartition, gumbel, keeping

torch.set_num_threads(1)


def test_combinations_are_all_there() -> None:
    masks = keeping(4, 2)
    assert masks.shape == (6, 4)
    assert len({tuple(row.tolist()) for row in masks}) == 6
    assert (masks.sum(1) == 2).all()
    # The paper's static partition of 24 blocks has 6^6 masks.
    assert len(StaticPartition(24, 4, 2).masks) ** 6 == 46656


def test_gumbel_samples_the_distribution() -> None:
    torch.manual_seed(0)
    probabilities = torch.tensor([0.6, 0.3, 0.1])
    samples = gumbel(probabilities.log().expand(20000, 3), 1.0)
    assert set(samples.unique().tolist()) == {0.0, 1.0}
    assert torch.allclose(samples.mean(0), probabilities, atol=0.02)


@pytest.mark.parametrize("kind", [StaticPartition, DynamicActivation])
def test_masks_keep_the_total_and_never_empty_a_group(kind: type[StaticPartition]) -> None:
    torch.manual_seed(0)
    gates = kind(16, 4, 2)
    seen = set()
    for _ in range(200):
        mask = gates.sample()
        assert set(mask.unique().tolist()) == {0.0, 1.0}
        assert mask.sum() == 8
        seen.add(tuple(mask.view(4, 4).sum(1).int().tolist()))
    if kind is StaticPartition:
        assert seen == {(2, 2, 2, 2)}
    else:
        assert {count for counts in seen for count in counts} == {1, 2, 3}


def test_gradients_reach_choices_and_moves() -> None:
    torch.manual_seed(0)
    gates = DynamicActivation(12, 4, 2)
    (gates.sample() * torch.randn(12)).sum().backward()
    for parameter in (gates.logits, gates.moves):
        assert parameter.grad is not None
        assert (parameter.grad.abs().sum(1) > 0).all()


def test_corrosion_takes_the_least_probable_and_expansion_adds_the_most_probable() -> None:
    marginals = torch.tensor([0.9, 0.2, 0.5, 0.4], requires_grad=True)
    mask = torch.tensor([1.0, 1.0, 0.0, 0.0])
    assert corrode(mask, marginals).tolist() == [1, 0, 0, 0]
    grown = expand(mask, marginals)
    assert grown.tolist() == [1, 1, 1, 0]
    grown[3].backward()
    assert marginals.grad is not None
    assert float(marginals.grad.abs().sum()) > 0


def test_decision_follows_moves_then_marginals() -> None:
    gates = DynamicActivation(8, 4, 2)
    with torch.no_grad():
        gates.logits.zero_()
        # Combinations are in order: 01 02 03 12 13 23.
        gates.logits[0, 1] = 5.0
        gates.logits[1] = torch.tensor([0.0, 0.0, 0.0, 0.0, 5.0, 4.0])
        gates.moves.zero_()
        gates.moves[0, 1] = 1.0
        assert gates.decide() == [0, 2, 5, 7]
        gates.moves[0, 0] = 2.0
        assert gates.counts() == [1, 3]
        assert gates.decide()[1:] == [5, 6, 7]
        gates.moves[0, 2] = 3.0
        assert gates.counts() == [3, 1]
        assert gates.decide()[-1:] == [7]


def test_three_groups_cannot_move_past_the_limits() -> None:
    gates = DynamicActivation(12, 4, 2)
    with torch.no_grad():
        gates.moves.zero_()
        # The middle group would be full after both.
        gates.moves[0, 0] = gates.moves[1, 2] = 5.0
        gates.moves[1, 1] = 1.0
    assert gates.counts() == [1, 3, 2]


@pytest.mark.parametrize("kind", [StaticPartition, DynamicActivation])
def test_learning_finds_the_blocks_that_matter(kind: type[StaticPartition]) -> None:
    """The loss counts important blocks that are switched off: the mask must come to keep them."""
    torch.manual_seed(0)
    important = [0, 3, 4, 6] if kind is StaticPartition else [0, 4, 6, 7]
    worth = torch.zeros(8)
    worth[important] = 1.0
    gates = kind(8, 4, 2)
    optimizer = torch.optim.Adam(gates.parameters(), lr=0.05)
    for _ in range(300):
        optimizer.zero_grad()
        ((1 - gates.sample()) * worth).sum().backward()
        optimizer.step()
    assert gates.decide() == important


def test_refuses_groups_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match="groups of 5"):
        StaticPartition(12, 5, 2)
