"""The Plotly view on a run that the test moves."""

import gc
import threading
import time

import ipywidgets.widgets.widget as registry
import numpy as np
import pytest

from ne_interactive.params.errors import DataError, ParameterError
from ne_interactive.widget.plotly_view import PlotlyView

from .fake import FakeRun


@pytest.fixture
def view(run):
    view = PlotlyView(run, labels=["a", "b", "a", "b", "c", "c"], rate=20)
    yield view
    view.close()


def settle(view):
    assert view._worker.wait(10)


@pytest.mark.parametrize(("c", "kind"), [(2, "scattergl"), (3, "scatter3d")])
def test_points_follow_the_run_in_two_and_three_dimensions(c, kind):
    run = FakeRun(c=c)
    view = PlotlyView(run, labels=["a", "b", "a", "b", "c", "c"], rate=20)
    assert [trace.type for trace in view.figure_widget.data[:3]] == [kind] * 3
    run.iterate(3)
    settle(view)
    np.testing.assert_array_equal(view.figure_widget.data[1].y, run.embedding[[1, 3], 1])
    if c == 3:
        np.testing.assert_array_equal(view.figure_widget.data[2].z, run.embedding[[4, 5], 2])
    assert view.figure_widget.layout.title.text == "iteration 3, loss 1"
    view.close()


def test_one_update_is_one_message(view, run):
    sent = view.figure_widget.comm.states
    sent.clear()
    run.iterate()
    settle(view)
    (update,) = [state["_py2js_update"] for state in sent if state.get("_py2js_update")]
    assert update["style_data"].keys() == {"x", "y"}
    assert len(sent) == 4  # the update, two edit numbers, and taking the update out of the saved state
    assert view.figure_widget.layout.uirevision == "embedding"


def test_what_a_hand_has_zoomed_to_goes_along_where_a_method_scales_the_map(view, run):
    layout = view.figure_widget.layout
    layout.xaxis.range = [-2, 6]
    layout.yaxis.update(range=[1, 3], autorange=True)
    run.scale = 0.25
    run.iterate()
    settle(view)
    assert layout.xaxis.range == (-0.5, 1.5)
    assert layout.yaxis.range == (1, 3)
    run.iterate()
    settle(view)
    assert layout.xaxis.range == (-0.5, 1.5)


def test_the_rate_is_limited_and_the_last_state_is_drawn(view, run, monkeypatch):
    drawn = []
    update = view.update
    monkeypatch.setattr(view, "update", lambda: (drawn.append(time.monotonic()), update()))
    run.start()
    until = time.monotonic() + 0.5
    while time.monotonic() < until:
        run.iterate()
        time.sleep(0.001)
    run.pause()
    settle(view)
    assert 3 <= len(drawn) <= 12
    np.testing.assert_array_equal(view.figure_widget.data[0].x, run.embedding[[0, 2], 0])


def test_drawing_does_not_hold_up_the_run(view, run, monkeypatch):
    hold = threading.Event()
    monkeypatch.setattr(view, "update", lambda: hold.wait(10))
    run.start()
    began = time.monotonic()
    run.iterate(1000)
    assert time.monotonic() - began < 5
    hold.set()
    settle(view)


def test_closing_ends_it_and_the_run_goes_on(view, run):
    view.close()
    view.close()
    assert run.listeners == []
    assert run.state == "paused"
    run.iterate()
    assert view.figure_widget.data[0].x[0] != run.embedding[0, 0]
    assert view._repr_mimebundle_() == {"text/plain": "PlotlyView(TSNE, n=6)"}


def test_it_displays_itself_and_lives_as_long_as_its_figure(run):
    view = PlotlyView(run)
    bundle = view._repr_mimebundle_()
    assert bundle["application/vnd.jupyter.widget-view+json"]["model_id"] == view.figure_widget.model_id
    figure = view.figure_widget
    del view
    gc.collect()
    run.iterate()
    settle(figure._ne_view)
    assert figure.data[0].x[0] == run.embedding[0, 0]
    figure._ne_view.close()
    assert run.listeners == []
    assert figure not in registry._instances.values()


