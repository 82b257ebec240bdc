"""Every torch optimizer that a live run can use is one; the others are refused by name."""

import numpy as np
import pytest
import torch

import ne_interactive as ne
from ne_interactive.engine.optimizers import TorchRule, rule_of
from ne_interactive.engine.step import step
from ne_interactive.params.errors import ParameterError

USABLE = [
    name
    for name in dir(torch.optim)
    if isinstance(getattr(torch.optim, name), type)
    and issubclass(getattr(torch.optim, name), torch.optim.Optimizer)
    and name not in ("Optimizer", "LBFGS", "SparseAdam")
]


def data():
    draw = np.random.default_rng(0)
    return (draw.normal(size=(3, 8))[np.arange(90) % 3] * 6 + draw.normal(size=(90, 8))).astype(np.float32)


def tsne(**more):
    return ne.TSNE(perplexity=8, random_state=0, **more)


@pytest.mark.parametrize("name", USABLE)
def test_an_optimizer_moves_as_torch_moves_it(name):
    draw = torch.Generator().manual_seed(0)
    start = torch.randn(30, 2, generator=draw)
    parameter = torch.nn.Parameter(start.clone())
    torch_optimizer = getattr(torch.optim, name)([parameter], lr=0.05)
    rule, Z, slots = (
        TorchRule(getattr(torch.optim, name), {"momentum": 0.0} if name == "SGD" else {}),
        start,
        {},
    )
    for _ in range(5):
        parameter.grad = 2 * parameter.detach() + 1
        torch_optimizer.step()
        rule.move(Z, slots, 2 * Z + 1, 0.05, 0.0)
    torch.testing.assert_close(Z, parameter.detach())


@pytest.mark.parametrize("name", USABLE)
def test_steps_are_pure_and_a_saved_run_goes_on_the_same(name, tmp_path):
    run = ne.Stepper(data(), tsne(optimizer=name, lr=0.1))
    run.step(4)
    core = run._core
    before = core.state.copy()
    one, _ = step(core.method, core.problem, core.state)
    other, _ = step(core.method, core.problem, before.copy(), donate=True)
    assert torch.equal(core.state.positions, before.positions)
    assert torch.equal(one.positions, other.positions)
    loaded = ne.Stepper.load(run.save(tmp_path / "run.npz"), data())
    assert np.array_equal(run.step(5).embedding, loaded.step(5).embedding)


def test_a_class_is_as_good_as_its_name_and_arguments_reach_it():
    X = data()
    by_name = tsne(optimizer="Adam", optimizer_kwargs={"betas": (0.5, 0.9)}, max_iter=20).fit_transform(X)
    by_class = tsne(
        optimizer=torch.optim.Adam, optimizer_kwargs={"betas": (0.5, 0.9)}, max_iter=20
    ).fit_transform(X)
    plain = tsne(optimizer="Adam", max_iter=20).fit_transform(X)
    assert np.array_equal(by_name, by_class)
    assert not np.array_equal(by_name, plain)


def test_momentum_of_sgd_follows_the_early_phase_unless_given():
    run = ne.Stepper(data(), tsne(optimizer=torch.optim.SGD, early_exaggeration_iter=3))
    seen = []
    for _ in range(5):
        seen.append(run.params["momentum"])
        run.step()
    assert seen == [0.5, 0.5, 0.5, 0.8, 0.8]
    assert ne.Stepper(data(), tsne()).params["momentum"] == 0.9
    given = ne.Stepper(data(), tsne(optimizer="SGD", optimizer_kwargs={"momentum": 0.1, "nesterov": True}))
    assert rule_of(given.method)._takes_momentum is False
    assert np.isfinite(given.step(5).embedding).all()


@pytest.mark.parametrize("steps_of", ["Adam", "SGD"])
def test_a_torn_learning_rate_does_not_tear_the_map(steps_of):
    run = ne.Stepper(data(), tsne(optimizer=steps_of))
    run.step(5)
    run.tune(lr=1e5)
    before = run.embedding
    moved = np.linalg.norm(run.step(1).embedding - before, axis=1)
    assert moved.max() <= 5.001


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"optimizer": "LBFGS"}, "LBFGS needs a closure"),
        ({"optimizer": torch.optim.SparseAdam}, "SparseAdam needs sparse gradients"),
        ({"optimizer": "Optimizer"}, "must be 'auto' or a torch.optim optimizer by name or class"),
        ({"optimizer": "Adamm"}, "got 'Adamm'"),
        ({"optimizer": 3}, "got 3"),
        ({"optimizer": "Adam", "optimizer_kwargs": {"beta": 1}}, "Adam with optimizer_kwargs .* failed"),
        ({"optimizer": "Adam", "optimizer_kwargs": {"lr": 1}}, "must not hold 'lr'"),
        ({"optimizer": "Adam", "optimizer_kwargs": 3}, "must be 'auto', None or a dictionary"),
        ({"optimizer_kwargs": {"momentum": 0.5}}, "optimizer_kwargs are for a torch optimizer"),
    ],
)
def test_what_cannot_work_is_refused_before_the_run(changes, message):
    with pytest.raises(ParameterError, match=message):
        ne.Stepper(data(), tsne(**changes))


@pytest.mark.slow
def test_digits_reach_the_same_quality_with_other_optimizers():
    X, y = ne.datasets.digits().X, ne.datasets.digits().y
    for name in ("SGD", "Adam"):
        for method in (ne.TSNE(random_state=0, optimizer=name), ne.UMAP(random_state=0, optimizer=name)):
            Z = method.fit_transform(X)
            assert ne.metrics.label_accuracy(Z, y, k=10) > 0.97
            assert ne.metrics.recall(X, Z, k=10) > 0.45
