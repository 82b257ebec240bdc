"""UMAP's expected forces are held to autograd in float64, to sums over all pairs, and to the mean of sampled moves."""

import numpy as np
import pytest
import torch

from ne_interactive.forces import curve, expected, sampled
from ne_interactive.methods.umap import fit_curve
from tests.forces.test_forces import cloud, some_graph

CURVES = [fit_curve(0.1, 1.0), fit_curve(0.0, 1.0), fit_curve(2.0, 3.0), fit_curve(0.01, 0.2)]


def off(found, wanted):
    """Root mean square error, relative."""
    return float((found.double() - wanted).norm() / wanted.norm())


@pytest.mark.parametrize("c", [1, 2, 3, 5])
def test_attraction_is_the_gradient_of_its_loss(c):
    graph, Z = some_graph(90, how="union"), cloud(90, c, 6.0)
    a, b = CURVES[0]
    exact = Z.double().requires_grad_()
    gradient, stiffness, loss = expected.attraction_torch(graph, exact.detach(), a, b, True)
    squared = (exact[graph.rows] - exact[graph.indices.long()]).square().sum(1)
    wanted_loss = (graph.values.double() * torch.log1p(a * squared**b)).sum()
    (wanted,) = torch.autograd.grad(wanted_loss, exact)
    torch.testing.assert_close(gradient, wanted)
    assert loss == pytest.approx(float(wanted_loss.detach()))
    rows = torch.zeros(90, dtype=torch.float64)
    rows.index_add_(0, graph.rows, 2 * graph.values.double() * curve.pull(squared.detach(), a, b))
    torch.testing.assert_close(stiffness, rows)

    fast = expected.attraction(graph, Z, a, b, True)
    torch.testing.assert_close(fast[0].double(), wanted, rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(fast[1].double(), rows, rtol=1e-4, atol=1e-5)
    assert fast[2] == pytest.approx(float(loss), rel=1e-4)
    unmeasured = expected.attraction(graph, Z, a, b, False)
    assert torch.equal(unmeasured[0], fast[0])
    assert np.isnan(unmeasured[2])


def test_coinciding_points_are_held_and_do_not_pull():
    graph, Z = some_graph(60, how="union"), torch.zeros(60, 2)
    for part in (Z, Z.double()):
        gradient, stiffness, loss = expected.attraction(graph, part, *CURVES[0], True)
        assert bool((gradient == 0).all())
        assert bool((stiffness > 0).all())
        assert torch.isfinite(stiffness).all()
        assert loss == pytest.approx(0, abs=1e-2)


@pytest.mark.parametrize("c", [1, 2, 3])
@pytest.mark.parametrize("kernel", CURVES, ids=str)
def test_repulsion_is_half_the_slope_of_the_potential(c, kernel):
    Z = cloud(80, c, 3.0).double().requires_grad_()
    limit = expected.LIMIT[c]
    squared = (Z.unsqueeze(1) - Z).square().sum(2) + torch.eye(80)
    pairs = curve.potential(squared, *kernel, limit).masked_fill(torch.eye(80, dtype=torch.bool), 0)
    (slope,) = torch.autograd.grad(pairs.sum() / 2, Z)
    forces, potential = expected.exact_torch(Z.detach(), *kernel)
    torch.testing.assert_close(forces, -slope / 2)
    torch.testing.assert_close(potential, pairs.detach().sum(1) / 2)
    fast, fast_potential = expected.exact(Z.detach().float(), *kernel)
    torch.testing.assert_close(fast.double(), forces, rtol=1e-3, atol=1e-4 * float(forces.abs().max()))
    torch.testing.assert_close(fast_potential.double(), potential, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kernel", CURVES, ids=str)
def test_limits_hold_where_points_are_close_and_nothing_is_limited_beyond(kernel):
    limit = 8.0
    within = curve.radius(*kernel, limit)
    d = torch.linspace(1e-3, 3, 5000, dtype=torch.float64) * within
    force = curve.limited(d**2, *kernel, limit) * d
    assert float(force.max()) == pytest.approx(limit, rel=1e-5)
    assert float((force[d < within].diff()).min()) >= 0
    far = d > within * 1.001
    a, b = kernel
    q = 1 / (1 + a * d[far] ** (2 * b))
    torch.testing.assert_close(curve.potential(d[far] ** 2, *kernel, limit), -2 * torch.log(1 - q))
    torch.testing.assert_close(force[far], 2 * b / d[far] * q)


@pytest.mark.parametrize(("c", "n"), [(1, 1500), (2, 1500), (2, 6000), (3, 3000)])
@pytest.mark.parametrize("extent", [0.05, 2.0, 16.0])
@pytest.mark.parametrize(("min_dist", "spread"), [(0.1, 1.0), (0.0, 1.0), (2.0, 3.0), (0.01, 0.2)])
def test_the_mesh_is_within_two_percent_of_all_pairs(c, n, extent, min_dist, spread):
    kernel, extent = fit_curve(min_dist, spread), extent * min(spread, 1)
    Z = torch.cat([cloud(n // 2, c, extent), cloud(n - n // 2, c, extent / 4, seed=1) + extent / 3])
    forces, potential, grid = expected.repulsion(Z, *kernel)
    assert len(grid) == c
    some = torch.arange(0, n, 7)
    wanted, wanted_potential = expected.exact(Z, *kernel)
    assert off(forces[some], wanted[some].double()) < 0.02
    assert off(potential[some], wanted_potential[some].double()) < 0.002
    slow = expected.repulsion(Z.double(), *kernel)
    assert off(forces, slow[0]) < 5e-3  # the torch version, on the same mesh


def test_a_map_torn_far_apart_gets_a_coarser_mesh():
    Z = cloud(2000, 2)
    Z[0] = 1e5
    forces, potential, grid = expected.repulsion(Z, *CURVES[0])
    assert np.prod(grid) <= expected.CAP[2] * 1.3
    assert torch.isfinite(forces).all()
    assert torch.isfinite(potential).all()


def test_sampled_moves_are_noise_around_the_expected_forces():
    n, m = 40, 3
    graph, (a, b) = some_graph(n, k=4, how="union"), CURVES[0]
    Z = (
        torch.cartesian_prod(torch.arange(8.0), torch.arange(5.0)) * 1.5
    )  # no pair so close that anything is limited
    peak, rounds, lr = float(graph.values.max()), 6000, 1e-5
    kernel = sampled.Curve(a, b, 1.3, 0.7, m)
    moved = sum(
        sampled.sampled(graph, peak, Z, kernel, lr, 1, t, want_loss=False)[0].double() for t in range(rounds)
    )
    pull, _, _ = expected.attraction(graph, Z.double(), a, b, False)
    push, _ = expected.exact(Z.double(), a, b)
    drawn = graph.degrees * m / (n - 1)
    wanted = (0.7 * drawn.unsqueeze(1) * push - 1.3 * pull) / peak
    assert off(moved / (lr * rounds), wanted) < 0.03
