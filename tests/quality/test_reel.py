"""The past as a row of moments."""

import numpy as np
import pytest

from ne_interactive.params.errors import DataError
from ne_interactive.quality.reel import Reel, spread


def frame(value, n=3):
    return np.full((n, 2), value, np.float32)


def test_frames_are_chosen_evenly_with_both_ends():
    assert spread([0, 1, 2], 5) == [0, 1, 2]
    assert spread(list(range(101)), 5) == [0, 25, 50, 75, 100]
    assert spread([0, 1, 2, 3, 4, 90, 100], 3) == [0, 90, 100]
    assert spread(list(range(100)), 2) == [0, 99]


def test_between_two_frames_points_move_straight():
    reel = Reel({10: frame(1), 0: frame(0), 30: frame(5)})
    assert reel.iterations == [0, 10, 30]
    assert reel.at(0)[0, 0] == 0
    assert reel.at(5)[0, 0] == 0.5
    assert reel.at(20)[0, 0] == 3
    assert reel.at(99)[0, 0] == 5
    assert reel.times(4) == [0, 10, 20, 30]


def test_frames_of_other_points_are_left_out():
    reel = Reel({0: frame(0, n=2), 5: frame(1), 9: frame(2)})
    assert (reel.iterations, reel.n, reel.c) == ([5, 9], 3, 2)


@pytest.mark.parametrize("frames", [{}, {0: np.zeros((3, 4))}, {0: np.zeros((0, 2))}, {0: np.zeros(3)}])
def test_what_is_no_map_is_refused(frames):
    with pytest.raises(DataError, match=r"no frame to show|frames to show have the shape"):
        Reel(frames)
