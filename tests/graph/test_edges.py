"""Edges listed once, against the graph they are of."""

import numpy as np
import pytest
import torch

from ne_interactive.graph.csr import Graph, symmetrize
from ne_interactive.graph.edges import SPARE


def graph_of(n: int, k: int) -> Graph:
    generator = torch.Generator().manual_seed(n)
    return symmetrize(torch.randint(n, (n, k), generator=generator), torch.rand((n, k), generator=generator))


@pytest.mark.parametrize(("n", "k"), [(1, 0), (5, 0), (60, 3), (500, 12)])
def test_all_stored_entries_stand_in_the_order_of_places(n, k):
    graph = graph_of(n, k)
    edges = graph.edges
    assert sorted(edges.order.tolist()) == list(range(n))
    for p, i in enumerate(edges.order.tolist()):
        here, there = slice(*edges.indptr[p : p + 2]), slice(*graph.indptr[i : i + 2])
        assert torch.equal(edges.order[edges.ends[here]], graph.indices[there].long())
        assert torch.equal(graph.weights[here], graph.values[there])
    assert edges.indptr[-1] == graph.nnz
    for behind in (edges.ends[graph.nnz :], graph.weights[graph.nnz :]):
        assert behind.tolist() == [0] * SPARE
    Z = np.random.default_rng(0).normal(size=(n, 2)).astype(np.float32)
    np.testing.assert_array_equal(edges.gathered(Z), Z[edges.order.numpy()])


def test_neighbours_get_near_numbers():
    """A path whose points were shuffled: in their places, all edges lead a step or two on or back."""
    shuffled = torch.randperm(1000, generator=torch.Generator().manual_seed(0))
    nearest = torch.empty((1000, 1), dtype=torch.int64)
    nearest[shuffled[:-1], 0], nearest[shuffled[-1], 0] = shuffled[1:], shuffled[-2]
    edges = symmetrize(nearest, torch.ones(1000, 1)).edges
    first = np.repeat(np.arange(1000), np.diff(edges.indptr))
    assert np.abs(edges.ends.numpy()[: len(first)] - first).max() <= 2


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_shares_cover_all_places_and_have_about_as_many_entries(count):
    edges = graph_of(500, 12).edges
    borders = edges.shares(count).astype(np.int64)
    assert (borders[0], borders[-1], len(borders)) == (0, 500, count + 1)
    assert (np.diff(borders) >= 0).all()
    many = np.diff(edges.indptr.numpy()[borders])
    assert np.abs(many - int(edges.indptr[-1]) / count).max() < 60


@pytest.mark.parametrize("first", ["graph", "other", "another"])
def test_edges_are_listed_once_for_all_weights(first):
    """As for a metric that fades: its graph is weighed anew at every iteration, and not itself asked for edges."""
    graph = graph_of(60, 3)
    graphs = {"graph": graph, "other": graph.weighing(2 * graph.values)}
    graphs["another"] = graph.weighing(3 * graph.values)
    edges = graphs[first].edges
    assert all(one.edges is edges for one in graphs.values())
    assert torch.equal(graphs["other"].weights, 2 * graph.weights)
    for one in graphs.values():
        assert {id(part) for part in edges.tensors()} <= {id(part) for part in one.tensors()}
