"""What labels mean, and the codes they are sent as."""

import sys

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch

from ne_interactive.params.errors import DataError
from ne_interactive.quality.labels import Labels, read_labels
from ne_interactive.widget.labels import codes, legend


def decoded(labels, n):
    read = read_labels(labels, n)
    return legend(read), np.frombuffer(codes(read), "<u2").tolist()


@pytest.mark.parametrize(
    ("labels", "names", "ids"),
    [
        (["b", "a", "b"], ["a", "b"], [1, 0, 1]),
        (["x10", "x9", "x1"], ["x1", "x9", "x10"], [2, 1, 0]),
        (["B", "a", "C"], ["a", "B", "C"], [1, 0, 2]),
        ([True, False, True], ["False", "True"], [1, 0, 1]),
        ([True, None, True], ["True", "missing"], [0, 1, 0]),
        ([10, 9, -1], ["-1", "9", "10"], [2, 1, 0]),
        ((10, None, 9), ["9", "10", "missing"], [1, 2, 0]),
        (["a", float("nan"), "a"], ["a", "missing"], [0, 1, 0]),
        ([1, "1", 2.5], ["1", "2.5"], [0, 0, 1]),
        (np.array([3, 1, 3], np.int8), ["1", "3"], [1, 0, 1]),
        (np.array([[3], [1], [3]], np.uint64), ["1", "3"], [1, 0, 1]),
        (np.array([True, False, False]), ["False", "True"], [1, 0, 0]),
        (np.array(["q", "p", "q"]), ["p", "q"], [1, 0, 1]),
        (np.array(["q", None, "q"], object), ["q", "missing"], [0, 1, 0]),
        (torch.tensor([7, 5, 7]), ["5", "7"], [1, 0, 1]),
        (range(3), ["0", "1", "2"], [0, 1, 2]),
        (pd.Series(["u", None, "v"]), ["u", "v", "missing"], [0, 2, 1]),
        (pd.Series([2, 1, None], dtype="Int64"), ["1", "2", "missing"], [1, 0, 2]),
        (pd.Series([True, False, None], dtype="boolean"), ["False", "True", "missing"], [1, 0, 2]),
        (pd.Index(["u", "t", "u"]), ["t", "u"], [1, 0, 1]),
        (pl.Series(["u", None, "v"]), ["u", "v", "missing"], [0, 2, 1]),
        (pl.Series([2, None, 1]), ["1", "2", "missing"], [1, 2, 0]),
        ([None, None, None], ["missing"], [0, 0, 0]),
        (["", "a", ""], ["", "a"], [0, 1, 0]),
    ],
)
def test_categories(labels, names, ids):
    scene, got = decoded(labels, 3)
    assert scene["kind"] == "category"
    assert [item["label"] for item in scene["items"]] == names
    assert [item["count"] for item in scene["items"]] == np.bincount(ids).tolist()
    assert got == ids


def test_a_pandas_categorical_keeps_its_order_and_drops_what_nobody_has():
    size = pd.Categorical(["s", "l", None, "s"], categories=["s", "m", "l"], ordered=True)
    for labels in (size, pd.Series(size, name="size")):
        scene, got = decoded(labels, 4)
        assert [item["label"] for item in scene["items"]] == ["s", "l", "missing"]
        assert got == [0, 1, 2, 0]
    assert scene["name"] == "size"


@pytest.mark.parametrize(
    "labels",
    [
        [1.0, 2.0, 4.0],
        np.array([1, 2, 4], np.float16),
        torch.tensor([1.0, 2.0, 4.0], dtype=torch.bfloat16, requires_grad=True),
        pd.Series([1.0, 2.0, 4.0]),
        pl.Series([1.0, 2.0, 4.0]),
    ],
)
def test_floats_are_a_scale(labels):
    scene, got = decoded(labels, 3)
    assert (scene["kind"], scene["low"], scene["high"], scene["missing"]) == ("number", 1.0, 4.0, 0)
    assert got == [0, round(65534 / 3), 65534]


def test_missing_numbers_have_a_code_of_their_own_and_infinities_are_clipped():
    scene, got = decoded([0.0, float("nan"), 2.0, float("inf"), None], 5)
    assert (scene["low"], scene["high"], scene["missing"]) == (0.0, 2.0, 2)
    assert got == [0, 65535, 65534, 65534, 65535]


def test_integers_are_categories_up_to_64_values():
    assert read_labels(np.arange(64), 64).kind == "category"
    assert read_labels(np.arange(65), 65).kind == "number"
    assert read_labels(list(range(65)), 65).kind == "number"
    assert read_labels([10**400, *range(70)], 71).kind == "number"


def test_extreme_and_constant_numbers():
    top = sys.float_info.max
    assert decoded([-top, 0.0, top], 3)[1] == [0, 32767, 65534]
    assert decoded([2.5, 2.5, float("nan")], 3)[1] == [0, 0, 65535]


def test_at_most_65535_categories():
    names = [f"c{i}" for i in range(65_536)]
    assert decoded(names[:-1], 65_535)[1][-1] == 65_534
    with pytest.raises(DataError, match="at most 65,535 different values; got 65,536"):
        read_labels(names, len(names))


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([1, 2], "one entry for each of the 3 points; got 2"),
        (np.zeros((3, 2)), r"one-dimensional.*\(3, 2\)"),
        ([[1], [2], [3]], "entry 0 is a list"),
        ("abc", "got str"),
        ({"a": 1, "b": 2, "c": 3}, "got dict"),
        (iter([1, 2, 3]), "list_iterator"),
        (7, "got int"),
        (pd.Categorical(["a"]), "got 1"),
        (pd.DataFrame({"a": [1, 2, 3]}), "got DataFrame"),
    ],
)
def test_what_is_no_label_for_each_point_is_refused(labels, message):
    with pytest.raises(DataError, match=message):
        read_labels(labels, 3)


def test_objects_that_cannot_be_printed_are_named():
    class Bad:
        def __str__(self):
            raise RuntimeError("no")

        def __eq__(self, other):
            raise RuntimeError("no")

        __hash__ = None

    assert read_labels([Bad(), "a", "a"], 3).names == ["<unprintable Bad>", "a"]


def test_numbers_that_are_all_missing_have_a_scale():
    labels = Labels("number", values=np.full(4, np.nan))  # as of a focus on those without a number
    shown = legend(labels)
    assert (shown["low"], shown["high"], shown["missing"]) == (0.0, 1.0, 4)
    assert set(np.frombuffer(codes(labels), "<u2")) == {65535}
