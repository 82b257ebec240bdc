"""Affinities with a scale at every point, against loops."""

import dataclasses
import math

import numpy as np
import pytest
import torch

from ne_interactive.graph.families import (
    MAGIC,
    PHATE,
    Fuzzy,
    ScaledNearest,
    SelfTuning,
)
from ne_interactive.graph.neighbors import find_neighbors
from ne_interactive.params.errors import ParameterError
from tests.graph.affinity_references import gaussian, matrix, squares

# adaptive


def test_self_tuning_against_loops():
    X = gaussian(60, 3)
    D, K, k = np.sqrt(squares(X)), 7, 21
    order = np.argsort(D, 1)
    P = np.zeros((60, 60))
    for i in range(60):
        for j in order[i, 1 : k + 1]:
            P[i, j] = P[j, i] = math.exp(-(D[i, j] ** 2) / (D[i, order[i, K]] * D[j, order[j, K]]))
    np.testing.assert_allclose(matrix(SelfTuning(K=K)(X)), P / P.sum(), rtol=1e-4)


def test_magic_against_loops():
    X = gaussian(60, 3)
    D, K, k = np.sqrt(squares(X)), 7, 21
    order = np.argsort(D, 1)
    A = np.zeros((60, 60))
    for i in range(60):
        for j in order[i, 1 : k + 1]:
            A[i, j] = math.exp(-((D[i, j] / D[i, order[i, K]]) ** 2))
    M = A + A.T
    M /= M.sum(1, keepdims=True)
    np.testing.assert_allclose(matrix(MAGIC(K=K)(X)), (M + M.T) / 120, rtol=1e-4)


def test_fuzzy_takes_plain_distances():
    """The membership at the median neighbour distance, which squares would change."""
    X = gaussian()
    found = find_neighbors(torch.from_numpy(X), 14)
    graph = Fuzzy(n_neighbors=15).graph(found)
    squared = Fuzzy(n_neighbors=15).graph(dataclasses.replace(found, distances=found.distances.square()))
    row = found.distances[0].double().numpy()
    sigma = min(
        np.geomspace(1e-3, 10, 20000), key=lambda s: abs(np.exp(-(row - row[0]) / s).sum() - math.log2(15))
    )
    own = np.zeros(200)
    own[found.indices[0]] = np.exp(-(row - row[0]) / sigma)
    alone = [j for j in found.indices[0].tolist() if 0 not in found.indices[j]]
    assert alone
    np.testing.assert_allclose(matrix(graph)[0, alone], own[alone], atol=2e-3)
    assert np.abs(matrix(squared)[0, alone] - own[alone]).max() > 2e-3


def test_phate_against_loops():
    X = gaussian(50, 3)
    D = np.sqrt(squares(X))
    e = np.sort(D, 1)[:, 5]
    K = np.exp(-((D / e[:, None]) ** 10))
    K = (K + K.T) / 2
    M = K / K.sum(1, keepdims=True)
    for_five = M @ M @ M @ M @ M
    distances = torch.from_numpy(D)
    np.testing.assert_allclose(PHATE().diffusion(distances).numpy(), for_five, rtol=1e-8, atol=1e-12)
    U = -np.log(for_five + 1e-7)
    np.testing.assert_allclose(PHATE().potential_distances(distances).numpy(), np.sqrt(squares(U)), rtol=1e-4)
    np.fill_diagonal(for_five, 0)
    P = (for_five + for_five.T) / 2
    np.testing.assert_allclose(matrix(PHATE()(X)), P / P.sum(), atol=1e-7)


# scaled nearest


def reference_pairs(X, kept):
    D = squares(X)
    order = np.argsort(D, 1, kind="stable")[:, 1 : kept + 51]
    plain = np.sqrt(np.take_along_axis(D, order, 1))
    s = plain[:, 3:6].mean(1)
    scaled = np.take_along_axis(D, order, 1) / (s[:, None] * s[order])
    return np.take_along_axis(order, np.argsort(scaled, 1, kind="stable")[:, :kept], 1)


@pytest.mark.parametrize("metric", ["euclidean", "sqeuclidean"])
@pytest.mark.parametrize("n", [20, 61, 200])
def test_scaled_nearest_against_loops(metric, n):
    X = gaussian(n, 4) * np.linspace(0.2, 3, n, dtype=np.float32)[:, None]
    affinity = ScaledNearest(n_neighbors=10)
    pairs = affinity.pairs(find_neighbors(torch.from_numpy(X), affinity.k(n), metric=metric))
    assert pairs.dtype == torch.int64
    np.testing.assert_array_equal(np.sort(pairs, 1), np.sort(reference_pairs(X, 10), 1))


@pytest.mark.parametrize("n", [3, 4, 5, 7, 8])
def test_scaled_nearest_of_few_points(n):
    affinity = ScaledNearest(n_neighbors=n - 2)
    pairs = affinity.pairs(find_neighbors(torch.from_numpy(gaussian(n, 3)), affinity.k(n)))
    assert pairs.shape == (n, n - 2)
    assert all(len({i, *row}) == n - 1 for i, row in enumerate(pairs.tolist()))


def test_scaled_nearest_counts_its_pairs():
    X = torch.from_numpy(gaussian())
    affinity = ScaledNearest()
    found = find_neighbors(X, affinity.k(200))
    counted = np.zeros((200, 200))
    for i, row in enumerate(affinity.pairs(found).tolist()):
        counted[i, row] += 1
    np.testing.assert_array_equal(matrix(affinity.graph(found)), counted + counted.T)
    with pytest.raises(ParameterError, match="at most the number of candidates; got 10 for 5"):
        affinity.pairs(found.first(5))
