"""Charged fields and row softmaxes are held to plain sums in float64."""

import numpy as np
import pytest
import torch

import ne_interactive as ne
from ne_interactive.forces import cells, exact, mesh, mesh_numba, mesh_torch, softmax, weighted
from ne_interactive.forces.convolution import convolution
from ne_interactive.params.errors import ParameterError

N = 2600  # enough points for the mesh


def cloud(n, c, extent=10.0, seed=0):
    return (torch.rand(n, c, generator=torch.Generator().manual_seed(seed)) - 0.5) * extent


def charges_of(n, signs=False, seed=1):
    q = torch.randn(n, generator=torch.Generator().manual_seed(seed))
    return q if signs else q.exp()


def squared_of(Z):
    return sum((x[:, None] - x[None]).square() for x in Z.double().unbind(1))


def plain(Z, q, kernel, dof=1.0):
    """The definition, in float64."""
    Z, q = Z.double(), torch.ones(len(Z)).double() if q is None else q.double()
    squared = squared_of(Z)
    k = torch.exp(-squared) if kernel == "gaussian" else (1 + squared / dof) ** -dof
    slope = q * (k if kernel == "gaussian" else k / (1 + squared / dof))
    k = k * (1 - torch.eye(len(Z)))
    return k @ q, slope.sum(1, keepdim=True) * Z - slope @ Z


def plain_sne(Z):
    """Row sums and push of both softmaxes by their definition, in the log domain and float64."""
    logits = -squared_of(Z).fill_diagonal_(torch.inf)
    q = torch.softmax(logits, 1)
    q, Z = q + q.t(), Z.double()
    return torch.logsumexp(logits, 1), q.sum(1, keepdim=True) * Z - q @ Z


def error(found, wanted):
    return float((found - wanted).norm() / wanted.norm())


@pytest.fixture(scope="module")
def real_map():
    """A t-SNE map of 900 digits, three times side by side, at the scale where row sums are about 30."""
    Z = torch.from_numpy(
        ne.TSNE(random_state=0, max_iter=150).fit_transform(ne.datasets.digits().X[:900])
    ).float()
    width = float(Z[:, 0].max() - Z[:, 0].min()) + 2
    Z = torch.cat([Z, Z + torch.tensor([width, 0.3]), Z + torch.tensor([0.7, width])])
    low, high = 1e-3, 10.0
    for _ in range(25):
        scale = (low * high) ** 0.5
        if float(exact.sums(Z * scale, None, "gaussian", 1.0, False)[0].median()) > 30:
            low = scale
        else:
            high = scale
    return Z * scale


