"""What is selected in the browser is selected in Python, and the other way round."""

import numpy as np
import pytest

from ne_interactive.params.errors import ParameterError


def buffer(*points):
    return memoryview(np.array(points, "<u4").tobytes())


@pytest.fixture
def told(browser):
    changes = []
    browser.explorer.observe(changes.append, "selection")
    return changes


def test_nothing_is_selected_at_first(browser):
    assert browser.explorer.selection.tolist() == []
    assert browser.explorer.selection.dtype == np.int64


def test_a_choice_of_the_browser_is_told_to_python_and_to_all_views(browser, told):
    browser.say("select", id=7, buffers=[buffer(1, 4)])
    assert browser.explorer.selection.tolist() == [1, 4]
    assert [(c["old"].tolist(), c["new"].tolist()) for c in told] == [([], [1, 4])]
    assert browser.take("selected") == [{"k": "selected", "id": 7, "buffers": []}]
    assert browser.explorer._selection == bytes(buffer(1, 4))


@pytest.mark.parametrize("given", [[4, 1, 4], np.array([False, True, False, False, True, False])])
def test_a_choice_of_python_is_told_to_the_browser(browser, told, given):
    browser.explorer.selection = given
    assert browser.explorer.selection.tolist() == [1, 4]
    assert browser.explorer._selection == bytes(buffer(1, 4))
    assert len(told) == 1


@pytest.mark.parametrize("given", [[1], [], [1, 4], [0, 1, 2, 3, 4, 5]])
def test_the_same_choice_is_no_change(browser, told, given):
    browser.explorer.selection = given
    told.clear()
    browser.explorer.selection = np.array(given, np.int32)
    browser.say("select", id=1, buffers=[buffer(*given)])
    assert told == []
    browser.explorer.selection = [2]
    assert len(told) == 1


def test_what_is_no_choice_changes_nothing(browser, told):
    browser.explorer.selection = [2]
    for wrong, message in [
        ([6], "selection must lie in 0 to 5; got 6"),
        ([0.5], "whole numbers"),
        ("a", "whole"),
    ]:
        with pytest.raises(ParameterError, match=message):
            browser.explorer.selection = wrong
    assert browser.explorer.selection.tolist() == [2]
    assert len(told) == 1


@pytest.mark.parametrize(
    ("buffers", "message"),
    [
        ([], "points must come in one buffer; got 0"),
        ([buffer(1), buffer(2)], "one buffer; got 2"),
        ([buffer(6)], "must lie in 0 to 5; got 6"),
        ([buffer(2, 1)], "must ascend"),
        ([buffer(1, 1)], "must ascend"),
        ([b"\0\0\0"], "got 3 bytes"),
        ([buffer(*range(7))], "at most 6 numbers"),
    ],
)
def test_a_choice_that_names_no_points_is_refused(browser, told, buffers, message):
    browser.say("select", id=3, buffers=buffers)
    (refusal,) = browser.take("refused")
    assert (refusal["of"], refusal["id"]) == ("select", 3)
    assert message in refusal["error"]
    assert told == []


def test_an_observer_that_fails_does_not_keep_the_browser_waiting(browser):
    def fail(change):
        raise RuntimeError("no <b>way</b>")

    browser.explorer.observe(fail, "selection")
    browser.say("select", id=9, buffers=[buffer(0)])
    assert [(m["k"], m["id"]) for m in browser.take()] == [("selected", 9), ("refused", 9)]
    assert browser.explorer.selection.tolist() == [0]


def test_the_page_cannot_write_the_state(browser):
    browser.explorer.set_state({"_selection": b"\1\0\0\0", "selection": [1]})
    assert browser.explorer._selection == b""
    assert browser.explorer.selection.tolist() == []


def test_the_selection_survives_a_restart_and_another_method(browser, run):
    browser.explorer.selection = [1, 2]
    run.restart()
    run.tell("method")
    assert browser.explorer.selection.tolist() == [1, 2]
