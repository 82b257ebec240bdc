"""Inverted lists: what they find, that it does not depend on chance, and that no data make them slow or wrong."""

import warnings

import numpy as np
import pytest
import torch

from ne_interactive.graph import faiss_index, indexed
from ne_interactive.graph.distances import METRICS, nearest
from ne_interactive.graph.indexed import rough, through_lists
from ne_interactive.graph.list_search import search_lists
from ne_interactive.graph.lists import in_order, inverted_lists, list_count, nearest_centre
from ne_interactive.graph.metrics import Flat
from ne_interactive.graph.neighbors import EXACT_ROWS, find_neighbors
from ne_interactive.graph.progress import reported
from ne_interactive.graph.queries import neighbors_among


def cloud(n, d, *, seed=0):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed))


def clusters(n, d, *, count=40, seed=0):
    draw = torch.Generator().manual_seed(seed)
    centres = 4 * torch.randn(count, d, generator=draw)
    return centres[torch.randint(count, (n,), generator=draw)] + torch.randn(n, d, generator=draw)


def recall(found, true):
    return np.mean([len(np.intersect1d(a, b)) / len(b) for a, b in zip(found, true, strict=True)])


@pytest.mark.parametrize(("n", "count", "d"), [(1, 1, 1), (65, 3, 4), (200, 33, 7), (777, 513, 21)])
def test_the_nearest_centre_is_found(n, count, d):
    points, centres = cloud(n, d) + 3, cloud(count, d, seed=1)
    mean = points.mean(0)
    squares = torch.cdist(points.double() - mean.double(), centres.double()).square()
    found = nearest_centre(points, mean, centres)
    assert found.dtype == torch.int64
    torch.testing.assert_close(squares[torch.arange(n), found], squares.min(1).values, rtol=1e-4, atol=1e-4)
    assert (found == squares.argmin(1)).double().mean() > 0.99


def test_every_point_is_in_one_list_beside_its_centre():
    X = clusters(3000, 7)
    lists = inverted_lists(X, list_count(3000))
    ids = lists.ids[lists.ids >= 0]
    assert sorted(ids.tolist()) == list(range(3000))
    place = {int(i): p for p, i in enumerate(lists.ids)}
    for i in (0, 17, 2999):
        own, p = int(lists.own[i]), place[i]
        start, end = lists.starts[own : own + 2]
        assert start <= p < end
        residual = X[i] - lists.mean - lists.centres[own]
        stored = lists.residuals[lists.width * start : lists.width * end].reshape(lists.width, -1)[
            :, p - start
        ]
        np.testing.assert_allclose(stored[:7], residual, atol=1e-5)
        assert stored[7] == 0
        np.testing.assert_allclose(lists.halves[p], float(residual.square().sum()) / 2, rtol=1e-5)
    assert bool(np.isinf(lists.halves[lists.ids < 0]).all())


@pytest.mark.parametrize("q", [1, 2, 3, 4, 5, 6, 9])
def test_through_all_lists_the_nearest_are_found_and_places_that_are_left_say_so(q):
    """However many queries go through a list: they meet its points four at a time."""
    X, new = cloud(50, 5), cloud(q, 5, seed=1)
    true = torch.cdist(new.double(), X.double()).sort(1)
    both, rows = Flat(torch.cat([X, new])), torch.arange(50, 50 + q)
    indices, distances, found = search_lists(inverted_lists(X, 6), 60, 6, 60, both, queries=new, rows=rows)
    assert found.tolist() == [50] * q
    assert torch.equal(indices[:, :50], true.indices)
    torch.testing.assert_close(distances[:, :50].double().sqrt(), true.values, rtol=1e-5, atol=1e-6)
    assert bool((indices[:, 50:] == -1).all())
    assert bool(distances[:, 50:].isinf().all())


@pytest.mark.parametrize(("metric", "least"), [("euclidean", 0.97), ("cosine", 0.97), ("manhattan", 0.93)])
def test_recall_on_images(fashion_values, metric, least):
    rows = torch.arange(0, 6000, 12)
    indices, distances = through_lists(fashion_values, 15, metric)
    true, exact = nearest(fashion_values, 15, metric, rows=rows)
    assert recall(indices[rows].numpy(), true.numpy()) >= least
    torch.testing.assert_close(distances[rows, 0].median(), exact[:, 0].median(), rtol=1e-3, atol=0)
    again = through_lists(fashion_values, 15, metric)
    assert torch.equal(indices, again[0])
    assert torch.equal(distances, again[1])


@pytest.mark.parametrize("metric", METRICS)
def test_looking_through_all_lists_is_exact(metric, monkeypatch):
    X = cloud(700, 9)
    X = 0.9 * X / X.norm(dim=1).max() if metric == "hyperbolic" else X
    monkeypatch.setattr(indexed, "OTHER_ORDER", {"manhattan": 1000.0, "hyperbolic": 1000.0})
    monkeypatch.setattr("ne_interactive.graph.lists.LEAST_VISITED", 700)
    indices, distances = through_lists(X, 12, metric)
    true, exact = nearest(X, 12, metric)
    assert (indices == true).float().mean() > 0.999  # float32 turns a few near ties round
    torch.testing.assert_close(distances, exact, rtol=1e-5, atol=1e-7)


