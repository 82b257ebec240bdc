"""SNE on its own: the losses, the start, and maps of real data."""

import dataclasses
import math

import numpy as np
import pytest
import torch

import ne_interactive as ne
from ne_interactive.engine.step import evaluated
from ne_interactive.methods.sne import SNE


def clusters(n=90, d=8):
    draw = np.random.default_rng(0)
    return ((draw.normal(size=(3, d)) * 6)[np.arange(n) % 3] + draw.normal(size=(n, d))).astype(np.float32)


def at_of(run, **knobs):
    at = evaluated(run._core.method, run._core.problem, run._core.state)
    return dataclasses.replace(at, knobs={**at.knobs, **knobs})


@pytest.mark.parametrize("scale", [1e-6, 0.3, 2.0, 30.0])
@pytest.mark.parametrize(("lam", "rho"), [(1.0, 1.0), (4.0, 0.3)])
def test_gradient_and_loss_are_those_of_autograd(scale, lam, rho):
    run = ne.Stepper(clusters(), SNE(perplexity=8, init="random", init_scaling=scale, random_state=0))
    run._core.settle()
    at = at_of(run, exaggeration=lam, repulsion_strength=rho)
    found = run._core.method.gradient(at, True)
    Z = at.state.positions.double().requires_grad_()
    loss = run._core.method.loss(Z, at)
    (wanted,) = torch.autograd.grad(loss, Z)
    size = float(wanted.abs().max())
    torch.testing.assert_close(found.values.double() / size, wanted / size, rtol=1e-3, atol=1e-4)
    assert found.loss == pytest.approx(float(loss.detach()), rel=1e-4)


def test_no_point_counts_as_its_own_neighbour():
    run = ne.Stepper(clusters(), SNE(perplexity=8, init="random", init_scaling=1e-6, random_state=0))
    run._core.settle()
    at = at_of(run)
    assert float(run._core.method.repulsion(at.state.positions.double(), at)) == pytest.approx(math.log(89))


def test_default_map_of_the_digits_keeps_the_classes():
    data = ne.datasets.digits()
    Z = SNE(random_state=0, max_iter=80).fit_transform(data.X)
    assert ne.metrics.label_accuracy(Z, data.y, k=10) >= 0.93


@pytest.mark.parametrize("n", [300, 2600])
def test_a_start_of_vanishing_scale_unfolds(n):
    X = np.random.default_rng(0).normal(size=(n, 5)).astype(np.float32)
    run = ne.Stepper(X, SNE(init_scaling=1e-10, random_state=0))
    run.run(120)
    assert run.iteration == 120
    assert run.embedding.std() > 0.5


def test_each_iteration_of_many_points_uses_the_mesh():
    X = np.random.default_rng(0).normal(size=(2600, 5)).astype(np.float32)
    run = ne.Stepper(X, SNE(init_scaling=1.0, random_state=0))
    run.step(2)
    assert len(run._core.state.grid) == 2
