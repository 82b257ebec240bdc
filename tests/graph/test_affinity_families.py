"""What all affinities share: sums, symmetry, scale, order of rows, hard data, limits, names."""

import dataclasses
import math
import warnings
from contextlib import nullcontext

import numpy as np
import pytest
import torch

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
from ne_interactive.graph.neighbors import find_neighbors
from ne_interactive.params.errors import ParameterError
from tests.graph.affinity_references import gaussian, matrix, named, squares

DOUBLY = [SymmetricEntropic(perplexity=12.5), Sinkhorn(eps=8.0), DoublyStochasticQuadratic(eps=60.0)]
JOINT = [
    *DOUBLY,
    Entropic(perplexity=12.5),
    SelfTuning(),
    MAGIC(),
    NormalizedGaussian(sigma=5),
    NormalizedStudent(),
    PHATE(),
]
SMALL = {
    "entropic": {"perplexity": 1.5},
    "symmetricentropic": {"perplexity": 1.5},
    "selftuning": {"K": 2},
    "magic": {"K": 2},
    "fuzzy": {"n_neighbors": 2},
    "scalednearest": {"n_neighbors": 1},
    "phate": {"n_neighbors": 2},
}


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
        with pytest.warns(UserWarning, match="rows of X are equal") if kind == "constant" else nullcontext():
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


@pytest.mark.parametrize(
    "affinity", [Entropic(perplexity=5), Fuzzy(), SelfTuning(), MAGIC(), ScaledNearest()], ids=named
)
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
