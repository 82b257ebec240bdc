"""A density convolved with a kernel: by direct sums, by torch's transforms and by the package's own."""

import itertools
import threading

import numpy as np
import pytest
import torch

from ne_interactive.forces import convolution, filter, filter_numba, fourier_numba
from ne_interactive.forces.vectors import ROW, WIDTH

CPU = torch.device("cpu")


def cauchy(squared):
    return 1 / (1 + squared)


def density(nodes, seed=0):
    return torch.rand(nodes, generator=torch.Generator().manual_seed(seed))


def made(sizes, kernel=cauchy, spacing=0.4):
    return filter.Filter(convolution.transform_of(kernel, sizes, spacing), sizes, CPU)


def sizes_up_to(largest):
    return [n for n in range(1, largest) if n == np.prod([p ** power(n, p) for p in (2, 3, 5)])]


def power(n, p):
    return next(k for k in itertools.count() if n % p ** (k + 1))


@pytest.mark.parametrize("size", [*sizes_up_to(130), 512, 540, 625, 729, 1024])
def test_lines_side_by_side_are_transformed_as_numpy_does_each(size):
    draw = np.random.default_rng(size)
    lines = draw.normal(size=(size, WIDTH)) + 1j * draw.normal(size=(size, WIDTH))
    x = np.concatenate([lines.real, lines.imag], 1).astype(np.float32).ravel()
    found = fourier_numba.transform(x, np.empty_like(x), size, *fourier_numba.plan(size)).reshape(size, ROW)
    wanted = np.fft.fft(lines, axis=0)
    assert np.abs(found[:, :WIDTH] + 1j * found[:, WIDTH:] - wanted).max() < 1e-6 * np.abs(wanted).max()


def test_a_size_with_another_prime_is_refused():
    with pytest.raises(ValueError, match="no prime factor but 2, 3 and 5, got 84"):
        fourier_numba.plan(84)


@pytest.mark.parametrize(
    ("sizes", "nodes"),
    [
        ((32, 32), (16, 16)),
        ((32, 48), (1, 1)),
        ((48, 32), (17, 3)),
        ((36, 40), (35, 33)),  # little padding, as short kernels need
        ((150, 90), (75, 41)),
        ((288, 270), (140, 135)),
        ((32, 36, 40), (16, 18, 20)),
        ((40, 32, 36), (1, 13, 7)),
        ((54, 50, 60), (27, 1, 29)),
        ((60, 54, 50), (55, 50, 17)),
    ],
)
def test_compiled_and_torch_agree(sizes, nodes):
    """In single precision, within its rounding; a line may end anywhere in a vector."""
    convolved, given = made(sizes), density(nodes)
    before = given.clone()
    wanted, found = convolved(given.double()), convolved(given)
    assert found.shape == given.shape
    assert found.dtype == torch.float32
    assert float((found - wanted).abs().max()) < 1e-6 * float(wanted.abs().max())
    assert torch.equal(given, before)


@pytest.mark.parametrize("sizes", [(32,), (32, 36), (32, 36, 40)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_no_image_acts_where_sides_are_padded_to_twice_their_nodes(sizes, dtype):
    """Charges on two nodes and the kernel between any node and them; smoothed, since nodes are read by splines."""
    nodes = tuple(size // 2 for size in sizes)
    convolved = made(sizes, lambda squared: torch.exp(-squared), spacing=0.3)
    given = torch.zeros(nodes, dtype=dtype)
    first, last = (0,) * len(nodes), tuple(count - 1 for count in nodes)
    given[first] = 1.0
    one = convolved(given)
    given[first] = 0.0
    given[last] = 1.0
    other = convolved(given)
    torch.testing.assert_close(one.flip(tuple(range(len(nodes)))), other, rtol=1e-4, atol=1e-6)
    assert float(one[last]) == pytest.approx(0, abs=1e-5)
    assert float(one[first]) > 0.5


def test_results_are_the_same_each_time_and_in_two_threads_at_once():
    convolved, given = made((288, 270)), density((140, 130))
    wanted, found = convolved(given), []
    threads = [
        threading.Thread(target=lambda: found.extend(convolved(given) for _ in range(20))) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 40
    assert all(torch.equal(each, wanted) for each in found)


def test_what_is_no_number_is_not_made_one():
    """A step that is not finite is taken back by what the potential says."""
    given = density((20, 30))
    given[3, 4] = float("nan")
    assert bool(made((48, 60))(given).isnan().any())
    given[3, 4] = float("inf")
    assert not bool(made((48, 60))(given).isfinite().all())


@pytest.mark.parametrize("sizes", [(32,), (36, 40), (32, 36, 40)])
def test_torch_finds_the_kernel_in_the_order_of_its_spectra(sizes):
    beside = filter._forward(torch.zeros(sizes), sizes)
    assert (
        made(sizes)._as_spectra.stride() == beside.stride()
    )  # else their product takes several times as long


def test_a_density_in_another_order_is_read_as_it_is():
    convolved, given = made((48, 60)), density((30, 20)).T
    torch.testing.assert_close(convolved(given), convolved(given.contiguous()))
    assert filter_numba.factors(convolved._transform, (48, 60)).shape == (-(-25 // WIDTH), 31, WIDTH)
