"""The potential of points that stand still, on the mesh, against sums over all of them in float64."""

import math

import pytest
import torch

from ne_interactive.forces import frozen
from ne_interactive.forces.frozen import Frozen, box

KERNELS = {
    "student": lambda s: 1 / (1 + s),
    "gaussian": lambda s: torch.exp(-s),
    "odds": lambda s: torch.log1p(1 / (1 + s)),
}


def cloud(n, c, seed=0, scale=5.0):
    draw = torch.Generator().manual_seed(seed)
    return torch.randn((n, c), generator=draw) * scale


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize(("c", "tolerance"), [(1, 1e-3), (2, 1e-3), (3, 2e-2)])
def test_the_mesh_agrees_with_the_sum(kernel, c, tolerance, monkeypatch):
    Z, k = cloud(800, c), KERNELS[kernel]
    z = cloud(60, c, seed=1).double().requires_grad_()
    meshed = Frozen(Z, k)
    monkeypatch.setattr(frozen, "EXACT_BELOW", 10_000)
    summed = Frozen(Z, k)
    assert summed.exact
    assert not meshed.exact
    low, high = box(Z)
    inside = ((z > low) & (z < high)).all(1)
    assert inside.sum() > 50
    values, wanted = meshed(z)[inside], summed(z)[inside]
    assert float((values - wanted).detach().norm() / wanted.detach().norm()) < tolerance
    (slopes,), (right,) = torch.autograd.grad(values.sum(), z), torch.autograd.grad(wanted.sum(), z)
    assert float((slopes - right).norm() / right.norm()) < 3 * tolerance


def test_sums_are_right_and_do_not_depend_on_their_order(monkeypatch):
    Z, z = cloud(40, 4), cloud(30, 4, seed=1).double()
    whole = Frozen(Z, KERNELS["student"])(z)
    by_hand = [sum(1 / (1 + math.dist(a, b) ** 2) for b in Z.tolist()) for a in z.tolist()]
    torch.testing.assert_close(whole, torch.tensor(by_hand, dtype=torch.float64))
    monkeypatch.setattr(frozen, "ENTRIES", 100)
    assert torch.equal(Frozen(Z, KERNELS["student"])(z), whole)


def test_places_beyond_the_edge_are_taken_to_it():
    Z = cloud(600, 2)
    low, high = box(Z)
    potential = Frozen(Z, KERNELS["student"])
    corner = torch.stack([high, high + 1000, low - 1000, low])
    values = potential(corner)
    assert values[0] == values[1]
    assert values[2] == values[3]


def test_points_that_are_all_one_have_a_potential():
    potential = Frozen(torch.zeros(600, 2), KERNELS["student"])
    assert float(potential(torch.zeros(1, 2, dtype=torch.float64))) == pytest.approx(600, rel=1e-2)
