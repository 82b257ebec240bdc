"""Columns to colour by, and sizes."""

import numpy as np
import pandas as pd
import pytest

from ne_interactive.params.errors import DataError, ParameterError
from ne_interactive.widget.explorer import Explorer

from .fake import Browser

COLUMNS = {"kind": list("abcabc"), "price": [1.0, 2.0, 3.0, 4.0, 5.0, np.nan]}


@pytest.fixture
def open_browser(run, clock):
    views = []

    def opened(**what):
        views.append(Explorer(run, clock=clock, **what))
        return Browser(views[-1])

    yield opened
    for view in views:
        view.close()


def shown(browser):
    scene = browser.explorer._scene
    return scene["colors"]["name"], scene["legend"]["kind"], scene["legend"]["name"]


def codes(browser):
    return np.frombuffer(browser.explorer._codes, "<u2").tolist()


def test_labels_come_first_and_are_shown(open_browser):
    browser = open_browser(labels=list("xxyyxx"), color=COLUMNS)
    assert browser.explorer._scene["colors"] == {
        "names": ["labels", "kind", "price", "point error", "one colour"],
        "name": "labels",
    }
    assert shown(browser) == ("labels", "category", "")
    assert codes(browser) == [0, 0, 1, 1, 0, 0]


def test_without_labels_the_first_column_is_shown(open_browser):
    assert shown(open_browser(color=COLUMNS)) == ("kind", "category", "kind")
    assert shown(open_browser(color=pd.Series([0.5] * 6, name="score"))) == ("score", "number", "score")
    assert shown(open_browser(color=[1.5] * 6)) == ("colour", "number", "colour")
    assert shown(open_browser()) == ("one colour", "none", "")


def test_the_browser_chooses_a_column_and_every_view_is_told_at_once(open_browser):
    browser = open_browser(labels=list("xxyyxx"), color=COLUMNS)
    browser.say("hello")
    browser.explorer.comm.states.clear()
    browser.say("color", name="price")
    assert shown(browser) == ("price", "number", "price")
    assert codes(browser) == [0, 16384, 32767, 49150, 65534, 65535]
    (told,) = browser.explorer.comm.states
    assert (
        told["_scene"]["colors"]["name"] == "price"
    )  # in one message, so that no view has one without the other
    browser.say("color", name="one colour")
    assert shown(browser) == ("one colour", "none", "")
    assert browser.explorer._codes == b""


def test_a_column_is_chosen_in_python(open_browser):
    browser = open_browser(labels=list("xxyyxx"), color=pd.DataFrame(COLUMNS))
    browser.explorer.color_by("kind")
    assert shown(browser) == ("kind", "category", "kind")
    browser.explorer.color_by("labels")
    assert shown(browser)[0] == "labels"


def test_values_are_shown_under_a_new_name(open_browser):
    browser = open_browser(color=COLUMNS)
    browser.explorer.color_by("recall", np.linspace(0, 1, 6))
    assert shown(browser) == ("recall", "number", "recall")
    assert browser.explorer._scene["colors"]["names"] == [
        "kind",
        "price",
        "recall",
        "point error",
        "one colour",
    ]
    browser.explorer.color_by("recall", np.arange(6) % 2)  # later values replace earlier ones
    assert shown(browser) == ("recall", "category", "recall")


def test_categories_of_pandas_keep_their_order(open_browser):
    sizes = pd.Categorical(["small", "large"] * 3, categories=["small", "large"], ordered=True)
    browser = open_browser(color={"size": pd.Series(sizes)})
    assert [item["label"] for item in browser.explorer._scene["legend"]["items"]] == ["small", "large"]


def test_columns_read_later_are_those_that_were_given(open_browser):
    table = pd.DataFrame(COLUMNS)
    browser = open_browser(labels=list("xxyyxx"), color=table)
    table["kind"] = "z"
    browser.explorer.color_by("kind")
    assert len(browser.explorer._scene["legend"]["items"]) == 3


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (
            {"color": {"a": [1, 2]}},
            DataError,
            "color column 'a' must have one entry for each of the 6 points; got 2",
        ),
        ({"color": {"a": 7}}, DataError, "color column 'a' must be a list.*got int"),
        ({"color": {}}, DataError, "color is an empty mapping"),
        ({"color": {"one colour": [1] * 6}}, ParameterError, "cannot be called 'one colour'"),
        ({"size": "price"}, ParameterError, "no column 'price' to colour by; there are: none"),
        ({"size": [1, 2]}, DataError, "size must have one entry for each of the 6 points; got 2"),
        ({"size": list("abcdef")}, DataError, "size must hold numbers; got something else"),
        ({"size": [np.nan] * 6}, DataError, "all of them are missing"),
    ],
)
def test_what_does_not_fit_is_refused(open_browser, arguments, error, message):
    with pytest.raises(error, match=message):
        open_browser(**arguments)


def test_a_choice_that_fails_changes_nothing(open_browser):
    browser = open_browser(color=COLUMNS)
    browser.say("color", name="<b>no</b>")
    (refusal,) = browser.take("refused")
    assert refusal["error"] == "There is no column '<b>no</b>' to colour by; there are: 'kind', 'price'."
    browser.say("color", name=7)
    assert browser.take("refused")[0]["error"] == "name must be the name of a column."
    with pytest.raises(
        DataError, match="color column 'new' must have one entry for each of the 6 points; got 2"
    ):
        browser.explorer.color_by("new", [1, 2])
    assert shown(browser)[0] == "kind"
    assert "new" not in browser.explorer._scene["colors"]["names"]


@pytest.mark.parametrize("size", ["price", COLUMNS["price"], pd.Series(COLUMNS["price"], name="price")])
def test_the_area_of_a_point_grows_with_its_number(open_browser, size):
    browser = open_browser(color=COLUMNS, size=size)
    sizes = np.frombuffer(browser.explorer._sizes, np.uint8).tolist()
    assert sizes == [0, 128, 180, 221, 255, 0]
    name = "size" if isinstance(size, list) else "price"
    assert browser.explorer._scene["size"] == {"name": name, "low": 1.0, "high": 5.0}


def test_equal_and_very_large_numbers_have_sizes(open_browser):
    assert set(open_browser(size=[3] * 6).explorer._sizes) == {0}
    huge = open_browser(size=[-1e308, 1e308, 0, 0, 0, None])
    assert list(huge.explorer._sizes[:2]) == [0, 255]
    assert open_browser().explorer._sizes == b""
