"""Every affinity by its properties, and against loops in float64."""

import dataclasses
import math
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from ne_interactive.graph import doubly
from ne_interactive.graph.affinities import entropic
from ne_interactive.graph.csr import Graph
from ne_interactive.graph.families import (
    AFFINITIES,
    MAGIC,
    PHATE,
    DoublyStochasticQuadratic,
    Entropic,
    Fuzzy,
    NormalizedGaussian,
    NormalizedStudent,
    ScaledNearest,
    SelfTuning,
    Sinkhorn,
    SymmetricEntropic,
    as_affinity,
)
from ne_interactive.graph.matrices import dense_of_graph, graph_of_dense, graph_of_matrix
from ne_interactive.graph.neighbors import find_neighbors
from ne_interactive.params.errors import DataError, ParameterError

DOUBLY = [SymmetricEntropic(perplexity=12.5), Sinkhorn(eps=8.0), DoublyStochasticQuadratic(eps=60.0)]
JOINT = [*DOUBLY, Entropic(perplexity=12.5), SelfTuning(), MAGIC(), NormalizedGaussian(sigma=5), NormalizedStudent(), PHATE()]  # fmt: skip
SMALL = {
    "entropic": {"perplexity": 1.5},
    "symmetricentropic": {"perplexity": 1.5},
    "selftuning": {"K": 2},
    "magic": {"K": 2},
    "fuzzy": {"n_neighbors": 2},
    "scalednearest": {"n_neighbors": 1},
    "phate": {"n_neighbors": 2},
}


def named(affinity):
    return type(affinity).__name__


def gaussian(n=200, d=10, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)


def matrix(P):
    return (dense_of_graph(P) if isinstance(P, Graph) else P).double().numpy()


def squares(X):
    X = np.asarray(X, np.float64)
    return ((X[:, None] - X[None]) ** 2).sum(2)


def perplexities(P):
    """Effective number of neighbours of every row, whatever its sum."""
    P = P / P.sum(1, keepdims=True)
    return np.exp(-(P * np.log(np.where(P > 0, P, 1))).sum(1))


# what all share


@pytest.mark.parametrize("affinity", JOINT, ids=named)
def test_joint_affinities_sum_to_one_are_symmetric_and_have_no_loops(affinity):
    P = matrix(affinity(gaussian()))
    assert P.sum() == pytest.approx(1, abs=1e-5)
    assert np.abs(P - P.T).max() <= 1e-6 * P.max()
    assert (np.diag(P) == 0).all()
    assert (P >= 0).all()


@pytest.mark.parametrize("cls", [Entropic, SymmetricEntropic, SelfTuning, MAGIC, Fuzzy, ScaledNearest, PHATE])
@pytest.mark.parametrize("metric", ["euclidean", "sqeuclidean"])
@pytest.mark.parametrize("factor", [1e-3, 1e3])
def test_scale_of_the_data_changes_nothing(cls, metric, factor):
    X = gaussian()
    P, Q = matrix(cls()(X, metric=metric)), matrix(cls()(X * np.float32(factor), metric=metric))
    np.testing.assert_allclose(Q, P, atol=2e-4 * P.max())


@pytest.mark.parametrize("cls", [Entropic, SymmetricEntropic, SelfTuning, MAGIC, ScaledNearest, PHATE])
def test_squared_and_plain_distances_give_the_same(cls):
    X = gaussian()
    P, Q = matrix(cls()(X)), matrix(cls()(X, metric="sqeuclidean"))
    np.testing.assert_allclose(Q, P, atol=1e-5 * P.max())


@pytest.mark.parametrize("name", AFFINITIES)
def test_order_of_the_rows_does_not_matter(name):
    X = gaussian(120)
    order = np.random.default_rng(1).permutation(len(X))
    P, Q = matrix(AFFINITIES[name]()(X)), matrix(AFFINITIES[name]()(X[order]))
    np.testing.assert_allclose(Q, P[np.ix_(order, order)], atol=1e-5 * P.max())


