"""Points named by indices or by a mask."""

import numpy as np
import pandas as pd
import pytest
import torch

from ne_interactive.data.indices import point_indices
from ne_interactive.params.errors import ParameterError


@pytest.mark.parametrize(
    "points",
    [
        [3, 1],
        (1, 3),
        np.array([3, 1, 3], np.uint8),
        [False, True, False, True],
        np.array([0, 1, 0, 1], bool),
        torch.tensor([3, 1]),
        pd.Series([3, 1], index=[7, 8]),
        pd.Series([False, True, False, True]),
    ],
)
def test_indices_ascend_and_are_given_once(points):
    indices = point_indices(points, 4)
    assert indices.tolist() == [1, 3]
    assert indices.dtype == np.int64
    with pytest.raises(ValueError, match="read-only"):
        indices[0] = 2


def test_one_point_and_none():
    assert point_indices(2, 4).tolist() == [2]
    for nothing in (None, [], np.empty(0), np.zeros(4, bool)):
        assert point_indices(nothing, 4).tolist() == []


def test_what_was_given_can_still_be_written_to():
    given = np.array([0, 2])
    point_indices(given, 4)
    given[0] = 1


@pytest.mark.parametrize(
    ("points", "message"),
    [
        ([4], "chosen must lie in 0 to 3; got 4"),
        ([-1, 2], "must lie in 0 to 3; got -1"),
        (np.array([2**63], np.uint64), "must lie in 0 to 3; got 9223372036854775808"),
        ([1.5], r"whole numbers.*got list \(float64, shape \(1,\)\)"),
        (["a"], "whole numbers"),
        ("ab", "whole numbers"),
        ([[1], [2]], r"shape \(2, 1\)"),
        ([[1], [2, 3]], "whole numbers"),
        ({1: 2}, "whole numbers.*got dict"),
        ([True, False], "booleans must have one for each of the 4 points; got 2"),
    ],
)
def test_what_names_no_points_is_refused(points, message):
    with pytest.raises(ParameterError, match=message):
        point_indices(points, 4, "chosen")
