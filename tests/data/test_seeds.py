"""One seed from whatever is given, and streams that depend on nothing else."""

import numpy as np
import pytest
import torch

from ne_interactive.data.seeds import draw_seed, generator
from ne_interactive.params.errors import ParameterError


def test_integers_are_the_seed():
    assert draw_seed(0) == 0
    assert draw_seed(np.int32(7)) == 7
    assert draw_seed(2**63 - 1) == 2**63 - 1


def test_none_draws_anew():
    assert len({draw_seed(None) for _ in range(4)}) == 4


@pytest.mark.parametrize(
    "make",
    [np.random.RandomState, np.random.default_rng, lambda seed: torch.Generator().manual_seed(seed)],
)
def test_generators_are_drawn_from(make):
    source = make(5)
    first, second = draw_seed(source), draw_seed(source)
    assert first != second
    assert first == draw_seed(make(5))
    assert 0 <= first < 2**63


def test_global_seeds_stay(monkeypatch):
    before, numpy_before = torch.get_rng_state(), np.random.get_state()[1].copy()
    draw_seed(torch.Generator())
    torch.randn(3, generator=generator(1, "start"))
    assert torch.equal(before, torch.get_rng_state())
    np.testing.assert_array_equal(numpy_before, np.random.get_state()[1])


@pytest.mark.parametrize("bad", [-1, 2**63])
def test_integers_out_of_range(bad):
    with pytest.raises(ParameterError, match=rf"\[0, 2\*\*63\); got {bad}"):
        draw_seed(bad)


@pytest.mark.parametrize("bad", ["7", 1.5, True, np.random])
def test_other_types(bad):
    with pytest.raises(ParameterError, match=f"got {type(bad).__name__}"):
        draw_seed(bad)


def test_streams():
    def draw(*key):
        return torch.randn(8, generator=generator(*key)).tolist()

    assert draw(3, "start") == draw(3, "start", 0)
    keys = [(3, "start"), (3, "start", 1), (3, "negatives"), (4, "start"), (31, "start"), (2**62, "start")]
    assert len({tuple(draw(*key)) for key in keys}) == len(keys)
