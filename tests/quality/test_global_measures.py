"""The divergence and the triplet accuracy of a map, held to plain sums and to scikit-learn."""

import numpy as np
import pytest
import torch
from scipy.spatial.distance import squareform

import ne_interactive as ne
from ne_interactive.graph.distances import nearest
from ne_interactive.graph.neighbors import Neighbors
from ne_interactive.params.errors import DataError, ParameterError
from ne_interactive.quality.draws import triplets
from ne_interactive.quality.scale import REACH, best_scale


def maps(n=300, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 8)).astype(np.float32)
    return X, rng.normal(size=(n, 2)).astype(np.float32) * 3


def divergence_of_scikit_learn(X, Z, perplexity):
    from sklearn.manifold._t_sne import _joint_probabilities_nn, _kl_divergence
    from sklearn.neighbors import NearestNeighbors

    k = min(int(np.ceil(3 * perplexity)), len(X) - 1)
    distances = NearestNeighbors(n_neighbors=k).fit(X).kneighbors_graph(mode="distance")
    distances.data **= 2
    P = squareform(_joint_probabilities_nn(distances, perplexity, 0).toarray(), checks=False)
    return _kl_divergence(Z.astype(float).ravel(), P, 1, len(X), Z.shape[1], skip_num_points=0)[0]


def test_the_divergence_is_that_of_scikit_learn():
    X, Z = maps()
    found = ne.metrics.kl_divergence(X, Z, 10, rescale=False)
    assert found == pytest.approx(divergence_of_scikit_learn(X, Z, 10.0), rel=1e-4)


@pytest.mark.parametrize("factor", [1e-4, 0.3, 50.0])
def test_the_best_scale_is_found_whatever_the_units(factor):
    X, Z = maps()
    found = ne.metrics.kl_divergence(X, Z * np.float32(factor), 10)
    least = min(divergence_of_scikit_learn(X, Z * s, 10.0) for s in np.geomspace(0.01, 10, 120))
    assert found == pytest.approx(least, rel=1e-3)


@pytest.mark.parametrize("spread", [1e-3, 1e-12, 0.25, 1e6])
def test_the_scale_is_sought_within_bounds(spread):
    asked = []
    log_scale, least = best_scale(
        lambda x: asked.append(x) or x, spread, 0.01
    )  # the less, the better: no best
    unit = -0.5 * np.log(spread)
    assert unit - REACH <= min(asked) <= max(asked) <= unit + REACH
    assert least == log_scale == pytest.approx(unit - REACH, abs=0.05)
    assert best_scale(lambda x: (x - unit - 1) ** 2, spread, 0.01)[0] == pytest.approx(unit + 1, abs=0.01)


def test_a_sample_of_rows_estimates_the_sum_over_pairs():
    X, Z = maps(2000)
    whole = ne.metrics.kl_divergence(X, Z, 10)
    assert ne.metrics.kl_divergence(X, Z, 10, sample=500) == pytest.approx(whole, rel=0.01)


@pytest.mark.parametrize("c", [1, 3])
def test_the_divergence_of_maps_of_other_dimensions(c):
    X, _ = maps()
    Z = np.random.default_rng(1).normal(size=(300, c)).astype(np.float32)
    found = ne.metrics.kl_divergence(X, Z, 10, rescale=False)
    assert found == pytest.approx(divergence_of_scikit_learn(X, Z, 10.0), rel=1e-4)


def test_known_neighbours_spare_the_search():
    X, Z = maps()
    known = Neighbors(*nearest(torch.from_numpy(X), 40), "euclidean", True)
    wanted = ne.metrics.kl_divergence(X, Z, 10)
    assert ne.metrics.kl_divergence(None, Z, 10, neighbors=known) == pytest.approx(wanted, rel=1e-9)
    with pytest.raises(DataError, match="90 neighbours of each of 300 points; got 40 of 300"):
        ne.metrics.kl_divergence(None, Z, 30, neighbors=known)


def test_a_map_in_one_point_has_the_divergence_of_the_uniform_distribution():
    X, Z = maps()
    found = ne.metrics.kl_divergence(X, np.zeros_like(Z), 10)
    apart = divergence_of_scikit_learn(X, Z * 1e-6, 10.0)
    assert found == pytest.approx(apart, rel=1e-4)


def test_lengths_and_perplexity_are_checked():
    X, Z = maps()
    with pytest.raises(DataError, match="as many rows; got 299 and 300"):
        ne.metrics.kl_divergence(X[:-1], Z, 10)
    with pytest.raises(ParameterError, match=r"kl_divergence.perplexity must lie in"):
        ne.metrics.kl_divergence(X, Z, 500)


def test_triplets_are_counted_one_by_one():
    X, Z = maps(40)
    kept = []
    for i, j, k in zip(*(part.tolist() for part in triplets(40, 3000, 0)), strict=True):
        near = np.linalg.norm(X[i] - X[j]) < np.linalg.norm(X[i] - X[k])
        kept.append(near == (np.linalg.norm(Z[i] - Z[j]) < np.linalg.norm(Z[i] - Z[k])))
        assert len({i, j, k}) == 3
    assert ne.metrics.triplet_accuracy(X, Z, triplets=3000) == pytest.approx(np.mean(kept), abs=1e-3)


def test_every_triplet_is_as_likely():
    i, j, k = triplets(4, 24_000, 1)
    counts = torch.bincount(i * 16 + j * 4 + k, minlength=64)
    seen = counts[counts > 0]
    assert len(seen) == 24
    assert float(((seen - 1000.0) ** 2 / 1000.0).sum()) < 60  # chi-squared, 23 degrees of freedom


def test_a_faithful_map_keeps_all_triplets_and_a_point_none():
    X, _ = maps()
    assert ne.metrics.triplet_accuracy(X, 2 * X) == 1.0
    assert ne.metrics.triplet_accuracy(X, np.zeros((300, 2))) == 0.5
    unrelated = np.random.default_rng(5).normal(size=(300, 2))
    assert ne.metrics.triplet_accuracy(X, unrelated) == pytest.approx(0.5, abs=0.02)


def test_triplets_need_three_points_that_differ():
    with pytest.raises(DataError, match="at least 3 points; got 2"):
        ne.metrics.triplet_accuracy(np.eye(2), np.eye(2))
    with pytest.raises(DataError, match="equally far"):
        ne.metrics.triplet_accuracy(np.ones((9, 2)), np.ones((9, 2)))
    with pytest.raises(DataError, match="triplets must be at least 1"):
        ne.metrics.triplet_accuracy(np.eye(9), np.eye(9), triplets=0)
