"""Neighbours against brute force in float64: every metric, ties, duplicates, tiles and the default index."""

import warnings

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist

from ne_interactive.graph import distances as distances_module
from ne_interactive.graph import faiss_index, neighbors
from ne_interactive.graph.distances import METRICS, all_distances, nearest
from ne_interactive.graph.neighbors import find_neighbors
from ne_interactive.params.errors import DataError, MissingPackageError, ParameterError


def cloud(n, d, *, seed=0):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed))


def ball(n, d, *, seed=0, rim=0.98):
    """Points in a ball, many of them near its rim."""
    X = cloud(n, d, seed=seed)
    radius = torch.rand(n, 1, generator=torch.Generator().manual_seed(seed + 1)) ** (1 / 3)
    return X / X.norm(dim=1, keepdim=True) * radius * rim


def rows_for(metric, n, d, *, seed=0):
    return ball(n, d, seed=seed) if metric == "hyperbolic" else cloud(n, d, seed=seed)


def true_distances(X, metric):
    """All distances in float64, by scipy where it has them."""
    X = np.asarray(X, dtype=np.float64)
    if metric == "angular":
        return np.arccos(np.clip(1 - cdist(X, X, "cosine"), -1, 1))
    if metric == "hyperbolic":
        room = 1 - (X**2).sum(1)
        return np.arccosh(1 + 2 * cdist(X, X, "sqeuclidean") / np.outer(room, room))
    return cdist(X, X, "cityblock" if metric == "manhattan" else metric)


def by_brute_force(X, k, metric):
    D = true_distances(X, metric)
    np.fill_diagonal(D, np.inf)
    indices = np.argsort(D, axis=1, kind="stable")[:, :k]
    return indices, np.take_along_axis(D, indices, 1)


def recall(found, true):
    return np.mean([len(np.intersect1d(a, b)) / len(b) for a, b in zip(found, true, strict=True)])


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("k", [1, 15, 399])
def test_exact_equals_brute_force(metric, k):
    X = rows_for(metric, 400, 7)
    found = find_neighbors(X, k, metric=metric)
    indices, distances = by_brute_force(X.numpy().astype(np.float64), k, metric)
    np.testing.assert_array_equal(np.sort(found.indices.numpy()), np.sort(indices))
    assert (found.indices.numpy() == indices).mean() > 0.999  # float32 turns a few near ties round
    np.testing.assert_allclose(found.distances.numpy(), distances, rtol=2e-4, atol=2e-6)
    assert found.exact
    assert (found.metric, found.n, found.k) == (metric, 400, k)
    assert found.indices.dtype == torch.int64
    assert found.distances.dtype == torch.float32


@pytest.mark.parametrize("metric", METRICS)
def test_tiles_and_the_portable_path_agree(metric, monkeypatch):
    X = rows_for(metric, 300, 5)
    whole = nearest(X, 9, metric)
    monkeypatch.setattr(distances_module, "TILE", 900)
    monkeypatch.setattr(distances_module, "_exact", distances_module._portable)  # the path of other devices
    tiled = nearest(X, 9, metric)
    some = nearest(X, 9, metric, rows=torch.tensor([7, 3]))
    for one, other, few in zip(whole, tiled, some, strict=True):
        torch.testing.assert_close(one, other)
        torch.testing.assert_close(one[[7, 3]], few)


def test_far_from_the_origin_distances_keep_their_digits():
    X = cloud(300, 6) + 1000
    indices, distances = by_brute_force(X.numpy().astype(np.float64), 10, "euclidean")
    found = find_neighbors(X, 10)
    np.testing.assert_array_equal(found.indices.numpy(), indices)
    np.testing.assert_allclose(found.distances.numpy(), distances, rtol=1e-5)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("backend", [None, "faiss"])
