"""Views follow points that leave a run and come to it."""

import threading
import time

import numpy as np
import pytest

import ne_interactive as ne
from ne_interactive.widget.explorer import Explorer

N = 40
X = np.random.default_rng(0).normal(size=(N, 5)).astype(np.float32)


def codes(view):
    return np.frombuffer(view._codes, "<u2")


def test_labels_hover_and_selection_follow_the_points():
    run = ne.Stepper(X, ne.TSNE(perplexity=5, random_state=0))
    labels = ["even" if i % 2 == 0 else "odd" for i in range(N)]
    view = Explorer(run, labels=labels, hover={"row": list(range(N))})
    run.step(5)
    view.selection = [3, 10, 11]
    run.remove([0, 10, 39])
    assert view._scene["n"] == N - 3
    assert np.array_equal(codes(view), (run.ids % 2))
    assert [item["count"] for item in view._scene["legend"]["items"]] == [18, 19]
    assert np.array_equal(view.selection, [2, 9])  # points 3 and 11, as they are numbered now
    assert np.array_equal(np.frombuffer(view._selection, "<u4"), [2, 9])
    assert view._desk._table.rows(2) == [["row", "3"]]
    run.add(X[:2] + 0.1)
    assert view._scene["legend"]["items"][-1] == {"label": "missing", "count": 2}
    assert codes(view)[-2:].tolist() == [2, 2]
    assert view._desk._table.rows(N - 2) == []
    late = Explorer(run, labels=[str(i) for i in run.ids])
    run.remove([0])
    assert [late._scene["legend"]["items"][code]["label"] for code in codes(late)] == [
        str(i) for i in run.ids
    ]
    run.rewind(2)
    assert view._scene["n"] == N
    assert np.array_equal(codes(view), np.arange(N) % 2)


def test_a_view_may_ask_for_points_to_be_removed():
    run = ne.Stepper(X, ne.TSNE(perplexity=5, random_state=0))
    run.step(2)
    view = Explorer(run)
    view._desk.receive({"k": "remove", "id": 1}, [np.array([1, 5], "<u4").tobytes()])
    view._desk.receive({"k": "remove", "id": 2}, [np.array([N], "<u4").tobytes()])
    assert view._desk.wait(30)
    assert run.n == N - 2
    assert 5 not in run.ids


@pytest.mark.parametrize("c", [2, 3])
def test_a_plotly_view_draws_the_points_that_are_still_there(c):
    run = ne.Stepper(X, ne.TSNE(perplexity=5, random_state=0, n_components=c))
    run.step(5)
    view = ne.PlotlyView(run, labels=["even" if i % 2 == 0 else "odd" for i in range(N)], rate=20)
    view.selection = [3, 10, 11]

    def drawn():
        view.update()
        Z = np.full((N, 2), np.nan)
        for first, trace in enumerate(view.figure_widget.data[:2]):
            Z[first::2] = np.stack([trace.x, trace.y], axis=1)
        return Z

    for change, gone in (
        (lambda: run.remove([0, 10, 39]), [0, 10, 39]),
        (lambda: run.add(X[:2] + 0.1), [0, 10, 39]),
        (lambda: run.rewind(2), []),
        (lambda: run.focus(np.arange(0, N, 3)), np.flatnonzero(np.arange(N) % 3)),
        (run.unfocus, []),
    ):
        change()
        Z, there = drawn(), np.setdiff1d(np.arange(N), gone)
        assert np.isnan(Z[gone]).all()
        assert np.allclose(Z[there], run.embedding[np.isin(run.ids, there)][:, :2])
        known = np.intersect1d(run.ids, [3, 11] if len(gone) < 5 else [3])
        assert set(run.ids[view.selection]) <= set(known)
    view._select([[0], []])
    assert np.array_equal(view.selection, [0])
    run.remove([0])
    assert len(view.selection) == 0
    view._select([[0], [1]])  # the first is not there
    assert np.array_equal(run.ids[view.selection], [3])
    assert "image/png" in view._repr_mimebundle_()
    view.close()


@pytest.mark.parametrize(("c", "labels"), [(2, ["even", "odd"] * (N // 2)), (3, None)])
def test_a_plotly_view_draws_points_that_come_later(c, labels):
    run = ne.Stepper(X, ne.TSNE(perplexity=5, random_state=0, n_components=c))
    run.step(5)
    view = ne.PlotlyView(run, labels=labels, hover=range(N), rate=20, theme="dark")
    first = len(view._marked.traces)
    kept = view._marked.traces[0]
    kept.marker.opacity = 0.3  # what a person has set stays
    view.selection = [3, 10]

    def late():
        view.update()
        trace = view._marked.traces[-1]
        return np.stack([trace.x, trace.y], axis=1)

    new = run.add(X[:2] + np.float32(0.1))
    assert np.allclose(late(), run.embedding[new, :2])
    trace = view._marked.traces[first]
    assert (trace.name, trace.hovertext) == ("added later", None)
    assert kept.marker.opacity == 0.3
    assert len(kept.hovertext) == len(kept.x)
    assert np.array_equal(view.selection, [3, 10])
    run.remove([0, int(new[0])])
    run.step(2)
    assert np.isnan(late()[0]).all()
    assert np.allclose(late()[1], run.embedding[-1, :2])
    view._select([*([()] * first), [1]])
    assert np.array_equal(view.selection, [run.n - 1])
    more = run.add(X[5:6])
    assert np.allclose(late()[2], run.embedding[more[0], :2])
    assert len(view._marked.traces) == first + 1
    if c == 2:
        assert list(view._marked.traces[-1].selectedpoints) == [1]
    else:
        assert np.allclose(view._marked._rings.z, run.embedding[more[0] - 1 : more[0], 2])
    run.rewind(4)
    assert np.isnan(late()).all()
    view.close()


def test_of_a_sample_as_large_a_part_of_the_later_points_is_drawn():
    run = ne.Stepper(X, ne.TSNE(perplexity=5, random_state=0))
    run.step(2)
    view = ne.PlotlyView(run, max_points=N // 4)
    run.add(X[:8] + np.float32(0.1))
    view.update()
    assert len(view._marked.traces[-1].x) == 2
    assert "12 of 48 points" in view.figure_widget.layout.title.text
    view.close()


def test_colours_chosen_while_points_leave_are_those_of_the_points_that_stay(monkeypatch):
    run = ne.Stepper(X, ne.TSNE(perplexity=5, random_state=0))
    view = Explorer(run, labels=[str(i % 3) for i in range(N)])
    run.step(2)
    read, go, labels = threading.Event(), threading.Event(), view._labels

    def slowly():
        found = labels()
        read.set()
        go.wait(10)
        return found

    monkeypatch.setattr(view, "_labels", slowly)
    coloring = threading.Thread(target=view._recolor)
    coloring.start()
    read.wait(10)
    monkeypatch.setattr(view, "_labels", labels)
    leaving = threading.Thread(target=run.remove, args=([0, 1],))
    leaving.start()
    while run.n == N:
        time.sleep(0.01)
    time.sleep(0.2)
    go.set()
    for thread in (coloring, leaving):
        thread.join(10)
    assert (view._scene["n"], len(codes(view))) == (N - 2, N - 2)
