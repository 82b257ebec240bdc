"""What was set at each iteration of the past, without repeating a step."""

import numpy as np
import pytest

import ne_interactive as ne
from ne_interactive.params.errors import ParameterError

X = np.random.default_rng(0).normal(size=(60, 5)).astype(np.float32)
CHANGES = {
    20: {"exaggeration": 4.0},
    30: {"repulsion_strength": 2.0, "perplexity": 6},
    40: {"exaggeration": "auto", "lr": 20.0},
}


def steered():
    """A run with changes, another method and a change there; and what it told at every iteration."""
    run = ne.Stepper(X, ne.TSNE(perplexity=10, random_state=0, early_exaggeration_iter=50))
    told = {}
    for iteration in range(121):
        if iteration in CHANGES:
            run.tune(**CHANGES[iteration])
        if iteration == 70:
            run.switch(ne.UMAP(n_neighbors=8, random_state=0))
        if iteration == 90:
            run.tune(n_negatives=9)
        if iteration == 100:
            run.max_iter = 400
        told[iteration] = (type(run.method).__name__, run.params, run.following)
        run.step()
    return run, told


def test_the_settings_of_the_past_are_those_that_the_run_told_then():
    run, told = steered()
    settings = run.settings_at(told)
    for (iteration, (method, params, following)), then in zip(told.items(), settings, strict=True):
        assert type(then.method).__name__ == method, iteration
        assert then.params == params, iteration
        assert then.following == following, iteration
    rows = {row["name"]: row for row in settings[25].describe()}
    assert rows["exaggeration"]["value"] == 4.0
    assert rows["exaggeration"]["following"] is False
    assert {row["name"]: row for row in settings[45].describe()}["exaggeration"]["following"] is True


def test_what_was_set_before_a_restart_holds_from_the_start():
    run = ne.Stepper(X, ne.TSNE(perplexity=10, random_state=0))
    run.step(5)
    run.tune(exaggeration=3.0)
    run.restart()
    run.step(5)
    assert [then.params["exaggeration"] for then in run.settings_at([0, 5])] == [3.0, 3.0]
    assert run.settings_at([]) == []


@pytest.mark.parametrize("wanted", [[-1], [11], [3, 2]])
def test_iterations_that_were_not_reached_are_refused(wanted):
    run = ne.Stepper(X, ne.TSNE(perplexity=10, random_state=0))
    run.step(10)
    with pytest.raises(ParameterError, match="must ascend from 0 to 10"):
        run.settings_at(wanted)


def regrouped():
    """Points leave, come, are focused on, within a focus, with another method there; and what the run told."""
    run = ne.Stepper(
        X,
        ne.TSNE(perplexity=4, random_state=0, early_exaggeration_iter=12, max_iter=40, scheduler="LinearLR"),
    )
    told = {}
    for iteration in range(90):
        match iteration:
            case 5:
                run.remove(np.arange(20))
            case 10:
                run.focus(np.arange(30))
            case 18:
                run.focus(np.arange(20))
            case 24:
                run.unfocus()  # early again
            case 30:
                run.add(X[:10] + 1)
            case 44:
                run.focus(np.arange(25))
            case 50:
                run.switch(ne.LargeVis(perplexity=4, random_state=0))
            case 60:
                run.unfocus()
            case 70:
                run.focus(np.arange(40))
        told[iteration] = (run.n, run.params, run.following)
        run.step()
    return run, told


def test_points_that_come_and_go_are_counted_as_then():
    run, told = regrouped()
    assert {n for n, _, _ in told.values()} == {60, 40, 30, 20, 50, 25}
    for (iteration, then), found in zip(told.items(), run.settings_at(told), strict=True):
        assert (found.n, found.params, found.following) == then, iteration
    assert told[16][1]["exaggeration"] == 1.0
    assert told[25][1]["exaggeration"] == told[0][1]["exaggeration"] > 1
