"""A view may ask for points to be focused on or removed, and for moments to be named."""

import numpy as np

import ne_interactive as ne
from ne_interactive.widget.explorer import Explorer
from ne_interactive.widget.moments import past_message
from ne_interactive.widget.wire import changes_of, status_message

from .test_members import N, X
from .test_recording import frames_of, written


def begun():
    run = ne.Stepper(X, ne.TSNE(perplexity=5, random_state=0))
    run.step(4)
    view = Explorer(run, labels=["even" if i % 2 == 0 else "odd" for i in range(N)])
    told = []
    view._desk.stream.tell = lambda content, buffers=None: told.append(content)
    return run, view, told


def ask(view, kind, points=None, **fields):
    buffers = [] if points is None else [np.asarray(points, "<u4").tobytes()]
    view._desk.receive({"k": kind, "id": 1, **fields}, buffers)
    assert view._desk.wait(30)


def test_the_view_has_a_run_focused_and_brought_back():
    run, view, told = begun()
    view.selection = np.arange(0, N, 2)
    ask(view, "focus", np.arange(0, N, 2))
    assert run.focused
    assert (view._scene["n"], view._scene["all"], view._scene["regrouped"]) == (20, N, 1)
    assert [item["count"] for item in view._scene["legend"]["items"]] == [20, 0]
    assert np.array_equal(view.selection, np.arange(20))
    run.step(2)
    ask(view, "remove", [0])
    assert "unfocus" in told[-1]["error"]
    ask(view, "unfocus", refined=False)
    assert not run.focused
    assert (view._scene["n"], view._scene["all"]) == (N, N)
    assert np.array_equal(view.selection, np.arange(0, N, 2))
    assert changes_of(run) == [[4, "focus on 20 points"], [6, "back to all 40 points"]]
    ask(view, "unfocus", refined=True)
    assert told[-1]["of"] == "unfocus"
    ask(view, "unfocus", refined=1)
    assert told[-1]["k"] == "refused"


def test_what_was_asked_for_other_points_is_refused():
    run, view, told = begun()
    desk = view._desk
    desk._mover.post(lambda: run.remove([0]))
    desk._on_focus(3, np.arange(10))  # meant before the removal, done after it
    assert desk.wait(30)
    assert not run.focused
    assert told[-1] == {
        "k": "refused",
        "of": "focus",
        "id": 3,
        "error": "The points have become others meanwhile; select again.",
    }
    desk._talker.post(lambda: run.remove([0]))
    desk._on_pin(4, np.array([1]))
    assert desk.wait(30)
    assert run.pinned.tolist() == []
    assert (told[-1]["id"], told[-1]["ok"]) == (4, False)
    assert "select again" in told[-1]["error"]


def test_a_removal_is_told_as_something_to_take_back():
    run, view, _ = begun()
    assert status_message(run)["undo"] is None
    ask(view, "remove", [3])
    run.step(2)
    assert status_message(run)["undo"] == [4, "1 point removed"]
    ask(view, "rewind", iteration=4)
    assert run.n == N
    assert status_message(run)["undo"] is None
    run.add(X[:2])
    assert status_message(run)["undo"] == [4, "2 points added"]
    run.tune(exaggeration=2.0)
    run.step()
    assert status_message(run)["undo"] is None


def test_a_moment_looked_at_is_named():
    run, view, _ = begun()
    ask(view, "mark", name=" two ", iteration=2)
    ask(view, "mark", name="now")
    assert run.marks == {"two": 2, "now": 4}


def test_the_past_is_shown_of_the_points_that_there_are(tmp_path):
    run, view, _ = begun()
    there = run.history[2]
    run.remove([0, 1])
    header, (buffer,) = past_message(run, 7, 2)
    levels = np.frombuffer(buffer, "<u2").reshape(-1, 2)
    Z = np.array(header["lo"]) + levels * np.array(header["sc"])
    assert (header["it"], header["n"]) == (2, N - 2)
    assert np.allclose(Z, there[2:], atol=1e-3)
    run.focus(np.arange(10))
    run.step(2)
    _, record = written(view.to_html(tmp_path / "few.html"))
    assert [moment["it"] for moment in record["moments"]] == [1, 2, 3, 4, 5, 6]
    assert record["n"] == 10
    for Z, shown in zip(run.moments().values(), frames_of(record), strict=True):
        np.testing.assert_allclose(shown, Z, atol=np.ptp(Z) / 65535)
