"""What the browser asks of the points, and what it is told."""

import numpy as np


def test_neighbours_are_told_nearest_first(browser, run):
    run.iterate()
    browser.say("neighbors", id=4, point=2)
    (answer,) = browser.take("neighbors")
    buffers = answer.pop("buffers")
    assert answer == {"k": "neighbors", "id": 4, "point": 2, "note": ""}
    # Of six points all are neighbours of each other: none is missing, none is false.
    assert [np.frombuffer(buffer, "<u4").tolist() for buffer in buffers] == [[5, 4, 3, 1, 0], [], []]


def test_before_there_are_neighbours_the_view_is_told_why(browser):
    browser.say("neighbors", id=4, point=2)
    (answer,) = browser.take("neighbors")
    assert answer["note"] == "The neighbours have not been found yet."
    assert [bytes(buffer) for buffer in answer["buffers"]] == [b""]


def test_a_point_that_is_none_is_refused(browser):
    browser.say("neighbors", id=4, point=6)
    (refusal,) = browser.take("refused")
    assert (refusal["of"], refusal["id"], refusal["error"]) == (
        "neighbors",
        4,
        "point must lie in 0 to 5; got 6.",
    )