def test_far_from_the_origin_and_far_apart():
    X = torch.cat([cloud(1500, 5), cloud(1500, 5, seed=1) + 3000])
    indices, _ = through_lists(X, 10, "euclidean")
    assert recall(indices.numpy(), nearest(X, 10)[0].numpy()) > 0.95


def test_rows_without_structure_are_looked_for_in_more_lists():
    X = cloud(6000, 20)
    rows = torch.arange(0, 6000, 10)
    true = nearest(X, 15, rows=rows)[0].numpy()
    assert recall(find_neighbors(X, 15).indices[rows].numpy(), true) > 0.96
    lists, clear = inverted_lists(X, 100), clusters(6000, 20, count=100)
    few = indexed.probes_for(inverted_lists(clear, 100), clear, clear, 15)
    assert few < indexed.probes_for(lists, X, X, 15) <= indexed.MOST


@pytest.mark.parametrize("copies", [20, 6000])
def test_copies_keep_k_neighbours_none_of_them_self(copies):
    X = cloud(6000 // copies, 4).repeat_interleave(copies, 0)
    indices, distances = through_lists(X, 19, "euclidean")
    assert bool((indices != torch.arange(6000)[:, None]).all())
    assert all(len(set(row)) == 19 for row in indices[::97].tolist())
    assert float(distances.max()) < 1e-5


def test_a_list_of_copies_is_cut():
    X = torch.cat([torch.zeros(4000, 3), cloud(2000, 3)])
    lists = inverted_lists(X, list_count(6000))
    assert np.diff(lists.starts).max() <= 8 * 6000 / list_count(6000) + 8
    assert len(lists.centres) > list_count(6000)


def test_few_points_in_many_lists():
    X = cloud(30, 3)
    indices, _ = through_lists(X, 29, "euclidean")
    assert torch.equal(indices, nearest(X, 29)[0])


def test_rows_that_come_up_short_are_searched_exactly(monkeypatch):
    X = cloud(3000, 6)
    monkeypatch.setattr(indexed, "probes_for", lambda *arguments, **options: 1)
    monkeypatch.setattr("ne_interactive.graph.lists.LEAST_VISITED", 1)
    indices, distances = through_lists(X, 150, "euclidean")
    assert bool((indices >= 0).all())
    assert bool((distances.diff(dim=1) >= 0).all())
    assert all(len(set(row)) == 150 for row in indices[::50].tolist())


def test_new_rows_find_the_points_and_not_themselves(fashion_values):
    table = fashion_values[:5500]
    new = torch.cat([fashion_values[5500:5800], table[:3]])
    indices, distances = through_lists(table, 10, "euclidean", new=new)
    assert indices[-3:, 0].tolist() == [0, 1, 2]
    assert float(distances[-3:, 0].max()) == 0
    both = torch.cat([table, new])
    true, _ = nearest(both, 10, rows=torch.arange(5500, len(both)), among=5500)
    assert recall(indices.numpy(), true.numpy()) > 0.97


def test_new_rows_of_a_table_go_through_the_lists():
    from ne_interactive.data.arrays import as_rows

    X = clusters(EXACT_ROWS, 60)
    found = neighbors_among(as_rows(X.numpy()), X[:20] + 0.01, 5)
    assert not found.exact
    assert found.indices[:, 0].tolist() == list(range(20))


def test_auto_needs_no_faiss(monkeypatch):
    monkeypatch.setattr(faiss_index, "_faiss", lambda: pytest.fail("FAISS was loaded"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not find_neighbors(clusters(EXACT_ROWS, 8), 5).exact


def test_rough_neighbours_are_near():
    X = clusters(6000, 40)
    indices, distances = rough(X, 15, "euclidean")
    far = (X[:200, None] - X[indices[:200]]).norm(dim=2).mean()
    anyone = (X[:200] - X[200:400]).norm(dim=1).mean()
    assert float(far) < 0.6 * float(anyone)
    assert bool((distances.diff(dim=1) >= 0).all())
    assert bool((indices != torch.arange(6000)[:, None]).all())


@pytest.mark.parametrize("most", [10, 2**16, 2**20])
def test_numbers_in_order(most):
    numbers = np.random.default_rng(0).integers(0, most, 5000)
    assert np.array_equal(in_order(numbers), np.argsort(numbers, kind="stable"))


def test_a_search_tells_how_far_it_has_come():
    told = []
    with reported(lambda what, share: told.append((what, share))):
        through_lists(clusters(6000, 12), 10, "euclidean")
    shares = [share for what, share in told if what == "finding neighbours" and share is not None]
    assert len(shares) >= 8
    assert shares == sorted(shares)
    assert 0 <= shares[0] < 0.1
    assert 0.8 < shares[-1] < 1
