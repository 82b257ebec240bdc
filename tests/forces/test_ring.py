"""Random pairs on a ring, and pairs given as partners: who is paired, and the forces between them."""

import numba
import numpy as np
import pytest
import torch
from scipy import stats

from ne_interactive.forces import nearby
from ne_interactive.forces.ring import BLOCK, Ring, partners, push, push_torch, pushed, ring_of, shared
from ne_interactive.graph.csr import counted


def positions(n, c):
    return torch.randn((n, c), generator=torch.Generator().manual_seed(1)) * 3


def slope(loss, Z):
    Y = Z.double().requires_grad_()
    value = loss(Y)
    return torch.autograd.grad(value, Y)[0], float(value.detach())


@pytest.mark.parametrize("c", [1, 2, 3, 4])
@pytest.mark.parametrize(("n", "m"), [(3, 1), (12, 5), (60, 7), (2 * BLOCK + 17, 6)])
def test_the_gradient_is_that_of_the_loss(n, m, c):
    ring, Z = ring_of(n, m, 0), positions(n, c)
    wanted, value = slope(lambda Y: pushed(ring, Y), Z)
    size = float(wanted.abs().max())
    for found, loss in (push(ring, Z, True), push_torch(ring, Z.double(), True)):
        torch.testing.assert_close(found.double() / size, wanted / size, rtol=1e-4, atol=1e-5)
        assert loss == pytest.approx(value, rel=1e-6)
    assert np.isnan(push(ring, Z, False)[1])
    assert np.isnan(push_torch(ring, Z, False)[1])


def test_the_loss_counts_every_pair_once():
    ring, Z = ring_of(50, 4, 0), positions(50, 2)
    squared = (Z[:, None] - Z[partners(ring)]).square().sum(2)
    assert float(pushed(ring, Z)) == pytest.approx(float((1 / (2 + squared)).sum()), rel=1e-5)


@pytest.mark.parametrize(("n", "m", "there"), [(2, 3, 0), (3, 3, 1), (10, 20, 4), (11, 20, 5), (80, 6, 6)])
def test_every_point_is_in_as_many_pairs_and_no_pair_comes_twice(n, m, there):
    ring = ring_of(n, m, 3)
    found = partners(ring)
    assert found.shape == (n, there)
    graph = counted(found)
    assert bool((graph.values == 1).all())
    assert bool((torch.diff(graph.indptr) == 2 * there).all())


def test_pairs_are_uniform_over_seeds():
    n, rings = 8, 3000
    counts = np.zeros((n, n))
    for seed in range(rings):
        found = partners(ring_of(n, 1, seed))[:, 0]
        counts[np.arange(n), found.numpy()] += 1
    assert not counts.diagonal().any()
    both = (counts + counts.T)[np.triu_indices(n, 1)]
    assert both.sum() == rings * n
    # the pairs of one ring exclude each other: fewer surprises than independent draws would have
    assert stats.chi2.sf(((both - both.mean()) ** 2 / both.mean()).sum(), len(both) - 1) > 1e-4


def test_more_pairs_keep_those_that_were_there():
    few, many = partners(ring_of(90, 4, 7)), partners(ring_of(90, 9, 7))
    assert torch.equal(many[:, :4], few)
    assert not torch.equal(partners(ring_of(90, 4, 8)), few)


def test_shared_pairs_are_those_of_both():
    ring = ring_of(40, 6, 0)
    graph = counted(torch.randint(40, (40, 5), generator=torch.Generator().manual_seed(2)))
    both = shared(ring, graph)
    pairs, edges = counted(partners(ring)), set(zip(graph.rows.tolist(), graph.indices.tolist(), strict=True))
    wanted = edges & set(zip(pairs.rows.tolist(), pairs.indices.tolist(), strict=True))
    assert wanted
    assert set(zip(both.rows.tolist(), both.indices.tolist(), strict=True)) == wanted
    assert both.n == 40
    assert bool((both.values == 1).all())
    nothing = shared(Ring(ring.order, ring.offsets[:0]), graph)
    assert nothing.nnz == 0


@pytest.mark.parametrize("c", [1, 2, 3, 4])
def test_partners_push_at_both_ends(c):
    given = torch.randint(70, (70, 5), generator=torch.Generator().manual_seed(2))
    Z = positions(70, c)
    wanted, value = slope(lambda Y: nearby.pushed(given, Y), Z)
    size = float(wanted.abs().max())
    for found, loss in (nearby.push(given, Z, True), nearby.push_torch(given, Z.double(), True)):
        torch.testing.assert_close(found.double() / size, wanted / size, rtol=1e-4, atol=1e-5)
        assert loss == pytest.approx(value, rel=1e-6)


def test_any_number_of_threads_gives_the_same_bits():
    n = 5 * BLOCK
    ring, Z = ring_of(n, 4, 0), positions(n, 2)
    given, before = partners(ring), numba.get_num_threads()
    found = []
    try:
        for threads in sorted({1, before}):
            numba.set_num_threads(threads)
            found.append((push(ring, Z, True), nearby.push(given, Z, True)))
    finally:
        numba.set_num_threads(before)
    for one in found[1:]:
        for (values, loss), (same, again) in zip(one, found[0], strict=True):
            assert torch.equal(values, same)
            assert loss == again
