"""Static figures: the loss of a run, and an embedding with its labels."""

import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from ne_interactive.params.errors import DataError
from ne_interactive.quality.figures import embedding_figure, loss_figure


def event(iteration, **changes):
    return SimpleNamespace(iteration=iteration, kind="tune", detail={"changes": changes}, seconds=0.0)


def test_the_loss_curve_shows_each_finite_loss():
    figure = loss_figure(np.arange(1, 5), [3.0, np.inf, 2.0, 1.5])
    (curve,) = figure.data
    assert curve.x.tolist() == [1, 2, 3, 4]
    assert curve.y[[0, 2, 3]].tolist() == [3.0, 2.0, 1.5]
    assert np.isnan(curve.y[1])
    assert figure.layout.xaxis.title.text == "iteration"
    assert figure.layout.yaxis.title.text == "loss"


def test_changes_are_marked_on_the_curve():
    figure = loss_figure([0, 10], [4.0, 2.0], events=[event(5, exaggeration=[12.0, 4.0])])
    marks = figure.data[1]
    assert list(marks.x) == [5]
    assert marks.y[0] == pytest.approx(3.0)
    assert marks.hovertext[0] == "tune<br>exaggeration: 12.0 to 4.0"
    assert len(figure.layout.shapes) == 1


def test_held_points_are_counted_in_the_mark():
    held = SimpleNamespace(iteration=1, kind="move", detail={"points": 3, "first": [0, 1, 2]}, seconds=0.0)
    assert loss_figure([1], [1.0], events=[held]).data[1].hovertext[0] == "move<br>3 points"


def test_a_run_without_steps_has_an_empty_curve():
    figure = loss_figure([], [], events=[event(0, perplexity=[30, 50])])
    assert len(figure.data[0].x) == 0
    assert list(figure.data[1].x) == [0]


def test_many_changes_do_not_hide_the_curve():
    figure = loss_figure([0, 100], [2.0, 1.0], events=[event(i, lr=[1, 2]) for i in range(100)])
    assert list(figure.data[1].x) == list(range(60, 100))


def test_losses_need_their_iterations():
    with pytest.raises(DataError, match="got 2 iterations and 3 losses"):
        loss_figure([1, 2], [1, 2, 3])


def test_event_texts_are_no_markup():
    bad = SimpleNamespace(iteration=1, kind="<b>x</b>", detail={"names": "<a href='x'>%{x}"}, seconds=0.0)
    text = loss_figure([1], [1.0], events=[bad]).data[1].hovertext[0]
    assert "<b>" not in text
    assert "<a" not in text
    assert "%{" not in text


@pytest.mark.parametrize(("c", "kind"), [(2, "scattergl"), (3, "scatter3d")])
def test_one_trace_for_each_category(c, kind):
    Z = np.random.default_rng(0).normal(size=(5, c)).astype(np.float32)
    figure = embedding_figure(Z, ["b", "a", None, "b", "a10"])
    assert [trace.type for trace in figure.data] == [kind] * 4
    assert [trace.name for trace in figure.data] == ["a", "a10", "b", "missing"]
    np.testing.assert_array_equal(figure.data[2].x, Z[[0, 3], 0])
    np.testing.assert_array_equal(figure.data[2].y, Z[[0, 3], 1])
    if c == 3:
        np.testing.assert_array_equal(figure.data[2].z, Z[[0, 3], 2])
    assert figure.layout.showlegend


def test_numbers_are_a_colour_scale_and_missing_ones_apart():
    figure = embedding_figure(np.eye(4, 2), [0.5, np.nan, 2.5, 1.0])
    scale, missing = figure.data
    assert list(scale.marker.color) == [0.5, 2.5, 1.0]
    assert scale.marker.colorbar is not None
    assert missing.name == "missing"
    assert len(missing.x) == 1


def test_without_labels_there_is_one_trace_and_no_legend():
    figure = embedding_figure(np.eye(3, 2), hover=["a", "b<br>c", "<i>d</i>"], title="<i>t</i>")
    assert len(figure.data) == 1
    assert not figure.layout.showlegend
    assert list(figure.data[0].hovertext) == ["a", "b&lt;br&gt;c", "&lt;i&gt;d&lt;/i&gt;"]
    assert figure.layout.title.text == "&lt;i&gt;t&lt;/i&gt;"


def test_hostile_categories_are_no_markup():
    figure = embedding_figure(np.eye(2), ["<a href='javascript:alert(1)'>x</a>", "%{meta}"])
    assert not any("<" in trace.name or "%{" in trace.name for trace in figure.data)


def test_nothing_is_sent_to_another_machine():
    for figure in (embedding_figure(np.eye(2)), loss_figure([1], [1.0])):
        assert "sendChartToCloud" in figure.layout.modebar.remove


@pytest.mark.parametrize("shape", [(3,), (3, 1), (3, 4), (0, 2)])
def test_only_two_or_three_dimensions_are_drawn(shape):
    with pytest.raises(DataError, match="an embedding to draw has the shape"):
        embedding_figure(np.zeros(shape))


def test_lengths_must_agree():
    with pytest.raises(DataError, match="3 points; got 2"):
        embedding_figure(np.eye(3, 2), hover=["a", "b"])
    with pytest.raises(DataError, match="3 points; got 4"):
        embedding_figure(np.eye(3, 2), [1, 2, 3, 4])


def test_too_many_categories_are_refused():
    with pytest.raises(DataError, match="at most 200 categories, one trace each; got 201"):
        embedding_figure(np.zeros((201, 2)), [str(i) for i in range(201)])


def test_plotly_is_imported_only_when_a_figure_is_made():
    code = "import sys, ne_interactive.quality.figures; assert not any(m.startswith('plotly') for m in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