def test_many_points_are_sampled_evenly_and_it_is_said():
    run = FakeRun(n=1000)
    view = PlotlyView(run, labels=np.arange(1000) % 3, hover=range(1000), max_points=100)
    figure = view.figure_widget
    assert sum(len(trace.x) for trace in figure.data) == 100
    assert "100 of 1,000 points" in figure.layout.title.text
    for trace in figure.data:
        points = [int(text) for text in trace.hovertext]
        np.testing.assert_array_equal(trace.x, run.embedding[points, 0])
        assert {str(point % 3) for point in points} == {trace.name}
    view.close()


def test_a_category_without_a_drawn_point_leaves_the_others_in_place():
    run = FakeRun(n=50)
    view = PlotlyView(run, labels=["rare"] + ["common"] * 49, max_points=1)
    run.iterate()
    settle(view)
    assert sum(len(trace.x) for trace in view.figure_widget.data) == 1
    assert [trace.name for trace in view.figure_widget.data] == ["common", "rare"]
    view.close()


def test_numbers_are_one_trace_with_a_scale(run):
    view = PlotlyView(run, labels=np.linspace(0, 1, 6), title="<b>depth</b>")
    assert len(view.figure_widget.data) == 1
    assert view.figure_widget.layout.title.text.startswith("&lt;b&gt;depth&lt;/b&gt; · iteration 0")
    view.close()


def test_texts_are_no_markup_and_nothing_is_uploaded(run):
    bad = ["<a href='javascript:alert(1)'>x</a>", "%{x}", "a", "b", "c", "d"]
    view = PlotlyView(run, labels=bad, hover={"<i>": bad})
    for trace in view.figure_widget.data:
        assert "<" not in trace.name
        assert not any("<" in text or "%{" in text for text in trace.hovertext)
    assert "sendChartToCloud" in view.figure_widget._config["modeBarButtonsToRemove"]
    assert view.figure_widget._config["showSendToCloud"] is False
    view.close()


@pytest.mark.parametrize("rate", [0, 21, float("nan"), "4", True])
def test_a_rate_out_of_bounds_is_refused(run, rate):
    with pytest.raises(ParameterError, match=r"rate must lie in \[0.1, 20\]"):
        PlotlyView(run, rate=rate)


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(ParameterError, match="n_components=4"):
        PlotlyView(FakeRun(c=4))
    run = FakeRun()
    with pytest.raises(ParameterError, match="leave method out"):
        PlotlyView(run, run.method)
    with pytest.raises(DataError, match="6 points; got 2"):
        PlotlyView(run, labels=[1, 2])
    assert run.listeners == []


def by_hand(view, event, *points, **more):
    """Have the browser tell of points, as (trace, place) each."""
    places = {
        "trace_indexes": [trace for trace, _ in points],
        "point_indexes": [place for _, place in points],
    }
    places |= {"xs": [0.0] * len(points), "ys": [0.0] * len(points)}
    view.figure_widget._js2py_pointsCallback = {"event_type": event, "points": places} | more


BOX = {"selector": {"type": "box", "selector_state": {"xrange": [0, 1], "yrange": [0, 1]}}}


def marked(view):
    return [
        list(trace.selectedpoints) if trace.selectedpoints is not None else None
        for trace in view._marked.traces
    ]


def test_points_selected_by_hand_are_indices_and_stay_marked_as_they_move(view, run):
    told = []
    view.observe(lambda change: told.append(change["new"].tolist()), "selection")
    by_hand(view, "plotly_selected", (0, 1), (2, 0), (2, 1), **BOX)
    assert view.selection.tolist() == [2, 4, 5]
    assert told == [[2, 4, 5]]
    assert marked(view) == [[1], [], [0, 1]]
    run.iterate(2)
    settle(view)
    assert marked(view) == [[1], [], [0, 1]]
    by_hand(view, "plotly_deselect")
    assert view.selection.tolist() == []
    assert marked(view) == [None] * 3


