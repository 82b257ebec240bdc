"""What an iteration on a device costs the host: how often it has to wait for a number, and that no kernel is the CPU's.

The device is torch's "meta", whose tensors have no values: whatever would read one has to pass here.
"""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

import ne_interactive as ne
from ne_interactive.engine.step import step
from ne_interactive.forces import mesh, mesh_torch

READ = torch.ops.aten._local_scalar_dense.default
METHODS = {
    "tsne": lambda **more: ne.TSNE(perplexity=5, random_state=0, **more),
    "cosne": lambda **more: ne.COSNE(perplexity=5, random_state=0, **more),
    "infotsne": lambda **more: ne.InfoTSNE(perplexity=5, random_state=0, **more),
    "largevis": lambda **more: ne.LargeVis(perplexity=5, random_state=0, **more),
    "pacmap": lambda **more: ne.PACMAP(n_neighbors=5, random_state=0, **more),
    "spectrum": lambda **more: ne.ContrastiveSpectrum(random_state=0, **more),
}


class Reads(TorchDispatchMode):
    """Counts the numbers that the host asks for; each is 1, or false."""

    def __init__(self):
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if func is READ and args[0].device.type == "meta":
            self.count += 1
            return {torch.bool: False}.get(args[0].dtype, 1.0 if args[0].is_floating_point() else 1)
        return func(*args, **(kwargs or {}))


def on_device(tensor):
    return tensor if tensor.ndim == 0 else tensor.to("meta")


def placed(method):
    """A run's method, problem and state, on the device; counters stay with the host, as torch keeps them."""
    X = np.random.default_rng(0).normal(size=(150, 4)).astype(np.float32)
    run = ne.Stepper(X, method)
    run.step(1)
    core = run._core
    state, problem = core.state, core.problem
    graph = problem.graph.to("meta")
    moved = {
        name: {key: on_device(one) for key, one in getattr(state, name).items()}
        for name in ("slots", "memory")
    }
    extras = {name: on_device(one) for name, one in problem.extras.items()}
    problem = replace(problem, graph=graph, neighbors=None, extras=extras)
    return core.method, problem, replace(state, positions=state.positions.to("meta"), **moved)


def reads(method, problem, state, steps=3):
    with Reads() as counted:
        for _ in range(steps):
            state, report = step(method, problem, state, donate=True, want_loss=False)
            assert not report.refused
    assert state.positions.device.type == "meta"
    return counted.count


@pytest.mark.parametrize("name", METHODS)
def test_an_iteration_reads_one_number(name):
    assert reads(*placed(METHODS[name]())) == 3  # whether the gradient is finite


@pytest.mark.parametrize("optimizer", ["Adam", "SGD"])
def test_so_it_does_with_another_optimizer(optimizer):
    assert reads(*placed(METHODS["tsne"](optimizer=optimizer, lr=1.0))) == 3


def test_so_it_does_with_pins():
    method, problem, state = placed(METHODS["tsne"]())
    rows = torch.arange(3, device="meta")
    state = replace(state, pins=rows)
    assert reads(method, problem, state) == 3


def test_the_mesh_reads_the_extent_besides_and_once_how_exact_it_is(monkeypatch):
    asked = []

    def box(Z):
        asked.append(Z)
        return [-8.0] * Z.shape[1], [8.0] * Z.shape[1]

    monkeypatch.setattr(mesh, "few", lambda Z, dof: False)
    monkeypatch.setattr(mesh_torch, "box", box)
    method, problem, state = placed(METHODS["tsne"]())
    settled = replace(state, grid=mesh.fit_grid([16.0, 16.0], (), None, problem.n)[1], finer=0)
    assert reads(method, problem, settled) == 3
    other = replace(settled, grid=(16, 16))
    assert reads(method, problem, other) == 5  # the new mesh is looked at, and a finer one
    assert [one.device.type for one in asked[-3:]] == ["meta"] * 3


def test_the_extent_is_one_read(monkeypatch):
    called, tolist = [], torch.Tensor.tolist
    monkeypatch.setattr(torch.Tensor, "tolist", lambda self: called.append(self.shape) or tolist(self))
    assert mesh_torch.box(torch.tensor([[1.0, -2.0], [-3.0, 4.0]])) == ([-3.0, -2.0], [1.0, 4.0])
    assert called == [(2, 2)]


def test_a_loss_and_a_check_read_more():
    method, problem, state = placed(METHODS["tsne"]())
    with Reads() as counted:
        _, report = step(method, problem, state, want_loss=True)
    assert counted.count > 1
    assert report.loss == report.loss
    with Reads() as checked:
        step(method, problem, replace(state, iteration=method.check_interval - 1), want_loss=False)
    assert checked.count > 1
