import numpy as np
import psutil
import pytest

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
