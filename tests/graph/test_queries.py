"""The nearest points of a table to rows that are not in it."""

import numpy as np
import pytest
import torch
from sklearn.neighbors import NearestNeighbors

from ne_interactive.data import streamed, table
from ne_interactive.data.arrays import as_rows
from ne_interactive.graph import faiss_index
from ne_interactive.graph.distances import METRICS, nearest
from ne_interactive.graph.faiss_config import FaissConfig
from ne_interactive.graph.queries import neighbors_among
from ne_interactive.params.errors import DataError


def rows(n, d=6, seed=0, scale=0.2):
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)) * scale


def in_ball(X):
    return X / (1 + X.norm(dim=1, keepdim=True))


@pytest.mark.parametrize("metric", METRICS)
def test_neighbours_among_a_table_are_those_of_the_joint_search(metric):
    X, new = in_ball(rows(200)), in_ball(rows(20, seed=1))
    found = neighbors_among(as_rows(X), new, 7, metric=metric, backend=None)
    indices, distances = nearest(torch.cat([X, new]), 219, metric)
    for i in range(20):
        kept = indices[200 + i] < 200
        assert torch.equal(found.indices[i], indices[200 + i][kept][:7])
        torch.testing.assert_close(found.distances[i], distances[200 + i][kept][:7])


def test_blocks_and_batches_change_nothing(monkeypatch):
    X, new = rows(300), rows(25, seed=1)
    X[200:250] = X[:50]
    new[:20] = X[:20]  # ties, in two blocks
    whole = neighbors_among(as_rows(X), new, 12, backend=None)
    monkeypatch.setattr(table, "BATCH_ENTRIES", 6 * 64)
    blocks = neighbors_among(as_rows(X), new, 12, backend=None)
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(X), batch_size=40)
    batches = neighbors_among(streamed.stream(loader), new, 12)
    for other in (blocks, batches):
        assert torch.equal(other.indices, whole.indices)
        assert torch.equal(other.distances, whole.distances)


def test_neighbours_agree_with_scikit_learn():
    X, new = rows(500, d=20), rows(30, d=20, seed=1)
    found = neighbors_among(as_rows(X), new, 10, backend=None)
    distances, indices = NearestNeighbors(n_neighbors=10).fit(X.numpy()).kneighbors(new.numpy())
    assert np.array_equal(found.indices.numpy(), indices)
    np.testing.assert_allclose(found.distances.numpy(), distances, rtol=1e-5)


def test_a_row_of_the_table_is_at_distance_zero_from_itself():
    X = rows(100) * 1e4 + 1e6
    found = neighbors_among(as_rows(X), X[40:50], 3, backend=None)
    assert torch.equal(found.indices[:, 0], torch.arange(40, 50))
    assert not found.distances[:, 0].any()


@pytest.mark.skipif(not faiss_index.installed(), reason="FAISS is not installed")
@pytest.mark.parametrize("index_type", ["IVF", "IVFPQ", "HNSW"])
def test_an_index_finds_nearly_all(index_type):
    draw = np.random.default_rng(0)
    centres = draw.normal(size=(20, 60)) * 3
    X = torch.from_numpy((centres[np.arange(4000) % 20] + draw.normal(size=(4000, 60))).astype(np.float32))
    new = X[:200] + 0.1
    found = neighbors_among(as_rows(X), new, 15, backend=FaissConfig(index_type=index_type, dimensions=30))
    wanted = neighbors_among(as_rows(X), new, 15, backend=None)
    shared = [
        len(set(a) & set(b)) for a, b in zip(found.indices.tolist(), wanted.indices.tolist(), strict=True)
    ]
    assert np.mean(shared) / 15 > 0.8
    assert bool((found.distances.diff(dim=1) >= 0).all())


def test_all_points_of_a_small_table_can_be_neighbours():
    X, new = rows(9), rows(4, seed=1)
    found = neighbors_among(as_rows(X), new, 9)
    assert torch.equal(found.indices.sort(1).values, torch.arange(9).repeat(4, 1))
    with pytest.raises(DataError, match=r"\[1, 9\]"):
        neighbors_among(as_rows(X), new, 10)


def test_precomputed_distances_are_read_off():
    X, new = rows(50), rows(8, seed=1)
    known = as_rows(torch.cdist(X, X), metric="precomputed")
    found = neighbors_among(known, torch.cdist(new, X), 5)
    wanted = neighbors_among(as_rows(X), new, 5, backend=None)
    assert torch.equal(found.indices, wanted.indices)
    with pytest.raises(DataError, match="must not be negative"):
        neighbors_among(known, torch.cdist(new, X) - 9, 5)
