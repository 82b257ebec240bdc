"""The split kernel in three dimensions, and in two where there is much room, against exact sums in float64."""

import math

import pytest
import torch

from ne_interactive.forces import mesh, near
from ne_interactive.forces.weighted import Cloud

N = 5003


def clustered(n=N, seed=0, width=60.0):
    generator = torch.Generator().manual_seed(seed)
    centres = torch.rand((40, 3), generator=generator) * width
    return centres[torch.arange(n) % 40] + 2.5 * torch.randn((n, 3), generator=generator)


def flat(spread, width=150.0, groups=40):
    """A map with an area of four and more for each point."""
    generator = torch.Generator().manual_seed(0)
    centres = torch.rand((groups, 2), generator=generator) * width
    return centres[torch.arange(N) % groups] + spread * torch.randn((N, 2), generator=generator)


def is_split(Z):
    low, high = Z.aminmax(dim=0)
    return mesh.near_part(Z, low.tolist(), (high - low).tolist()) is not None


def exact(Z, dof, charges=None):
    """Potential and field of all points, a point itself left out."""
    Z = Z.double()
    q = torch.ones(len(Z), dtype=torch.float64) if charges is None else charges.double()
    potential, field = [], []
    for block in Z.split(500):
        difference = block[:, None] - Z[None]
        base = 1 / (1 + difference.square().sum(2) / dof)
        potential.append((base**dof) @ q)
        field.append(((base ** (dof + 1) * q).unsqueeze(2) * difference).sum(1))
    return torch.cat(potential) - q, torch.cat(field)


def error(found, true):
    return float((found.double() - true).norm() / true.norm())


def split_repulsion_is_right(Z, dof, most):
    """Split, within this error, and the same bit for bit a second time; gives the grid."""
    assert is_split(Z)
    forces, total, grid = mesh.repulsion(Z, dof, ())
    assert forces.shape == Z.shape
    potential, field = exact(Z, dof)
    assert error(forces, field) < most
    assert total == pytest.approx(float(potential.sum()), rel=5e-3)
    again, same, kept = mesh.repulsion(Z, dof, grid)
    assert torch.equal(forces, again)
    assert (total, grid) == (same, kept)
    return grid


@pytest.fixture
def split(monkeypatch):
    """The kernel is split also where the mesh could have all of it."""
    monkeypatch.setattr(mesh, "PLAIN", 0)


@pytest.mark.parametrize("dof", [0.5, 1.0, 3.0])
def test_near_and_far_part_make_the_whole(split, dof):
    Z = clustered()
    split_repulsion_is_right(Z, dof, 0.02)


@pytest.mark.parametrize("dof", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("stretched", [1.0, 30.0])
def test_a_flat_map_with_much_room_is_split_however_wide_it_is(dof, stretched):
    Z = flat(4.0) * stretched
    assert math.prod(split_repulsion_is_right(Z, dof, 0.01)) < 8 * N


def test_a_flat_map_whose_points_are_crowded_all_the_same_is_not_split():
    Z = flat(0.3, groups=8)
    assert not is_split(Z)
    assert not is_split(flat(4.0, width=20.0))
    assert error(mesh.repulsion(Z, 1.0, ())[0], exact(Z, 1.0)[1]) < 0.02


def test_a_wide_map_is_split_and_a_compact_one_is_not():
    assert is_split(clustered())
    assert not is_split(clustered(width=5.0) / 4)
    assert not is_split(clustered()[:, :2].contiguous())
    assert not is_split(clustered().double())


def test_the_near_part_alone_equals_the_pairs_within_the_reach():
    Z, reach = clustered(1207), 3.0
    low, high = Z.aminmax(dim=0)
    found, field = near.Near(Z, low.tolist(), (high - low).tolist(), reach).field(None, 1.0, True)
    difference = Z.double()[:, None] - Z.double()[None]
    squared = difference.square().sum(2).requires_grad_()
    g = 1 / (1 + squared) - near.far_kernel(squared, 1.0, reach)
    (slope,) = torch.autograd.grad(g.sum(), squared)
    torch.testing.assert_close(found.double(), g.detach().sum(1) - g[0, 0].detach(), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(
        field.double(), -(slope.unsqueeze(2) * difference).sum(1), rtol=1e-5, atol=1e-5
    )
    assert bool((g[squared >= reach**2].abs() < 1e-12).all())


@pytest.mark.parametrize("low", [0.0, -7.3])
def test_points_on_the_borders_of_cells(low):
    reach = 0.7
    steps = low + reach * torch.arange(40.0)
    Z = torch.cartesian_prod(steps, steps[:5], steps[:3])
    found, _ = near.Near(Z, [low] * 3, [39 * reach, 4 * reach, 2 * reach], 2.5 * reach).field(None, 1.0, True)
    squared = (Z.double()[:, None] - Z.double()[None]).square().sum(2)
    g = 1 / (1 + squared) - near.far_kernel(squared, 1.0, 2.5 * reach)
    torch.testing.assert_close(found.double(), g.sum(1) - g[0, 0], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("signed", [False, True])
def test_charges(split, signed):
    Z = clustered()
    charges = torch.rand(N, generator=torch.Generator().manual_seed(1)) - (0.5 if signed else 0.0)
    potential, field = Cloud(Z, "student", 1.0).field(charges)
    true, slope = exact(Z, 1.0, charges)
    assert error(potential, true) < 0.01
    assert error(field, slope) < 0.03


def test_clusters_pulled_together_are_summed_pair_by_pair():
    Z = clustered(12_000)
    split_repulsion_is_right(120.0 * (Z > 30) + 0.02 * Z, 1.0, 0.01)


def test_a_crowd_is_served_by_a_coarser_mesh(split):
    Z = clustered(12_000)
    squeezed = 40.0 * (Z[:, :1] > 30) + 0.02 * Z
    low, high = squeezed.aminmax(dim=0)
    assert mesh.near_part(squeezed, low.tolist(), (high - low).tolist()) is None
    forces, total, _ = mesh.repulsion(squeezed, 1.0, ())
    potential, field = exact(squeezed, 1.0)
    assert error(forces, field) < 0.06
    assert total == pytest.approx(float(potential.sum()), rel=0.01)


def test_copies_and_a_far_row(split):
    Z = clustered()
    Z[10:40] = Z[10]
    Z[77] = torch.tensor([4e3, 0.0, 0.0])
    potential, field = Cloud(Z, "student", 1.0).field()
    true, slope = exact(Z, 1.0)
    assert error(field, slope) < 0.02
    torch.testing.assert_close(potential.double(), true, rtol=0.03, atol=0.05)
    torch.testing.assert_close(field[10:40], field[10].expand(30, 3), rtol=1e-3, atol=1e-3)
    forces, total, _ = mesh.repulsion(Z, 1.0, ())
    assert bool(torch.isfinite(forces).all())
    assert total > 0


def test_a_map_that_grows_keeps_its_kernels_for_a_while():
    made = set()
    for step in range(40):
        Z = flat(4.0) * 1.005**step
        low, high = Z.aminmax(dim=0)
        part = mesh.near_part(Z, low.tolist(), (high - low).tolist())
        assert part is not None
        made.add(part.reach)
    assert len(made) <= 4
