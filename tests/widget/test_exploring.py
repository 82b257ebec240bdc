"""What the browser asks of the points, and what it is told."""

import numpy as np

from ne_interactive.quality.metrics import NeighborErrors


def test_neighbours_are_told_nearest_first(browser, run):
    run.iterate()
    browser.say("neighbors", id=4, point=2)
    (answer,) = browser.take("neighbors")
    buffers = answer.pop("buffers")
    assert answer == {"k": "neighbors", "id": 4, "point": 2, "note": ""}
    # Of six points all are neighbours of each other: none is missing, none is false.
    assert [np.frombuffer(buffer, "<u4").tolist() for buffer in buffers] == [[5, 4, 3, 1, 0], [], []]


def test_rough_neighbours_are_told_without_errors_which_are_those_of_the_right_ones(
    browser, run, monkeypatch
):
    run.iterate()
    missing, false = [np.array([1])], [np.array([3])]
    monkeypatch.setattr(run, "neighbor_errors", lambda points, k: NeighborErrors(missing, false))
    for rough, told in ((False, [[1], [3]]), (True, [[], []])):
        found = np.array([4, 5] if rough else [4, 1])
        monkeypatch.setattr(run, "neighbors_of", lambda point, k, found=found: (found, np.ones(2)))
        browser.say("neighbors", id=4, point=2)
        (answer,) = browser.take("neighbors")
        neighbors, *wrong = [np.frombuffer(buffer, "<u4").tolist() for buffer in answer["buffers"]]
        assert (neighbors, wrong) == (found.tolist(), told)


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
