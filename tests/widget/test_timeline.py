"""Going back from the view, and what it is told of changes."""

import json

import numpy as np
import pytest

from ne_interactive import TSNE, Stepper, explore
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
    assert "from 0 to 20" in browser.take("status")[-1]["message"]
    view.close()


def test_changes_are_told_in_words():
    run = Stepper(data(), TSNE(perplexity=9, random_state=0))
    run.step(5)
    run.tune(exaggeration=3.0, lr=20)
    run.step(5)
    run.mark("<b>here</b>")
    run.max_iter = 900
    told = changes_of(run)
    assert told[0] == [5, "exaggeration 12 to 3, lr 50 to 20"]
    assert told[1] == [10, "<b>here</b>"]
    assert told[2][1] == "max_iter 750 to 900"
    assert json.loads(json.dumps(status_message(run)))["changes"] == told
    for name in range(MAX_CHANGES + 5):
        run.mark(str(name))
    assert len(changes_of(run)) == MAX_CHANGES
