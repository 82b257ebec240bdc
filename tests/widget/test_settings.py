"""What the view offers to set: every live parameter of every method in a sensible order, the method, and the pace."""

import threading
import time

import numpy as np
import pytest

from ne_interactive import METHODS, TSNE, UMAP, Stepper, explore
from ne_interactive.params.errors import ParameterError
from ne_interactive.widget import settings
from ne_interactive.widget.settings import GROUPS, live_controls, methods_for

from .fake import Browser


def data(n=120):
    return np.random.default_rng(0).normal(size=(n, 5)).astype(np.float32)


def run_of(method=None):
    return Stepper(data(), method or TSNE(perplexity=9, random_state=0))


@pytest.fixture
def browser():
    view = explore(run_of(), start=False)
    browser = Browser(view)
    browser.say("hello")
    browser.take()
    yield browser
    view.close()


@pytest.mark.parametrize("name", sorted(METHODS))
def test_every_control_of_every_method_can_be_used(name):
    rows = live_controls(run_of(METHODS[name]()))
    assert [bool(row["axis"]) for row in rows] == [True] + [False] * (len(rows) - 1)
    assert rows[0]["axis"] == ["repulsion", "attraction"]
    order = [GROUPS.index(row["group"]) for row in rows[1:]]
    assert order == sorted(order)
    for row in rows:
        assert len(row["help"]) > 15
        if row["kind"] in ("number", "integer"):
            low, high = row["ui_low"], row["ui_high"]
            assert low < high
            if row["scale"] == "log":
                assert low > 0
            elif row["kind"] == "number":  # a linear slider of 200 steps must be able to tell values apart
                assert (
                    not isinstance(row["value"], float)
                    or row["value"] in (0, low)
                    or row["value"] >= high / 200
                )
        else:
            assert row["choices"]
            assert row["value"] in row["choices"]
        assert (row["default"] is None) == (row["name"] == "method")  # which a reset does not give back


def test_the_method_is_changed_from_the_view(browser):
    view, run = browser.explorer, browser.explorer.run
    run.step(5)
    run.pin([3])
    before = run.embedding
    rows = {row["name"]: row for row in view._controls}
    assert rows["method"]["value"] == "TSNE"
    assert "UMAP" in rows["method"]["choices"]
    browser.say("set", id=1, name="method", value="UMAP")
    (answer,) = browser.take("set")
    assert answer == {"k": "set", "id": 1, "ok": True, "value": "UMAP", "buffers": []}
    assert type(run.method) is UMAP
    assert run.pinned.tolist() == [3]
    np.testing.assert_array_equal(run.embedding, before)
    assert view._scene["method"] == "UMAP"
    assert "min_dist" in [row["name"] for row in view._controls]
    assert next(row for row in view._controls if row["name"] == "method")["value"] == "UMAP"


def test_a_method_that_does_not_fit_is_refused_and_the_run_goes_on_with_its_own():
    run = Stepper(data(20), TSNE(perplexity=5, random_state=0))
    view = explore(run, start=False)
    browser = Browser(view)
    browser.say("hello")
    browser.take()
    for value, why in (("LocalMAP", "LocalMAP"), ("Isomap", "one of"), (3, "one of")):
        browser.say("set", id=1, name="method", value=value)
        (answer,) = browser.take("set")
        if value == "LocalMAP" and answer["ok"]:
            continue  # fits after all
        assert not answer["ok"]
        assert why in answer["error"]
    browser.say("set", id=2, name="method", value="LargeVis")  # its perplexity of 30 does not fit 20 points
    (answer,) = browser.take("set")
    assert not answer["ok"]
    assert answer["value"] == type(run.method).__name__
    assert "perplexity" in answer["error"]
    view.close()


def test_methods_that_sum_all_pairs_are_not_offered_for_many_points(monkeypatch):
    assert "COSNE" in methods_for(run_of())
    monkeypatch.setattr(settings, "MOST_PAIRS", 100)
    assert "COSNE" not in methods_for(run_of())
    assert "TSNE" in methods_for(run_of())
    assert "COSNE" in methods_for(run_of(METHODS["cosne"](perplexity=9)))  # its own


def test_everything_set_by_hand_is_given_back(browser):
    run = browser.explorer.run
    run.tune(exaggeration=3.0, perplexity=12, repulsion_strength=2.0)
    run.max_speed, browser.explorer.every = 500, 7
    run.step(2)
    browser.say("do", action="reset")
    run.step(2)
    assert run.params["perplexity"] == 9
    assert run.params["repulsion_strength"] == 1
    assert run.following["exaggeration"]
    assert (run.max_speed, browser.explorer.every) == (None, None)
    fresh = run_of()
    fresh.step(4)
    assert run.params == fresh.params


def test_the_pace_is_set_from_both_sides(browser):
    view = browser.explorer
    browser.say("set", id=1, name="frame every", value=5)
    browser.say("set", id=2, name="speed limit", value=12.5)
    assert [answer["ok"] for answer in browser.take("set")] == [True, True]
    assert (view.every, view.run.max_speed) == (5, 12.5)
    view.every = None
    view.run.max_speed = 30
    status = browser.take("status")[-1]
    assert status["params"]["frame every"] == "auto"
    assert status["following"]["frame every"] is True
    assert status["params"]["speed limit"] == 30
    for value in (0, 2.5, "often", True):
        browser.say("set", id=3, name="frame every", value=value)
        (answer,) = browser.take("set")
        assert not answer["ok"]
    for value in (0, -1, "x"):
        with pytest.raises(ParameterError, match=r"view\.every must"):
            view.every = value
    browser.say("set", id=4, name="speed limit", value="auto")
    assert view.run.max_speed is None


def test_every_so_many_iterations_is_shown_and_none_is_missed(browser):
    view, run = browser.explorer, browser.explorer.run
    view.every = 3
    seen, enough = [], threading.Event()

    def draw():
        while not enough.is_set():
            for frame in browser.take("frame"):
                if run.state == "running":
                    seen.append(frame["it"])
                browser.say("ack", seq=frame["seq"])
            time.sleep(0.002)

    run.start()
    thread = threading.Thread(target=draw)
    thread.start()
    deadline = time.monotonic() + 30
    while len(seen) < 6 and time.monotonic() < deadline:
        time.sleep(0.01)
    run.pause()
    enough.set()
    thread.join()
    assert len(seen) >= 6
    moving = [it for it in seen if it > 0 and it % 3 == 0]
    assert len(moving) >= 5
    assert moving == list(range(moving[0], moving[0] + 3 * len(moving), 3))


def test_a_view_that_answers_nothing_holds_the_run_for_moments_only(browser):
    run = browser.explorer.run
    browser.explorer.every = 1
    run.start()
    try:
        deadline = time.monotonic() + 30
        while (
            run.iteration < 4 and time.monotonic() < deadline
        ):  # two frames are under way, no acknowledgement comes
            time.sleep(0.02)
    finally:
        run.stop()
    assert run.iteration >= 4
