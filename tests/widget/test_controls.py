"""A run's parameters as ipywidgets: both ways, all or nothing, without a storm, and without a trace once closed."""

import threading
import time

import ipywidgets as w
import ipywidgets.widgets.widget as registry
import numpy as np
import pytest

import ne_interactive as ne
from ne_interactive.widget.controls import Controls, controls
from ne_interactive.widget.explorer import Explorer

from .fake import FakeRun


@pytest.fixture
def run():
    X = np.random.default_rng(0).normal(size=(80, 4)).astype(np.float32)
    run = ne.Stepper(X, ne.TSNE(perplexity=5, random_state=0, tol=0))  # it does not come to rest meanwhile
    yield run
    run.stop()


@pytest.fixture
def made(run):
    made = controls(run)
    yield made
    made.close()


def settle(made):
    assert made.wait(20)


def test_every_live_parameter_has_a_control_in_its_group(made, run):
    rows = [row for row in run.describe() if row["live"]]
    assert made.names == [row["name"] for row in rows]
    assert set(made.groups) == {row["group"] for row in rows}
    for row in rows:
        assert made[row["name"]] in made.groups[row["group"]].children
        assert row["help"] in made[row["name"]].input.tooltip
    assert made["metric"].slider is None
    assert isinstance(made["metric"].input, w.Dropdown)
    assert isinstance(made["lr"].slider, w.FloatLogSlider)
    assert made["exaggeration"].auto.value is True
    assert made["perplexity"].auto is None
    with pytest.raises(KeyError, match="no control for 'speed'; there are: exaggeration"):
        made["speed"]


def test_a_value_set_here_reaches_the_run_and_one_set_there_shows(made, run):
    made["exaggeration"].slider.value = 4.0
    settle(made)
    assert run.params["exaggeration"] == 4
    assert made["exaggeration"].input.value == 4
    assert made["exaggeration"].auto.value is False
    run.tune(exaggeration=2.5, metric="cosine")
    settle(made)
    assert made["exaggeration"].value == 2.5
    assert made["exaggeration"].slider.value == pytest.approx(2.5)
    assert made["metric"].value == "cosine"
    made["exaggeration"].auto.value = True
    settle(made)
    assert run.following["exaggeration"]
    assert made["exaggeration"].value == run.params["exaggeration"] == 12
    made["perplexity"].value = 7
    settle(made)
    assert run.params["perplexity"] == 7


def test_letting_go_of_a_schedule_keeps_the_value_in_force(made, run):
    made["exaggeration"].auto.value = False
    settle(made)
    assert run.params["exaggeration"] == 12
    assert not run.following["exaggeration"]


def test_a_schedule_shows_while_the_run_goes_on(made, run):
    run.run(260)
    settle(made)
    assert made["exaggeration"].value == run.params["exaggeration"] == 1
    assert made["exaggeration"].auto.value is True


def test_a_refused_value_goes_back_and_says_why(made, run):
    made["exaggeration"].input.value = -3
    settle(made)
    assert made["exaggeration"].value == 12
    assert made["exaggeration"].note.value == "TSNE.exaggeration must lie in [0, 1000]; got -3."
    assert made["exaggeration"].note.layout.display == ""
    assert run.params["exaggeration"] == 12
    made["exaggeration"].input.value = 3
    settle(made)
    assert made["exaggeration"].note.value == ""
    assert made["exaggeration"].note.layout.display == "none"


def test_a_value_beyond_the_slider_is_shown_in_full(made, run):
    run.tune(exaggeration=500)
    settle(made)
    assert made["exaggeration"].value == 500
    assert made["exaggeration"].slider.value == pytest.approx(32)
    assert run.params["exaggeration"] == 500


def test_showing_asks_for_nothing(made, run):
    run.step(1)
    run.tune(lr=12.345678)
    settle(made)
    run.step(1)
    assert [event.detail["changes"].keys() for event in run.events] == [{"lr"}]
    assert run.params["lr"] == 12.345678


@pytest.mark.parametrize("name", ["lr", "dof", "momentum", "perplexity"])
def test_a_browser_that_puts_a_slider_on_its_nearest_step_changes_nothing(made, run, name):
    slider = made[name].slider
    log = isinstance(slider, w.FloatLogSlider)
    before, value = run.params[name], slider.value

    def moved(steps):
        return value * 10 ** (steps * slider.step) if log else value + steps * slider.step

    slider.set_state({"value": moved(0.49)})
    settle(made)
    assert run.params[name] == before
    slider.set_state({"value": moved(1)})
    settle(made)
    assert run.params[name] == pytest.approx(moved(1), rel=1e-3)


