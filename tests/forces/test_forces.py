"""Every fast force is held to its torch version in float64, and that to autograd of the plain formula."""

import numba
import numpy as np
import pytest
import torch

from ne_interactive.forces import (
    attraction,
    counter,
    exact,
    mesh,
    mesh_numba,
    mesh_torch,
    sampled,
)
from ne_interactive.forces.curve import strength
from ne_interactive.graph.csr import Graph, symmetrize


def cloud(n, c, extent=10.0, seed=0):
    return (torch.rand(n, c, generator=torch.Generator().manual_seed(seed)) - 0.5) * extent


def some_graph(n, k=7, seed=0, how="mean"):
    draw = np.random.default_rng(seed)
    indices = np.stack([draw.choice(np.delete(np.arange(n), i), k, replace=False) for i in range(n)])
    values = draw.random((n, k)).astype(np.float32)
    return symmetrize(torch.from_numpy(indices), torch.from_numpy(values), how=how)


def dense(graph: Graph):
    P = torch.zeros(graph.n, graph.n, dtype=torch.float64)
    rows = torch.repeat_interleave(torch.diff(graph.indptr))
    P[rows, graph.indices.long()] = graph.values.double()
    return P


def kernel(Z, dof):
    squared = (Z[:, None] - Z[None]).square().sum(2)
    return (1 + squared / dof) ** -dof


