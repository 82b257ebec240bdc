"""Matrices as graphs, and back."""

import numpy as np
import pytest
import torch
from scipy import sparse

from ne_interactive.graph.csr import Graph
from ne_interactive.graph.families import (
    as_affinity,
)
from ne_interactive.graph.matrices import dense_of_graph, graph_of_dense, graph_of_matrix
from ne_interactive.params.errors import DataError, ParameterError
from tests.graph.affinity_references import matrix

# matrices and names


def test_graph_of_dense_and_back():
    P = torch.rand(50, 50, generator=torch.Generator().manual_seed(0))
    P = ((P + P.T) / 2).fill_diagonal_(0)
    P[P < 0.4] = 0
    graph = graph_of_dense(P)
    assert torch.equal(dense_of_graph(graph), P)
    assert (graph.indptr.dtype, graph.indices.dtype, graph.values.dtype) == (
        torch.int64,
        torch.int32,
        torch.float32,
    )
    assert graph_of_dense(P, drop=0.5).nnz == int((P > 0.5).sum())
    assert graph_of_dense(P.double() + torch.eye(50)).digest() == graph.digest()
    assert torch.equal(dense_of_graph(graph_of_dense(P.triu())), P / 2)
    with pytest.raises(DataError, match="square"):
        graph_of_dense(P[:3])


def test_graph_of_dense_in_blocks(monkeypatch):
    P = torch.rand(50, 50, generator=torch.Generator().manual_seed(0))
    whole = graph_of_dense(P).digest()
    monkeypatch.setattr("ne_interactive.graph.matrices.BLOCK", 160)
    assert graph_of_dense(P).digest() == whole


def test_a_users_matrix_in_every_kind():
    import pandas as pd

    A = np.random.default_rng(0).random((30, 30)) * (np.random.default_rng(1).random((30, 30)) < 0.3)
    expected = A + A.T
    np.fill_diagonal(expected, 0)
    expected /= expected.sum()
    torch_sparse = torch.from_numpy(A).to_sparse()
    kinds = [A, A.tolist(), torch.from_numpy(A), torch_sparse, torch_sparse.to_sparse_csr(), pd.DataFrame(A)]
    for given_matrix in [*kinds, sparse.csr_matrix(A), sparse.coo_array(A), sparse.csc_array(A)]:
        graph = graph_of_matrix(given_matrix, 30)
        np.testing.assert_allclose(matrix(graph), expected, rtol=1e-6)
        assert graph.nnz == (expected > 0).sum()
    counts = graph_of_matrix((A > 0).astype(np.int8), 30)
    assert float(counts.values.sum()) == pytest.approx(1)


def test_a_sparse_matrix_stays_sparse():
    n = 200_000
    A = sparse.diags_array(np.ones(n - 1), offsets=1, shape=(n, n))
    graph = graph_of_matrix(A, n)
    assert graph.nnz == 2 * (n - 1)
    assert isinstance(as_affinity(A, n), Graph)


@pytest.mark.parametrize(
    ("A", "error", "match"),
    [
        (np.ones((3, 4)), DataError, r"each of the 3 points; got \(3, 4\)"),
        (np.ones((4, 4)), DataError, "each of the 3 points"),
        (np.full((3, 3), np.nan), DataError, "finite"),
        (-np.ones((3, 3)), DataError, "the least is -1"),
        (np.eye(3), DataError, "beside its diagonal"),
        (np.ones((3, 3), complex), ParameterError, "real numbers"),
        (np.full((3, 3), "a"), ParameterError, "real numbers"),
        (np.ones(3), ParameterError, "matrix"),
    ],
)
def test_bad_matrices(A, error, match):
    with pytest.raises(error, match=match):
        graph_of_matrix(A, 3)