@pytest.mark.parametrize("name", AFFINITIES)
@pytest.mark.parametrize(
    ("kind", "X"),
    [
        ("constant", np.full((40, 3), 7.0)),
        ("one-hot", np.eye(40)),
        ("duplicates", np.repeat(gaussian(8), 6, 0)),
        ("outlier", np.r_[gaussian(40), np.full((1, 10), 1e4)]),
        ("three", np.array([[0.0], [1.0], [5.0]])),
    ],
)
def test_hard_data_give_finite_weights(name, kind, X):
    given = {"perplexity": 4.5} if "perplexity" in SMALL.get(name, {}) else {}
    affinity = AFFINITIES[name](**(SMALL.get(name, {}) if kind == "three" else given))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        P = matrix(affinity(X))
    assert np.isfinite(P).all()
    assert P.sum() > 0
    if name not in ("fuzzy", "scalednearest"):
        assert P.sum() == pytest.approx(1, abs=1e-4)
    if kind == "constant" and affinity.k(len(X)) is None:
        np.testing.assert_allclose(P[~np.eye(len(X), dtype=bool)], 1 / (40 * 39), rtol=1e-4)


@pytest.mark.parametrize("affinity", [*DOUBLY[:1], Entropic(perplexity=12.5)], ids=named)
@pytest.mark.parametrize("metric", ["cosine", "angular", "manhattan"])
def test_other_metrics_are_finite(affinity, metric):
    P = matrix(affinity(gaussian(), metric=metric))
    assert np.isfinite(P).all()
    assert P.sum() == pytest.approx(1, abs=1e-5)


def test_precomputed_distances_give_the_same():
    X = gaussian()
    D = np.sqrt(squares(X))
    for affinity in (Entropic(), Fuzzy(), SymmetricEntropic()):
        P, Q = matrix(affinity(X)), matrix(affinity(D, metric="precomputed"))
        np.testing.assert_allclose(Q, P, atol=1e-4 * P.max())


@pytest.mark.parametrize("affinity", [Entropic(perplexity=5), Fuzzy(), SelfTuning(), MAGIC(), ScaledNearest()], ids=named)
def test_dense_of_a_sparse_family_is_its_graph(affinity):
    X = gaussian(80)
    D = torch.from_numpy(np.sqrt(squares(X)))
    np.testing.assert_allclose(affinity.dense(D).numpy(), matrix(affinity(X)), rtol=1e-4, atol=1e-8)


def test_they_are_values():
    assert Entropic(perplexity=5) == Entropic(perplexity=5) != Entropic(perplexity=6)
    for cls in AFFINITIES.values():
        assert hash(cls()) == hash(cls())
        with pytest.raises(TypeError):
            cls(nonsense=1)
        field = dataclasses.fields(cls)[0].name
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(cls(), field, 3)


@pytest.mark.parametrize(
    ("affinity", "n", "match"),
    [
        (Entropic(perplexity=1), 50, r"Entropic.perplexity must lie in \(1, 49\).*got 1"),
        (Entropic(perplexity=49), 50, r"perplexity.*got 49"),
        (Entropic(perplexity=math.nan), 50, "perplexity.*got nan"),
        (Entropic(perplexity="30"), 50, "perplexity.*got '30'"),
        (SymmetricEntropic(), 31, r"SymmetricEntropic.perplexity must lie in \(1, 30\)"),
        (Sinkhorn(eps=0), 50, r"Sinkhorn.eps.*got 0"),
        (Sinkhorn(kernel="box"), 50, "kernel.*got 'box'"),
        (Sinkhorn(), 2, "at least 3 points"),
        (DoublyStochasticQuadratic(eps=-1), 50, "eps.*got -1"),
        (NormalizedGaussian(sigma=0), 50, "sigma.*got 0"),
        (NormalizedGaussian(dim=2), 50, "dim.*got 2"),
        (NormalizedStudent(dof=0), 50, "dof.*got 0"),
        (SelfTuning(K=0), 50, r"K must be an integer in \[1, 49\] for 50 points; got 0"),
        (SelfTuning(K=50), 50, "got 50"),
        (MAGIC(K=2.5), 50, "got 2.5"),
        (Fuzzy(n_neighbors=1), 50, r"n_neighbors must be an integer in \[2, 50\]"),
        (Fuzzy(n_neighbors=51), 50, "got 51"),
        (ScaledNearest(n_neighbors=49), 50, r"in \[1, 48\] for 50 points; got 49"),
        (PHATE(t=0), 50, "PHATE.t must be an integer at least 1; got 0"),
        (PHATE(n_neighbors=50), 50, "n_neighbors.*got 50"),
        (PHATE(alpha=0), 50, "alpha.*got 0"),
    ],
)
def test_parameters_are_checked(affinity, n, match):
    with pytest.raises(ParameterError, match=match):
        affinity.check(n)
    with pytest.raises(ParameterError, match=match):
        affinity(gaussian(n, 2))


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
    check_symmetric_entropic(matrix(SymmetricEntropic(perplexity=perplexity)(gaussian())), perplexity, 200, raised)


