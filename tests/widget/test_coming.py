"""Points that come to a Plotly figure, with labels and texts of their own."""

import numpy as np
import pytest

import ne_interactive as ne
from ne_interactive.params.errors import DataError, ParameterError

N = 40
X = np.random.default_rng(0).normal(size=(N, 5)).astype(np.float32)
PARITY = ["even", "odd"] * (N // 2)


def begun(c=2, method=None):
    run = ne.Stepper(X, method or ne.TSNE(perplexity=5, random_state=0, n_components=c))
    run.step(5)
    return run


def rows(m, shift=0.1):
    return X[:m] + np.float32(shift)


def told(view):
    """Give the traces by name."""
    return {trace.name: trace for trace in view._marked.traces}


def at(view, points):
    """Where some points are on the map, by its first two axes."""
    return view.run.embedding[points, :2]


def places(trace):
    return np.stack([trace.x, trace.y], axis=1)


@pytest.mark.parametrize("c", [2, 3])
def test_points_that_are_added_join_the_trace_of_their_label_with_their_texts(c):
    view = ne.PlotlyView(begun(c), labels=PARITY, hover={"row": range(N)}, rate=20)
    even = view._marked.traces[0]
    even.marker.opacity = 0.3  # what a person has set stays
    colors = [trace.marker.color for trace in view._marked.traces]
    view.selection = [3]
    new = view.add(rows(3), labels=["odd", "new", "even"], hover={"row": ["x", "y", "<z>"]})
    assert new.tolist() == [N, N + 1, N + 2]
    named = told(view)
    assert list(named) == ["even", "odd", "new"]
    for name, point, text in (
        ("odd", N, "row: x"),
        ("new", N + 1, "row: y"),
        ("even", N + 2, "row: &lt;z&gt;"),
    ):
        trace = named[name]
        assert trace.hovertext[-1] == text
        assert len(trace.hovertext) == len(trace.x)
        assert np.allclose(places(trace)[-1], at(view, point))
    assert [named["even"].marker.color, named["odd"].marker.color] == colors
    assert named["new"].marker.color not in colors
    assert named["new"].marker.size == even.marker.size
    assert named["new"].hoverinfo == "text+name"
    assert even.marker.opacity == 0.3
    view.run.step(3)
    view.update()
    assert np.allclose(places(named["new"])[0], at(view, N + 1))
    view._select([[], [], [0]])
    assert view.selection.tolist() == [N + 1]
    assert view._look.labels().names == ["even", "odd", "new"]
    view.close()


def test_numbers_join_the_scale_which_takes_them_in_and_missing_ones_are_apart():
    view = ne.PlotlyView(begun(), labels=np.linspace(0.0, 1.0, N), rate=20)
    trace = view._marked.traces[0]
    view.add(rows(3), labels=[0.5, 3.0, None])
    assert trace.marker.color[-2:].tolist() == [0.5, 3.0]
    assert (trace.marker.cmin, trace.marker.cmax) == (0.0, 3.0)
    assert len(trace.x) == N + 2
    assert np.allclose(places(told(view)["missing"]), at(view, [N + 2]))
    trace.marker.cmax = 2.0  # by hand
    view.add(rows(1, 0.2), labels=[9.0])
    assert (trace.marker.cmin, trace.marker.cmax) == (0.0, 2.0)
    assert trace.marker.color[-1] == 9.0
    view.close()


def test_points_that_come_without_labels_stay_apart_whatever_comes_after():
    view = ne.PlotlyView(begun(), labels=PARITY, hover=range(N), rate=20)
    view.run.add(rows(2))
    view.add(rows(1, 0.2), labels=["odd"])
    view.add(rows(1, 0.3), hover=["seen"])
    view.update()
    named = told(view)
    assert {name: len(trace.x) for name, trace in named.items()} == {
        "even": N // 2, "odd": N // 2 + 1, "added later": 2, "missing": 1,
    }  # fmt: skip
    assert named["added later"].hovertext is None
    assert named["odd"].hovertext[-1] == ""
    assert named["missing"].hovertext == ("seen",)
    assert np.allclose(places(named["added later"]), at(view, [N, N + 1]))
    view.close()


def test_without_labels_points_have_their_texts():
    view = ne.PlotlyView(begun(), hover=range(N), rate=20)
    view.run.add(rows(1))
    view.add(rows(2, 0.2), hover=["a", "b"])
    late = told(view)["added later"]
    assert late.hovertext == ("", "a", "b")
    assert late.hoverinfo == "text+name"
    view.close()


def test_other_points_in_the_place_of_those_taken_back_have_their_own_labels():
    view = ne.PlotlyView(begun(), labels=PARITY, rate=20)
    view.add(rows(2), labels=["new", "odd"])
    view.run.rewind(4)
    view.add(rows(2, 0.5), labels=["even", "other"])
    named = told(view)
    assert np.isnan(places(named["new"])).all()
    assert np.isnan(places(named["odd"])[-1]).all()
    assert np.allclose(places(named["even"])[-1], at(view, N))
    assert np.allclose(places(named["other"]), at(view, [N + 1]))
    view.close()


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ({"labels": ["a"]}, "2 new points"),
        ({"hover": {"other": [1, 2]}}, "columns"),
        ({"labels": [str(i) for i in range(2)], "hover": [1]}, "2 points"),
    ],
)
def test_what_does_not_fit_is_refused_before_the_run_changes(given, what):
    view = ne.PlotlyView(begun(), labels=PARITY, hover={"row": range(N)}, rate=20)
    with pytest.raises(DataError, match=what):
        view.add(rows(2), **given)
    assert view.run.n == N
    view.add(rows(2), labels=["odd", "odd"])
    assert len(told(view)["odd"].x) == N // 2 + 2
    view.close()


