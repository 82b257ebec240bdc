"""LargeVis, InfoTSNE and the contrastive spectrum on real data."""

import numpy as np
import pytest
import torch

import ne_interactive as ne
from ne_interactive.engine.step import evaluated
from ne_interactive.methods import TSNE, UMAP
from ne_interactive.methods.infotsne import InfoTSNE
from ne_interactive.methods.largevis import LargeVis
from ne_interactive.methods.spectrum import ContrastiveSpectrum, odds_at

ALL = [LargeVis, InfoTSNE, ContrastiveSpectrum]


def fitted(method):
    digits = ne.datasets.digits()
    Z = method.fit_transform(digits.X)
    return Z, ne.metrics.recall(digits.X, Z, k=10), ne.metrics.label_accuracy(Z, digits.y, k=10)


def small(n=200, seed=0):
    draw = np.random.default_rng(seed)
    return (draw.normal(size=(4, 10))[np.arange(n) % 4] * 5 + draw.normal(size=(n, 10))).astype(np.float32)


@pytest.mark.parametrize(
    ("method", "least"), [(LargeVis, 0.40), (InfoTSNE, 0.54), (ContrastiveSpectrum, 0.54)]
)
def test_defaults_on_digits(method, least):
    _, recall, accuracy = fitted(method(random_state=0))
    assert recall > least
    assert accuracy > 0.98


def test_the_spectrum_runs_from_t_sne_to_umap():
    ends = (ContrastiveSpectrum(spectrum=s, random_state=0, max_iter=500) for s in (0.0, 0.5, 1.0))
    maps, recalls = zip(*[fitted(method)[:2] for method in ends], strict=True)
    assert recalls[0] > fitted(TSNE(random_state=0))[1] - 0.05
    assert recalls[2] > fitted(UMAP(random_state=0))[1] - 0.02
    assert maps[0].std() > 1.15 * maps[1].std() > 1.15**2 * maps[2].std()
    tight = [_compactness(Z, ne.datasets.digits().y) for Z in maps]
    assert tight[0] > tight[2]  # gaps grow against the clusters' own size


def _compactness(Z, y):
    """Mean distance to the own class's median, against the map's extent."""
    centres = np.stack([np.median(Z[y == label], axis=0) for label in np.unique(y)])
    return np.median(np.linalg.norm(Z - centres[y], axis=1)) / Z.std()


@pytest.mark.parametrize("n", [60, 150, 1797, 70_000, 10_000_000])
@pytest.mark.parametrize("m", [1, 5, 50, 500])
def test_the_slider_is_ordered_for_any_number_of_points(n, m):
    odds = [odds_at(s, n, m) for s in (0.0, 0.5, 1.0, 1.5)]
    assert odds == sorted(odds)
    assert odds[0] <= 0.5
    assert odds[1] ** 2 == pytest.approx(odds[0])
    assert odds[2] == 1


def test_largevis_is_the_umap_end_of_the_spectrum():
    shared = {"perplexity": 10, "n_negatives": 7, "random_state": 2, "max_iter": 40}
    one = LargeVis(**shared).fit_transform(small())
    other = ContrastiveSpectrum(spectrum=1.0, early_exaggeration_iter=0, **shared).fit_transform(small())
    assert np.array_equal(one, other)


@pytest.mark.parametrize("method", ALL)
def test_learning_rate_falls_to_zero_over_the_run_in_a_straight_line(method):
    run = ne.Stepper(small(), method(perplexity=10, random_state=0, max_iter=100, early_exaggeration_iter=0))
    rates = []
    for _ in range(5):
        core = run._core
        core.settle()
        rates.append(evaluated(core.method, core.problem, core.state).lr)
        run.step(25)
    assert rates == pytest.approx([50.0, 37.5, 25.0, 12.5, 0.0], abs=1e-6)


def test_nothing_restarts_at_the_end_of_early_exaggeration():
    run = ne.Stepper(
        small(), InfoTSNE(perplexity=10, random_state=0, max_iter=100, early_exaggeration_iter=20, lr=10.0)
    )
    core, seen = run._core, []
    for _ in range(25):
        core.settle()
        at = evaluated(core.method, core.problem, core.state)
        seen.append((at.knobs["exaggeration"], at.lr, float(core.state.slots["velocity"].norm())))
        run.step(1)
    assert [weight for weight, _, _ in seen] == [12.0] * 20 + [1.0] * 5
    assert [rate for _, rate, _ in seen] == pytest.approx([10 * (1 - t / 100) for t in range(25)])
    assert all(velocity > 0 for _, _, velocity in seen[1:])


def test_infotsne_has_the_positive_in_the_denominator():
    run = ne.Stepper(small(), InfoTSNE(perplexity=10, random_state=0, init="random", init_scaling=1.0))
    run._core.settle()
    core = run._core
    at = evaluated(core.method, core.problem, core.state)
    Z = at.state.positions.double()
    q = 1 / (1 + torch.cdist(Z, Z).square())
    noise = q.gather(1, core.method.negatives(at)).sum(1, keepdim=True)
    rows, columns = at.graph.rows, at.graph.indices.long()
    expected = -(at.graph.values.double() * torch.log(q / (q + noise))[rows, columns]).sum()
    at.knobs["exaggeration"] = 1.0
    assert core.method.gradient(at, True).loss == pytest.approx(float(expected), rel=1e-5)


@pytest.mark.parametrize("method", ALL)
def test_other_precisions_go_through_autograd_to_the_same_gradient(method):
    run = ne.Stepper(small(), method(perplexity=10, random_state=0))
    run.step(30)
    core = run._core
    at = evaluated(core.method, core.problem, core.state)
    assert core.method.forces(at, True) is not None
    fast = core.method.gradient(at, True)
    slow = _in_doubles(core, at)
    torch.testing.assert_close(fast.values.double(), slow.values, rtol=1e-3, atol=1e-7)
    assert fast.loss == pytest.approx(float(slow.loss), rel=1e-4)


def _in_doubles(core, at):
    import dataclasses

    state = dataclasses.replace(at.state, positions=at.state.positions.double())
    at = dataclasses.replace(at, state=state)
    assert core.method.forces(at, True) is None
    return core.method.gradient(at, True)