def test_symmetric_entropic_is_the_least_cost_of_its_kind():
    """Log P has the form (m_i + m_j - 2 C_ij) / (e_i + e_j): with its own e, what is left has rank two."""
    X = gaussian(40, 4)
    P = matrix(SymmetricEntropic(perplexity=10)(X)) * 40
    check_symmetric_entropic(P / 40, 10, 40)
    C = squares(X)
    i, j = np.nonzero((P > 1e-4) & ~np.eye(40, dtype=bool))
    # e and m, up to nothing, solve the linear system log P (e_i + e_j) - m_i - m_j = -2 C
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
    [NormalizedGaussian(), NormalizedStudent(dim=1), NormalizedGaussian(dim=0), Sinkhorn(), Sinkhorn(kernel="student")],
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


# adaptive


def test_self_tuning_against_loops():
    X = gaussian(60, 3)
    D, K, k = np.sqrt(squares(X)), 7, 21
    order = np.argsort(D, 1)
    P = np.zeros((60, 60))
    for i in range(60):
        for j in order[i, 1 : k + 1]:
            P[i, j] = P[j, i] = math.exp(-D[i, j] ** 2 / (D[i, order[i, K]] * D[j, order[j, K]]))
    np.testing.assert_allclose(matrix(SelfTuning(K=K)(X)), P / P.sum(), rtol=1e-4)


def test_magic_against_loops():
    X = gaussian(60, 3)
    D, K, k = np.sqrt(squares(X)), 7, 21
    order = np.argsort(D, 1)
    A = np.zeros((60, 60))
    for i in range(60):
        for j in order[i, 1 : k + 1]:
            A[i, j] = math.exp(-((D[i, j] / D[i, order[i, K]]) ** 2))
    M = A + A.T
    M /= M.sum(1, keepdims=True)
    np.testing.assert_allclose(matrix(MAGIC(K=K)(X)), (M + M.T) / 120, rtol=1e-4)


def test_fuzzy_takes_plain_distances():
    """The membership at the median neighbour distance, which squares would change."""
    X = gaussian()
    found = find_neighbors(torch.from_numpy(X), 14)
    graph = Fuzzy(n_neighbors=15).graph(found)
    squared = Fuzzy(n_neighbors=15).graph(dataclasses.replace(found, distances=found.distances.square()))
    row = found.distances[0].double().numpy()
    sigma = min(np.geomspace(1e-3, 10, 20000), key=lambda s: abs(np.exp(-(row - row[0]) / s).sum() - math.log2(15)))
    own = np.zeros(200)
    own[found.indices[0]] = np.exp(-(row - row[0]) / sigma)
    alone = [j for j in found.indices[0].tolist() if 0 not in found.indices[j]]
    assert alone
    np.testing.assert_allclose(matrix(graph)[0, alone], own[alone], atol=2e-3)
    assert np.abs(matrix(squared)[0, alone] - own[alone]).max() > 2e-3


def test_phate_against_loops():
    X = gaussian(50, 3)
    D = np.sqrt(squares(X))
    e = np.sort(D, 1)[:, 5]
    K = np.exp(-((D / e[:, None]) ** 10))
    K = (K + K.T) / 2
    M = K / K.sum(1, keepdims=True)
    for_five = M @ M @ M @ M @ M
    distances = torch.from_numpy(D)
    np.testing.assert_allclose(PHATE().diffusion(distances).numpy(), for_five, rtol=1e-8, atol=1e-12)
    U = -np.log(for_five + 1e-7)
    np.testing.assert_allclose(PHATE().potential_distances(distances).numpy(), np.sqrt(squares(U)), rtol=1e-4)
    np.fill_diagonal(for_five, 0)
    P = (for_five + for_five.T) / 2
    np.testing.assert_allclose(matrix(PHATE()(X)), P / P.sum(), atol=1e-7)


# scaled nearest


