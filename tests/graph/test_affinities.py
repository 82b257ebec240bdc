"""Weights against brute force in float64 and against umap-learn."""

import math

import numpy as np
import pytest
import torch
from scipy import sparse

from ne_interactive.graph.affinities import entropic, fuzzy, without_tail
from ne_interactive.graph.csr import symmetrize
from ne_interactive.graph.neighbors import find_neighbors
from ne_interactive.params.errors import ParameterError


def by_bisection(distances_sq, perplexity):
    """All rows at once, in float64, 200 halvings of log(beta)."""
    D = distances_sq.numpy().astype(np.float64)
    D = D - D.min(1, keepdims=True)
    low, high = np.full((len(D), 1), -200.0), np.full((len(D), 1), 200.0)
    for _ in range(200):
        middle = (low + high) / 2
        with np.errstate(over="ignore"):
            W = np.exp(-np.exp(middle) * D)
        P = W / W.sum(1, keepdims=True)
        entropy = -np.sum(P * np.log(np.where(P > 0, P, 1)), 1, keepdims=True)
        wide = entropy > math.log(perplexity)
        low, high = np.where(wide, middle, low), np.where(wide, high, middle)
    return P


@pytest.mark.parametrize("perplexity", [1.5, 5, 30, 59.9])
@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
def test_entropic_equals_brute_force(digit_values, perplexity, scale):
    squared = find_neighbors(digit_values, 60).distances.square()[::9]
    P = entropic(squared * scale, perplexity)
    np.testing.assert_allclose(P.numpy(), by_bisection(squared, perplexity), atol=2e-6)
    np.testing.assert_allclose(P.sum(1), 1, atol=1e-6)


def test_entropic_with_one_far_outlier():
    squared = torch.tensor([[1.0, 1.1, 1.2, 1e12], [0.0, 1e-20, 1.0, 1e20]])
    np.testing.assert_allclose(entropic(squared, 2.5).numpy(), by_bisection(squared, 2.5), atol=1e-5)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ([0, 0, 0, 0], [0.25] * 4),
        ([7, 7, 7, 7], [0.25] * 4),
        ([0, 0, 0, 1], [1 / 3, 1 / 3, 1 / 3, 0]),
        ([3, 2, 2, 2], [0, 1 / 3, 1 / 3, 1 / 3]),
    ],
)
def test_entropic_of_ties(row, expected):
    P = entropic(torch.tensor([row, [1, 2, 3, 4]], dtype=torch.float32), 2.0)
    np.testing.assert_allclose(P[0], expected, atol=1e-6)
    assert math.exp(-float((P[1] * P[1].log()).sum())) == pytest.approx(2, rel=1e-5)


def test_entropic_keeps_order_and_takes_views():
    squared = torch.rand(20, 12, generator=torch.Generator().manual_seed(0))
    whole = entropic(squared, 4)
    shuffled = torch.randperm(12, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(entropic(squared[:, shuffled], 4), whole[:, shuffled])
    torch.testing.assert_close(entropic(squared[:, :8], 4), entropic(squared[:, :8].contiguous(), 4))


@pytest.mark.parametrize(("perplexity", "k"), [(0.9, 5), (5, 5), (6, 5), (math.nan, 5), (1.5, 1)])
def test_entropic_refuses(perplexity, k):
    with pytest.raises(ParameterError, match=rf"\[1, {k}\) for {k} neighbours.*got {perplexity:g}"):
        entropic(torch.ones(3, k), perplexity)


def test_entropic_of_a_single_neighbour():
    assert entropic(torch.rand(4, 1), 1).tolist() == [[1.0]] * 4


def reference_memberships(values, found):
    from umap.umap_ import compute_membership_strengths, smooth_knn_dist

    n, k = found.indices.shape
    indices = np.concatenate([np.arange(n)[:, None], found.indices.numpy()], 1)
    distances = np.concatenate([np.zeros((n, 1), np.float32), found.distances.numpy()], 1)
    sigmas, rhos = smooth_knn_dist(distances, float(k + 1))
    weights = compute_membership_strengths(indices, distances, sigmas, rhos)[2]
    return weights.reshape(n, k + 1)[:, 1:], indices, distances


@pytest.mark.parametrize("k", [1, 4, 14])
def test_fuzzy_equals_umap(digit_values, k):
    for values in (digit_values, torch.cat([digit_values[:300], digit_values[:40].repeat(8, 1)])):
        found = find_neighbors(values, k)
        np.testing.assert_allclose(fuzzy(found.distances), reference_memberships(values, found)[0], atol=1e-3)


def test_fuzzy_union_equals_umap(digit_values):
    from umap.umap_ import fuzzy_simplicial_set

    found = find_neighbors(digit_values, 14)
    _, indices, distances = reference_memberships(digit_values, found)
    expected = fuzzy_simplicial_set(
        digit_values.numpy(),
        15,
        np.random.RandomState(0),
        "euclidean",
        knn_indices=indices,
        knn_dists=distances,
    )[0]
    graph = symmetrize(found.indices, fuzzy(found.distances), "union")
    ours = sparse.csr_matrix((graph.values, graph.indices, graph.indptr), shape=expected.shape)
    assert abs(ours - expected).max() < 1e-3
    assert ours.nnz == expected.nnz


def test_fuzzy_of_equal_points():
    assert torch.equal(fuzzy(torch.zeros(5, 3)), torch.ones(5, 3))
    assert torch.equal(fuzzy(torch.full((5, 3), 2.0)), torch.ones(5, 3))


@pytest.mark.parametrize("tail", [0.02, 0.5])
def test_the_tail_of_a_row_is_cut_where_it_is(tail):
    P = torch.rand(50, 9, generator=torch.Generator().manual_seed(0))
    P[3] = 0
    P[4] = 0.25  # all alike: all stay
    wanted = torch.where(tail * P.amax(1, keepdim=True) > P, 0.0, P)
    assert torch.equal(without_tail(P, tail), wanted)
    assert torch.equal(P, wanted)
    assert (wanted[4] == 0.25).all()