def test_labels_and_texts_need_some_of_the_first_points():
    view = ne.PlotlyView(begun(), rate=20)
    for given in ({"labels": ["a"]}, {"hover": ["a"]}):
        with pytest.raises(DataError, match="the other"):
            view.add(rows(1), **given)
    with pytest.raises(ParameterError, match="place"):
        ne.PlotlyView(begun(method=ne.COSNE(perplexity=5)), rate=20).add(rows(1))
    view.close()


def test_more_categories_than_a_figure_takes_are_refused_before_the_run_changes():
    view = ne.PlotlyView(begun(), labels=[f"c{i}" for i in range(N)], rate=20)
    many = np.random.default_rng(1).normal(size=(170, 5)).astype(np.float32)
    with pytest.raises(DataError, match="at most 200 categories"):
        view.add(many, labels=[f"d{i}" for i in range(170)])
    assert view.run.n == N
    view.close()


def test_of_a_sample_as_large_a_part_of_what_is_added_is_drawn():
    view = ne.PlotlyView(begun(), labels=PARITY, hover=range(N), max_points=N // 4, rate=20)
    before = sum(len(trace.x) for trace in view._marked.traces)
    view.add(rows(8), labels=["odd"] * 8, hover=[f"n{i}" for i in range(8)])
    assert sum(len(trace.x) for trace in view._marked.traces) == before + 2
    assert told(view)["odd"].hovertext[-2:] == ("n0", "n4")
    view.close()


def test_points_can_be_added_while_the_run_moves():
    view = ne.PlotlyView(begun(), labels=PARITY, rate=20)
    view.run.start()
    for time in range(5):
        view.add(rows(2, 0.1 + time / 100), labels=["new", "odd"])
    view.run.pause()
    view.update()
    named = told(view)
    assert list(named) == ["even", "odd", "new"]
    assert (len(named["new"].x), len(named["odd"].x)) == (5, N // 2 + 5)
    assert np.allclose(places(named["new"]), at(view, N + 2 * np.arange(5)))
    view.close()
