"""A sample measures what the plain functions measure; errors point by point."""

import numpy as np
import pytest
import torch
from sklearn.manifold import trustworthiness as trustworthiness_of_scikit_learn

import ne_interactive as ne
from ne_interactive.data.datasets import digits
from ne_interactive.graph.neighbors import find_neighbors
from ne_interactive.graph.projection import pca
from ne_interactive.params.errors import DataError
from ne_interactive.quality import sample as module
from ne_interactive.quality.metrics import Sample, continuity, neighbor_errors, point_error, recall

X = digits().X[:600] + np.random.default_rng(0).normal(0, 0.01, (600, 64)).astype(np.float32)
Z = pca(torch.from_numpy(X), 2).numpy()
m = ne.metrics


def conditional_divergence(X, Z, perplexity=30.0):
    """All of it by the textbook: bisection for each point, the Student kernel over all others, the best scale."""
    D = ((X[:, None].astype(np.float64) - X[None]) ** 2).sum(2)
    np.fill_diagonal(D, np.inf)
    n = len(X)
    P = np.zeros((n, n))
    for i in range(n):
        near = np.argsort(D[i])[:90]
        low, high = 1e-12, 1e6
        for _ in range(200):
            beta = (low * high) ** 0.5
            p = np.exp(-beta * (D[i, near] - D[i, near[0]]))
            p /= p.sum()
            if -(p * np.log(p + 1e-300)).sum() > np.log(perplexity):
                low = beta
            else:
                high = beta
        P[i, near] = p
    d = ((Z[:, None].astype(np.float64) - Z[None]) ** 2).sum(2)
    found = []
    for scale in np.geomspace(0.01, 100, 60):
        W = 1 / (1 + scale * d)
        np.fill_diagonal(W, 0)
        Q = W / W.sum(1, keepdims=True)
        found.append(
            np.where(P > 1e-200, P * np.log(np.maximum(P, 1e-300) / np.maximum(Q, 1e-300)), 0).sum(1).mean()
        )
    return min(found)


def test_it_measures_what_the_functions_measure():
    found = Sample(X, size=600, seed=0).measure(Z)
    assert tuple(found) == module.MEASURES
    assert found["recall"] == pytest.approx(recall(X, Z, sample=None), abs=1e-12)
    assert found["trustworthiness"] == pytest.approx(m.trustworthiness(X, Z, sample=None), abs=2e-5)
    assert found["continuity"] == pytest.approx(continuity(X, Z, sample=None), abs=2e-5)
    assert found["triplet_accuracy"] == m.triplet_accuracy(X, Z, triplets=module.TRIPLETS)
    assert found["divergence"] == pytest.approx(conditional_divergence(X, Z), rel=0.01)


def test_a_part_of_the_points_is_the_same_part():
    found = Sample(X, size=200, seed=3).measure(Z)
    assert found["recall"] == pytest.approx(recall(X, Z, sample=200, seed=3), abs=1e-12)
    assert found["trustworthiness"] == pytest.approx(m.trustworthiness(X, Z, sample=200, seed=3), abs=2e-5)
    assert found == Sample(X, size=200, seed=3).measure(Z)


def test_the_ends():
    same = Sample(X).measure(X)
    assert same["recall"] == same["trustworthiness"] == same["continuity"] == same["triplet_accuracy"] == 1
    noise = np.random.default_rng(1).normal(size=(600, 2)).astype(np.float32)
    found = Sample(X).measure(noise)
    assert found["recall"] < 0.05
    assert found["triplet_accuracy"] == pytest.approx(0.5, abs=0.02)
    assert found["divergence"] > 2 * Sample(X).measure(Z)["divergence"] - 2
    collapsed = Sample(X).measure(np.zeros((600, 2), np.float32))
    assert all(np.isfinite(value) for value in collapsed.values())


@pytest.mark.parametrize("shape", ["pairs", "one far off", "tiny", "huge"])
def test_maps_without_a_best_scale_are_measured(shape):
    draw = np.random.default_rng(2)
    odd = draw.normal(size=(600, 2)).astype(np.float32)
    if shape == "pairs":  # each point lies on its nearest neighbour: the larger the map, the better
        odd[find_neighbors(torch.from_numpy(X), 1).indices[:, 0].numpy()] = odd
    elif shape == "one far off":
        odd[0] = 1e14
    else:
        odd *= np.float32(1e-14 if shape == "tiny" else 1e14)
    assert all(np.isfinite(value) for value in Sample(X).measure(odd).values())


