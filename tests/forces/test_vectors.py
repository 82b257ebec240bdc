"""Numbers side by side in compiled code do what numpy does with each."""

import numpy as np
import pytest
import torch
from scipy import sparse

from ne_interactive.forces import attraction, curve
from ne_interactive.forces.vectors import (
    ROW,
    WIDTH,
    alike,
    alike4,
    column,
    eight,
    first,
    four,
    gathered,
    interpolated,
    load,
    only0,
    only1,
    only2,
    only3,
    root,
    squared,
    store,
    total,
    turned,
)
from ne_interactive.graph.csr import Graph
from ne_interactive.graph.edges import SPARE
from ne_interactive.graph.parallel import serial

DRAW = np.random.default_rng(0)


def row(count=ROW):
    return DRAW.normal(size=count).astype(np.float32)


def as_complex(values):
    return values[:WIDTH] + 1j * values[WIDTH:]


@serial
def _complex_arithmetic(a, b, w, t, factors, found):
    x, y = load(a, 0), load(b, 0)
    store(found, 0, x + y)
    store(found, 16, x - y)
    store(found, 32, x * w)
    store(found, 48, x * t)
    store(found, 64, x * eight(factors, 0))
    store(found, 80, turned(x))
    store(found, 96, alike(w))
    store(found, 112, squared(x))
    return total(x), total(squared(x))


def test_complex_arithmetic():
    a, b, factors, found = row(), row(), row(WIDTH), np.empty(8 * ROW, np.float32)
    w, t = np.complex64(0.3 - 1.7j), np.float32(-2.5)
    summed, lengths = _complex_arithmetic(a, b, w, t, factors, found)
    x, y = as_complex(a), as_complex(b)
    wanted = [x + y, x - y, x * w, x * t, x * factors, -1j * x, np.full(WIDTH, w)]
    for place, values in enumerate(wanted):
        np.testing.assert_allclose(as_complex(found[place * ROW : (place + 1) * ROW]), values, rtol=1e-6)
    np.testing.assert_allclose(found[7 * ROW : 7 * ROW + WIDTH], np.abs(x) ** 2, rtol=1e-6)
    assert summed == pytest.approx(x.sum(), rel=1e-5)
    assert lengths == pytest.approx((np.abs(x) ** 2).sum(), rel=1e-5)


@serial
def _real_arithmetic(a, b, t, found):
    x, y = four(a, 1), four(b, 2)
    store(found, 0, x + y)
    store(found, 4, x - y)
    store(found, 8, x * y)
    store(found, 12, x / y)
    store(found, 16, alike4(t))
    store(found, 20, only0(x))
    store(found, 24, only1(x))
    store(found, 28, only2(x))
    store(found, 32, only3(x))
    return total(x)


def test_real_arithmetic_at_any_place():
    a, b, t, found = row(), row(), np.float32(0.7), np.empty(36, np.float32)
    summed = _real_arithmetic(a, b, t, found)
    x, y = a[1:5], b[2:6]
    wanted = [x + y, x - y, x * y, x / y, np.full(4, t), *[np.full(4, each) for each in x]]
    np.testing.assert_allclose(found.reshape(9, 4), wanted, rtol=1e-6)
    assert summed == pytest.approx(x.sum(), rel=1e-5)


@serial
def _gather(values, indices, found):
    store(found, 0, gathered(values, indices, np.uint64(3)))


def test_what_is_gathered_comes_in_the_order_of_the_indices():
    values, found = (row(50) + 1j * row(50)).astype(np.complex64), np.empty(ROW, np.float32)
    indices = DRAW.integers(0, 50, 20).astype(np.uint32)
    indices[3] = 49
    _gather(values, indices, found)
    np.testing.assert_array_equal(as_complex(found), values[indices[3 : 3 + WIDTH]])


@serial
def _columns(values, indices, found):
    for k in range(values.shape[1]):
        store(found[k], 0, column(values, k, indices, np.uint64(2)))


@pytest.mark.parametrize("c", [1, 3, 7])
def test_columns_are_gathered_in_the_order_of_the_indices(c):
    values, found = row(30 * c).reshape(30, c), np.empty((c, WIDTH), np.float32)
    indices = DRAW.integers(0, 30, 12).astype(np.uint32)
    indices[2] = 29
    _columns(values, indices, found)
    np.testing.assert_array_equal(found.T, values[indices[2 : 2 + WIDTH]])


@serial
def _eight(values, count, found):
    store(found, 0, root(eight(values, 0)))
    store(found, WIDTH, first(eight(values, 0), count))


@pytest.mark.parametrize("count", [0, 1, 5, WIDTH, WIDTH + 1, 10**6])
def test_roots_and_the_first_of_eight(count):
    values, found = np.abs(row(WIDTH)), np.empty(2 * WIDTH, np.float32)
    _eight(values, np.uint64(count), found)
    np.testing.assert_allclose(found[:WIDTH], np.sqrt(values), rtol=1e-6)
    np.testing.assert_array_equal(found[WIDTH:], np.where(np.arange(WIDTH) < count, values, 0))


@serial
def _looked_up(table, values, found):
    store(found, 0, interpolated(table, eight(values, 0), curve.FIRST, curve.SHIFT))


@serial
def _looked_up_one(table, value):
    return curve.strength(table, value)


@pytest.mark.parametrize("last", [curve.LAST, curve.FARTHEST])
def test_tables_are_read_as_they_are_number_by_number(last):
    table = np.log1p(curve.nodes(last)).astype(np.float32)
    ends = [0.0, 1e-30, 2.0**-20, 2.0**28, 3e38, np.inf, 1.0, 7.3]
    for values in (np.array(ends, np.float32), np.exp(row(WIDTH) * 5), np.exp(row(WIDTH) * 20)):
        found = np.empty(WIDTH, np.float32)
        _looked_up(table, values, found)
        np.testing.assert_allclose(found, [_looked_up_one(table, value) for value in values], rtol=1e-6)
        inside = (values > 1e-6) & (values < 2e8)
        np.testing.assert_allclose(found[inside], np.log1p(values[inside].astype(float)), rtol=3e-5)


def test_whole_vectors_may_be_read_at_the_last_entry_of_a_graph():
    assert SPARE >= WIDTH - 1


@pytest.mark.parametrize("c", [1, 2, 3])
@pytest.mark.parametrize("n", [2, WIDTH + 1, 40])
@pytest.mark.parametrize("dof", [1.0, 0.6])
def test_attraction_with_any_number_of_neighbours(n, dof, c):
    """None, some, whole vectors of them and what remains: points have all numbers of neighbours from 0 to n - 1."""
    place = np.arange(n)
    weights = np.abs(row(n * n)).reshape(n, n) * (place + place[:, None] >= n) * (place != place[:, None])
    linked = sparse.csr_array(np.maximum(weights, weights.T))
    assert set(range(n - 1)) - set(np.diff(linked.indptr)) <= {n // 2}
    graph = Graph(
        torch.from_numpy(linked.indptr.astype(np.int64)),
        torch.from_numpy(linked.indices.astype(np.int32)),
        torch.from_numpy(linked.data),
    )
    Z = torch.from_numpy(row(c * n).reshape(n, c))
    for want_loss in (False, True):
        found = attraction.student(graph, Z, dof, want_loss)
        wanted = attraction.student_torch(graph, Z.double(), dof, want_loss)
        for each, other in zip(found[:2], wanted[:2], strict=True):
            torch.testing.assert_close(each.double(), other, rtol=1e-5, atol=1e-5)
        assert not want_loss or found[2] == pytest.approx(float(wanted[2]), rel=1e-4)
