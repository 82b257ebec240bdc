"""Texts for the card under the pointer."""

import datetime

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch

from ne_interactive.params.errors import DataError
from ne_interactive.quality.hover import HoverTable


class Unprintable:
    def __str__(self):
        raise RuntimeError("no")


@pytest.mark.parametrize(
    ("hover", "row"),
    [
        (["a", "b", "c"], [["", "b"]]),
        ([1.5, None, "c"], [["", ""]]),
        (np.array([1, 2, 3]), [["", "2"]]),
        (torch.tensor([1.0, 2.5, 3.0]), [["", "2.5"]]),
        (pd.Series(["a", "b", "c"], name="word", index=[9, 9, 9]), [["word", "b"]]),
        (
            pd.DataFrame({"w": ["a", "b", "c"], "x": [1.0, np.nan, 3.0]}, index=[5, 1, 0]),
            [["w", "b"], ["x", ""]],
        ),
        (pd.DataFrame([[1, 2]] * 3, columns=["same", "same"]), [["same", "1"], ["same", "2"]]),
        (
            pd.DataFrame({"t": pd.to_datetime(["2020-01-01", "2020-02-03", None])}),
            [["t", "2020-02-03 00:00:00"]],
        ),
        (pl.DataFrame({"w": ["a", "b", None], "x": [1, None, 3]}), [["w", "b"], ["x", ""]]),
        ({"w": ["a", "b", "c"], 3: (1, 2, 3)}, [["w", "b"], ["3", "2"]]),
        ([{}, {"a": [1]}, set()], [["", "{'a': [1]}"]]),
        ([None, datetime.date(2020, 2, 3), None], [["", "2020-02-03"]]),
        ([0, Unprintable(), 0], [["", "<unprintable Unprintable>"]]),
    ],
)
def test_rows(hover, row):
    assert HoverTable(hover, 3).rows(1) == row


def test_texts_are_cut_and_always_encodable():
    (row,) = HoverTable(["x" * 10_000, "\ud83d"], 2).rows(0)
    assert len(row[1]) == 200
    assert row[1].endswith("…")
    assert HoverTable(["x", "\ud83d"], 2).rows(1)[0][1].encode()


def test_of_a_wide_table_the_first_twenty_columns_are_shown():
    rows = HoverTable(pd.DataFrame(np.zeros((2, 784))), 2).rows(0)
    assert len(rows) == 21
    assert rows[-1] == ["…", "764 more columns"]


def test_a_data_frame_changed_later_does_not_change_the_card():
    frame = pd.DataFrame({"a": [1, 2]})
    table = HoverTable(frame, 2)
    frame.loc[0, "a"] = 99
    assert table.rows(0) == [["a", "1"]]


@pytest.mark.parametrize(
    ("hover", "message"),
    [
        (["a"], "hover must have one entry for each of the 3 points; got 1"),
        ({"w": ["a"]}, "hover column 'w' must have one entry for each of the 3 points; got 1"),
        (pd.DataFrame({"w": [1, 2]}), "'w'.*3 points; got 2"),
        ({}, "empty mapping"),
        ("abc", "got str"),
        (7, "got int"),
        ({"w": 7}, "hover column 'w' must be a list.*got int"),
        (np.zeros((3, 2)), r"shape \(3, 2\)"),
    ],
)
def test_what_is_no_table_is_refused(hover, message):
    with pytest.raises(DataError, match=message):
        HoverTable(hover, 3)
