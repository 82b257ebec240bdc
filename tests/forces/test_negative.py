"""Random negatives are uniform over what is allowed; their forces are exact gradients."""

import numba
import numpy as np
import pytest
import torch
from scipy.stats import chisquare

from ne_interactive.forces.counter import key_of
from ne_interactive.forces.negative import Draws, infonce, left, negatives, negatives_torch, repulsion
from ne_interactive.graph.csr import Graph, symmetrize


def graph_of(n, k, seed=0):
    draw = np.random.default_rng(seed)
    others = np.stack([draw.choice(n - 1, k, replace=False) for _ in range(n)])
    others += others >= np.arange(n)[:, None]
    return symmetrize(torch.from_numpy(others), torch.from_numpy(draw.random((n, k)).astype(np.float32)))


def positions(n, c, dtype=torch.float32):
    return torch.from_numpy(np.random.default_rng(1).normal(size=(n, c)) * 2).to(dtype)


def graphs():
    return [None, graph_of(40, 6), graph_of(300, 30), Graph(torch.zeros(9, dtype=torch.int64), *_nothing())]


def _nothing():
    return torch.zeros(0, dtype=torch.int32), torch.zeros(0)


@pytest.mark.parametrize("graph", graphs())
def test_compiled_and_torch_negatives_are_the_same_integers(graph):
    n = 50 if graph is None else graph.n
    for iteration in (0, 1, 999):
        draws = Draws(key_of(7, iteration), 13, graph)
        found = negatives(n, draws)
        assert found.dtype == torch.int64
        assert found.shape == (n, 13)
        assert torch.equal(found, negatives_torch(n, draws))


def test_negatives_are_a_function_of_seed_and_iteration():
    first = negatives(200, Draws(key_of(1, 5), 8))
    assert torch.equal(first, negatives(200, Draws(key_of(1, 5), 8)))
    assert not torch.equal(first, negatives(200, Draws(key_of(2, 5), 8)))
    assert not torch.equal(first, negatives(200, Draws(key_of(1, 6), 8)))


@pytest.mark.parametrize("graph", [None, graph_of(50, 10)])
def test_negatives_are_uniform_over_the_allowed_points_and_never_another(graph):
    n = 50
    counts = np.zeros((n, n), int)
    for iteration in range(40):
        found = negatives(n, Draws(key_of(3, iteration), 250, graph)).numpy()
        np.add.at(counts, (np.arange(n)[:, None], found), 1)
    forbidden = np.eye(n, dtype=bool)
    if graph is not None:
        forbidden[graph.rows.numpy(), graph.indices.numpy()] = True
    assert counts[forbidden].sum() == 0
    surprises = [chisquare(counts[i][~forbidden[i]]).pvalue for i in range(n)]
    assert min(surprises) > 1e-5  # of 50 rows; an index out of reach gives less than 1e-30
    assert np.mean(surprises) == pytest.approx(0.5, abs=0.2)


def test_large_numbers_of_points_keep_every_index_in_reach():
    from ne_interactive.forces.counter import draw_torch

    n = 100_000_000
    found = draw_torch(key_of(0, 0), torch.arange(200_000), torch.zeros(200_000, dtype=torch.int64), n)
    assert int(found.min()) >= 0
    assert int(found.max()) < n
    above = found[found > 2**26]  # a 32-bit float there knows multiples of 8 only
    assert torch.bincount(above % 8).double().div(len(above)).sub(1 / 8).abs().max() < 0.01


def test_a_row_with_one_point_left_draws_that_point():
    n = 6
    full = torch.stack([torch.tensor([j for j in range(n) if j != i]) for i in range(n)])[:, :4]
    graph = symmetrize(full, torch.ones(full.shape))
    row = int(torch.diff(graph.indptr).argmin())
    assert left(graph) == n - 1 - int(torch.diff(graph.indptr).max())
    excluded = {row, *graph.indices[graph.indptr[row] : graph.indptr[row + 1]].tolist()}
    if len(excluded) < n:
        found = set(negatives_torch(n, Draws(key_of(0, 0), 40, graph))[row].tolist())
        assert found == set(range(n)) - excluded


def differentiated(loss, Z):
    Z = Z.double().requires_grad_()
    value = loss(Z)
    return torch.autograd.grad(value, Z)[0], float(value.detach())


@pytest.mark.parametrize("c", [1, 2, 3, 4])
@pytest.mark.parametrize("discard", [False, True])
@pytest.mark.parametrize("odds", [1.0, 0.03])
def test_repulsion_is_the_gradient_at_both_ends(c, discard, odds):
    n, graph = 120, graph_of(120, 12)
    Z, draws = positions(n, c), Draws(key_of(5, 2), 9, graph if discard else None)
    drawn = negatives(n, draws)

    def loss(Z):
        squared = (Z.unsqueeze(1) - Z[drawn]).square().sum(2)
        return torch.log1p(1 / (odds * (1 + squared))).sum() / n

    expected, value = differentiated(loss, Z)
    found, measured = repulsion(Z, draws, odds, True)
    torch.testing.assert_close(found.double(), expected, rtol=1e-4, atol=1e-6)
    assert measured == pytest.approx(value, rel=1e-5)
    silent, unmeasured = repulsion(Z, draws, odds, False)
    torch.testing.assert_close(silent, found)
    assert unmeasured != unmeasured


@pytest.mark.parametrize("c", [1, 2, 3])
@pytest.mark.parametrize("discard", [False, True])
@pytest.mark.parametrize("temperature", [1.0, 0.4, 2.5])
def test_infonce_forces_are_the_gradients_of_both_terms(c, discard, temperature):
    n, graph = 120, graph_of(120, 12)
    Z, draws = positions(n, c), Draws(key_of(5, 2), 9, graph if discard else None)
    drawn, P, rows, columns = negatives(n, draws), graph.values.double(), graph.rows, graph.indices.long()

    def kernel(squared):
        return (1 + squared) ** (-1 / temperature)

    def near(Z):
        return kernel((Z[rows] - Z[columns]).square().sum(1))

    def noise(Z):
        return kernel((Z.unsqueeze(1) - Z[drawn]).square().sum(2)).sum(1)

    attraction, attracted = differentiated(lambda Z: -(P * near(Z).log()).sum(), Z)
    pushed, repelled = differentiated(lambda Z: (P * torch.log(near(Z) + noise(Z)[rows])).sum(), Z)
    pull, push, *losses = infonce(graph, Z, draws, temperature, True)
    torch.testing.assert_close(pull.double(), attraction, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(push.double(), pushed, rtol=1e-4, atol=1e-6)
    assert losses == pytest.approx([attracted, repelled], rel=1e-5)


def test_forces_are_the_same_bits_on_any_number_of_threads():
    n, graph = 500, graph_of(500, 10)
    Z, draws = positions(n, 2), Draws(key_of(1, 1), 20)
    before, found = numba.get_num_threads(), []
    try:
        for threads in (1, before):
            numba.set_num_threads(threads)
            found.append((repulsion(Z, draws, 1.0, True), infonce(graph, Z, draws, 1.0, True)))
    finally:
        numba.set_num_threads(before)
    (one, two) = found
    assert torch.equal(one[0][0], two[0][0])
    assert torch.equal(one[1][0], two[1][0])
    assert torch.equal(one[1][1], two[1][1])
