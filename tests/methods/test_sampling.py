"""The base of the sampled methods: negatives, their limits, and a method written with nothing else."""

import numpy as np
import pytest
import torch

import ne_interactive as ne
from ne_interactive.engine.step import evaluated
from ne_interactive.methods import METHODS
from ne_interactive.methods.largevis import LargeVis
from ne_interactive.methods.losses import edges
from ne_interactive.methods.sampling import NegativeSamplingNeighborEmbedding
from ne_interactive.params.declare import declare
from ne_interactive.params.errors import ParameterError


@declare
class _Springs(NegativeSamplingNeighborEmbedding):
    def attraction(self, Z, at):
        return (at.graph.values * edges(Z, at)).sum()

    def repulsion(self, Z, at):
        squared = (Z.unsqueeze(1) - Z[self.negatives(at)]).square().sum(2)
        return torch.exp(-squared / 50).sum() / at.n


def data(n=150, d=12, seed=0):
    draw = np.random.default_rng(seed)
    centres = draw.normal(size=(3, d)) * 6
    return (centres[np.arange(n) % 3] + draw.normal(size=(n, d))).astype(np.float32)


def at_of(run):
    run._core.settle()
    core = run._core
    return core.method, evaluated(core.method, core.problem, core.state)


def test_the_base_itself_is_not_offered_as_a_method():
    assert "negativesamplingneighborembedding" not in METHODS
    assert METHODS["largevis"] is LargeVis


def test_a_new_method_needs_two_losses_only():
    X, y = data(), np.arange(150) % 3
    Z = _Springs(perplexity=10, random_state=0, max_iter=300).fit_transform(X)
    assert ne.metrics.label_accuracy(Z, y) > 0.99
    assert np.array_equal(Z, _Springs(perplexity=10, random_state=0, max_iter=300).fit_transform(X))


def test_negatives_change_with_the_iteration_and_live_count_alone():
    run = ne.Stepper(data(), _Springs(perplexity=10, random_state=0))
    method, first = at_of(run)
    again = method.negatives(first)
    assert again.shape == (150, 5)
    assert torch.equal(again, method.negatives(first))
    run.step(1)
    run.tune(n_negatives=8)
    run.step(1)
    _, later = at_of(run)
    assert method.negatives(later).shape == (150, 8)
    assert not torch.equal(again, method.negatives(later)[:, :5])


def test_more_negatives_are_more_repulsion():
    X = data()
    few, many = (
        LargeVis(perplexity=10, random_state=0, n_negatives=m, max_iter=200).fit_transform(X) for m in (2, 40)
    )
    assert many.std() > 1.5 * few.std()


def test_discarded_neighbours_are_never_drawn():
    run = ne.Stepper(data(), LargeVis(perplexity=10, random_state=0, discard_NNs=True, n_negatives=60))
    method, at = at_of(run)
    forbidden = torch.eye(150, dtype=torch.bool)
    forbidden[at.graph.rows, at.graph.indices.long()] = True
    drawn = method.negatives(at)
    assert not forbidden.gather(1, drawn).any()
    open_run = ne.Stepper(data(), LargeVis(perplexity=10, random_state=0, n_negatives=60))
    assert forbidden.gather(1, LargeVis.negatives(*at_of(open_run))).any()


@pytest.mark.parametrize("verbose", [False, True])
def test_too_few_points_left_is_an_error_whatever_verbose_says(verbose):
    with pytest.raises(
        ParameterError, match=r"discard_NNs leaves \d+ points .* fewer than n_negatives \(120\)"
    ):
        ne.Stepper(data(), LargeVis(perplexity=15, discard_NNs=True, n_negatives=120, verbose=verbose))
    with pytest.raises(ParameterError, match="discard_NNs leaves 0 points"):
        ne.Stepper(data(40), LargeVis(perplexity=30, discard_NNs=True, n_negatives=1, verbose=verbose))


def test_a_hub_that_neighbours_all_others_is_an_error_too():
    X = data(100)
    X[0] = X.mean(0)
    centred = X - X[0]
    centred /= np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-9)
    X = np.concatenate([centred, np.eye(100, dtype=np.float32) * 3], axis=1)  # all nearest to point 0
    X[0] = 0
    run = ne.Stepper(X, LargeVis(perplexity=3, discard_NNs=True, n_negatives=5))
    with pytest.raises(ParameterError, match="discard_NNs leaves 0 points"):
        run.step(1)


@pytest.mark.parametrize("value", [0, -1, 2.5, 65_536])
def test_impossible_counts_are_refused(value):
    with pytest.raises(ParameterError, match="n_negatives"):
        ne.Stepper(data(), LargeVis(perplexity=10, n_negatives=value))


def test_affinity_out_is_refused():
    with pytest.raises(ParameterError, match="affinity_out must be 'auto'"):
        ne.Stepper(data(), LargeVis(perplexity=10, affinity_out="normalizedstudent"))


def test_more_negatives_than_points_left_are_refused_mid_run():
    X = np.random.default_rng(0).normal(size=(60, 5)).astype(np.float32)
    run = ne.Stepper(X, ne.LargeVis(perplexity=4, discard_NNs=True, random_state=0))
    run.step(3)
    with pytest.raises(
        ne.ParameterError, match=r"discard_NNs leaves \d+ points .* fewer than n_negatives \(58\)"
    ):
        run.tune(n_negatives=58)
    assert run.params["n_negatives"] == 5
    run.tune(n_negatives=9)
    run.step(2)
