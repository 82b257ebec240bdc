"""Neighbours, starts and distances of every kind of table."""

import numpy as np
import pytest
import torch
from scipy import sparse
from torch.utils.data import DataLoader

from ne_interactive.data.arrays import as_rows
from ne_interactive.graph import tables
from ne_interactive.graph.distances import all_distances
from ne_interactive.graph.neighbors import find_neighbors
from ne_interactive.graph.projection import pca_start
from ne_interactive.graph.tables import distances_of, neighbors_of, pca_start_of
from ne_interactive.params.errors import DataError, ParameterError

X = torch.randn(200, 6, generator=torch.Generator().manual_seed(0))
KNOWN = find_neighbors(X, 12)


def precomputed(given):
    return as_rows(given, metric="precomputed")


def sparse_near():
    rows = np.repeat(np.arange(200), 12)
    entries = (KNOWN.distances.numpy().ravel(), (rows, KNOWN.indices.numpy().ravel()))
    return sparse.csr_array(entries, (200, 200))


FORMS = {
    "dense": lambda: all_distances(X),
    "sparse": sparse_near,
    "pair": lambda: (KNOWN.indices, KNOWN.distances),
}


def test_rows():
    table = as_rows(X)
    for metric in ("euclidean", "cosine"):
        found, expected = neighbors_of(table, 9, metric=metric), find_neighbors(X, 9, metric=metric)
        assert torch.equal(found.indices, expected.indices)
        assert torch.equal(distances_of(table, metric), all_distances(X, metric))
    assert torch.equal(pca_start_of(table, 3, scale=2.0, seed=1), pca_start(X, 3, scale=2.0, seed=1))
    with pytest.raises(ParameterError, match="metric must be one of"):
        neighbors_of(table, 9, metric="precomputed")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("k", [1, 7, 12])
def test_precomputed_neighbours_are_read_off(form, k):
    found = neighbors_of(precomputed(FORMS[form]()), k, metric="precomputed")
    assert torch.equal(found.indices, KNOWN.indices[:, :k])
    torch.testing.assert_close(found.distances, KNOWN.distances[:, :k])
    assert (found.metric, found.exact, found.k) == ("precomputed", True, k)


@pytest.mark.parametrize("tile", [2**24, 450])
def test_ties_of_distances_go_by_index(tile, monkeypatch):
    monkeypatch.setattr(tables, "TILE", tile)
    grid = torch.cartesian_prod(torch.arange(12.0), torch.arange(12.0))
    D = torch.cdist(grid.double(), grid.double(), p=1).float()
    every = D.clone().fill_diagonal_(torch.inf).sort(dim=1, stable=True)
    for k in (1, 5, 30, 143):
        found = neighbors_of(precomputed(D), k)
        assert torch.equal(found.indices, every.indices[:, :k])
        assert torch.equal(found.distances, every.values[:, :k])
    assert torch.equal(D.diagonal(), torch.zeros(144))  # the caller's matrix is as it was


@pytest.mark.parametrize("form", ["sparse", "pair"])
def test_more_neighbours_than_known(form):
    with pytest.raises(DataError, match=r"13 neighbours.*12 are precomputed.*lower perplexity"):
        neighbors_of(precomputed(FORMS[form]()), 13)


@pytest.mark.parametrize("form", FORMS)
def test_as_many_neighbours_as_points(form):
    with pytest.raises(DataError, match=r"\[1, 199\] for 200 points"):
        neighbors_of(precomputed(FORMS[form]()), 200)


@pytest.mark.parametrize("form", FORMS)
def test_precomputed_starts_from_the_spectrum(form):
    circle = torch.linspace(0, 2 * torch.pi, 201)[:200]
    points = torch.stack([circle.cos(), circle.sin()], 1)
    near = find_neighbors(points, 12)
    given = {"dense": all_distances(points), "pair": (near.indices, near.distances)}.get(form)
    if given is None:
        rows = np.repeat(np.arange(200), 12)
        entries = (near.distances.numpy().ravel(), (rows, near.indices.numpy().ravel()))
        given = sparse.csr_array(entries, (200, 200))
    Z = pca_start_of(precomputed(given), 2, scale=0.5, seed=3)
    assert Z.shape == (200, 2)
    assert Z.dtype == torch.float32
    assert float(Z[:, 0].std(correction=0)) == pytest.approx(0.5, rel=0.01)
    # The circle is found: as many turns as the points have, at one radius.
    radius = Z.norm(dim=1)
    assert float(radius.std() / radius.mean()) < 0.05
    turn = torch.atan2(Z[:, 1], Z[:, 0])
    steps = torch.remainder(turn.diff() + torch.pi, 2 * torch.pi) - torch.pi
    assert abs(float(steps.sum())) == pytest.approx(2 * np.pi, rel=0.02)


def test_start_of_equal_points_is_finite():
    Z = pca_start_of(precomputed(np.zeros((30, 30))), 2)
    assert bool(Z.isfinite().all())
    assert float(Z.std()) > 0


def test_all_distances():
    D = all_distances(X)
    assert torch.equal(distances_of(precomputed(D), "precomputed"), D)
    with pytest.raises(DataError, match=r"all pairs.*holds distances of neighbours only"):
        distances_of(precomputed(sparse_near()), "precomputed")
    with pytest.raises(DataError, match=r"all pairs.*comes in batches"):
        distances_of(as_rows(DataLoader(X, batch_size=50)), "euclidean")
