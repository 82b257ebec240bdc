"""The past as one Plotly figure."""

import json

import numpy as np
import pytest

from ne_interactive.params.errors import DataError, ParameterError
from ne_interactive.quality.animation import animation_figure


def frames(c=2, n=4, count=11):
    rng = np.random.default_rng(0)
    return {10 * i: (1 + i) * rng.normal(size=(n, c)).astype(np.float32) for i in range(count)}


@pytest.mark.parametrize(("c", "kind"), [(2, "scattergl"), (3, "scatter3d")])
def test_each_frame_moves_every_trace_and_the_view_with_it(c, kind):
    past = frames(c)
    figure = animation_figure(past, ["a", "b", "a", "b"], title="T")
    assert [frame.name for frame in figure.frames] == [str(at) for at in past]
    assert {trace.type for trace in figure.data} == {kind}
    for frame in figure.frames:
        Z = past[int(frame.name)]
        np.testing.assert_array_equal(frame.data[1].y, Z[[1, 3], 1])
        assert list(frame.traces) == [0, 1]
        axes = frame.layout.scene if c == 3 else frame.layout
        low, high = axes.xaxis.range
        assert low <= Z[:, 0].min() <= Z[:, 0].max() <= high
        np.testing.assert_allclose(high - low, axes.yaxis.range[1] - axes.yaxis.range[0])
    np.testing.assert_array_equal(figure.data[0].x, past[100][[0, 2], 0])  # shown until it is played


def test_slider_and_buttons_reach_every_frame():
    figure = animation_figure(frames())
    (slider,), (menu,) = figure.layout.sliders, figure.layout.updatemenus
    assert [step.args[0][0] for step in slider.steps] == [frame.name for frame in figure.frames]
    assert slider.active == 10
    assert [button.method for button in menu.buttons] == ["animate", "animate"]
    json.loads(figure.to_json())


def test_frames_are_left_out_until_it_fits():
    past = frames(n=1000, count=50)
    figure = animation_figure(past, max_mb=0.2)
    assert len(figure.to_json()) < 0.25e6
    names = [int(frame.name) for frame in figure.frames]
    assert 10 <= len(names) < 20
    assert (names[0], names[-1]) == (0, 490)
    assert len(animation_figure(frames(n=1, count=300)).frames) == 100


def test_too_small_a_budget_is_refused():
    with pytest.raises(DataError, match=r"of 1,000 points takes 0.032 MB or more; got max_mb=0.02"):
        animation_figure(frames(n=1000), max_mb=0.02)
    for bad in (0, -1, float("nan"), "5", True):
        with pytest.raises(ParameterError, match="max_mb must be a number of MB above 0"):
            animation_figure(frames(), max_mb=bad)


def test_a_disk_stays_where_it_is():
    figure = animation_figure(frames(count=3), disk=True, theme="dark")
    assert all(frame.layout.xaxis.range is None for frame in figure.frames)
    assert list(figure.layout.xaxis.range) == [-1.05, 1.05]
    assert figure.layout.paper_bgcolor == "#15171a"