def test_a_selection_set_in_python_is_marked_and_checked(view):
    view.selection = [5, 0]
    assert marked(view) == [[0], [], [1]]
    assert view.figure_widget.data[0].unselected.marker.opacity < 0.2
    with pytest.raises(ParameterError, match="6"):
        view.selection = [6]
    assert view.selection.tolist() == [0, 5]
    view.selection = None
    assert marked(view) == [None] * 3


@pytest.mark.parametrize("place", [-1, 2, 1.5, "1", None])
def test_places_that_do_not_exist_select_nothing(view, place):
    places = [(), [place], ()]
    view._select(places)
    assert view.selection.tolist() == []


def test_in_three_dimensions_clicks_select_and_rings_follow():
    run = FakeRun(c=3)
    view = PlotlyView(run, labels=["a", "b", "a", "b", "c", "c"], rate=20, theme="dark")
    rings = view.figure_widget.data[-1]
    shift = {
        "device_state": {"alt": False, "ctrl": False, "meta": False, "shift": True, "button": 0, "buttons": 1}
    }
    by_hand(view, "plotly_click", (1, 1))
    assert view.selection.tolist() == [3]
    by_hand(view, "plotly_click", (2, 0), **shift)
    assert view.selection.tolist() == [3, 4]
    by_hand(view, "plotly_click", (1, 1), **shift)
    assert view.selection.tolist() == [4]
    run.iterate(2)
    settle(view)
    np.testing.assert_array_equal(rings.z, run.embedding[[4], 2])
    assert rings.marker.symbol == "circle-open"
    assert view.figure_widget.layout.paper_bgcolor == "#15171a"
    view.close()


def test_of_a_sample_the_right_points_are_named():
    run = FakeRun(n=1000)
    view = PlotlyView(run, labels=np.arange(1000) % 3, max_points=100)
    by_hand(view, "plotly_selected", (2, 5), **BOX)
    (point,) = view.selection.tolist()
    assert point % 3 == 2
    assert run.embedding[point, 0] == view.figure_widget.data[2].x[5]
    view.close()


def test_a_picture_is_kept_for_hosts_without_widgets(view, run):
    assert "image/png" not in view._repr_mimebundle_()
    run.iterate()
    bundle = view._repr_mimebundle_()
    assert bundle["image/png"].startswith("iVBORw0KGgo")
    assert "application/vnd.jupyter.widget-view+json" in bundle


def test_an_unknown_theme_is_refused(run):
    with pytest.raises(ParameterError, match="theme must be"):
        PlotlyView(run, theme="blue")


def test_the_notebook_hears_of_the_figure_when_it_is_complete(view):
    state = view.figure_widget.comm.state
    assert len(state["_widget_data"]) == 3
    assert len(state["_widget_data"][0]["x"]["shape"]) == 1
    assert state["_widget_layout"]["title"]["text"] == "iteration 0"
    assert state["_config"]["showSendToCloud"] is False


def test_a_figure_that_was_drawn_is_asked_to_take_the_width_of_its_place(view):
    figure = view.figure_widget
    sent = figure.comm.states

    def fits():
        sent.clear()
        for _ in range(5):
            figure._js2py_traceDeltas = {"trace_deltas": [], "trace_edit_id": figure._last_trace_edit_id}
        asked = [state["_py2js_relayout"] for state in sent if state.get("_py2js_relayout")]
        return [message["relayout_data"] for message in asked]

    assert fits() == [{"autosize": True}] * 3
    assert fits() == []  # one that is shown and redrawn is left alone
    view._repr_mimebundle_()
    assert len(fits()) == 3  # shown again, elsewhere
    figure.send_state()
    assert len(fits()) == 3  # as a page that is opened again asks for
