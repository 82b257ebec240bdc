"""Symmetric graphs against dense arithmetic."""

import numpy as np
import pytest
import torch
from scipy import sparse

from ne_interactive.graph.csr import symmetrize
from ne_interactive.params.errors import DataError, ParameterError


def directed(n=60, k=7, seed=0):
    rng = np.random.default_rng(seed)
    indices = np.stack([rng.permutation(np.delete(np.arange(n), i))[:k] for i in range(n)])
    values = rng.random((n, k)).astype(np.float32)
    dense = np.zeros((n, n))
    np.put_along_axis(dense, indices, values.astype(np.float64), 1)
    return torch.from_numpy(indices), torch.from_numpy(values), dense


def dense_of(graph):
    matrix = sparse.csr_matrix((graph.values, graph.indices, graph.indptr), shape=(graph.n, graph.n))
    assert matrix.has_canonical_format
    return matrix.toarray()


@pytest.mark.parametrize("how", ["mean", "union"])
@pytest.mark.parametrize(("n", "k"), [(2, 1), (60, 7), (60, 59)])
def test_equals_dense(how, n, k):
    indices, values, P = directed(n, k)
    graph = symmetrize(indices, values, how)
    expected = (P + P.T) / (P + P.T).sum() if how == "mean" else P + P.T - P * P.T
    np.testing.assert_allclose(dense_of(graph), expected, rtol=1e-5)
    assert graph.nnz == np.count_nonzero(expected)
    assert (graph.indptr.dtype, graph.indices.dtype, graph.values.dtype) == (
        torch.int64,
        torch.int32,
        torch.float32,
    )
    torch.testing.assert_close(torch.from_numpy(dense_of(graph)), torch.from_numpy(dense_of(graph).T))
    if how == "mean":
        assert float(graph.values.double().sum()) == pytest.approx(1, abs=1e-6)


def test_loops_zeros_and_repeats():
    indices = torch.tensor([[0, 1, 2], [2, 2, 0], [1, 2, 0]])
    values = torch.tensor([[9.0, 0.0, 1.0], [0.5, 0.5, 0.0], [1.0, 9.0, 0.0]])
    graph = symmetrize(indices, values)
    expected = np.array([[0, 0, 0.5], [0, 0, 1], [0.5, 1, 0]])
    np.testing.assert_allclose(dense_of(graph), expected / expected.sum(), rtol=1e-6)
    assert graph.indptr.tolist() == [0, 1, 2, 4]


def test_nothing_left():
    indices, values, _ = directed()
    graph = symmetrize(indices, values * 0)
    assert (graph.n, graph.nnz) == (60, 0)


def test_digest_and_move():
    indices, values, _ = directed()
    graph, again = symmetrize(indices, values), symmetrize(indices, values)
    assert graph.digest() == again.digest() == graph.to("cpu").digest()
    assert graph.digest() != symmetrize(indices, values, "union").digest()
    shuffled = torch.randperm(7, generator=torch.Generator().manual_seed(0))
    assert graph.digest() == symmetrize(indices[:, shuffled], values[:, shuffled]).digest()


def test_edges_beside_the_digest_are_what_they_are_alone():
    indices, values, _ = directed()
    alone, beside = symmetrize(indices, values), symmetrize(indices, values)
    beside.list_beside_digest()
    assert beside.is_listed
    assert not alone.is_listed
    assert beside.digest() == alone.digest()
    torch.testing.assert_close(beside.edges.order, alone.edges.order)
    torch.testing.assert_close(beside.weights, alone.weights)


def test_refused():
    indices, values, _ = directed()
    with pytest.raises(ParameterError, match="got 'max'"):
        symmetrize(indices, values, "max")
    with pytest.raises(DataError, match=r"\(60, 7\) and \(60, 6\)"):
        symmetrize(indices, values[:, :6])
    for bad in (-1, 60):
        wrong = indices.clone()
        wrong[3, 3] = bad
        with pytest.raises(DataError, match=r"\[0, 60\); got"):
            symmetrize(wrong, values)
