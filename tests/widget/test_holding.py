"""Points held from the browser: what it sends is checked, done, answered and told to every view."""

import numpy as np
import pytest

from ne_interactive import COSNE, TSNE, Stepper, explore
from ne_interactive.widget.inbox import Malformed, read_message

from .fake import Browser

N = 120


def data():
    return np.random.default_rng(0).normal(size=(N, 5)).astype(np.float32)


def browser_of(method=None, **more):
    run = Stepper(data(), method or TSNE(perplexity=9, random_state=0, **more))
    run.step(3)
    browser = Browser(explore(run, start=False))
    browser.say("hello")
    browser.take()
    return browser


def points(*indices):
    return np.array(indices, "<u4").tobytes()


def places(*rows):
    return np.array(rows, "<f4").tobytes()


def told(browser):
    return [np.frombuffer(message["buffers"][0], "<u4").tolist() for message in browser.take("pins")]


def test_a_drag_moves_and_pins_and_every_view_is_told():
    browser = browser_of()
    run = browser.explorer.run
    browser.say("move", [points(2, 5), places([3, 4], [5, 6])], id=7)
    messages = browser.take()
    held = [message for message in messages if message["k"] == "held"]
    assert [(message["id"], message["ok"]) for message in held] == [(7, True)]
    pins = [message for message in messages if message["k"] == "pins"]
    assert [np.frombuffer(message["buffers"][0], "<u4").tolist() for message in pins] == [[2, 5]]
    frame = [message for message in messages if message["k"] == "frame"][-1]  # paused: an exact picture of it
    Z = np.frombuffer(frame["buffers"][0], "<f4").reshape(-1, 2)
    assert Z[[2, 5]].tolist() == [[3, 4], [5, 6]]
    browser.say("move", [points(2, 5), places([4, 4], [6, 6])], id=8)
    assert told(browser) == []  # the same points: nothing new to tell
    browser.say("pin", [points(9)], id=9)
    assert told(browser) == [[2, 5, 9]]
    browser.say("release", [points(5)], id=10)
    assert told(browser) == [[2, 9]]
    browser.say("release", id=11)
    assert told(browser) == [[]]
    assert run.pinned.tolist() == []
    run.pin([1])
    assert told(browser) == [[1]]
    browser.say("hello", view="another")
    assert told(browser) == [[1]]
    run.restart()
    assert told(browser) == [[]]
    browser.explorer.close()


def test_changes_that_take_pins_away_are_told():
    browser = browser_of()
    run = browser.explorer.run
    run.step(2)
    run.pin([4])
    run.step(2)
    assert told(browser) == [[4]]
    run.rewind(2)
    assert told(browser) == [[]]
    browser.explorer.close()


def test_what_cannot_be_done_is_answered_with_the_reason():
    browser = browser_of(COSNE(perplexity=9, random_state=0))
    browser.say("move", [points(1), places([1.5, 0])], id=3)
    (answer,) = browser.take("held")
    assert not answer["ok"]
    assert "unit disk" in answer["error"]
    assert browser.explorer.run.pinned.tolist() == []
    browser.say("move", [points(1), places([0.1, 0, 0])], id=4)
    assert "2 coordinates" in browser.take("held")[0]["error"]
    browser.explorer.close()


@pytest.mark.parametrize("c", [1, 2, 3])
def test_places_are_those_of_the_picture(c):
    browser = browser_of(n_components=c)
    drawn = [[0.5, 0.25, 0.125][: max(c, 2)]]
    browser.say("move", [points(1), places(*drawn)], id=1)
    assert browser.take("held")[0]["ok"]
    assert browser.explorer.run.embedding[1].tolist() == drawn[0][:c]
    browser.explorer.close()


@pytest.mark.parametrize(
    ("kind", "buffers"),
    [
        ("pin", []),
        ("pin", [points(N)]),
        ("pin", [points(3, 3)]),
        ("pin", [b"abc"]),
        ("release", [points(1), points(2)]),
        ("move", []),
        ("move", [points(1)]),
        ("move", [points(1), places([1])]),
        ("move", [points(1), places([1, 2, 3, 4])]),
        ("move", [points(1), places([np.nan, 0])]),
        ("move", [points(1), places([0, np.inf])]),
        ("move", [points(), b""]),
        ("move", [points(1), places([1, 2]), places([1, 2])]),
    ],
)
def test_messages_that_fit_no_points_are_refused(kind, buffers):
    with pytest.raises(Malformed):
        read_message({"k": kind, "id": 1}, N, buffers)
    with pytest.raises(Malformed, match="id"):
        read_message({"k": "pin"}, N, [points(1)])
