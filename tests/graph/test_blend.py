"""What lies between two graphs, against dense matrices."""

import numpy as np
import pytest
import torch
from scipy import sparse

from ne_interactive.graph.blend import Blend
from ne_interactive.graph.csr import Graph, symmetrize


def random_graph(n, k, seed):
    generator = torch.Generator().manual_seed(seed)
    return symmetrize(torch.randint(n, (n, k), generator=generator), torch.rand((n, k), generator=generator))


def dense(graph: Graph):
    return sparse.csr_matrix((graph.values, graph.indices, graph.indptr), shape=(graph.n, graph.n)).toarray()


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_a_blend_is_the_weighted_mean_of_both(share):
    before, after = random_graph(53, 4, 0), random_graph(53, 7, 1)
    mixed = Blend(before, after).at(share)
    np.testing.assert_allclose(dense(mixed), share * dense(before) + (1 - share) * dense(after), atol=1e-8)
    for i in range(mixed.n):
        row = mixed.indices[mixed.indptr[i] : mixed.indptr[i + 1]]
        assert (row.diff() > 0).all()
    fresh = Graph(mixed.indptr, mixed.indices, mixed.values)
    assert torch.equal(mixed.weights, fresh.weights)


def test_graphs_without_common_edges_and_without_any():
    nothing = symmetrize(torch.zeros((5, 0), dtype=torch.int64), torch.zeros((5, 0)))
    some = random_graph(5, 2, 3)
    np.testing.assert_allclose(dense(Blend(nothing, some).at(0.5)), 0.5 * dense(some))
    assert Blend(nothing, nothing).at(0.5).nnz == 0
