"""Steps limited by stiffness: no rate is too large, drag cools, and gains rest meanwhile."""

import numpy as np
import pytest
import torch

import ne_interactive as ne
from ne_interactive.engine import rules
from ne_interactive.engine.rules import DRAG, MAX_STEP, RULES, limited


def springs(n=40, seed=0):
    """A gradient of random springs between points, and their stiffness."""
    draw = torch.Generator().manual_seed(seed)
    K = torch.rand(n, n, generator=draw, dtype=torch.float64)
    K = torch.triu(K, 1) * (torch.rand(n, n, generator=draw) < 0.2)
    K = K + K.T
    return lambda Z: K.sum(1, keepdim=True) * Z - K @ Z, K.sum(1)


@pytest.mark.parametrize("lr", [1e-6, 0.1, 1e9])
def test_no_rate_is_too_large_for_springs(lr):
    gradient, stiffness = springs()
    Z = torch.randn(40, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    slots, energies = RULES["momentum"].slots(Z), []
    for _ in range(300):
        slope = gradient(Z)
        energies.append(float((slope * Z).sum()))
        RULES["momentum"].move(Z, slots, slope, lr, 0.0, (), stiffness.clone())
    assert (np.diff(energies) <= 1e-12).all()
    if lr > 0.01:
        assert energies[-1] < 1e-3 * energies[0]


def test_a_small_rate_follows_the_gradient_and_a_large_one_half_of_jacobis_step():
    gradient, stiffness = torch.randn(30, 3), torch.rand(30) + 0.1
    torch.testing.assert_close(limited(gradient.clone(), stiffness.clone(), 1e-6), gradient)
    step = 1e9 * limited(gradient.clone(), stiffness.clone(), 1e9)
    torch.testing.assert_close(step, gradient / (2 * stiffness.unsqueeze(1)))
    assert torch.equal(limited(gradient.clone(), torch.zeros(30), 5.0), gradient)


def test_drag_takes_more_of_long_steps_and_none_is_longer_than_the_limit():
    Z, rest = torch.zeros(3, 2), torch.zeros(3, 2)
    slots = {"velocity": torch.tensor([[0.01, 0.0], [4.0, 0.0], [1000.0, 0.0]])}
    RULES["momentum"].move(Z, slots, rest, 1.0, 0.9, None)
    wanted = [0.9 * v / (1 + DRAG * v) for v in (0.01, 4.0)]
    assert Z[:, 0].tolist() == pytest.approx([*wanted, MAX_STEP], rel=1e-5)


def test_gains_rest_while_stiffness_limits_the_steps():
    Z = torch.zeros(5, 2)
    slots = RULES["gains"].slots(Z)
    for _ in range(5):
        RULES["gains"].move(Z, slots, torch.ones(5, 2), 0.1, 0.5, None)
    assert float(slots["gain"].min()) > 1.5
    RULES["gains"].move(Z, slots, torch.ones(5, 2), 0.1, 0.5, None, torch.ones(5))
    assert bool((slots["gain"] == 1).all())


def images(n=600):
    return ne.datasets.digits().X[:n]


def test_tsne_glides_until_a_hand_changes_its_forces():
    run = ne.Stepper(images(), ne.TSNE(random_state=0))
    assert (run.params["momentum"], run.params["lr"]) == (0.9, 6000.0)
    run.step(150)
    assert run.params["momentum"] == 0.995
    run.tune(exaggeration=4.0)
    assert (run.params["momentum"], run.params["lr"]) == (0.8, 37.5)
    run.step(30)
    assert float(run._core.state.slots["gain"].max()) > 1
    run.tune(exaggeration="auto")
    run.step()
    assert float(run._core.state.slots["gain"].max()) == 1
    run.tune(lr=200.0)
    assert run.params["momentum"] == 0.8
    run.tune(lr="auto")
    run.step(300)
    assert run.params["momentum"] == 0.95  # beyond its length it comes to rest


@pytest.mark.parametrize("name", ["repulsion_strength", "exaggeration", "lr"])
def test_a_map_torn_by_a_slider_at_its_end_comes_together_again(name):
    X = images(1500)
    run = ne.Stepper(X, ne.TSNE(random_state=0))
    run.run()
    good = ne.metrics.recall(X, run.embedding)
    back = run.params[name] if name == "repulsion_strength" else "auto"
    for value in (1000.0, 0.05):
        run.tune(**{name: value})
        run.step(60)
    run.tune(**{name: back})
    run.step(250)
    assert ne.metrics.recall(X, run.embedding) > 0.95 * good


@pytest.mark.parametrize("c", [1, 2, 3, 6])
@pytest.mark.parametrize("held", [False, True])
@pytest.mark.parametrize("centre", [None, (), "there"])
def test_the_compiled_step_agrees_with_the_torch_version(c, held, centre):
    draw = torch.Generator().manual_seed(c)
    Z, velocity, gradient = (torch.randn(700, c, generator=draw) * size for size in (5.0, 2.0, 9.0))
    stiffness = torch.rand(700, generator=draw) if held else None
    centre = (1.5,) * c if centre == "there" else centre
    exact = [part.double() for part in (Z, velocity)]
    wanted = rules.glide_torch(
        *exact, gradient.double(), None if stiffness is None else stiffness.double(), 0.7, 0.9, centre
    )
    moved = rules.glide(Z, velocity, gradient, stiffness, 0.7, 0.9, centre)
    for found, other in zip((Z, velocity), exact, strict=True):
        torch.testing.assert_close(found.double(), other, rtol=1e-5, atol=1e-5)
    assert moved == pytest.approx(float(wanted), rel=1e-5)
