"""The symmetric Sinkhorn scaling of the embedding's kernels."""

import math

import pytest
import torch

from ne_interactive.forces import sinkhorn
from ne_interactive.forces.weighted import Cloud

WIDTH = {"student": 20.0, "gaussian": 3.0}
every_kernel = pytest.mark.parametrize("kernel", sorted(WIDTH))


def points(n, kernel, c=2, seed=0):
    draw = torch.Generator().manual_seed(seed)
    return torch.randn(n, c, generator=draw) * WIDTH[kernel]


def log_kernel(Z, kernel, dof=1.0):
    squared = (Z[:, None] - Z[None]).square().sum(2)
    logs = -squared if kernel == "gaussian" else -dof * torch.log1p(squared / dof)
    return logs - torch.diag(torch.full((len(Z),), torch.inf, dtype=Z.dtype))


def row_sums(Z, duals, kernel, dof=1.0):
    return (log_kernel(Z.double(), kernel, dof) + duals[:, None] + duals).exp().sum(1) * len(Z)


@every_kernel
@pytest.mark.parametrize("c", [1, 2, 3, 4])
def test_every_row_has_the_same_share_and_none_goes_to_the_point_itself(kernel, c):
    Z = points(120, kernel, c) / 3
    plan = sinkhorn.plan(Z, kernel, 1.0, None, 200)
    assert row_sums(Z, plan.duals, kernel) == pytest.approx(torch.ones(120), abs=2e-3)
    assert plan.mass == pytest.approx(1, abs=1e-3)


@every_kernel
@pytest.mark.parametrize("dof", [0.5, 1.0, 4.0])
def test_duals_and_field_are_those_of_the_reference(kernel, dof):
    Z = points(150, kernel)
    known = torch.randn(150, generator=torch.Generator().manual_seed(1)) * 0.2 - math.log(150) / 2
    plan = sinkhorn.plan(Z, kernel, dof, known, 3)
    logs = log_kernel(Z.double(), kernel, dof)
    duals = sinkhorn.duals_torch(logs, known, 3)
    torch.testing.assert_close(plan.duals, duals, rtol=1e-4, atol=1e-4)
    Q = (logs + plan.duals[:, None] + plan.duals).exp()
    ratio = Q if kernel == "gaussian" else Q * (logs / dof).exp()  # k'/k is 1, or k to the power 1/dof
    field = (ratio.unsqueeze(2) * (Z[:, None] - Z[None]).double()).sum(1)
    torch.testing.assert_close(plan.field.double(), field, rtol=1e-3, atol=1e-4 * float(field.abs().max()))
    assert plan.mass == pytest.approx(float(Q.sum()), rel=1e-4)


@every_kernel
def test_the_mesh_gives_what_all_pairs_give(kernel, monkeypatch):
    Z = points(3000, kernel)
    on_mesh = sinkhorn.plan(Z, kernel, 1.0, None, 5)
    assert on_mesh.grid
    monkeypatch.setattr(sinkhorn, "Cloud", lambda *given: Cloud(*given, backend="exact"))
    exact = sinkhorn.plan(Z, kernel, 1.0, None, 5)
    assert exact.grid == ()
    assert float((on_mesh.duals - exact.duals).abs().median()) < 1e-2
    assert float((on_mesh.field - exact.field).norm() / exact.field.norm()) < 0.05
    assert on_mesh.mass == pytest.approx(exact.mass, rel=1e-2)


@every_kernel
def test_duals_go_on_from_those_known_and_another_length_begins_afresh(kernel):
    Z = points(100, kernel)
    duals, off = torch.full((100,), -math.log(100) / 2), []
    for _ in range(8):
        duals = sinkhorn.plan(Z, kernel, 1.0, duals, 2).duals
        off.append(float((row_sums(Z, duals, kernel) - 1).abs().mean()))
    assert off[-1] < off[0] / 10
    fresh = sinkhorn.plan(Z, kernel, 1.0, None, 2)
    other = sinkhorn.plan(Z, kernel, 1.0, torch.zeros(7), 2)
    assert torch.equal(fresh.duals, other.duals)


@every_kernel
def test_lone_points_pairs_and_duplicates_have_finite_positive_charges(kernel):
    Z = torch.cat([points(60, kernel), torch.tensor([[1e3, 0.0], [-1e4, 5.0], [-1e4, 5.1], [0.0, 1e6]])])
    Z = torch.cat([Z, Z[:5], Z[:5]])
    duals = None
    for _ in range(30):
        plan = sinkhorn.plan(Z, kernel, 1.0, duals, 5)
        duals = plan.duals
        charges = duals.exp().float()
        assert torch.isfinite(charges).all()
        assert (charges > 0).all()
        assert torch.isfinite(plan.field).all()
        assert math.isfinite(plan.mass)


@every_kernel
@pytest.mark.parametrize("n", [200, 3000])
def test_a_start_of_any_small_scale_has_the_forces_of_equal_shares(kernel, n):
    Z = points(n, kernel) * 1e-10
    plan = sinkhorn.plan(Z, kernel, 1.0, None, 5)
    assert plan.mass == pytest.approx(1, rel=1e-5)
    wanted = (Z - Z.mean(0)) / (n - 1)
    torch.testing.assert_close(plan.field, wanted, rtol=1e-3, atol=1e-4 * float(wanted.abs().max()))


def test_the_reference_can_be_differentiated_through_its_iterations():
    logs = log_kernel(points(8, "gaussian").double() / 3, "gaussian").requires_grad_()
    inside = ~torch.eye(8, dtype=torch.bool)

    def total(values):
        return sinkhorn.duals_torch(
            torch.full((8, 8), -torch.inf).double().masked_scatter(inside, values), None, 3
        ).sum()

    assert torch.autograd.gradcheck(total, logs.detach()[inside].requires_grad_())
