"""From data to a live view, with the real optimiser."""

import time

import numpy as np
import pytest
import torch

from ne_interactive.engine.stepper import Stepper
from ne_interactive.methods.tsne import TSNE
from ne_interactive.params.errors import DataError, ParameterError
from ne_interactive.widget.opening import explore
from ne_interactive.widget.plotly_view import PlotlyView

from .fake import Browser


@pytest.fixture(scope="module")
def X():
    rng = np.random.default_rng(0)
    return np.concatenate([rng.normal(size=(60, 8)), rng.normal(size=(60, 8)) + 6]).astype(np.float32)


@pytest.fixture
def opened():
    views = []
    yield lambda view: views.append(view) or Browser(view)
    for view in views:
        view.close()


def wait_for(condition, seconds=30):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.01)


def play_browser(browser, condition, seconds=30):
    """Acknowledge frames until one fulfils the condition; gives that frame."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for frame in browser.take("frame"):
            browser.say("ack", seq=frame["seq"])
            if condition(frame):
                return frame
        time.sleep(0.005)
    raise AssertionError("no such frame came")


def test_points_move_a_slider_works_and_pause_stands_still(X, opened):
    began = time.monotonic()
    browser = opened(explore(X, TSNE(random_state=0, perplexity=20), labels=["a"] * 60 + ["b"] * 60))
    assert time.monotonic() - began < 5
    run = browser.explorer.run
    browser.say("hello")
    play_browser(browser, lambda frame: frame["it"] >= 20 and frame["q"] == "u16")
    browser.say("set", id=1, name="exaggeration", value=2.5)
    assert run.params["exaggeration"] == 2.5
    play_browser(browser, lambda frame: frame["params"]["exaggeration"] == 2.5)
    browser.say("do", action="pause")
    # the iteration under way may still come in short; the exact positions follow
    last = play_browser(browser, lambda frame: frame["state"] == "paused" and frame["q"] == "f32")
    np.testing.assert_array_equal(np.frombuffer(last["buffers"][0], "<f4").reshape(-1, 2), run.embedding)
    browser.say("do", action="step")
    frame = play_browser(browser, lambda frame: frame["it"] == last["it"] + 1)
    assert frame["q"] == "f32"
    assert frame["loss"] == pytest.approx(run.loss)
    browser.say("do", action="restart")
    assert play_browser(browser, lambda frame: frame["it"] == 0)["q"] == "f32"
    browser.say("do", action="play")
    play_browser(browser, lambda frame: frame["it"] > 2)


def test_every_live_control_is_described_and_its_value_is_taken_back(X, opened):
    browser = opened(explore(X, TSNE(perplexity=20), start=False))
    browser.say("hello")
    (controls,) = browser.take("controls")
    names = [row["name"] for row in controls["controls"]]
    assert "exaggeration" in names
    assert "perplexity" in names
    for i, row in enumerate(controls["controls"]):
        browser.say("set", id=i, name=row["name"], value=row["value"])
        (answer,) = browser.take("set")
        assert answer["ok"], answer


def test_a_refused_value_leaves_the_run_as_it_was(X, opened):
    browser = opened(explore(X, TSNE(perplexity=20), start=False))
    before = browser.explorer.run.params
    browser.say("set", id=1, name="perplexity", value=5000)
    (answer,) = browser.take("set")
    assert not answer["ok"]
    assert answer["value"] == 20
    assert "5000" in answer["error"]
    assert browser.explorer.run.params == before


def test_a_view_that_opens_while_neighbours_are_found_gets_its_picture_at_once(X, opened, monkeypatch):
    import threading

    from ne_interactive.engine import preparation as core

    finding, found = threading.Event(), threading.Event()
    problem_for = core.problem_for

    def slow(*args, **kwargs):
        finding.set()
        assert found.wait(20)
        return problem_for(*args, **kwargs)

    monkeypatch.setattr(core, "problem_for", slow)
    browser = opened(explore(X, TSNE(perplexity=20)))
    try:
        assert finding.wait(20)
        receive = browser.explorer._desk.receive
        receive({"k": "hello", "protocol": 1, "view": "late"})
        wait_for(lambda: any(content["k"] == "frame" for content, _ in browser.explorer.comm.out), 5)
    finally:
        found.set()
    wait_for(lambda: browser.explorer.run.iteration > 3)


def test_a_failed_run_is_told_in_the_view(X, opened, monkeypatch):
    browser = opened(explore(X, TSNE(perplexity=20), start=False))
    browser.say("hello")
    browser.take()

    def broken(donate):
        raise ArithmeticError("no <b>way</b>")

    monkeypatch.setattr(browser.explorer.run._core, "turn", broken)
    browser.say("do", action="play")
    wait_for(lambda: browser.explorer.run.state == "failed")
    wait_for(lambda: any(content.get("error") for content, _ in browser.explorer.comm.out))
    status = [message for message in browser.take("status") if message["error"]][-1]
    assert status["error"] == "ArithmeticError: no <b>way</b>"
    assert status["state"] == "failed"


def test_closing_stops_a_run_made_from_data_and_spares_one_that_was_given(X):
    own = explore(X, TSNE(perplexity=20))
    own.close()
    assert own.run.state == "stopped"
    run = Stepper(X, TSNE(perplexity=20))
    view = explore(run)
    view.close()
    assert run.state == "running"
    run.stop()
    assert view.run is run


def test_a_run_given_is_shown_as_it_stands(X, opened):
    run = Stepper(torch.tensor(X), TSNE(perplexity=20))
    run.step(3)
    browser = opened(explore(run, start=False))
    browser.say("hello")
    (frame,) = browser.take("frame")
    assert (frame["it"], frame["state"]) == (3, "paused")
    browser.explorer.step(2)
    assert run.iteration == 5
    assert repr(browser.explorer) == "Explorer(TSNE, n=120, iteration=5)"


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"method": TSNE(n_components=4)}, ParameterError, "1 to 3 dimensions; the run has n_components=4"),
        ({"method": TSNE(perplexity=5000)}, ParameterError, "perplexity"),
        ({"method": "tsne"}, ParameterError, "method"),
        ({"labels": [1, 2]}, DataError, "labels must have one entry for each of the 120 points; got 2"),
        (
            {"hover": {"a": [1]}},
            DataError,
            "hover column 'a' must have one entry for each of the 120 points; got 1",
        ),
        ({"images": np.zeros((3, 4))}, DataError, "images must have the shape"),
        ({"height": 10}, ParameterError, "height"),
        ({"X": np.full((5, 2), np.nan)}, DataError, "NaN|nan"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_starts(X, monkeypatch, arguments, error, message):
    monkeypatch.setattr(Stepper, "start", lambda run: pytest.fail("started"))
    with pytest.raises(error, match=message):
        explore(**{"X": X} | arguments)


def test_a_method_beside_a_run_is_refused(X):
    run = Stepper(X, TSNE(perplexity=20))
    with pytest.raises(ParameterError, match="has a method already, TSNE"):
        explore(run, TSNE())


def test_plotly_follows_a_real_run_in_three_dimensions(X):
    view = PlotlyView(X, TSNE(n_components=3, perplexity=20), labels=X[:, 0], rate=20)
    wait_for(lambda: view.run.iteration > 5)
    view.run.pause()
    assert view._worker.wait(10)
    np.testing.assert_array_equal(view.figure_widget.data[0].z, view.run.embedding[:, 2])
    view.close()
    view.run.stop()


def test_the_loss_of_a_run_is_drawn_with_its_changes(X):
    run = Stepper(X, TSNE(perplexity=20))
    run.step(3)
    run.tune(exaggeration=4.0)
    run.step(2)
    curve, marks = run.loss_figure().data
    assert len(curve.y) == 5
    assert list(marks.x) == [3]
    assert "exaggeration: " in marks.hovertext[0]
    assert "to 4.0" in marks.hovertext[0]


def test_max_speed_is_given_to_the_run_and_checked(X, opened):
    view = explore(X, TSNE(perplexity=5), start=False, max_speed=80)
    opened(view)
    assert view.run.max_speed == 80
    with pytest.raises(ParameterError, match="max_speed must be a positive number"):
        explore(X, TSNE(perplexity=5), start=False, max_speed=0)


@pytest.mark.parametrize(("c", "drawn"), [(1, 2), (3, 3)])
def test_one_and_three_dimensions_are_drawn_as_they_are(X, opened, c, drawn):
    run = Stepper(X, TSNE(n_components=c, perplexity=20))
    run.step(3)
    browser = opened(explore(run, start=False))
    browser.say("hello")
    (frame,) = browser.take("frame")
    Z = np.frombuffer(frame["buffers"][0], "<f4").reshape(120, drawn)
    assert (frame["c"], len(frame["lo"]), len(frame["sc"])) == (drawn, drawn, drawn)
    np.testing.assert_array_equal(Z[:, :c], run.embedding)
    assert not Z[:, c:].any()