def test_duplicates_keep_k_neighbours_none_of_them_self(metric, backend):
    X = rows_for(metric, 30, 4).repeat_interleave(20, 0)
    found = find_neighbors(X, 25, metric=metric, backend=backend)
    rows = torch.arange(600)[:, None]
    assert not bool((found.indices == rows).any())
    assert bool((found.indices >= 0).all())
    assert all(len(set(row)) == 25 for row in found.indices.tolist())
    assert bool((found.distances.diff(dim=1) >= 0).all())
    assert float(found.distances[:, :19].max()) < 1e-6
    if backend is None:
        assert bool((found.indices[:, :19].sort(1).values // 20 == rows // 20).all())


@pytest.mark.parametrize("metric", METRICS)
def test_ties_go_by_index(metric):
    X = torch.tensor([[0.25, 0.5]]).repeat(200, 1)
    indices, distances = nearest(X, 5, metric)
    expected = [[j for j in range(6) if j != i][:5] for i in range(200)]
    assert indices.tolist() == expected
    assert float(distances.abs().max()) == 0
    grid = torch.cartesian_prod(torch.arange(12.0), torch.arange(12.0)) + 1
    if metric in ("euclidean", "sqeuclidean", "manhattan"):
        every = torch.cdist(grid.double(), grid.double(), p=1 if metric == "manhattan" else 2)
        every.fill_diagonal_(torch.inf)
        assert torch.equal(nearest(grid, 10, metric)[0], every.sort(dim=1, stable=True).indices[:, :10])


@pytest.mark.parametrize(("metric", "apart"), [("cosine", 1), ("angular", np.pi / 2), ("correlation", 1)])
def test_rows_without_a_direction(metric, apart):
    flat = torch.full((2, 3), 0.1) if metric == "correlation" else torch.zeros(2, 3)
    X = torch.cat([flat, cloud(30, 3)])
    found = find_neighbors(X, 31, metric=metric)
    assert found.indices[0, 0] == 1
    assert found.distances[0, 0] == 0
    torch.testing.assert_close(found.distances[0, 1:], torch.full((30,), float(apart)))
    torch.testing.assert_close(all_distances(X, metric)[0, 2:], torch.full((30,), float(apart)))
    assert bool(torch.isfinite(found.distances).all())


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("d", [1, 6])
def test_all_distances(metric, d, monkeypatch):
    monkeypatch.setattr(distances_module, "TILE", 3000)  # several tiles
    X = rows_for(metric, 120, d)
    if metric == "correlation" and d == 1:
        assert float(all_distances(X, metric).abs().max()) == 0  # every row is constant
        return
    X[7] = X[50]
    D = all_distances(X, metric)
    assert D.dtype == torch.float32
    assert torch.equal(D, D.T)
    assert float(D.diagonal().abs().max()) == 0
    assert D[7, 50] == 0
    true = true_distances(X, metric)
    np.testing.assert_allclose(D.numpy(), true, rtol=1e-5, atol=1e-6 if metric != "angular" else 1e-5)


def test_small_hyperbolic_distances_keep_their_digits():
    X = torch.tensor([[0.3, 0.4], [0.3 + 2e-7, 0.4], [0.3, 0.4 - 3e-6], [0.9999, 0.0], [0.9999, 1e-5]])
    Y = X.double().numpy()
    room = 1 - (Y**2).sum(1)
    true = 2 * np.arcsinh(cdist(Y, Y) / np.sqrt(np.outer(room, room)))
    np.testing.assert_allclose(all_distances(X, "hyperbolic").numpy(), true, rtol=1e-5)
    found = find_neighbors(X, 4, metric="hyperbolic")
    np.testing.assert_allclose(
        found.distances.numpy(), np.take_along_axis(true, found.indices.numpy(), 1), rtol=1e-5
    )


def test_rows_outside_the_ball():
    X = ball(20, 3)
    X[[7, 11]] *= 2 / X[[7, 11]].norm(dim=1, keepdim=True)
    with pytest.raises(DataError, match=r"norm below 1.*row 7 has norm 2 \(2 such rows\)"):
        find_neighbors(X, 3, metric="hyperbolic")
    with pytest.raises(DataError, match="row 7"):
        all_distances(X, "hyperbolic")


@pytest.mark.parametrize("dtype", [torch.float16, torch.float64, torch.int32])
def test_other_dtypes(dtype):
    X = (cloud(200, 6) * 100).to(dtype)
    found = find_neighbors(X, 5)
    _, distances = by_brute_force(X.numpy(), 5, "euclidean")
    np.testing.assert_allclose(found.distances.numpy(), distances, rtol=1e-6)
    assert found.distances.dtype == torch.float32


@pytest.mark.parametrize("metric", ["euclidean", "manhattan", "correlation"])
def test_float64_far_from_the_origin(metric):
    X = cloud(300, 6).double() + 1e7
    indices, distances = by_brute_force(X.numpy() - 1e7, 10, metric)
    found = find_neighbors(X, 10, metric=metric)
    if metric != "correlation":
        np.testing.assert_array_equal(found.indices.numpy(), indices)
    np.testing.assert_allclose(found.distances.numpy(), distances, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("metric", "least"), [("euclidean", 0.97), ("cosine", 0.97), ("manhattan", 0.9)])
def test_faiss_recall_on_images(fashion_values, metric, least):
    rows = torch.arange(0, 6000, 12)
    found = find_neighbors(fashion_values, 90, metric=metric, backend="faiss")
    true, distances = nearest(fashion_values, 10, metric, rows=rows)
    assert recall(found.indices[rows, :10].numpy(), true.numpy()) >= least
    assert bool((found.distances[rows, 0] >= distances[:, 0] * (1 - 1e-4)).all())
    assert not found.exact
    own = (fashion_values[:5] - fashion_values[found.indices[:5, 3]]).abs()
    if metric == "manhattan":
        torch.testing.assert_close(found.distances[:5, 3], own.sum(1))
    again = find_neighbors(fashion_values, 90, metric=metric, backend="faiss")
    assert torch.equal(found.indices, again.indices)
    assert torch.equal(found.distances, again.distances)


def test_rows_short_of_candidates_are_completed(monkeypatch):
    X = cloud(500, 8)

    def few(points, m, config, **options):
        ids = torch.full((len(points), m), -1)
        ids[:, 0] = torch.arange(len(points))
        ids[::2] = torch.arange(m)
        return ids, np.arange(len(points))

    monkeypatch.setattr(faiss_index, "candidates", few)
    found = find_neighbors(X, 6, backend="faiss")
    true = find_neighbors(X, 6)
    assert torch.equal(found.indices[1::2], true.indices[1::2])
    assert bool((found.indices >= 0).all())


def test_auto_chooses(monkeypatch):
    monkeypatch.setattr(neighbors, "EXACT_ROWS", 300)
    assert find_neighbors(cloud(299, 3), 5).exact
    assert not find_neighbors(cloud(300, 3), 5).exact
    assert find_neighbors(cloud(300, 3), 5, backend=None).exact


def test_without_faiss(monkeypatch):
    monkeypatch.setattr(neighbors, "EXACT_ROWS", 300)
    monkeypatch.setattr(faiss_index.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setitem(__import__("sys").modules, "faiss", None)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not find_neighbors(cloud(300, 3), 5).exact
    with pytest.raises(MissingPackageError, match=r"Install faiss-cpu.*backend=None") as missing:
        find_neighbors(cloud(300, 3), 5, backend="faiss")
    assert isinstance(missing.value, ImportError)


@pytest.mark.parametrize("k", [0, 10, 11])
def test_too_many_neighbours(k):
    for backend in (None, "faiss"):
        with pytest.raises(DataError, match=rf"\[1, 9\] for 10 points.*got {k}"):
            find_neighbors(cloud(10, 2), k, backend=backend)


def test_unknown_choices():
    with pytest.raises(ParameterError, match=r"metric must be one of euclidean.*got 'warped'"):
        find_neighbors(cloud(10, 2), 3, metric="warped")
    with pytest.raises(ParameterError, match=r"backend must be.*got 'annoy'"):
        find_neighbors(cloud(10, 2), 3, backend="annoy")


def test_first():
    found = find_neighbors(cloud(50, 3), 12)
    assert torch.equal(found.first(4).indices, find_neighbors(cloud(50, 3), 4).indices)
    assert found.first(12).k == 12
    with pytest.raises(DataError, match="got 13"):
        found.first(13)