def reference_pairs(X, kept):
    D = squares(X)
    order = np.argsort(D, 1, kind="stable")[:, 1 : kept + 51]
    plain = np.sqrt(np.take_along_axis(D, order, 1))
    s = plain[:, 3:6].mean(1)
    scaled = np.take_along_axis(D, order, 1) / (s[:, None] * s[order])
    return np.take_along_axis(order, np.argsort(scaled, 1, kind="stable")[:, :kept], 1)


@pytest.mark.parametrize("metric", ["euclidean", "sqeuclidean"])
@pytest.mark.parametrize("n", [20, 61, 200])
def test_scaled_nearest_against_loops(metric, n):
    X = gaussian(n, 4) * np.linspace(0.2, 3, n, dtype=np.float32)[:, None]
    affinity = ScaledNearest(n_neighbors=10)
    pairs = affinity.pairs(find_neighbors(torch.from_numpy(X), affinity.k(n), metric=metric))
    assert pairs.dtype == torch.int64
    np.testing.assert_array_equal(np.sort(pairs, 1), np.sort(reference_pairs(X, 10), 1))


@pytest.mark.parametrize("n", [3, 4, 5, 7, 8])
def test_scaled_nearest_of_few_points(n):
    affinity = ScaledNearest(n_neighbors=n - 2)
    pairs = affinity.pairs(find_neighbors(torch.from_numpy(gaussian(n, 3)), affinity.k(n)))
    assert pairs.shape == (n, n - 2)
    assert all(len({i, *row}) == n - 1 for i, row in enumerate(pairs.tolist()))


def test_scaled_nearest_counts_its_pairs():
    X = torch.from_numpy(gaussian())
    affinity = ScaledNearest()
    found = find_neighbors(X, affinity.k(200))
    counted = np.zeros((200, 200))
    for i, row in enumerate(affinity.pairs(found).tolist()):
        counted[i, row] += 1
    np.testing.assert_array_equal(matrix(affinity.graph(found)), counted + counted.T)
    with pytest.raises(ParameterError, match="at most the number of candidates; got 10 for 5"):
        affinity.pairs(found.first(5))


# matrices and names


def test_graph_of_dense_and_back():
    P = torch.rand(50, 50, generator=torch.Generator().manual_seed(0))
    P = ((P + P.T) / 2).fill_diagonal_(0)
    P[P < 0.4] = 0
    graph = graph_of_dense(P)
    assert torch.equal(dense_of_graph(graph), P)
    assert (graph.indptr.dtype, graph.indices.dtype, graph.values.dtype) == (torch.int64, torch.int32, torch.float32)
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


def test_as_affinity_takes_instances_classes_names_and_matrices():
    assert as_affinity(Entropic(perplexity=5), 50) == Entropic(perplexity=5)
    assert as_affinity(Entropic, 50, kwargs={"perplexity": 5}) == Entropic(perplexity=5)
    assert as_affinity("symmetric_entropic", 50) == SymmetricEntropic()
    assert as_affinity("SinkhornAffinity", 50, kwargs={"eps": 3}) == Sinkhorn(eps=3)
    assert isinstance(as_affinity(np.ones((5, 5)), 5), Graph)
    assert set(AFFINITIES) == {cls.__name__.lower() for cls in AFFINITIES.values()}


@pytest.mark.parametrize(
    ("value", "kwargs", "match"),
    [
        ("entropy", None, "affinity_in must be one of entropic, .*got 'entropy'"),
        (7, None, "affinity_in must be an affinity.*got 7"),
        (None, None, "got None"),
        (dict, None, "affinity_in must be an affinity"),
        (Entropic(), None, "affinity_in: Entropic.perplexity must lie in .1, 19"),
        (Entropic, {"perplexty": 5}, "Entropic cannot be made of"),
        (Entropic(perplexity=5), {"perplexity": 6}, "go with a class or a name"),
    ],
)
def test_as_affinity_refuses(value, kwargs, match):
    with pytest.raises(ParameterError, match=match):
        as_affinity(value, 20, kwargs=kwargs)


def test_dense_families_refuse_neighbours():
    with pytest.raises(ParameterError, match="NormalizedGaussian is not defined on nearest neighbours"):
        NormalizedGaussian().graph(find_neighbors(torch.from_numpy(gaussian(20)), 5))