@pytest.mark.parametrize(
    ("kernel", "dof"), [("student", 1.0), ("student", 0.5), ("student", 3.0), ("gaussian", 1.0)]
)
@pytest.mark.parametrize("c", [1, 2, 3, 4])
def test_few_points_are_summed_exactly(kernel, dof, c):
    Z = cloud(400, c, 6.0)
    Z[3] = Z[4]
    Z[5] = 40.0
    for q in (None, charges_of(400), charges_of(400, signs=True)):
        wanted, wanted_field = plain(Z, q, kernel, dof)
        potential, field, grid = weighted.field(Z, q, kernel, dof, ())
        torch.testing.assert_close(potential.double(), wanted, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(field.double(), wanted_field, rtol=1e-4, atol=1e-4)
        assert grid == ()
        double, double_field, _ = weighted.field(Z.double(), q, kernel, dof, ())
        torch.testing.assert_close(double, wanted)
        torch.testing.assert_close(double_field, wanted_field)


def test_the_field_is_half_the_negative_gradient_of_the_potentials_energy():
    Z, q = cloud(50, 2, 4.0).double().requires_grad_(), charges_of(50).double()
    for kernel in weighted.KERNELS:
        potential, _ = plain(Z, q, kernel, 0.7)
        (gradient,) = torch.autograd.grad((q * potential).sum(), Z)
        field = weighted.field(Z.detach(), q, kernel, 0.7, ())[1]
        torch.testing.assert_close(-4 * q.unsqueeze(1) * field, gradient)


def test_rows_and_sources_pick_parts_of_the_sums():
    Z, q = cloud(300, 2), charges_of(300)
    rows, sources = torch.arange(0, 100, 3), torch.arange(50, 300, 2)
    alone = torch.zeros(300).index_copy_(0, sources, q[sources])
    for kernel in weighted.KERNELS:
        wanted, wanted_field = plain(Z, alone, kernel)
        for positions in (Z, Z.double()):
            potential, field = exact.sums(positions, q, kernel, 1.0, True, rows, sources)
            torch.testing.assert_close(potential.double(), wanted[rows], rtol=1e-4, atol=1e-6)
            torch.testing.assert_close(field.double(), wanted_field[rows], rtol=1e-4, atol=1e-5)
        assert exact.sums(Z, q, kernel, 1.0, False, rows)[1] is None


@pytest.mark.parametrize(
    ("kernel", "dof", "c", "extent"),
    [
        ("gaussian", 1.0, 1, 100.0),
        ("gaussian", 1.0, 2, 5.0),
        ("gaussian", 1.0, 2, 30.0),
        ("gaussian", 1.0, 2, 100.0),
        ("gaussian", 1.0, 3, 12.0),
        ("student", 1.0, 1, 30.0),
        ("student", 1.0, 2, 5.0),
        ("student", 1.0, 2, 30.0),
        ("student", 0.5, 2, 30.0),
        ("student", 1.0, 3, 15.0),
    ],
)
def test_mesh_stays_within_its_stated_error(kernel, dof, c, extent):
    Z, q = cloud(N, c, extent), charges_of(N)
    asked = weighted.Cloud(Z, kernel, dof)
    assert not asked.exact
    wanted, wanted_field = plain(Z, q, kernel, dof)
    potential, field = asked.field(q)
    assert error(potential, wanted) < 0.01
    assert float(((potential - wanted).abs() / wanted).quantile(0.99)) < 0.01
    assert error(field, wanted_field) < (0.01 if kernel == "gaussian" else 0.04)
    only, none = asked.field(q, want_field=False)
    assert none is None
    torch.testing.assert_close(only, potential, rtol=1e-5, atol=1e-5)
    mixed = charges_of(N, signs=True)
    wanted, wanted_field = plain(Z, mixed, kernel, dof)
    potential, field = asked.field(mixed)
    assert error(potential, wanted) < 0.03
    assert error(field, wanted_field) < (0.01 if kernel == "gaussian" else 0.06 if c < 3 else 0.12)


def test_real_map(real_map):
    logs, push, grid = softmax.sne(real_map)
    wanted_logs, wanted = plain_sne(real_map)
    assert len(grid) == 2
    assert float((logs - wanted_logs).abs().max()) < 0.01
    assert error(push, wanted) < 0.005
    charges = torch.exp(-wanted_logs).float()
    for kernel, limit in (("gaussian", 0.005), ("student", 0.03)):
        potential, field, _ = weighted.field(real_map, charges, kernel, 1.0, ())
        wanted, wanted_field = plain(real_map, charges, kernel)
        assert float(((potential - wanted).abs() / wanted).max()) < 0.02
        assert error(field, wanted_field) < limit


@pytest.mark.parametrize("c", [2, 3])
@pytest.mark.parametrize("kernel", weighted.KERNELS)
def test_torch_and_compiled_mesh_agree(c, kernel):
    Z, q = cloud(N, c, 8.0), charges_of(N)
    fast = weighted.Cloud(Z, kernel)
    low, nodes, spacing = fast.origin, fast.nodes, fast.spacing
    density = mesh_torch.spread(Z, low, spacing, nodes, q)
    torch.testing.assert_close(mesh_numba.spread(Z, low, spacing, nodes, q), density, rtol=1e-4, atol=1e-4)
    convolved = convolution(fast.grid, spacing, kernel, 1.0, 0.0, Z.device)
    potential = convolved(density)
    for found, wanted in zip(
        (*mesh_numba.sample(Z, low, spacing, potential, True), *convolved.own(mesh_numba, Z, low)),
        (*mesh_torch.sample(Z, low, spacing, potential, True), *convolved.own(mesh_torch, Z, low)),
        strict=True,
    ):
        assert error(found, wanted) < 1e-4


def test_what_a_point_does_to_itself_is_taken_off():
    Z = torch.cat([cloud(N, 2, 900.0)[:1], torch.full((N, 2), 3000.0)])
    potential, field = weighted.Cloud(Z, "gaussian").on_mesh(
        torch.ones(N + 1).index_fill(0, torch.arange(1, N + 1), 0)
    )
    assert float(potential[0].abs()) < 1e-5  # its charge of 1 makes a potential of 1 on the spot
    assert float(field[0].abs().max()) < 1e-5


@pytest.mark.parametrize("kernel", weighted.KERNELS)
def test_outliers_and_great_charges_keep_potentials_accurate_to_their_own_size(kernel):
    Z, q = cloud(N, 2, 20.0), charges_of(N)
    Z[0], Z[1], Z[2] = torch.tensor([60.0, 0.0]), torch.tensor([61.0, 0.5]), torch.tensor([-5e3, 1e4])
    q[0], q[7] = 1e6, 1e8
    potential, field, _ = weighted.field(Z, q, kernel, 1.0, ())
    wanted, wanted_field = plain(Z, q, kernel)
    assert float(((potential / wanted.clamp(min=1e-37) - 1).abs()).max()) < 0.01
    assert float(potential.min()) > 0
    assert error(field, wanted_field) < 0.01


@pytest.mark.parametrize(("kernel", "dof"), [("gaussian", 1.0), ("student", 1.0), ("student", 50.0)])
@pytest.mark.parametrize("n", [200, N])
def test_log_potentials_do_not_underflow(kernel, dof, n):
    Z, logs = cloud(n, 2, 20.0), 3 * charges_of(n, signs=True)
    Z[0], Z[1] = 150.0, torch.tensor([-90.0, 40.0])
    squared = squared_of(Z)
    terms = logs - (squared if kernel == "gaussian" else dof * torch.log1p(squared / dof))
    wanted = terms.fill_diagonal_(-torch.inf).logsumexp(1)
    found = weighted.Cloud(Z, kernel, dof).log_potential(logs)
    torch.testing.assert_close(found.double(), wanted, rtol=1e-5, atol=0.02 if n == N else 1e-4)


@pytest.mark.parametrize("c", [1, 2, 3, 4])
def test_row_softmax_of_few_points(c):
    Z = cloud(300, c, 8.0)
    Z[0], Z[1], Z[2] = 100.0, 1e5, Z[3]
    wanted_logs, wanted = plain_sne(Z)
    logs, push, _ = softmax.sne(Z)
    torch.testing.assert_close(logs.double(), wanted_logs, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(push.double(), wanted, rtol=1e-5, atol=1e-4)
    double_logs, double, _ = softmax.sne(Z.double())
    torch.testing.assert_close(double_logs, wanted_logs)
    torch.testing.assert_close(double, wanted)


@pytest.mark.parametrize(
    ("c", "extent"), [(1, 100.0), (2, 5.0), (2, 60.0), (2, 5000.0), (3, 12.0), (3, 400.0)]
)
def test_row_softmax_of_many_points(c, extent):
    Z = cloud(N, c, extent)
    wanted_logs, wanted = plain_sne(Z)
    logs, push, grid = softmax.sne(Z)
    torch.testing.assert_close(logs.double(), wanted_logs, rtol=1e-5, atol=0.02)
    assert error(push, wanted) < 0.01
    assert torch.equal(softmax.sne(Z, grid)[1], push)


def test_far_points_are_pushed_as_their_softmax_says():
    Z = cloud(N, 2, 20.0)
    Z[0], Z[1], Z[2] = torch.tensor([100.0, 0.0]), torch.tensor([103.0, 4.0]), torch.tensor([-2e4, 7e3])
    wanted_logs, wanted = plain_sne(Z)
    logs, push, _ = softmax.sne(Z)
    far = push[:3].double()
    torch.testing.assert_close(far, wanted[:3], rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(logs.double(), wanted_logs, rtol=1e-5, atol=0.02)
    assert float((push - wanted).norm(dim=1).max()) < 0.1
    assert 2 < float(far[0].norm()) < 200  # as far as its neighbour, not 0 and not nothing at all


def test_a_dense_clump_beside_a_sparse_map():
    Z = torch.cat([torch.zeros(N, 2), cloud(1000, 2, 100.0)])
    wanted_logs, wanted = plain_sne(Z)
    logs, push, _ = softmax.sne(Z)
    torch.testing.assert_close(logs.double(), wanted_logs, rtol=1e-5, atol=0.02)
    assert error(push, wanted) < 0.005


def test_lone_rows_agree_with_their_torch_version():
    for c in (1, 2, 3):
        Z = cloud(500, c, 60.0)
        lone = torch.arange(500) % 3 == 0
        wanted_logs, wanted = cells.lone_torch(Z, lone)
        logs, push = cells.Cells(Z).lone(lone)
        torch.testing.assert_close(logs, wanted_logs, rtol=1e-6, atol=1e-6)
        torch.testing.assert_close(push, wanted, rtol=1e-4, atol=1e-4)


def test_near_sums_agree_with_all_sums():
    Z, q = cloud(500, 2, 60.0), charges_of(500)
    wanted, wanted_field = plain(Z, q, "gaussian")
    potential, field = cells.Cells(Z).sums(q)
    torch.testing.assert_close(potential.double(), wanted, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(field.double(), wanted_field, rtol=1e-4, atol=1e-6)


def test_empty_stretches_are_taken_out_without_changing_the_sums():
    Z = torch.cat(
        [cloud(40, 2), cloud(40, 2, seed=3) + torch.tensor([1e3, 0.0]), torch.tensor([[-5e5, 8e4]])]
    )
    closer = mesh.without_gaps(Z)
    assert float(closer.max() - closer.min()) < 60
    torch.testing.assert_close(
        plain(closer, None, "gaussian")[0][:40], plain(Z, None, "gaussian")[0][:40], rtol=1e-4, atol=0
    )


@pytest.mark.parametrize("n", [1, 2, 3, N])
def test_all_points_at_one_place(n):
    Z = torch.full((n, 2), 3.7)
    for kernel in weighted.KERNELS:
        potential, field, _ = weighted.field(Z, None, kernel, 1.0, ())
        torch.testing.assert_close(potential, torch.full((n,), max(n - 1.0, 1e-37)), rtol=1e-3, atol=0)
        assert float(field.abs().max()) <= 1e-4 * n
    logs, push, _ = softmax.sne(Z)
    torch.testing.assert_close(
        logs, torch.full((n,), float(np.log(max(n - 1, 1e-300)))) if n > 1 else logs, rtol=1e-3, atol=1e-3
    )
    assert float(push.abs().max()) < 1e-2


def test_charges_of_nothing_make_no_field():
    Z = cloud(N, 2)
    potential, field = weighted.Cloud(Z, "student").field(torch.zeros(N))
    assert float(potential.max()) <= 1e-37
    assert float(field.abs().max()) == 0


@pytest.mark.parametrize("n", [300, N])
def test_repeats_bit_for_bit_and_takes_any_memory_layout(n):
    Z, q = cloud(n, 2, 30.0), charges_of(n)
    Z[0] = 90.0
    apart, spaced = Z.t().contiguous().t(), torch.stack([q, q], 1)[:, 0]
    assert not apart.is_contiguous()
    for kernel in weighted.KERNELS:
        first = weighted.field(Z, q, kernel, 1.0, ())
        for again in (weighted.field(Z, q, kernel, 1.0, ()), weighted.field(apart, spaced, kernel, 1.0, ())):
            assert torch.equal(first[0], again[0])
            assert torch.equal(first[1], again[1])
    first = softmax.sne(Z)
    for again in (softmax.sne(Z), softmax.sne(apart)):
        assert torch.equal(first[0], again[0])
        assert torch.equal(first[1], again[1])


def test_grid_of_the_gaussian_is_kept_while_it_fits_and_capped():
    spacing, grid, nodes = mesh.fit_short([60.0, 30.0], ())
    assert mesh.fit_short([58.0, 29.0], grid) == (spacing, grid, nodes)
    assert mesh.fit_short([20.0, 29.0], grid)[1] != grid
    wide, huge, _ = mesh.fit_short([1e6, 1e6], ())
    assert wide > spacing
    assert np.prod(huge) <= 1.2 * mesh.CAP[2]


def test_unknown_kernels_backends_and_dimensions_are_refused():
    Z = cloud(10, 4)
    with pytest.raises(ParameterError, match=r"kernel must be .* 'cauchy'"):
        weighted.field(Z, None, "cauchy", 1.0, ())
    with pytest.raises(ParameterError, match="backend must be"):
        weighted.field(Z, None, "student", 1.0, (), backend="tree")
    with pytest.raises(ParameterError, match="at most 3 dimensions, but Z has 4"):
        weighted.field(Z, None, "student", 1.0, (), backend="mesh")
