"""Learning-rate schedules: the factors are torch's, the learning rate set by hand stays."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.optim import lr_scheduler

import ne_interactive as ne
from ne_interactive.engine.schedules import factor
from ne_interactive.engine.step import REHEAT, evaluated, step, woken
from ne_interactive.params.errors import ParameterError

GIVEN = {
    "LinearLR": {"start_factor": 0.5, "total_iters": 7},
    "StepLR": {"step_size": 3, "gamma": 0.5},
    "MultiStepLR": {"milestones": [2, 5]},
    "ConstantLR": {"factor": 0.3, "total_iters": 4},
    "ExponentialLR": {"gamma": 0.9},
    "LambdaLR": {"lr_lambda": lambda t: 1 / (1 + t)},
    "MultiplicativeLR": {"lr_lambda": lambda t: 0.95},
    "CosineAnnealingLR": {"T_max": 5},
    "CosineAnnealingWarmRestarts": {"T_0": 4},
    "PolynomialLR": {"total_iters": 9, "power": 2},
    "OneCycleLR": {"max_lr": 1.0, "total_steps": 10},
    "CyclicLR": {"base_lr": 0.1, "max_lr": 1.0, "step_size_up": 3},
}


def data():
    draw = np.random.default_rng(0)
    return (draw.normal(size=(3, 8))[np.arange(90) % 3] * 6 + draw.normal(size=(90, 8))).astype(np.float32)


def tsne(**more):
    return ne.TSNE(perplexity=8, random_state=0, **more)


def lr_of(run):
    core = run._core
    core.settle()
    return evaluated(core.method, core.problem, core.state).lr


@pytest.mark.parametrize("name", sorted(GIVEN))
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_factors_are_those_of_torch(name):
    method = tsne(scheduler=name, scheduler_kwargs=GIVEN[name])
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0, momentum=0.9)
    scheduler = getattr(lr_scheduler, name)(optimizer, **GIVEN[name])
    for at in range(10):
        assert factor(method, at, 750, {}) == pytest.approx(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if at < 9:
            scheduler.step()
    assert factor(method, 2, 750, {}) == pytest.approx(factor(method, 2, 750, {})), "asked for again"


def test_a_schedule_of_fixed_length_stays_at_its_end():
    method = tsne(scheduler="OneCycleLR", scheduler_kwargs={"max_lr": 1.0, "total_steps": 10})
    assert factor(method, 500, 750, {}) == factor(method, 9, 750, {})


@pytest.mark.parametrize("name", ["LinearLR", "CosineAnnealingLR", "PolynomialLR"])
def test_auto_arguments_let_the_rate_fall_to_zero_over_the_run_and_stay_there(name):
    method = tsne(scheduler=name)
    assert factor(method, 0, 200, {}) == 1
    assert factor(method, 100, 200, {}) == pytest.approx(0.5, abs=1e-6)
    assert factor(method, 200, 200, {}) == pytest.approx(0, abs=1e-12)
    assert factor(method, 300, 200, {}) == pytest.approx(0, abs=1e-12)


def test_nothing_is_restarted_where_the_early_phase_ends():
    run = ne.Stepper(data(), tsne(scheduler="LinearLR", early_exaggeration_iter=10, max_iter=40, lr=8.0))
    run.step(9)
    before = {name: slot.clone() for name, slot in run._core.state.slots.items()}
    rates = [lr_of(run)]
    run.step(1)
    assert run._core.state.slots["velocity"].abs().sum() > 0
    assert not torch.equal(before["velocity"], run._core.state.slots["velocity"])
    rates.append(lr_of(run))
    assert rates == pytest.approx([8 * 31 / 40, 8 * 30 / 40])
    run.step(30)
    assert lr_of(run) == 0


def test_a_rate_set_by_hand_stays_set_under_a_schedule():
    run = ne.Stepper(data(), tsne(scheduler="ExponentialLR", scheduler_kwargs={"gamma": 0.5}))
    run.step(2)
    run.tune(lr=4.0)
    run.step(1)
    assert run.params["lr"] == 4.0
    assert lr_of(run) == pytest.approx(4.0 * 0.5**3)


def test_a_plateau_of_the_loss_lowers_the_rate_and_is_saved(tmp_path):
    method = tsne(
        scheduler="ReduceLROnPlateau", scheduler_kwargs={"patience": 2, "factor": 0.5, "threshold": 10.0}
    )
    run = ne.Stepper(data(), method)
    run.step(9)
    assert run._core.state.plateau["factor"] == 0.125
    assert lr_of(run) == pytest.approx(run.params["lr"] * 0.125)
    loaded = ne.Stepper.load(run.save(tmp_path / "run.npz"), data())
    assert np.array_equal(loaded.step(10).embedding, run.step(10).embedding)
    assert loaded._core.state.plateau == run._core.state.plateau


def test_a_change_wakes_a_schedule_that_follows_the_loss():
    method = tsne(
        scheduler="ReduceLROnPlateau", scheduler_kwargs={"patience": 2, "factor": 0.5, "threshold": 10.0}
    )
    run = ne.Stepper(data(), method)
    run.step(11)  # the next loss that is no better lowers the rate again
    core = run._core
    assert core.state.plateau["factor"] < REHEAT
    other = run.fork()
    other.tune(exaggeration=2.0)
    other.step()
    assert other._core.state.plateau["factor"] >= REHEAT / 2, "and may be lowered once since"
    state = woken(method, core.state, 90)
    assert state.plateau == {"factor": REHEAT, "scheduler": {}}
    assert evaluated(method, core.problem, state).lr == pytest.approx(core.params()["lr"] * REHEAT)
    after, _ = step(method, core.problem, state)  # what the loss was before the change counts no more
    assert after.plateau["factor"] == REHEAT
    assert after.plateau["scheduler"]["num_bad_epochs"] == 1
    assert woken(method, replace(state, plateau={}), 90).plateau == {}
    high = {"factor": 0.5, "scheduler": after.plateau["scheduler"]}
    assert woken(method, replace(state, plateau=high), 90).plateau["factor"] == 0.5


def test_a_longer_run_stretches_its_schedule():
    run = ne.Stepper(data(), tsne(scheduler="LinearLR", max_iter=20, lr=8.0, tol=0.0))
    run.run()
    assert lr_of(run) == 0
    run.max_iter = 40
    assert lr_of(run) == pytest.approx(4.0)
    assert run.run().iteration == 40
    assert [event.kind for event in run.events] == ["max_iter"]
    with pytest.raises(ParameterError, match="whole number of iterations from 1 to 1000000000; got 0"):
        run.max_iter = 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scheduler": "StepLR"}, "StepLR needs step_size: give them in scheduler_kwargs"),
        ({"scheduler": "OneCycleLR"}, "OneCycleLR needs max_lr"),
        ({"scheduler": "SequentialLR"}, "SequentialLR needs schedulers, milestones"),
        ({"scheduler": "Step"}, "scheduler must be None or a torch.optim.lr_scheduler .* got 'Step'"),
        ({"scheduler": "LinearLR", "scheduler_kwargs": 3}, "must be 'auto', None or a dictionary; got 3"),
        ({"scheduler": "LinearLR", "scheduler_kwargs": {"gamma": 3}}, "LinearLR could not be made"),
        ({"scheduler_kwargs": {"gamma": 3}}, "scheduler_kwargs are for a scheduler; scheduler is None"),
    ],
)
def test_what_cannot_work_is_refused_before_the_run(changes, message):
    with pytest.raises(ParameterError, match=message):
        ne.Stepper(data(), tsne(**changes))
