"""SNEkhorn and TSNEkhorn on their own: duals, losses, options, and maps of real data."""

import dataclasses

import numpy as np
import pytest
import torch

import ne_interactive as ne
from ne_interactive.engine.step import evaluated
from ne_interactive.graph.doubly import SymmetricEntropic
from ne_interactive.graph.sparse_affinities import Entropic
from ne_interactive.methods.khorn import UNROLLED, SNEkhorn, TSNEkhorn
from ne_interactive.params.errors import ParameterError

both = pytest.mark.parametrize("cls", [SNEkhorn, TSNEkhorn])


def clusters(n=90, d=8):
    draw = np.random.default_rng(0)
    return ((draw.normal(size=(3, d)) * 6)[np.arange(n) % 3] + draw.normal(size=(n, d))).astype(np.float32)


def started(cls, n=90, **more):
    run = ne.Stepper(clusters(n), cls(**{"perplexity": 8, "random_state": 0, **more}))
    run._core.settle()
    return run


def at_of(run, **knobs):
    at = evaluated(run._core.method, run._core.problem, run._core.state)
    return dataclasses.replace(at, knobs={**at.knobs, **knobs})


def autograd(run, at):
    Z = at.state.positions.double().requires_grad_()
    loss = run._core.method.loss(Z, at)
    return torch.autograd.grad(loss, Z)[0], float(loss.detach())


@both
@pytest.mark.parametrize("options", [{}, {"symmetric_affinity": False}, {"unrolling": True}])
@pytest.mark.parametrize(("lam", "rho"), [(1.0, 1.0), (4.0, 0.3)])
def test_gradient_and_loss_are_those_of_autograd(cls, options, lam, rho):
    run = started(cls, init="random", init_scaling=0.5, **options)
    run.step(3)
    at = at_of(run, exaggeration=lam, repulsion_strength=rho)
    found = run._core.method.gradient(at, True)
    wanted, loss = autograd(run, at)
    size = float(wanted.abs().max())
    torch.testing.assert_close(found.values.double() / size, wanted / size, rtol=1e-3, atol=1e-4)
    assert found.loss == pytest.approx(loss, rel=1e-3, abs=1e-4)


@both
def test_at_the_fixed_point_holding_the_duals_or_not_gives_one_gradient(cls):
    held = started(cls, init="random", init_scaling=0.5, sinkhorn_iter=200)
    unrolled = started(cls, init="random", init_scaling=0.5, sinkhorn_iter=200, unrolling=True)
    one, loss = autograd(held, at_of(held))
    other, same = autograd(unrolled, at_of(unrolled))
    assert loss == pytest.approx(same, rel=1e-4)
    torch.testing.assert_close(one, other, rtol=1e-2, atol=1e-3 * float(one.abs().max()))


@both
def test_duals_stay_in_the_state_and_give_every_point_its_share(cls):
    run = started(cls)
    run.step(60)
    known = run._core.state.memory["dual"]
    assert known.shape == (90,)
    assert torch.equal(run._core.state.copy().memory["dual"], known)
    at = at_of(run)
    duals = run._core.method.gradient(at, False).memory["dual"]
    assert float((duals - known).abs().max()) < 0.5
    Z = at.state.positions.double()
    Q = (run._core.method.log_kernel(torch.cdist(Z, Z).square(), at) + duals[:, None] + duals).exp()
    assert (Q.fill_diagonal_(0).sum(1) * 90).numpy() == pytest.approx(np.ones(90), abs=0.1)


@both
def test_the_default_unfolds_from_a_start_of_any_scale_and_does_not_rest_at_once(cls):
    data = ne.datasets.digits()
    X, y = data.X[:400], data.y[:400]
    for scaling in ("auto", 1e-10):
        estimator = cls(random_state=0, init_scaling=scaling, max_iter=120).fit(X)
        assert estimator.n_iter_ == 120
        assert estimator.embedding_.std() > 1
        assert ne.metrics.label_accuracy(estimator.embedding_, y, k=10) >= 0.9


@both
@pytest.mark.parametrize("symmetric", [True, False])
def test_one_object_fits_data_of_another_size(cls, symmetric):
    estimator = cls(perplexity=8, max_iter=20, random_state=0, symmetric_affinity=symmetric)
    assert estimator.fit_transform(clusters(90)).shape == (90, 2)
    again = estimator.fit_transform(clusters(60))
    fresh = cls(perplexity=8, max_iter=20, random_state=0, symmetric_affinity=symmetric).fit_transform(
        clusters(60)
    )
    assert np.array_equal(again, fresh)


@both
@pytest.mark.parametrize(
    "changed", [{"exaggeration": 6.0}, {"repulsion_strength": 5.0}, {"sinkhorn_iter": 1}]
)
def test_weights_and_iterations_matter_while_it_runs(cls, changed):
    run, control = started(cls), started(cls)
    for each in (run, control):
        each.step(40)
    run.tune(**changed)
    run.step(20)
    control.step(20)
    assert not np.array_equal(run.embedding, control.embedding)
    assert np.isfinite(run.embedding).all()
    if "exaggeration" in changed:
        assert run.embedding.std() < control.embedding.std()
    if "repulsion_strength" in changed:
        assert run.embedding.std() > control.embedding.std()


@both
def test_data_in_other_units_give_the_same_map(cls):
    X = np.random.default_rng(0).normal(size=(200, 10)).astype(np.float32)
    small, large = (
        cls(perplexity=20, random_state=0, max_iter=40).fit_transform(X * unit) for unit in (1, 16)
    )
    assert np.abs(np.corrcoef(small[:, 0], large[:, 0])[0, 1]) > 0.99


def test_the_affinity_is_the_symmetric_entropic_one_unless_it_is_turned_off():
    assert isinstance(TSNEkhorn().affinity({"perplexity": 30.0}), SymmetricEntropic)
    assert isinstance(TSNEkhorn(symmetric_affinity=False).affinity({"perplexity": 30.0}), Entropic)
    mass = started(TSNEkhorn)._core.problem.extras["mass"]
    assert mass.numpy() * 90 == pytest.approx(np.ones(90), abs=1e-3)
    uneven = started(TSNEkhorn, symmetric_affinity=False)._core.problem.extras["mass"]
    assert float(uneven.sum()) == pytest.approx(1, abs=1e-4)


def test_unrolling_many_points_is_refused():
    with pytest.raises(
        ParameterError, match=f"unrolling works on all pairs, for at most {UNROLLED} points; got 5000"
    ):
        TSNEkhorn(unrolling=True).validate(5000)


@both
def test_many_points_go_on_a_mesh(cls):
    run = ne.Stepper(np.random.default_rng(0).normal(size=(2600, 5)).astype(np.float32),
                     cls(random_state=0, symmetric_affinity=False))  # fmt: skip
    run.step(25)
    assert len(run._core.state.grid) == 2
    assert np.isfinite(run.embedding).all()


@both
def test_default_map_of_the_digits_keeps_the_classes(cls):
    data = ne.datasets.digits()
    Z = cls(random_state=0, max_iter=80).fit_transform(data.X[::2])
    assert ne.metrics.label_accuracy(Z, data.y[::2], k=10) >= (0.97 if cls is TSNEkhorn else 0.9)
