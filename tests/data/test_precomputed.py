"""Distances and neighbours that the caller computed: read in any form, refused with the reason."""

import re

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse
from scipy.spatial.distance import cdist

from ne_interactive.data.arrays import Precomputed, as_rows, like_input
from ne_interactive.params.errors import DataError

X = np.random.default_rng(0).standard_normal((12, 3))
D = cdist(X, X)
IDS = np.argsort(D, 1, kind="stable")
NEAR = np.take_along_axis(D, IDS, 1)


def precomputed(given, **options):
    return as_rows(given, metric="precomputed", **options)


def sparse_near(k, form="csr_matrix", *, diagonal=False):
    first = 0 if diagonal else 1
    rows = np.repeat(np.arange(12), k)
    columns = IDS[:, first : first + k].ravel()
    coo = sparse.coo_array((D[rows, columns], (rows, columns)), (12, 12))
    return getattr(sparse, form)(coo)


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        (D, "numpy"),
        (D.astype(np.float32), "numpy"),
        (D.tolist(), "numpy"),
        (pd.DataFrame(D, index=list("abcdefghijkl")), "pandas"),
        (torch.from_numpy(D), "torch"),
        (D - 1e-7 * np.eye(12), "numpy"),
    ],
)
def test_dense(given, kind):
    table = precomputed(given)
    assert isinstance(table, Precomputed)
    assert (table.n, table.d, table.kind, table.most_neighbors) == (12, 12, kind, 11)
    np.testing.assert_allclose(table.distances.numpy(), D, atol=2e-7)
    assert float(table.distances.min()) == 0
    assert table.known_indices is None
    if kind == "pandas":
        assert like_input(torch.zeros(12, 2), table).index.equals(given.index)
    assert table.fingerprint() == precomputed(given).fingerprint()


@pytest.mark.parametrize(
    "form", ["csr_matrix", "csc_matrix", "coo_array", "lil_array", "dok_matrix", "csr_array", "bsr_array"]
)
@pytest.mark.parametrize("diagonal", [False, True])
def test_sparse(form, diagonal):
    table = precomputed(sparse_near(5, form, diagonal=diagonal))
    k = 4 if diagonal and form != "bsr_array" else table.most_neighbors
    assert table.distances is None
    if form != "bsr_array":  # its blocks hold more than was stored
        assert table.most_neighbors == (4 if diagonal else 5)
    else:
        k = 3
    np.testing.assert_array_equal(table.known_indices[:, :k].numpy(), IDS[:, 1 : k + 1])
    np.testing.assert_allclose(table.known_distances[:, :k].numpy(), NEAR[:, 1 : k + 1], rtol=1e-6)


def test_stored_zeros_are_neighbours_and_the_shortest_row_decides():
    rows, columns = [0, 0, 1, 1, 1, 2], [2, 1, 0, 2, 1, 0]
    table = precomputed(sparse.csr_array(([0.0, 0.0, 3.0, 0.0, 9.0, 2.0], (rows, columns)), (3, 3)))
    assert table.known_indices.tolist() == [[1], [2], [0]]  # equal distances in order of index
    assert table.known_distances.tolist() == [[0], [0], [2]]
    assert table.shortest == 2


def test_entries_stored_twice_are_added_up():
    twice = sparse.coo_array(([1.0, 1.0, 5.0], ([0, 0, 1], [1, 1, 0])), (2, 2))
    assert precomputed(twice).known_distances.tolist() == [[2], [5]]
    assert twice.nnz == 3


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("form", [np.asarray, torch.from_numpy, np.ndarray.tolist, pd.DataFrame])
def test_pairs(first, form):
    mixed = np.random.default_rng(1).permuted(np.tile(np.arange(first, 6), (12, 1)), axis=1)
    ids, near = np.take_along_axis(IDS, mixed, 1), np.take_along_axis(NEAR, mixed, 1)
    table = precomputed((form(ids), form(near)))
    assert table.most_neighbors == 5
    np.testing.assert_array_equal(table.known_indices.numpy(), IDS[:, 1:6])
    np.testing.assert_allclose(table.known_distances.numpy(), NEAR[:, 1:6], rtol=1e-6)
    assert table.kind == {torch.from_numpy: "torch", pd.DataFrame: "pandas"}.get(form, "numpy")


