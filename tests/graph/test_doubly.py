"""Doubly stochastic affinities and kernels with a normaliser, against plain iterations and loops."""

import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ne_interactive.graph import doubly
from ne_interactive.graph.affinities import entropic
from ne_interactive.graph.csr import Graph
from ne_interactive.graph.families import (
    DoublyStochasticQuadratic,
    Entropic,
    NormalizedGaussian,
    NormalizedStudent,
    Sinkhorn,
    SymmetricEntropic,
)
from ne_interactive.graph.neighbors import find_neighbors
from ne_interactive.params.errors import ParameterError
from tests.graph.affinity_references import gaussian, matrix, perplexities, squares

DOUBLY = [SymmetricEntropic(perplexity=12.5), Sinkhorn(eps=8.0), DoublyStochasticQuadratic(eps=60.0)]

# entropic


@pytest.mark.parametrize("perplexity", [1.5, 5.9, 30, 30.5, 150.25])
def test_entropic_has_the_perplexity_it_is_asked_for(perplexity):
    X = gaussian()
    affinity = Entropic(perplexity=perplexity)
    found = find_neighbors(torch.from_numpy(X), affinity.k(200))
    P = entropic(found.distances.square(), perplexity).double()
    assert perplexities(P.numpy()) == pytest.approx(perplexity, rel=1e-4)
    whole = np.zeros((200, 200))
    np.put_along_axis(whole, found.indices.numpy(), P.numpy(), 1)
    np.testing.assert_allclose(matrix(affinity(X)), (whole + whole.T) / 400, atol=1e-8)


def test_entropic_neighbours():
    assert Entropic(perplexity=30.5).k(1000) == 92
    assert Entropic(perplexity=30).k(50) == 49


def test_the_tail_of_a_row_is_left_out_and_the_rest_keeps_its_proportions():
    X = np.random.default_rng(0).normal(size=(200, 5)).astype(np.float32)
    known = find_neighbors(torch.from_numpy(X), 45)
    rows = Entropic(perplexity=15).rows(known).double()
    kept = torch.where(rows < 0.2 * rows.amax(1, keepdim=True), 0.0, rows)
    assert 0.1 < float((kept > 0).double().mean()) < 0.9
    whole = torch.zeros(200, 200, dtype=torch.float64).scatter_(1, known.indices, kept).numpy()
    P = matrix(Entropic(perplexity=15, tail=0.2).graph(known))
    np.testing.assert_allclose(P, (whole + whole.T) / (2 * whole.sum()), atol=1e-8)


@pytest.mark.parametrize("tail", [-0.1, 1, float("nan"), True, "0.1"])
def test_a_tail_is_a_share(tail):
    with pytest.raises(ParameterError, match=r"Entropic.tail must lie in \(0, 1\)|tail.*got"):
        Entropic(tail=tail).check(200)


# doubly stochastic


def check_symmetric_entropic(P, perplexity, n, raised=0):
    np.testing.assert_allclose(P.sum(1) * n, 1, atol=1e-4)
    found = perplexities(P)
    assert (found > perplexity * (1 - 1e-4)).all()
    assert (found > perplexity * 1.01).sum() <= raised


@pytest.mark.parametrize("factor", [1.0, 1e3, 1e-3])
def test_symmetric_entropic_of_digits(digit_values, factor):
    P = matrix(SymmetricEntropic(perplexity=30)(digit_values * factor))
    check_symmetric_entropic(P, 30, 1797, raised=1)


@pytest.mark.parametrize(("perplexity", "raised"), [(30, 0), (12.5, 4), (150, 0), (198, 0)])
def test_symmetric_entropic_of_a_gaussian(perplexity, raised):
    check_symmetric_entropic(
        matrix(SymmetricEntropic(perplexity=perplexity)(gaussian())), perplexity, 200, raised
    )


def test_symmetric_entropic_has_the_form_of_a_least_cost():
    X = gaussian(40, 4)
    P = matrix(SymmetricEntropic(perplexity=20)(X)) * 40
    check_symmetric_entropic(P / 40, 20, 40, raised=1)
    C = squares(X)
    i, j = np.nonzero(np.triu(P > 1e-4))
    # e and m solve log P_ij (e_i + e_j) - m_i - m_j = -2 C_ij: far more equations than the 80 unknowns
    assert len(i) > 300
    A = np.zeros((len(i), 80))
    rows = np.arange(len(i))
    log_P = np.log(P[i, j])
    for ends in (i, j):
        A[rows, ends] += log_P
        A[rows, 40 + ends] -= 1
    solved, *_ = np.linalg.lstsq(A, -2 * C[i, j], rcond=None)
    assert np.abs(A @ solved + 2 * C[i, j]).max() < 1e-3
    assert (solved[:40] > 0).all()


def test_a_matrix_on_neighbours_meets_the_same_conditions(monkeypatch):
    X = gaussian(600, 5)
    monkeypatch.setattr(doubly, "DENSE_POINTS", 500)
    P = SymmetricEntropic(perplexity=20)(X)
    assert isinstance(P, Graph)
    assert P.nnz < 600 * 599 / 2
    check_symmetric_entropic(matrix(P), 20, 600, raised=6)
    for affinity in (Sinkhorn(eps=5.0), DoublyStochasticQuadratic(eps=50.0)):
        P = affinity(X)
        assert isinstance(P, Graph)
        np.testing.assert_allclose(matrix(P).sum(1) * 600, 1, atol=1e-4)


