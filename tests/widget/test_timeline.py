"""Going back from the view, and what it is told of changes."""

import json
import time

import numpy as np
import pytest

from ne_interactive import TSNE, Stepper, explore
from ne_interactive.params.errors import ParameterError
from ne_interactive.widget import branches
from ne_interactive.widget.inbox import Malformed, read_message
from ne_interactive.widget.wire import MAX_CHANGES, changes_of, status_message
from tests.widget.fake import Browser


def data(n=120):
    return np.random.default_rng(0).normal(size=(n, 5)).astype(np.float32)


@pytest.mark.parametrize("iteration", [-1, 2.5, "3", None, True, 2**60])
def test_only_whole_iterations_are_taken(iteration):
    with pytest.raises(Malformed, match="whole number"):
        read_message({"k": "rewind", "iteration": iteration}, 10)
    assert read_message({"k": "rewind", "iteration": 4}, 10) == {"k": "rewind", "iteration": 4}


def test_the_view_takes_the_run_back(monkeypatch):
    run = Stepper(data(), TSNE(perplexity=9, random_state=0))
    run.step(20)
    there = run.embedding
    run.tune(exaggeration=3.0)
    run.step(10)
    view = explore(run, start=False)
    browser = Browser(view)
    browser.say("hello")
    browser.say("rewind", iteration=20)
    assert run.iteration == 20
    np.testing.assert_array_equal(run.embedding, there)
    assert browser.take("status")[-1]["changes"] == []
    browser.say("rewind", iteration=500)
    (refusal,) = browser.take("refused")
    assert (refusal["of"], refusal["id"]) == ("do", None)
    assert "from 0 to 20" in refusal["error"]
    view.close()


def test_changes_are_told_in_words():
    run = Stepper(data(), TSNE(perplexity=9, random_state=0))
    run.step(5)
    run.tune(exaggeration=3.0, lr=20)
    run.step(5)
    run.mark("<b>here</b>")
    run.max_iter = 900
    told = changes_of(run)
    assert told[0] == [5, "exaggeration 12 to 3, lr 1200 to 20"]
    assert told[1] == [10, "<b>here</b>"]
    assert told[2][1] == "max_iter 450 to 900"
    assert json.loads(json.dumps(status_message(run)))["changes"] == told
    for name in range(MAX_CHANGES + 5):
        run.mark(str(name))
    assert len(changes_of(run)) == MAX_CHANGES


@pytest.mark.parametrize(
    ("message", "says"),
    [
        ({"k": "branch", "iteration": -1}, "whole number"),
        ({"k": "look", "id": 1, "iteration": 0.5}, "whole number"),
        ({"k": "look", "id": "x", "iteration": 5}, "whole number"),
        ({"k": "turn", "branch": None}, "whole number"),
        ({"k": "script"}, "whole number"),
        ({"k": "mark", "name": "  "}, "text of 1 to"),
        ({"k": "mark", "name": "x" * 500}, "text of 1 to"),
        ({"k": "mark", "name": 3}, "text of 1 to"),
    ],
)
def test_what_is_none_is_refused(message, says):
    with pytest.raises(Malformed, match=says):
        read_message(message, 10)


@pytest.fixture
def browser():
    run = Stepper(data(), TSNE(perplexity=9, random_state=0))
    view = explore(run, start=False)
    yield Browser(view)
    view.close()


def test_the_past_is_looked_at_without_going_there(browser):
    run = browser.explorer.run
    run.step(30)
    there = run.history[20]
    browser.say("hello")
    browser.take()
    browser.say("look", id=7, iteration=20)
    (past,) = browser.take("past")
    assert (past["id"], past["it"], past["n"]) == (7, 20, run.n)
    levels = np.frombuffer(past["buffers"][0], "<u2").reshape(-1, 2)
    np.testing.assert_allclose(np.array(past["lo"]) + levels * np.array(past["sc"]), there, atol=1e-4)
    assert run.iteration == 30


def test_without_frames_the_present_is_shown():
    run = Stepper(data(), TSNE(perplexity=9, random_state=0), history=0)
    run.step(5)
    view = explore(run, start=False)
    browser = Browser(view)
    browser.say("look", id=7, iteration=2)
    assert browser.take("past")[0]["it"] == 5
    view.close()