def test_scale_does_not_matter():
    sample = Sample(X)
    a, b = sample.measure(Z), sample.measure(Z * np.float32(100) + 7)
    for name, value in a.items():
        assert b[name] == pytest.approx(value, abs=3e-3), name


def test_many_points_estimate_ranks(monkeypatch):
    exact = Sample(X, size=300).measure(Z)
    monkeypatch.setattr(module, "COLUMNS", 150)
    estimated = Sample(X, size=300).measure(Z)
    assert estimated["trustworthiness"] == pytest.approx(exact["trustworthiness"], abs=0.004)
    assert estimated["trustworthiness"] != exact["trustworthiness"]
    assert {**estimated, "trustworthiness": 0} == {**exact, "trustworthiness": 0}


@pytest.mark.parametrize("metric", ["cosine", "manhattan", "correlation"])
def test_other_metrics_count_their_own_neighbours(metric):
    found = Sample(X, metric=metric, size=600).measure(Z)
    known = find_neighbors(torch.from_numpy(X), 10, metric=metric)
    assert found["recall"] == pytest.approx(recall(None, Z, sample=None, neighbors=known), abs=2e-3)
    own = Sample(X, metric=metric).measure(X)
    assert own["trustworthiness"] > 0.97


def test_distances_given_as_such():
    from ne_interactive.data.arrays import as_rows

    D = np.sqrt(((X[:300, None] - X[None, :300]) ** 2).sum(2)).astype(np.float32)
    D = (D + D.T) / 2
    given = Sample(as_rows(D, metric="precomputed"), size=300).measure(Z[:300])
    rows = Sample(X[:300], size=300).measure(Z[:300])
    for name, value in rows.items():
        assert given[name] == pytest.approx(value, abs=2e-3), name


def test_the_size_follows_what_it_costs():
    assert module.usual_size(500, 10) == 500
    assert module.usual_size(1797, 64) == 1000
    assert 200 <= module.usual_size(70_000, 784) < 1000
    assert module.usual_size(1_000_000, 50) == 200


def test_few_points():
    few = Sample(X[:4])
    assert few.k == 1
    assert few.measure(Z[:4])["recall"] >= 0
    with pytest.raises(DataError, match="at least 4 points; got 3"):
        Sample(X[:3])
    with pytest.raises(DataError, match="got 600 and 599"):
        Sample(X).measure(Z[:-1])


def test_continuity_equals_scikit_learn():
    expected = trustworthiness_of_scikit_learn(Z, X, n_neighbors=10)
    assert continuity(X, Z, 10, sample=None) == pytest.approx(expected, abs=2e-5)
    with pytest.raises(DataError, match="got 600 and 599"):
        continuity(X, Z[:-1])
    with pytest.raises(DataError, match=r"continuity: k must lie in \[1, n / 2\)"):
        continuity(X, Z, 300)


def test_errors_point_by_point():
    errors = point_error(X, Z)
    assert errors.shape == (600,)
    assert 1 - errors.mean() == pytest.approx(recall(X, Z, sample=None), abs=1e-12)
    known = find_neighbors(torch.from_numpy(X), 15)
    np.testing.assert_array_equal(point_error(None, Z, neighbors=known), errors)


def test_which_neighbours_are_missing_and_which_are_false():
    true = find_neighbors(torch.from_numpy(X), 10).indices.numpy()
    shown = find_neighbors(torch.from_numpy(Z), 10).indices.numpy()
    found = neighbor_errors(X, Z, [5, 17, 5])
    for place, i in enumerate([5, 17, 5]):
        assert set(found.missing[place]) == set(true[i]) - set(shown[i])
        assert set(found.false[place]) == set(shown[i]) - set(true[i])
        assert len(found.missing[place]) == len(found.false[place])
    assert neighbor_errors(X, Z, []) == ([], [])


@pytest.mark.parametrize(
    ("indices", "says"),
    [
        ([600], r"\[0, 599\].*got 600"),
        ([-1], "got -1"),
        ([0.5], "row numbers"),
        ([[1]], "row numbers"),
        ([True], "row"),
    ],
)
def test_indices_that_are_none_are_refused(indices, says):
    with pytest.raises(DataError, match=says):
        neighbor_errors(X, Z, indices)
