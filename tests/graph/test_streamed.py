"""Neighbours and starts in passes: those of the same rows in memory, with few rows held at a time."""

import functools
import weakref

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from ne_interactive.data.arrays import as_rows
from ne_interactive.graph import distances, neighbors, passes, projection, streamed
from ne_interactive.graph.faiss_config import FaissConfig
from ne_interactive.graph.metrics import METRICS
from ne_interactive.graph.neighbors import find_neighbors
from ne_interactive.graph.projection import pca, pca_start
from ne_interactive.graph.tables import neighbors_of, pca_start_of
from ne_interactive.params.errors import DataError, ParameterError


def cloud(n, d, *, seed=0):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed))


def stream(X, batch_size=97):
    return as_rows(DataLoader(TensorDataset(X), batch_size=batch_size))


def assert_same(found, expected):
    assert torch.equal(found.indices, expected.indices)
    assert torch.equal(found.distances, expected.distances)
    assert (found.metric, found.exact) == (expected.metric, expected.exact)
    assert found.indices.dtype == torch.int64
    assert found.distances.dtype == torch.float32


@pytest.fixture
def cramped(monkeypatch):
    """Room for some 200 rows of ten columns."""
    monkeypatch.setattr(passes, "ROWS_BYTES", 2**13)


@pytest.mark.usefixtures("cramped")
@pytest.mark.parametrize("metric", METRICS)
def test_exact_neighbours_are_those_of_rows_in_memory(metric):
    X = cloud(500, 10)
    X[420:425] = X[3]
    if metric == "hyperbolic":
        X /= X.norm(dim=1).max() * 1.001
    for k in (1, 15, 499):
        assert_same(
            neighbors_of(stream(X), k, metric=metric, backend=None), find_neighbors(X, k, metric=metric)
        )


@pytest.mark.usefixtures("cramped")
@pytest.mark.parametrize("metric", ["cosine", "angular", "correlation"])
def test_rows_without_a_direction(metric):
    X = cloud(500, 10)
    X[7], X[480] = 0, 0  # parts without such a row lack the column that tells them from others
    found, expected = neighbors_of(stream(X), 15, metric=metric), find_neighbors(X, 15, metric=metric)
    torch.testing.assert_close(found.distances, expected.distances)
    assert found.indices[7, 0] == 480
    assert found.distances[7, 0] == 0
    others = torch.ones(500, dtype=torch.bool)
    others[[7, 480]] = False  # all else is as near to these, but for rounding
    assert torch.equal(found.indices[others], expected.indices[others])


@pytest.mark.usefixtures("cramped")
@pytest.mark.parametrize("size", [1, 33, 150, 1000])
def test_batches_of_any_size_give_the_same(size):
    X = cloud(150, 10)
    assert_same(neighbors_of(stream(X, size), 9), find_neighbors(X, 9))


@pytest.mark.parametrize("metric", ["euclidean", "manhattan"])
def test_ties_go_by_index(metric, monkeypatch):
    monkeypatch.setattr(passes, "ROWS_BYTES", 2**10)
    grid = torch.cartesian_prod(torch.arange(15.0), torch.arange(15.0))
    for X in (grid, torch.ones(90, 2)):
        assert_same(neighbors_of(stream(X, 7), 10, metric=metric), find_neighbors(X, 10, metric=metric))


@pytest.mark.usefixtures("cramped")
def test_small_tiles_and_the_path_of_other_devices(monkeypatch):
    monkeypatch.setattr(streamed, "TILE", 2000)
    monkeypatch.setattr(streamed, "_exact", distances._portable)
    X = cloud(200, 10)
    found, expected = neighbors_of(stream(X), 9), find_neighbors(X, 9)
    assert torch.equal(found.indices, expected.indices)
    torch.testing.assert_close(found.distances, expected.distances)


def test_far_from_the_origin():
    X = cloud(300, 6) + 1000
    assert_same(neighbors_of(stream(X), 10), find_neighbors(X, 10))


@functools.cache
def flat_cloud(metric):
    """Rows of 80 columns in eight directions, and their true neighbours."""
    X = cloud(3000, 8) @ cloud(8, 80, seed=1) + 0.1 * cloud(3000, 80, seed=2)
    X /= X.norm(dim=1).max() * 1.01
    return X, find_neighbors(X, 15, metric=metric, backend=None)