def test_curves_and_values_are_told(browser):
    run = browser.explorer.run
    assert run.watched
    run.watch(0)
    run.step(3)
    found = run.measure()
    browser.say("hello")
    (told,) = browser.take("curves")
    by_name = {curve["name"]: curve for curve in told["curves"]}
    assert next(iter(by_name)) == "loss"
    assert by_name["loss"]["it"] == [0, 1, 2]
    assert by_name["recall"] == {"name": "recall", "it": [3], "v": [found["recall"]]}
    assert "triplets" in by_name
    run.step(1)
    found = run.measure()
    (told,) = browser.take("quality")
    assert told["it"] == 4
    assert told["values"]["recall"] == found["recall"]


def test_long_curves_are_thinned_and_keep_their_end():
    from types import SimpleNamespace

    from ne_interactive.widget.moments import MAX_CURVE, curves_message

    its = np.arange(1501)
    run = SimpleNamespace(
        losses=(its, its / 7), qualities={"iteration": its, "recall": np.full(1501, np.nan)}
    )
    loss, recall = curves_message(run)["curves"]
    assert len(loss["it"]) <= MAX_CURVE
    assert loss["it"][-1] == 1500
    assert recall["v"][0] is None


def test_no_quality_where_it_is_not_wanted_or_not_possible():
    run = Stepper(data(), TSNE(perplexity=9, random_state=0))
    view = explore(run, start=False, quality=False)
    assert not run.watched
    view.close()
    import torch
    from torch.utils.data import DataLoader, TensorDataset

    stream = DataLoader(TensorDataset(torch.from_numpy(data())), batch_size=50)
    run = Stepper(stream, TSNE(perplexity=9, random_state=0))
    view = explore(run, start=False)
    assert not run.watched
    view.close()


def test_a_moment_is_named_from_the_view(browser):
    browser.explorer.run.step(4)
    browser.say("mark", name=" here ")
    assert browser.explorer.run.marks == {"here": 4}


def test_the_script_is_told(browser):
    run = browser.explorer.run
    run.step(4)
    run.tune(exaggeration=3.0)
    run.step(2)
    browser.say("script", id=3)
    (told,) = browser.take("script")
    assert told["id"] == 3
    assert told["text"] == run.recipe().python()
    assert "exaggeration=3.0" in told["text"]


def test_a_branch_is_shown_and_the_run_is_kept(browser):
    view = browser.explorer
    first = view.run
    first.step(20)
    there = first.embedding
    first.step(10)
    browser.say("hello")
    browser.take()
    browser.say("branch", iteration=20)
    branch = view.run
    assert branch is not first
    assert (first.iteration, branch.iteration) == (30, 20)
    status = browser.take("status")[-1]
    assert (status["branches"], status["branch"], status["it"]) == ([[-1, 0], [0, 20]], 1, 20)
    assert [one.parent for one in view.branches] == [None, 0]
    np.testing.assert_array_equal(branch.embedding, there)
    branch.tune(exaggeration=2.0)
    branch.step(10)
    assert not np.array_equal(branch.embedding, first.embedding)
    browser.say("turn", branch=0)
    assert view.run is first
    assert browser.take("frame")[-1]["it"] == 30
    browser.say("turn", branch=9)
    assert "There are 2 branches; got 9" in browser.take("refused")[-1]["error"]
    browser.say("branch", iteration=99)
    assert "from 0 to 30" in browser.take("refused")[-1]["error"]
    assert len(view.branches) == 2


def test_only_what_is_shown_moves():
    view = explore(data(), TSNE(perplexity=9, random_state=0))
    first = view.run
    while first.iteration < 5:
        time.sleep(0.01)
    branch = view.branch(3)
    assert (first.state, branch.state) == ("paused", "running")
    view.show(first)
    assert (first.state, branch.state) == ("running", "paused")
    assert view.branches[1].run is branch
    view.close()
    assert (first.state, branch.state) == ("stopped", "stopped")


def test_a_run_of_other_points_is_not_shown(browser):
    with pytest.raises(ParameterError, match=r"shows 120 points .* the other run has 60 in 2"):
        browser.explorer.show(Stepper(data(60), TSNE(perplexity=9)))


def test_branches_are_bounded(monkeypatch):
    monkeypatch.setattr(branches, "MAX_BRANCHES", 2)
    run = Stepper(data(), TSNE(perplexity=9, random_state=0))
    view = explore(run, start=False)
    view.branch()
    with pytest.raises(ParameterError, match="at most 2 branches"):
        view.branch()
    view.close()