@pytest.mark.parametrize("c", [1, 2, 3, 5])
@pytest.mark.parametrize("dof", [0.5, 1.0, 3.0])
def test_attraction_is_the_gradient_of_its_loss(c, dof):
    graph, Z = some_graph(60), cloud(60, c).double().requires_grad_()
    loss = -(dense(graph) * kernel(Z, dof).log()).sum()
    (gradient,) = torch.autograd.grad(loss, Z)
    reference, stiffness, reference_loss = attraction.student_torch(graph, Z.detach(), dof, True)
    torch.testing.assert_close(stiffness, (dense(graph) * kernel(Z, dof).detach() ** (1 / dof)).sum(1))
    torch.testing.assert_close(4 * reference, gradient)
    assert reference_loss == pytest.approx(float(loss.detach()))
    fast, held, fast_loss = attraction.student(graph, Z.detach().float(), dof, True)
    torch.testing.assert_close(held.double(), stiffness, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(fast.double(), reference, rtol=1e-4, atol=1e-5)
    assert fast_loss == pytest.approx(float(reference_loss), rel=1e-5)
    assert np.isnan(attraction.student(graph, Z.detach().float(), dof, False)[2])


@pytest.mark.parametrize("c", [1, 2, 3, 5])
def test_gaussian_attraction_is_the_gradient_of_its_loss(c):
    graph, Z = some_graph(60), cloud(60, c).double().requires_grad_()
    loss = (dense(graph) * (Z[:, None] - Z[None]).square().sum(2)).sum()
    (gradient,) = torch.autograd.grad(loss, Z)
    reference, reference_loss = attraction.gaussian_torch(graph, Z.detach(), True)
    torch.testing.assert_close(4 * reference, gradient)
    assert reference_loss == pytest.approx(float(loss.detach()))
    fast, fast_loss = attraction.gaussian(graph, Z.detach().float(), True)
    torch.testing.assert_close(fast.double(), reference, rtol=1e-4, atol=1e-5)
    assert fast_loss == pytest.approx(float(reference_loss), rel=1e-5)
    assert np.isnan(attraction.gaussian(graph, Z.detach().float(), False)[1])


@pytest.mark.parametrize("c", [1, 2, 3, 5])
@pytest.mark.parametrize("dof", [0.5, 1.0, 3.0])
def test_exact_repulsion_is_the_gradient_of_the_normaliser(c, dof):
    Z = cloud(80, c).double().requires_grad_()
    total = kernel(Z, dof).sum() - len(Z)
    (gradient,) = torch.autograd.grad(total, Z)
    reference, reference_total = exact.repulsion_torch(Z.detach(), dof)
    torch.testing.assert_close(-4 * reference, gradient)
    assert reference_total == pytest.approx(float(total.detach()))
    fast, fast_total = exact.repulsion(Z.detach().float(), dof)
    torch.testing.assert_close(fast.double(), reference, rtol=1e-3, atol=1e-4)
    assert fast_total == pytest.approx(float(reference_total), rel=1e-5)


def test_exact_tiles_agree_whatever_their_size(monkeypatch):
    Z = cloud(70, 2).double()
    whole = exact.repulsion_torch(Z, 1.0)[0]
    monkeypatch.setattr(exact, "TILE", 700)
    torch.testing.assert_close(exact.repulsion_torch(Z, 1.0)[0], whole)


def relative_error(found, wanted):
    return float((found - wanted).norm() / wanted.norm())


@pytest.mark.parametrize(
    ("c", "extent", "dof", "limit"),
    [
        (2, 30.0, 1.0, 0.03),
        (2, 0.1, 1.0, 0.02),
        (2, 5.0, 1.0, 0.01),
        (2, 30.0, 0.5, 0.03),
        (1, 30.0, 1.0, 0.03),
        (3, 15.0, 1.0, 0.04),
    ],
)
def test_mesh_repulsion_stays_within_its_stated_error(c, extent, dof, limit):
    Z = cloud(3000, c, extent)
    forces, total, grid = mesh.repulsion(Z, dof, ())
    wanted, wanted_total = exact.repulsion(Z, dof)
    shift = (forces - wanted).mean(0)  # common to all points: taken out by centring the map
    assert relative_error(forces - shift, wanted) < limit
    assert float(total) == pytest.approx(float(wanted_total), rel=2e-3)
    assert len(grid) == c


@pytest.mark.parametrize("c", [2, 3])
def test_mesh_kernels_agree_with_the_torch_version(c):
    Z = cloud(500, c, 8.0)
    low = (Z.min(0).values - 1).tolist()
    nodes = [26] * c
    wanted = mesh_torch.spread(Z, low, 0.5, nodes)
    torch.testing.assert_close(mesh_numba.spread(Z, low, 0.5, nodes), wanted, rtol=1e-4, atol=1e-5)
    assert float(wanted.sum()) == pytest.approx(500, rel=1e-5)
    potential = torch.randn(nodes, generator=torch.Generator().manual_seed(1))
    wanted_forces, wanted_total = mesh_torch.gather(Z, low, 0.5, potential)
    forces, total = mesh_numba.gather(Z, low, 0.5, potential)
    torch.testing.assert_close(forces, wanted_forces, rtol=1e-3, atol=1e-3)
    assert float(total) == pytest.approx(float(wanted_total), rel=1e-3, abs=1e-2)


def test_mesh_normaliser_leaves_out_self_interaction_in_a_sparse_map():
    Z = cloud(3000, 2, 400.0)  # all pairs together weigh less than the points themselves
    wanted = exact.repulsion(Z, 1.0)[1]
    assert wanted < 3000
    assert mesh.repulsion(Z, 1.0, ())[1] == pytest.approx(wanted, rel=0.01)


def test_grid_is_kept_while_it_fits_and_never_exceeds_its_cap():
    spacing, grid = mesh.fit_grid([60.0, 30.0], ())
    assert spacing == mesh.SPACING[2]
    assert mesh.fit_grid([58.0, 29.0], grid)[1] == grid
    assert mesh.fit_grid([20.0, 29.0], grid)[1] != grid
    wide, huge = mesh.fit_grid([1e6, 1e6], grid)
    assert wide > 0.5
    assert np.prod(huge) <= 1.2 * mesh.CAP[2]
    assert all(size % 2 == 0 for size in grid + huge)


@pytest.mark.parametrize("c", [1, 2, 3])
@pytest.mark.parametrize("dof", [1.0, 0.5])
def test_a_few_far_points_cost_neither_accuracy_nor_nodes(c, dof):
    Z = cloud(3000, c, 20.0)
    plain = mesh.repulsion(Z, dof, ())[2]
    Z[0], Z[7] = 1e5, -1e7
    Z[8] = Z[7] + 1.5  # its only neighbour
    forces, total, grid = mesh.repulsion(Z, dof, ())
    wanted, wanted_total = exact.repulsion_torch(Z.double(), dof)
    assert np.prod(grid) <= 1.2 * np.prod(plain)
    assert float((forces.double() - wanted).norm() / wanted.norm()) < 0.02
    torch.testing.assert_close(forces[[0, 7, 8]].double(), wanted[[0, 7, 8]], rtol=1e-3, atol=1e-7)
    assert float(total) == pytest.approx(float(wanted_total), rel=2e-3)


def test_many_far_points_get_a_coarse_mesh():
    Z = cloud(3000, 2, 20.0)
    Z[: mesh.LONE + 1] *= 1e4
    forces, total, grid = mesh.repulsion(Z, 1.0, ())
    assert np.prod(grid) <= 1.2 * mesh.CAP[2]
    assert torch.isfinite(forces).all()
    assert np.isfinite(total)


def test_mesh_repeats_bit_for_bit():
    Z = cloud(4000, 2, 50.0)
    first, second = mesh.repulsion(Z, 1.0, ()), mesh.repulsion(Z, 1.0, ())
    assert torch.equal(first[0], second[0])
    assert first[1] == second[1]


def test_counter_draws_agree_between_backends_and_are_uniform():
    key = counter.key_of(7, 3)
    edges, n = torch.arange(20_000), 50
    drawn = counter.draw_torch(key, edges, torch.full_like(edges, 2), n)
    alone = [counter.draw(np.uint64(key), e, 2, n) for e in range(200)]
    assert drawn[:200].tolist() == alone
    counts = torch.bincount(drawn, minlength=n).double()
    assert drawn.min() >= 0
    assert drawn.max() < n
    chi_squared = float(((counts - 400) ** 2 / 400).sum())
    assert chi_squared < 90  # 49 degrees of freedom: exceeded once in 3000 keys
    assert counter.key_of(7, 3) != counter.key_of(7, 4) != counter.key_of(8, 3)


@pytest.mark.parametrize("c", [1, 2, 3])
@pytest.mark.parametrize("n_negatives", [0, 3, 200])
@pytest.mark.parametrize("sweeps", [1, 6])
def test_sampled_kernel_agrees_with_the_torch_version(c, n_negatives, sweeps, monkeypatch):
    monkeypatch.setattr(sampled, "SWEEPS", sweeps)
    graph, Z = some_graph(90, how="union"), cloud(90, c, 6.0)
    Z[5] = Z[6]  # coinciding points neither pull nor push
    curve = sampled.Curve(1.6, 0.9, 1.5, 0.7, n_negatives)
    peak, lr = float(graph.values.max()), 0.01 if n_negatives < 100 else 1e-4  # of many, rounding errors grow
    for iteration in (0, 1, 17):
        fast, loss = sampled.sampled(graph, peak, Z, curve, lr, 5, iteration, want_loss=True)
        wanted, wanted_loss = sampled.sampled_torch(graph, peak, Z.double(), curve, lr, 5, iteration)
        torch.testing.assert_close(fast.double(), wanted, rtol=1e-3, atol=1e-5 if lr > 1e-3 else 2e-6)
        assert loss == pytest.approx(wanted_loss, rel=1e-4)
        same, unmeasured = sampled.sampled(graph, peak, Z, curve, lr, 5, iteration, want_loss=False)
        assert torch.equal(same, fast)
        assert np.isnan(unmeasured)


@pytest.mark.parametrize("lam", [0.0, 1.0, 12.0])
def test_tabulated_strengths_agree_with_their_formulas(lam):
    curve = sampled.Curve(1.577, 0.895, lam, 1.3, 5)
    squared = torch.logspace(-19.9, 27.9, 5000, base=2, dtype=torch.float64)
    for table, formula in zip(sampled._tables(curve), (curve.pull, curve.push), strict=True):
        found = [strength(table, np.float32(x)) for x in squared.tolist()]
        torch.testing.assert_close(torch.tensor(found).double(), formula(squared), rtol=2e-5, atol=1e-12)
        ends = [float(strength(table, np.float32(x))) for x in (0, 1e-30, 1e30, 3e38)]
        assert np.isfinite(ends).all()
        assert ends[2] == ends[3] <= table[-2]


def test_edges_fire_in_proportion_to_their_weight():
    values = torch.tensor([2.0, 1.0, 0.2, 0.006])
    fired = sum(sampled.fire(values, 2.0, t).long() for t in range(1001))
    assert fired.tolist() == [1001, 500, 100, 3]
    assert sampled.fire(values, 2.0, 10**9).tolist()[0]


@pytest.mark.parametrize(("n", "m"), [(2, 1), (7, 3), (7, 6), (7, 20)])
def test_negatives_are_any_other_point_as_often(n, m):
    edges, own = torch.arange(40_000), torch.arange(40_000) % n
    order, places = (torch.from_numpy(part) for part in sampled._crowd(n, 3))
    found = sampled._negatives(edges, own, m, counter.key_of(3, 1), order, places)
    counts = torch.zeros(n, n).index_put_(
        (own.unsqueeze(1).expand_as(found), found), torch.ones(()), accumulate=True
    )
    assert counts.diagonal().sum() == 0
    shares = counts[~torch.eye(n, dtype=torch.bool)] / counts.sum() * n * (n - 1)
    assert shares.sub(1).abs().max() < 0.15
    block = found[:, : n - 1].sort(1).values
    assert bool((block[:, 1:] > block[:, :-1]).all())  # no point twice before all others were drawn


def test_a_single_edge_moves_as_the_gradient_of_its_cross_entropy():
    indices, values = torch.tensor([[1], [0]]), torch.ones(2, 1)
    graph = symmetrize(indices, values, how="union")
    Z = torch.tensor([[0.0, 0.0], [1.5, 0.5]], dtype=torch.float64, requires_grad=True)
    a, b = 1.577, 0.895
    loss = torch.log1p(a * (Z[0] - Z[1]).square().sum() ** b)
    (gradient,) = torch.autograd.grad(loss, Z)
    curve = sampled.Curve(a, b, 1.0, 1.0, 0)
    move, _ = sampled.sampled(graph, 1.0, Z.detach().float(), curve, 1e-4, 0, 0, want_loss=False)
    torch.testing.assert_close(move.double() / -2e-4, gradient, rtol=1e-2, atol=1e-3)


@pytest.mark.parametrize("c", [1, 2, 3])
def test_attraction_is_the_same_whatever_the_threads(c):
    graph, Z, threads = some_graph(500), cloud(500, c), numba.get_num_threads()
    wanted, stiffness, loss = attraction.student_torch(graph, Z.double(), 1.0, True)
    found = []
    for count in range(1, threads + 1):
        numba.set_num_threads(count)
        found.append(attraction.student(graph, Z, 1.0, True))
    for forces, held, measured in found:
        torch.testing.assert_close(held.double(), stiffness, rtol=1e-4, atol=1e-6)
        torch.testing.assert_close(forces.double(), wanted, rtol=1e-4, atol=1e-6)
        assert measured == pytest.approx(float(loss), rel=1e-5)
        assert torch.equal(forces, found[0][0])
        assert torch.equal(held, found[0][1])
    assert torch.equal(attraction.student(graph, Z, 1.0, False)[0], found[0][0])  # measured or not


@pytest.mark.parametrize("extent", [1e-6, 1.0, 1e3, 1e9])
@pytest.mark.parametrize("c", [2, 3])
def test_the_loss_is_right_however_far_points_are_apart(c, extent):
    """Its logarithms come from a table, which goes as far as float32 does."""
    graph, Z = some_graph(300), cloud(300, c) * extent
    *_, wanted = attraction.student_torch(graph, Z.double(), 0.7, True)
    *_, found = attraction.student(graph, Z, 0.7, True)
    assert found == pytest.approx(float(wanted), rel=1e-5, abs=2e-6)


def test_a_graph_without_edges_pulls_nobody():
    empty = Graph(torch.zeros(4, dtype=torch.int64), torch.empty(0, dtype=torch.int32), torch.empty(0))
    assert attraction.student(empty, cloud(3, 2), 1.0, True)[0].abs().max() == 0


@pytest.mark.parametrize("c", [1, 2, 3])
def test_the_box_is_that_of_torch(c):
    Z = cloud(1001, c)
    assert mesh_numba.box(Z) == mesh_torch.box(Z)
    assert mesh_numba.box(Z[:1]) == mesh_torch.box(Z[:1])


@pytest.mark.parametrize("c", [2, 3])
@pytest.mark.parametrize("at", [-0.7, 7.4, -1e9, 1e9, float("nan")])
def test_a_place_off_the_mesh_touches_no_memory_beside_it(c, at):
    """As where nodes lie closer than float32 tells places apart: what is written next to a mesh is someone else's."""
    nodes = [8] * c
    Z = torch.full((1, c), 3.5)
    Z[0, 0] = at
    density = mesh_numba.spread(Z, [0.0] * c, 1.0, nodes)
    touched = (density != 0).nonzero()
    near = 0 if at != at or at < 0 else 4
    assert touched[:, 0].min() >= near
    assert touched[:, 0].max() <= near + 3
    if abs(at) < 10:
        assert float(density.sum()) == pytest.approx(1, abs=1e-4)
    forces, total = mesh_numba.gather(Z, [0.0] * c, 1.0, torch.ones(nodes))
    assert forces.shape == (1, c)
    if abs(at) < 10:
        assert total == pytest.approx(1, abs=1e-4)
