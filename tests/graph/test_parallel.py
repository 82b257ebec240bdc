"""Kernels run, in several threads at once, under every threading layer."""

import os
import subprocess
import sys
import threading

import numba
import numpy as np
import pytest

from ne_interactive.graph.parallel import parallel, serial, thread_safe_layer
from ne_interactive.graph.progress import reported


@serial
def double(x):
    return 2 * x


@parallel
def doubled(values, out):
    for i in numba.prange(values.shape[0]):
        out[i] = double(values[i])


@parallel(fastmath=False)
def is_nan(values, out):
    for i in numba.prange(values.shape[0]):
        out[i] = np.isnan(values[i])


def test_kernels_compute():
    values, out = np.array([1.0, np.nan, 3.0]), np.zeros(3)
    is_nan(values, out)
    assert out.tolist() == [0, 1, 0]
    doubled(np.ones(3), out)
    assert out.tolist() == [2, 2, 2]
    assert serial(fastmath=False)(lambda x: x + 1)(1) == 2


PROGRAM = """
import threading
import numpy as np, torch
from ne_interactive.graph.affinities import entropic
from ne_interactive.graph.parallel import thread_safe_layer
distances = torch.rand(2000, 20, generator=torch.Generator().manual_seed(0))
results = []
def work():
    for _ in range(20):
        results.append(entropic(distances, 5.0))
threads = [threading.Thread(target=work) for _ in range(4)]
[t.start() for t in threads]; [t.join() for t in threads]
assert len(results) == 80 and all(torch.equal(r, results[0]) for r in results)
print(thread_safe_layer())
"""


def test_threads_may_meet_under_workqueue():
    environment = {**os.environ, "NUMBA_THREADING_LAYER": "workqueue", "NUMBA_NUM_THREADS": "2"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "False"


def test_threads_may_meet_under_the_layer_here():
    assert isinstance(thread_safe_layer(), bool)
    outs = [np.zeros(5000) for _ in range(4)]
    threads = [threading.Thread(target=doubled, args=(np.ones(5000), out)) for out in outs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all((out == 2).all() for out in outs)


def test_without_a_cache_folder_kernels_still_compile(monkeypatch):
    real = numba.njit

    def njit(**flags):
        if flags.pop("cache", False):
            raise RuntimeError("cannot cache function: no locator available")
        return real(**flags)

    monkeypatch.setattr(numba, "njit", njit)
    assert serial(lambda x: x * 3)(2) == pytest.approx(6)


def test_a_kernel_that_compiles_tells_so():
    def halve(x):
        return x / 2

    told = []
    with reported(lambda what, share: told.append(what)):
        other = numba.njit(halve)
        other(1.0)
        halve.__module__ = "ne_interactive.somewhere"
        numba.njit(halve)(1.0)
    assert told == ["compiling halve (the first time only)"]