def test_buttons_play_pause_step_and_restart(made, run):
    made.step.click()
    settle(made)
    assert run.iteration == 1
    assert made.status.value.startswith("paused · iteration 1 · loss ")
    made.play.click()
    settle(made)
    assert run.state == "running"
    assert (made.play.description, made.play.icon) == ("Pause", "pause")
    made.play.click()
    settle(made)
    assert run.state == "paused"
    assert made.play.description == "Play"
    made.restart.click()
    settle(made)
    assert run.iteration == 0


def test_a_run_at_rest_is_offered_to_go_on():
    run = FakeRun(state="resting")
    made = controls(run)
    settle(made)
    assert (made.play.description, made.play.icon) == ("Play", "play")
    assert made.status.value.startswith("resting")
    made.play.click()
    settle(made)
    assert (run.state, made.play.description) == ("running", "Pause")
    made.close()


def test_what_a_button_cannot_do_is_said(made, run, monkeypatch):
    monkeypatch.setattr(run, "restart", lambda: (_ for _ in ()).throw(ne.DataError("no way back")))
    made.restart.click()
    settle(made)
    assert made.status.value == "no way back"


def test_parts_can_be_laid_out_anew_and_stay_linked(made, run):
    mine = w.HBox([made["perplexity"], made.play])
    run.tune(perplexity=9)
    settle(made)
    assert mine.children[0].value == 9


def test_another_method_brings_its_own_controls(made, run):
    run.step(1)
    gone = made["perplexity"]
    run.switch(ne.UMAP(n_neighbors=5))
    settle(made)
    assert "n_neighbors" in made.names
    assert "perplexity" not in made.names
    assert gone not in registry._instances.values()
    made["n_neighbors"].value = 6
    settle(made)
    assert run.params["n_neighbors"] == 6


def test_a_running_run_is_shown_a_few_times_a_second():
    run = FakeRun()
    run.describe = lambda: []  # the status line is enough
    made = Controls(run)
    run.start()
    settle(made)
    shown = []
    made.status.observe(lambda change: shown.append(change.new), "value")
    until = time.monotonic() + 1.2
    while time.monotonic() < until:
        run.iterate()
        run.tell("params")
        time.sleep(0.001)
    run.pause()
    settle(made)
    assert 2 <= len(shown) <= 8
    assert shown[-1].startswith(f"paused · iteration {run.iteration:,}")
    made.close()


def test_dragging_asks_for_the_newest_value_only(made, run, monkeypatch):
    hold, asked = threading.Event(), []
    tune = run.tune
    monkeypatch.setattr(run, "tune", lambda **live: (hold.wait(10), asked.append(live), tune(**live)))
    for value in (2.0, 3.0, 4.0, 5.0):
        made["exaggeration"].slider.value = value
    hold.set()
    settle(made)
    assert len(asked) <= 2
    assert asked[-1] == {"exaggeration": 5.0}
    assert made["exaggeration"].value == 5


def test_a_slider_stays_where_the_hand_put_it_until_its_value_is_made(made, run, monkeypatch):
    hold, begun, tune = threading.Event(), threading.Event(), run.tune
    monkeypatch.setattr(run, "tune", lambda **live: (begun.set(), hold.wait(10), tune(**live)))
    slider, seen = made["exaggeration"].slider, []
    slider.value = 3.0
    slider.observe(lambda change: seen.append(change.new), "value")
    assert begun.wait(10)
    made._show()  # as it does a few times a second while a run moves
    assert seen == []
    slider.value = 4.0
    hold.set()
    settle(made)
    assert seen == [4.0]
    assert run.params["exaggeration"] == 4.0


def test_closing_leaves_nothing_behind(run):
    before, threads = len(registry._instances), threading.active_count()
    made = controls(run)
    made["exaggeration"].value = 3
    settle(made)
    made.close()
    made.close()
    run.tune(exaggeration=5)
    assert len(registry._instances) == before
    assert threading.active_count() == threads
    assert run._listeners._all == []
    assert repr(made) == "Controls(TSNE, n=80)"


def test_a_view_stands_for_its_run_and_other_things_are_refused(run):
    view = Explorer(run)
    made = controls(view)
    assert made.run is run
    made.close()
    view.close()
    with pytest.raises(ne.ParameterError, match="made for a run, a Stepper or a view of one; got list"):
        controls([1])
