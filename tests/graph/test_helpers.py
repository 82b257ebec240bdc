"""Helpers that OpenMP keeps for a thread are let go of when its part is done."""

import os
import subprocess
import sys
import threading

import numpy as np
import pytest

import ne_interactive as ne
from ne_interactive.engine import background, judging, moving

COUNTED = """
import os, {first}, {second}
import torch
from ne_interactive.graph.helpers import let_go_of_helpers

def threads():
    return len(os.listdir("/proc/self/task"))

values, before = torch.randn(2, 500_000), threads()
values.exp()
between = threads()
let_go_of_helpers()
after = threads()
print(between - before, between - after, float(values.exp().sum()) > 0)
"""


def counted(first, second):
    """Threads that came with a parallel loop, those that went, and whether the next loop has some again."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "GOMP_"))
    }
    code = COUNTED.format(first=first, second=second)
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


linux = pytest.mark.skipif(sys.platform != "linux", reason="threads are counted in /proc")


@linux
def test_they_end_and_come_back():
    came, went, works = counted("ne_interactive", "torch")
    assert (int(came) > 0) == (os.cpu_count() > 1)
    assert (went, works) == (came, "True")


@linux
def test_they_stay_where_torch_was_there_first_and_has_them_spin_for_long():
    _, went, works = counted("torch", "ne_interactive")
    assert (went, works) == ("0", "True")


@pytest.fixture
def calls(monkeypatch):
    """The names of the threads that let go of theirs."""
    calls = []
    for module in (background, judging, moving):
        monkeypatch.setattr(
            module, "let_go_of_helpers", lambda: calls.append(threading.current_thread().name)
        )
    return calls


def test_a_run_has_its_starter_let_go_and_lets_go_while_it_is_held(calls):
    run = ne.Stepper(np.random.default_rng(0).normal(size=(60, 4)), ne.TSNE(perplexity=5))
    held = threading.Event()
    run.listen(lambda run, what: held.set() if run.iteration >= 3 else None)
    run.start()
    assert calls[0] == threading.current_thread().name
    held.wait(60)
    before = calls.count("ne_interactive")
    run.pause()
    for _ in range(200):
        if calls.count("ne_interactive") > before:
            break
        threading.Event().wait(0.02)
    assert calls.count("ne_interactive") == before + 1
    run.stop()


def test_so_does_who_measures(calls):
    run = ne.Stepper(np.random.default_rng(0).normal(size=(60, 4)), ne.TSNE(perplexity=5))
    run.watch()
    run.step(1)
    for _ in range(500):
        if run.quality:
            break
        threading.Event().wait(0.02)
    assert run.quality
    threading.Event().wait(0.1)
    assert calls.count("ne_interactive") >= 2  # after measuring, and before it waits
    run.stop()