def test_symmetric_entropic_on_all_neighbours_is_the_dense_one():
    X = torch.from_numpy(gaussian(60, 3))
    affinity = SymmetricEntropic(perplexity=10)
    found = affinity.graph(find_neighbors(X, 59))
    np.testing.assert_allclose(matrix(found), matrix(affinity(X)), atol=1e-6)


def test_an_impossible_perplexity_on_neighbours_is_refused():
    with pytest.raises(ParameterError, match="below the number of neighbours; got 30 for"):
        SymmetricEntropic(perplexity=30).graph(find_neighbors(torch.from_numpy(gaussian()), 5))


def test_no_convergence_is_a_warning(monkeypatch):
    monkeypatch.setattr("ne_interactive.graph.duals.ROUNDS", 1)
    with pytest.warns(UserWarning, match=r"Sinkhorn\(eps=0.5.*not converged"):
        Sinkhorn(eps=0.5)(gaussian())


@pytest.mark.parametrize("affinity", [*DOUBLY[1:], Sinkhorn(eps=8.0, kernel="student")], ids=repr)
def test_doubly_stochastic_against_plain_iterations(affinity):
    X = gaussian(60, 4)
    C = squares(X)
    P = matrix(affinity(X)) * 60
    f = np.zeros(60)
    if isinstance(affinity, Sinkhorn):
        K = 1 / (1 + C / affinity.eps) if affinity.kernel == "student" else np.exp(-C / affinity.eps)
        np.fill_diagonal(K, 0)
        for _ in range(2000):
            f = (f - np.log(K @ np.exp(f))) / 2
        expected = np.exp(f[:, None] + f) * K
    else:
        np.fill_diagonal(C, np.inf)
        for _ in range(20000):
            expected = np.maximum(f[:, None] + f - C, 0) / affinity.eps
            f += 0.4 * affinity.eps / 60 * (1 - expected.sum(1))
    np.testing.assert_allclose(P.sum(1), 1, atol=1e-5)
    np.testing.assert_allclose(P, expected, atol=1e-5)


@pytest.mark.parametrize("eps", [0.05, 1e-3])
def test_small_regularisation_converges(eps):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for affinity in (Sinkhorn(eps=eps), DoublyStochasticQuadratic(eps=eps)):
            P = matrix(affinity(gaussian(150)))
            np.testing.assert_allclose(P.sum(1) * 150, 1, atol=1e-3)


@settings(max_examples=20, deadline=None)
@given(st.integers(8, 40), st.integers(1, 5), st.integers(0, 10**6), st.floats(0.15, 0.8))
def test_symmetric_entropic_of_any_gaussian(n, d, seed, share):
    perplexity = 1.5 + share * (n - 3)
    P = matrix(SymmetricEntropic(perplexity=perplexity)(gaussian(n, d, seed)))
    check_symmetric_entropic(P, perplexity, n, raised=n)


# kernels for embeddings


@pytest.mark.parametrize("dim", [(0, 1), 0, 1, None])
@pytest.mark.parametrize("make", [NormalizedGaussian, NormalizedStudent])
def test_normalized_kernels_against_loops(make, dim):
    X = gaussian(30, 3)
    C = squares(X)
    K = np.exp(-C) if make is NormalizedGaussian else 1 / (1 + C)
    np.fill_diagonal(K, 0)
    n_sums = {(0, 1): K.sum(), 0: 30 * K.sum(0, keepdims=True), 1: 30 * K.sum(1, keepdims=True), None: 1}
    np.testing.assert_allclose(matrix(make(dim=dim)(X)), K / n_sums[dim], rtol=1e-4, atol=1e-10)


def test_heavier_tails_and_widths():
    C = torch.tensor([0.5, 2.0], dtype=torch.float64)
    torch.testing.assert_close(NormalizedStudent(dof=0.5).log_kernel(C), -0.5 * torch.log(1 + 2 * C))
    torch.testing.assert_close(NormalizedStudent(dof=1e8).log_kernel(C), -C)
    torch.testing.assert_close(NormalizedGaussian(sigma=4.0).log_kernel(C), -C / 4)
    torch.testing.assert_close(Sinkhorn(eps=4.0).log_kernel(C), -C / 4)
    torch.testing.assert_close(Sinkhorn(eps=4.0, kernel="student").log_kernel(C), -torch.log(1 + C / 4))


@pytest.mark.parametrize(
    "affinity",
    [
        NormalizedGaussian(),
        NormalizedStudent(dim=1),
        NormalizedGaussian(dim=0),
        Sinkhorn(),
        Sinkhorn(kernel="student"),
    ],
    ids=repr,
)
def test_log_q_is_normalised_and_differentiable(affinity):
    Z = torch.randn(9, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0), requires_grad=True)
    W = torch.rand(9, 9, dtype=torch.float64, generator=torch.Generator().manual_seed(1)).fill_diagonal_(0)

    def log_q(Z):
        log_K = affinity.log_kernel((Z[:, None] - Z[None]).square().sum(2))
        return log_K - affinity.log_normalizer(log_K)

    Q = log_q(Z).exp().detach().fill_diagonal_(0)
    assert float(Q.sum()) == pytest.approx(1, abs=1e-7)
    if isinstance(affinity, Sinkhorn):
        np.testing.assert_allclose(Q.sum(1) * 9, 1, atol=1e-7)
    assert torch.autograd.gradcheck(lambda Z: (W * log_q(Z)).sum(), (Z,), atol=1e-5)
