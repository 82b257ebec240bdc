import numpy as np
import psutil
import pytest
import torch

from ne_interactive.data import memory


def resident():
    return psutil.Process().memory_info().rss / 2**20


def test_freed_memory_is_the_systems_again():
    if memory._trim() is None:
        pytest.skip("this C library keeps no free memory back, or none that can be asked for")
    pieces = [np.ones(12_000) for _ in range(3_000)]  # 275 MiB in pieces that an arena holds
    kept = pieces[::50]
    full = resident()
    del pieces
    memory.give_back()
    assert resident() < full - 150
    assert all((piece == 1).all() for piece in kept)


def test_another_c_library_is_let_alone(monkeypatch):
    monkeypatch.setattr(memory, "_trim", lambda: None)
    memory.give_back()


@pytest.mark.parametrize("n", [0, 10, 100_000])
def test_a_copy_apart_is_a_copy(n):
    values = torch.randn(n, 2, dtype=torch.float64)
    copy = memory.apart(values)
    assert copy.dtype == torch.float32
    torch.testing.assert_close(copy, values.float())
    values.zero_()
    assert n == 0 or bool(copy.any())


def test_copies_apart_leave_no_holes_in_the_heap():
    """What comes between them and goes is the heap's; they themselves are the system's as soon as nobody has them."""
    values = torch.ones(150_000)
    copies = [memory.apart(values) for _ in range(300)]  # 170 MiB
    full = resident()
    del copies[::2]
    assert resident() < full - 70
    assert all(bool((copy == 1).all()) for copy in copies)