@pytest.mark.parametrize(
    "backend", ["auto", "faiss", FaissConfig(index_type="IVFPQ"), FaissConfig(index_type="HNSW")]
)
@pytest.mark.parametrize("metric", ["euclidean", "cosine", "manhattan", "hyperbolic"])
def test_an_index_of_components_finds_most(backend, metric, monkeypatch):
    monkeypatch.setattr(passes, "ROWS_BYTES", 2**19)  # 1638 rows of the 3000
    monkeypatch.setattr(neighbors, "EXACT_ROWS", 3000)
    X, true = flat_cloud(metric)
    found = neighbors_of(stream(X, 500), 15, metric=metric, backend=backend)
    shared = [len(np.intersect1d(a, b)) for a, b in zip(found.indices, true.indices, strict=True)]
    assert np.mean(shared) / 15 > 0.95
    same = found.indices == true.indices
    torch.testing.assert_close(found.distances[same], true.distances[same])
    assert not found.exact
    assert bool((found.distances.diff(dim=1) >= 0).all())
    assert not bool((found.indices == torch.arange(3000)[:, None]).any())


def test_the_index_gives_what_it_gives_for_rows():
    X = cloud(2000, 20)
    for backend in ("faiss", FaissConfig(dimensions=None), FaissConfig(index_type="Flat")):
        assert_same(neighbors_of(stream(X), 15, backend=backend), find_neighbors(X, 15, backend=backend))


def test_rows_sorted_by_cluster_do_not_mislead_the_index():
    centres = cloud(40, 60) * 5
    X = centres.repeat_interleave(100, 0) + cloud(4000, 60, seed=1)
    found = neighbors_of(stream(X, 256), 15, backend="faiss")
    mixed = torch.randperm(4000, generator=torch.Generator().manual_seed(3))
    again = neighbors_of(stream(X[mixed], 256), 15, backend="faiss").indices
    true = find_neighbors(X, 15, backend=None)
    place = mixed.argsort()
    recalls = [
        np.mean([len(np.intersect1d(a, b)) / 15 for a, b in zip(ids, true.indices, strict=True)])
        for ids in (found.indices, mixed[again][place])
    ]
    assert min(recalls) > 0.93
    assert abs(recalls[0] - recalls[1]) < 0.01


def test_rows_short_of_candidates_are_completed(monkeypatch):
    X = cloud(500, 8)

    def few(points, m, config, **options):
        ids = torch.full((len(points), m), -1)
        ids[:, 0] = torch.arange(len(points))
        ids[::2] = torch.arange(m)
        return ids, np.arange(len(points))

    monkeypatch.setattr(streamed.faiss_index, "candidates", few)
    found, true = neighbors_of(stream(X), 6, backend="faiss"), find_neighbors(X, 6)
    assert torch.equal(found.indices[1::2], true.indices[1::2])
    assert torch.equal(found.distances[1::2], true.distances[1::2])
    assert bool((found.indices >= 0).all())


def test_auto_chooses(monkeypatch):
    monkeypatch.setattr(neighbors, "EXACT_ROWS", 300)
    assert neighbors_of(stream(cloud(299, 3)), 5).exact
    assert not neighbors_of(stream(cloud(300, 3)), 5).exact


def test_refused():
    table = stream(cloud(50, 3))
    with pytest.raises(DataError, match=r"\[1, 49\] for 50 points"):
        neighbors_of(table, 50)
    with pytest.raises(ParameterError, match="metric must be one of"):
        neighbors_of(table, 5, metric="warped")
    with pytest.raises(ParameterError, match="backend must be"):
        neighbors_of(table, 5, backend="annoy")
    with pytest.raises(DataError, match=r"rows of X from 20 on.*norm below 1"):
        neighbors_of(stream(torch.cat([torch.zeros(20, 3), torch.ones(20, 3)]), 20), 5, metric="hyperbolic")