def test_ties_of_a_pair_go_by_index():
    ids = np.array([[3, 2, 1], [3, 2, 0], [0, 3, 1], [2, 0, 1]])
    table = precomputed([ids, np.ones((4, 3))])
    assert table.known_indices.tolist() == [[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2]]


def test_fingerprints_differ():
    other = D.copy()
    other[3, 5] = other[5, 3] = 9
    ids = IDS[:, 1:4].copy()
    pair = precomputed((ids, NEAR[:, 1:4])).fingerprint()
    ids[0] = [1, 2, 3]
    changed = precomputed((ids, NEAR[:, 1:4])).fingerprint()
    assert len({precomputed(D).fingerprint(), precomputed(other).fingerprint(), pair, changed}) == 4


def test_no_rows_to_read():
    with pytest.raises(DataError, match="holds distances"):
        precomputed(D).batches()


def entry(i, j, value, *, both=False):
    bad = D.copy()
    bad[i, j] = value
    if both:
        bad[j, i] = value
    return bad


def stored(i, value):
    bad = sparse_near(3)
    bad.data[i] = value
    return bad


def named(i, j, value):
    ids = IDS[:, 1:5].copy()
    ids[i, j] = value
    return ids, NEAR[:, 1:5]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (X, r"square matrix of distances.*shape=\(12, 3\)"),
        (D[:1, :1], "minimum of 2"),
        (D[0], "Expected 2D"),
        (entry(2, 1, np.nan), "row 2, column 1: NaN"),
        (entry(2, 1, np.inf), "row 2, column 1: infinity"),
        (entry(2, 1, -1, both=True), r"not be negative; entry \(1, 2\) is -1.*not similarities"),
        (-D, "not be negative"),
        (entry(4, 4, 1), r"distance 0 from itself; entry \(4, 4\) of X is 1\."),
        (entry(7, 3, 50.0), r"symmetric; entry \(3, 7\) of X is [\d.]+ and entry \(7, 3\) is 50\."),
        (iter([D]), "got a stream of batches"),
        (sparse.csr_matrix(X), r"square matrix of the neighbour distances.*shape=\(12, 3\)"),
        (sparse.csr_matrix((0, 0)), r"at least 2 points.*shape=\(0, 0\)"),
        (stored(4, np.nan), r"finite and not negative; 1 is not, the first at \(1, \d+\): nan"),
        (stored(0, -2.0), r"finite and not negative; 1 is not, the first at \(0, \d+\): -2"),
        (sparse_near(3) * 1e20, "largest entry"),
        (sparse_near(3) * 1e-25, "largest entry"),
        (sparse_near(3).astype(complex), "real numbers; got dtype complex128"),
        (sparse.eye(12, format="csr"), "row 0 holds none but itself"),
        ((IDS[:, 1:4], NEAR[:, 1:5]), r"one shape.*\(12, 3\) and \(12, 4\)"),
        ((IDS.astype(float), NEAR), "must hold integers.*float64"),
        (named(3, 1, 12), r"must lie in \[0, 12\); row 3 names point 12"),
        (named(3, 1, -1), r"must lie in \[0, 12\); row 3 names point -1"),
        (named(3, 1, 3), "must not be the point itself; row 3 names point 3"),
        (named(3, 1, IDS[3, 1]), f"must be named once; row 3 names point {IDS[3, 1]}"),
        ((IDS[:, 1:4], -NEAR[:, 1:4]), "Distances of neighbours must not be negative"),
        ((IDS[:, 1:4], NEAR[:, 1:4] * np.nan), "row 0, column 0: NaN"),
    ],
)
def test_refused(given, message):
    with pytest.raises(DataError, match=re.compile(message, re.S)):
        precomputed(given)
