"""Points are found by a piece of their text."""

import numpy as np
import pandas as pd
import pytest

from ne_interactive.quality.hover import HoverTable
from ne_interactive.widget.colors import Colors
from ne_interactive.widget.explorer import Explorer
from ne_interactive.widget.search import Search

from .fake import Browser

HOVER = {
    "name": ["Red shoe", "blue SHOE", None, "a <b>bold</b> bag", "Straße 7", "x"],
    "price": [1, 20, 3, 4, 5, 6],
}


def found(text, hover=HOVER, labels=None, color=None):
    table = None if hover is None else HoverTable(hover, 6)
    return Search(table, Colors(labels, color, 6)).find(text).tolist()


@pytest.mark.parametrize(
    ("text", "points"),
    [
        ("shoe", [0, 1]),
        ("SHOE", [0, 1]),
        ("  shoe ", [0, 1]),
        ("<b>bold</b>", [3]),
        ("strasse", [4]),
        ("7", [4]),
        ("20", []),  # numbers are no text
        ("none", []),
        ("nothing", []),
        ("", []),
        ("   ", []),
        (".*", []),  # a piece of text, no pattern
    ],
)
def test_a_piece_of_text_in_any_case(text, points):
    assert found(text) == points


def test_labels_and_columns_of_colours_are_searched_too():
    labels = ["Cat", "Dog", "cat", "dog", None, "Bird"]
    assert found("ca", hover=None, labels=labels) == [0, 2]
    assert found("bird", hover=None, color={"kind": labels, "size": [0.5] * 6}) == [5]
    assert found("missing", hover=None, labels=labels) == [4]
    assert found("x", hover=None) == []


def test_any_table_is_searched():
    assert found("blue", hover=pd.DataFrame(HOVER)) == [1]
    assert found("shoe", hover=HOVER["name"]) == [0, 1]


def test_the_browser_is_told_which_points_were_found(run, clock):
    explorer = Explorer(run, hover=HOVER, labels=list("aabbcc"), clock=clock)
    browser = Browser(explorer)
    assert explorer._scene["search"]
    browser.say("search", id=5, text="shoe")
    (answer,) = browser.take("found")
    assert answer["id"] == 5
    assert np.frombuffer(answer["buffers"][0], "<u4").tolist() == [0, 1]
    explorer.close()


@pytest.mark.parametrize("text", [None, 7, "x" * 201, ["a"]])
def test_what_is_no_text_is_refused(browser, text):
    browser.say("search", id=5, text=text)
    (refusal,) = browser.take("refused")
    assert (refusal["of"], refusal["id"]) == ("search", 5)
    assert "at most 200 characters" in refusal["error"]


def test_without_texts_there_is_nothing_to_search(browser):
    assert not browser.explorer._scene["search"]