def test_an_index_of_all_columns_must_fit(monkeypatch):
    monkeypatch.setattr(passes, "ROWS_BYTES", 2**15)
    with pytest.raises(ParameterError, match=r"dimensions must be at most 64 .* got None"):
        neighbors_of(stream(cloud(200, 100)), 5, backend=FaissConfig(dimensions=None))


class Fragile:
    """Batches made anew in every pass, whose rows alive are counted."""

    def __init__(self, n, d, size):
        self.n, self.d, self.size = n, d, size
        self.alive, self.most, self.passes = weakref.WeakSet(), 0, 0

    def __iter__(self):
        self.passes += 1
        for first in range(0, self.n, self.size):
            batch = cloud(min(self.size, self.n - first), self.d, seed=first)
            self.alive.add(batch)
            self.most = max(self.most, sum(len(b) for b in self.alive))
            yield batch
            del batch


@pytest.mark.parametrize("backend", [None, "faiss"])
def test_few_rows_are_held(backend, monkeypatch):
    source = Fragile(2400, 400, 100)  # 3.8 MB
    budget = 2**20
    monkeypatch.setattr(passes, "ROWS_BYTES", budget)
    monkeypatch.setattr(passes, "PART_ENTRIES", 2**16)
    table = as_rows(source)
    held = []
    empty = torch.empty

    def counted(*size, **options):
        made = empty(*size, **options)
        if made.ndim == 2 and made.shape[1] >= 400:
            held.append(made.numel() * 4)
        return made

    monkeypatch.setattr(streamed.torch, "empty", counted)
    found = neighbors_of(table, 10, backend=backend)
    pca_start_of(table, 2)
    assert held
    assert max(held) <= budget
    assert source.most <= 200  # the batch at hand, and the one being made
    X = torch.cat(list(Fragile(2400, 400, 100)))
    if backend is None:
        assert_same(found, find_neighbors(X, 10, backend=None))


def test_memory_stays_within_the_budget_when_n_grows(monkeypatch):
    monkeypatch.setattr(passes, "ROWS_BYTES", 2**20)
    monkeypatch.setattr(streamed, "TILE", 2**16)
    monkeypatch.setattr(streamed, "CHUNK_ROWS", 256)
    blocks = []
    window = streamed._Window

    class Watched(window):
        def __init__(self, *given):
            super().__init__(*given)
            blocks.append(self.flat.values.numel() * 4)

    monkeypatch.setattr(streamed, "_Window", Watched)
    for n in (1000, 2000):
        neighbors_of(as_rows(Fragile(n, 512, 64)), 5)
    assert max(blocks) <= 2**20
    assert len(blocks) >= 2000 * 512 * 4 / 2**20


@pytest.mark.parametrize(("n", "d"), [(300, 5), (300, 20), (40, 60), (60, 1600), (12_000, 8)])
def test_start_is_that_of_rows_in_memory(n, d):
    X = cloud(n, d) * torch.linspace(3, 1, d) + 5
    found, expected = pca_start_of(stream(X, 512), 2, scale=1.0, seed=4), pca_start(X, 2, scale=1.0, seed=4)
    torch.testing.assert_close(found, expected, rtol=2e-3, atol=2e-3)


def test_components_of_many_rows_and_columns(monkeypatch):
    for module in (projection, passes):
        monkeypatch.setattr(module, "EXACT_SIZE", 50)
    X = cloud(400, 6) * torch.tensor([9.0, 7, 5, 3, 2, 1]) @ cloud(6, 120, seed=1) + 0.01 * cloud(
        400, 120, seed=2
    )
    table = stream(X)
    found, expected = passes.project(table, 3, passes.survey(table), seed=1), pca(X, 3, seed=1)
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-2)


@pytest.mark.parametrize("X", [torch.ones(50, 4), torch.ones(50, 1) * torch.arange(50.0)[:, None]])
def test_starts_of_few_directions(X):
    found, expected = pca_start_of(stream(X), 3, seed=2), pca_start(X, 3, seed=2)
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-8)


def test_a_stream_that_changes_is_found_out_in_the_search():
    class Shuffled:
        def __iter__(self):
            return iter(cloud(300, 4)[torch.randperm(300)].split(50))

    with pytest.raises(DataError, match="shuffle=False"):
        neighbors_of(as_rows(Shuffled()), 5)
