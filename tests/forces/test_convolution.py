"""The kernel on one mesh or split on two: held to direct sums, and to spreading and gathering on the coarse mesh."""

import math

import pytest
import torch

from ne_interactive.forces import coarsening, convolution, exact, filter, mesh, mesh_numba, mesh_torch

CPU = torch.device("cpu")


def cloud(n, c, extent, seed=0):
    return (torch.rand(n, c, generator=torch.Generator().manual_seed(seed)) - 0.5) * extent


def error(found, wanted):
    return float((found - wanted).norm() / wanted.norm())


@pytest.mark.parametrize("nodes", [(29,), (30, 37), (28, 31, 33)])
def test_a_coarse_mesh_holds_what_spreading_on_it_would_put_there(nodes):
    Z = cloud(40, len(nodes), 8.0).double()
    origin = [-5.0] * len(nodes)
    found = coarsening.coarse(mesh_torch.spread(Z, origin, 0.4, nodes))
    ahead = [a - coarsening.AHEAD * 0.4 for a in origin]
    torch.testing.assert_close(found, mesh_torch.spread(Z, ahead, 0.4 * coarsening.TIMES, found.shape))
    assert tuple(found.shape) == coarsening.counts(nodes)


@pytest.mark.parametrize("nodes", [(27,), (30, 37), (28, 31, 33)])
def test_a_coarse_potential_is_the_same_everywhere_on_the_fine_mesh(nodes):
    Z = cloud(40, len(nodes), 7.0).double()
    origin, draw = [-4.5] * len(nodes), torch.Generator().manual_seed(1)
    potential = torch.randn(coarsening.counts(nodes), generator=draw, dtype=torch.float64)
    ahead = [a - coarsening.AHEAD * 0.4 for a in origin]
    wanted = mesh_torch.sample(Z, ahead, 0.4 * coarsening.TIMES, potential, True)
    found = mesh_torch.sample(Z, origin, 0.4, coarsening.fine(potential, nodes), True)
    for part, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(part, other)


@pytest.mark.parametrize("nodes", [(20,), (30, 37), (13, 22, 31)])
def test_compiled_coarsening_agrees_with_the_torch_version(nodes):
    draw = torch.Generator().manual_seed(2)
    values = torch.randn(nodes, generator=draw)
    narrow = coarsening.coarse(values)
    torch.testing.assert_close(narrow.double(), coarsening.coarse(values.double()), rtol=1e-4, atol=1e-5)
    wide = coarsening.fine(narrow, nodes)
    torch.testing.assert_close(wide.double(), coarsening.fine(narrow.double(), nodes), rtol=1e-4, atol=1e-5)


def test_the_torch_version_takes_no_more_memory_than_a_long_mesh_does():
    """A map with one point far off: all its nodes lie along one side."""
    values = torch.randn(400_000, 3, dtype=torch.float64)  # with a number for each pair of nodes, 320 GB
    narrow = coarsening.coarse(values)
    assert narrow.shape == coarsening.counts(values.shape)
    assert coarsening.fine(narrow, values.shape).shape == values.shape


@pytest.mark.parametrize(
    ("c", "extent", "dof", "limit"), [(2, 250.0, 1.0, 0.02), (2, 250.0, 0.5, 0.02), (3, 36.0, 1.0, 0.04)]
)
def test_two_meshes_do_what_one_does(c, extent, dof, limit, monkeypatch):
    """A map with dense clusters, as real ones have."""
    monkeypatch.setattr(mesh, "PLAIN", 2**62)  # no near pairs beside the mesh
    centres = cloud(60, c, extent)
    Z = centres[torch.arange(6000) % 60] + 2 * torch.randn(
        6000, c, generator=torch.Generator().manual_seed(3)
    )
    wanted, wanted_total = exact.repulsion(Z, dof)
    found = {}
    for name, above in (("two", 0), ("one", 2**62)):
        monkeypatch.setitem(convolution.SPLIT_ABOVE, c, above)
        convolution.convolution.cache_clear()
        forces, total, grid = mesh.repulsion(Z, dof, ())
        assert len(convolution.levels(grid, 1.0)) == (2 if name == "two" else 1)
        assert error(forces, wanted) < limit
        assert total == pytest.approx(float(wanted_total), rel=2e-3)
        found[name] = error(forces, wanted)
    convolution.convolution.cache_clear()
    assert found["two"] < 1.1 * found["one"]


@pytest.mark.parametrize("c", [2, 3])
@pytest.mark.parametrize("parts", ["one", "two"])
def test_what_a_point_does_to_itself_is_known(c, parts, monkeypatch):
    monkeypatch.setitem(convolution.SPLIT_ABOVE, c, 0 if parts == "two" else 2**62)
    grid, origin = convolution.padded([72] * c), [-1.0] * c
    made = convolution.Convolution(grid, 0.4, "student", 1.0, 0.0, CPU)
    assert len(made.levels) == (2 if parts == "two" else 1)
    averaged = []
    for seed in range(60):
        Z = cloud(1, c, 6.0, seed) + 4
        nodes = [size // 2 for size in grid]
        potential = made(mesh_torch.spread(Z, origin, 0.4, nodes))
        for backend in (mesh_numba, mesh_torch):
            own, field = made.own(backend, Z, origin)
            wanted, wanted_field = backend.sample(Z, origin, 0.4, potential, True)
            torch.testing.assert_close(own, wanted, rtol=1e-4, atol=1e-4)
            torch.testing.assert_close(field, wanted_field, rtol=1e-3, atol=1e-3)
        averaged.append(float(own))
    assert made.self_potential == pytest.approx(sum(averaged) / len(averaged), abs=0.01)
    assert made.self_potential == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize("needed", [(40, 44), (700, 900), (1000, 620), (70, 64, 100), (150, 140, 200)])
def test_padded_sizes_are_as_large_as_needed_and_waste_little(needed):
    sizes = convolution.padded(needed)
    assert all(size % 2 == 0 for size in sizes)
    assert all(
        need <= size <= max(1.25 * need, filter.SMALLEST) for need, size in zip(needed, sizes, strict=True)
    )
    for level in convolution.levels(sizes, 0.4):
        assert all(
            level_size == good
            for level_size, good in zip(level.sizes, filter.good_sizes(level.sizes), strict=True)
        )
    taken = sum(math.prod(level.sizes) for level in convolution.levels(sizes, 0.4))
    assert taken <= math.prod(sizes)


@pytest.mark.parametrize("grid", [(32,), (36, 40), (32, 36, 40)])
@pytest.mark.parametrize("reach", [0.0, 3.0])
def test_the_transform_of_a_kernel_is_that_of_its_mirror_image(grid, reach):
    def kernel(squared):
        return (1 - squared / reach**2).clamp(min=0) ** 2 if reach else 1 / (1 + squared)

    spacing, squared, splines = 0.4, torch.zeros((), dtype=torch.float64), torch.ones((), dtype=torch.float64)
    for size in grid:
        place = torch.arange(size, dtype=torch.float64)
        squared = squared.unsqueeze(-1) + (spacing * torch.minimum(place, size - place)) ** 2
        splines = splines.unsqueeze(-1) * (2 + torch.cos(2 * math.pi * place / size)) / 3
    wanted = (torch.fft.fftn(kernel(squared)).real / splines**2)[..., : grid[-1] // 2 + 1]
    found = convolution.transform_of(kernel, grid, spacing, reach)
    torch.testing.assert_close(found.double(), wanted, rtol=1e-6, atol=1e-6 * float(wanted.max()))
