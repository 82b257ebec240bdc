"""Points are coloured by what the map lacks of them, measured beside the run; and wrong neighbours are told."""

import threading

import numpy as np
import pytest

import ne_interactive as ne
from ne_interactive.params.errors import DataError
from ne_interactive.widget.explorer import Explorer

from .test_members import N, X


def begun(steps=10):
    run = ne.Stepper(X, ne.TSNE(perplexity=5, random_state=0))
    run.step(steps)
    view = Explorer(run, labels=["a", "b"] * (N // 2))
    told = []
    view._desk.stream._send = lambda content, buffers: told.append((content, buffers))
    return run, view, told


def shares(view):
    return np.frombuffer(view._codes, "<u2") / 65534


def ask(view, told, kind, *points, **fields):
    told.clear()
    buffers = [np.array(points, "<u4").tobytes()] if points else []
    view._desk.receive({"k": kind, "id": 3, **fields}, buffers)
    assert view._desk.wait(30)
    return told[-1] if told else None


def pairs(buffer):
    return np.frombuffer(buffer, "<u4").reshape(-1, 2)


def test_the_error_is_a_column_of_its_own(tmp_path):
    run, view, told = begun()
    assert view._scene["colors"]["names"] == ["labels", "point error", "one colour"]
    ask(view, told, "color", name="point error")
    assert view._scene["colors"]["name"] == "point error"
    legend = view._scene["legend"]
    assert (legend["kind"], legend["low"], legend["high"]) == ("number", 0, 1)  # whatever the values are
    assert np.allclose(shares(view), run.point_error(), atol=1e-4)
    run.remove([0, 1, 2])
    assert view._desk.wait(30)
    assert np.allclose(shares(view), run.point_error(), atol=1e-4)
    assert "image/png" in view._repr_mimebundle_()[0]
    view.color_by("labels")
    assert view._scene["legend"]["kind"] == "category"


def test_it_is_measured_again_in_the_time_of_the_quality():
    run, view, _ = begun()
    view.color_by("point error")
    view._desk.stream.link.hello("view")
    before, threads = shares(view), []
    view.observe(lambda change: threads.append(threading.current_thread()), "_codes")
    run.step(40)
    assert np.array_equal(shares(view), before)
    beside = threading.Thread(target=run.measure)
    beside.start()
    beside.join()
    assert np.allclose(shares(view), run.point_error(), atol=1e-4)
    assert threads == [beside]
    run.measure()  # nothing moved since
    assert threads == [beside]
    view._desk.stream.link.show("view", False)
    run.step(5)
    run.measure()  # nobody sees it
    assert threads == [beside]


def test_a_column_of_the_same_name_comes_first():
    run = ne.Stepper(X, ne.TSNE(perplexity=5, random_state=0))
    view = Explorer(run, color={"point error": np.arange(N) / 7})
    assert view._scene["colors"]["names"] == ["point error", "one colour"]
    assert view._scene["legend"]["high"] == pytest.approx((N - 1) / 7)


def test_where_neighbours_are_not_known_it_is_refused_or_waited_for():
    D = np.linalg.norm(X[:, None] - X[None], axis=2)
    run = ne.Stepper(D, ne.TSNE(perplexity=5, metric="precomputed"))
    view = Explorer(run)
    with pytest.raises(DataError, match="fewer neighbours"):
        view.color_by("point error")
    assert view._scene["colors"]["name"] == "one colour"
    run.step(3)
    view.color_by("point error")
    assert np.allclose(shares(view), run.point_error(), atol=1e-4)
    many = ne.Stepper(np.random.default_rng(0).normal(size=(6000, 3)).astype(np.float32), ne.TSNE())
    far = Explorer(many)
    far.color_by("point error")
    assert far._scene["legend"]["missing"] == 6000
    assert set(np.frombuffer(far._codes, "<u2")) == {65535}


def test_wrong_neighbours_of_a_point_and_of_a_selection_are_told():
    run, view, told = begun(30)
    found = run.neighbor_errors([4], 15)
    content, buffers = ask(view, told, "neighbors", point=4)
    assert content["note"] == ""
    true, missing, false = (np.frombuffer(buffer, "<u4") for buffer in buffers)
    assert len(true) == 15
    assert set(missing) == set(found.missing[0]) <= set(true)
    assert set(false) == set(found.false[0])
    content, buffers = ask(view, told, "errors", 1, 2, 3)
    several = run.neighbor_errors([1, 2, 3], 10)
    assert (content["points"], content["neighbors"]) == (3, 30)
    assert content["wrong"] == sum(map(len, several.missing)) > 0
    for kind, buffer in zip((several.missing, several.false), buffers, strict=True):
        told_of = {(point, int(other)) for point, row in zip([1, 2, 3], kind, strict=True) for other in row}
        assert set(map(tuple, pairs(buffer).tolist())) == told_of
    assert ask(view, told, "errors", N)[0]["k"] == "refused"


def test_of_many_points_some_are_looked_at_and_some_lines_told():
    Z = np.random.default_rng(1).normal(size=(3000, 4)).astype(np.float32)
    run = ne.Stepper(Z, ne.TSNE(random_state=0))
    run.step(1)
    view, told = Explorer(run), []
    view._desk.stream._send = lambda content, buffers: told.append((content, buffers))
    content, buffers = ask(view, told, "errors", *range(3000))
    assert content["points"] == 1000
    assert content["neighbors"] == 10_000
    assert content["wrong"] > 1000
    assert [len(pairs(buffer)) for buffer in buffers] == [200, 200]


def test_before_there_are_neighbours_the_view_is_told_why():
    run = ne.Stepper(X, ne.TSNE(perplexity=5, random_state=0))
    view, told = Explorer(run), []
    view._desk.stream._send = lambda content, buffers: told.append((content, buffers))
    content, _ = ask(view, told, "errors", 1, 2)
    assert "have not been found yet" in content["note"]
