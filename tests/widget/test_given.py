"""New rows come with labels, colours, sizes, texts and images of their own."""

import numpy as np
import pytest

import ne_interactive as ne
from ne_interactive.params.errors import DataError
from ne_interactive.widget import given
from ne_interactive.widget.explorer import Explorer

N = 40
X = np.random.default_rng(0).normal(size=(N, 5)).astype(np.float32)
NEW = X[:3] + np.float32(0.1)
IMAGES = np.zeros((N, 2, 2), np.uint8)


def begun():
    run = ne.Stepper(X, ne.TSNE(perplexity=5, random_state=0))
    run.step(5)
    view = Explorer(
        run,
        labels=["even" if i % 2 == 0 else "odd" for i in range(N)],
        color={"weight": np.linspace(0, 1, N)},
        size="weight",
        hover={"row": list(range(N)), "word": ["old"] * N},
        images=IMAGES,
    )
    return run, view


def shown(view):
    """The label of each point."""
    items = view._scene["legend"]["items"]
    return [items[code]["label"] for code in np.frombuffer(view._codes, "<u2")]


def test_all_that_is_given_is_shown_of_the_new_points():
    run, view = begun()
    new = view.add(
        NEW,
        labels=["odd", "third", None],
        color={"weight": [0.5, 3.0, float("nan")]},
        size=[0.0, 1.0, 9.0],
        hover={"row": [100, 101, 102], "word": ["new", "new", "newest"]},
        images=np.full((3, 2, 2), 255, np.uint8),
    )
    assert np.array_equal(new, [40, 41, 42])
    assert shown(view)[-3:] == ["odd", "third", "missing"]
    assert [item["label"] for item in view._scene["legend"]["items"]] == ["even", "odd", "third", "missing"]
    assert list(view._sizes[-3:]) == [0, 255, 255]
    assert view._desk._table.rows(41) == [["row", "101"], ["word", "new"]]
    assert view._desk._table.rows(4) == [["row", "4"], ["word", "old"]]
    assert view._desk._images.picture(42)[1] == b"\xff" * 4
    assert view._desk._images.picture(4)[1] == b"\0" * 4
    assert view._desk._exploring._search.find("newest").tolist() == [42]
    assert view._desk._exploring._search.find("third").tolist() == [41]
    view.color_by("weight")
    assert view._scene["legend"]["high"] == 3
    codes = np.frombuffer(view._codes, "<u2")
    assert codes[41] == 65534
    assert codes[42] == 65535
    run.remove([0, 41])
    view.color_by("labels")
    assert shown(view)[-2:] == ["odd", "missing"]


def test_what_is_given_is_read_once(monkeypatch):
    run, view = begun()
    run.add(NEW)  # points without anything, which others then come behind
    read, pictures = [], given.read_pictures
    monkeypatch.setattr(given, "read_pictures", lambda *args: read.append(1) or pictures(*args))
    view.add(NEW + 1, images=np.full((3, 2, 2), 255, np.uint8), labels=["odd"] * 3)
    assert len(read) == 1
    assert view._desk._images.picture(45)[1] == b"\xff" * 4
    assert view._desk._images.picture(42) is None
    assert shown(view)[-6:] == ["missing"] * 3 + ["odd"] * 3


def test_what_is_left_out_is_missing_and_later_values_are_one_for_each_point():
    run, view = begun()
    run.add(NEW)  # in a cell that knows of no labels
    view.add(NEW[:2] + 1, labels=["even", "odd"])
    assert shown(view)[-5:] == ["missing"] * 3 + ["even", "odd"]
    assert view._desk._table.rows(44) == []
    assert list(view._sizes[-2:]) == [128, 128]
    run.remove([0, 1])
    view.color_by("place", np.arange(43) / 2)
    assert np.array_equal(np.argsort(np.frombuffer(view._codes, "<u2")), np.arange(43))
    with pytest.raises(DataError, match="each of the 43 points; got 45"):
        view.color_by("place", np.arange(45))
    assert view._scene["colors"]["name"] == "place"


def test_a_row_keeps_its_label_through_the_past_and_others_do_not_get_it():
    run, view = begun()
    view.add(NEW, labels=["a", "b", "c"])
    run.step(2)
    view.branch(3)  # before they came
    assert len(shown(view)) == N
    other = view.run
    other.step(4)
    other.add(NEW + 5)  # other rows, with the same numbers
    assert shown(view)[-3:] == ["missing"] * 3
    view.show(run)
    assert shown(view)[-3:] == ["a", "b", "c"]
    run.rewind(5)
    assert len(shown(view)) == N
    run.add(NEW)  # the same rows again
    assert shown(view)[-3:] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"labels": ["a"]}, "each of the 3 new points; got 1"),
        ({"color": {"mass": [1, 2, 3]}}, "not a color column 'mass'"),
        ({"color": {"weight": ["a", "b", "c"]}}, "numbers"),
        ({"size": ["a", "b", "c"]}, "size must hold numbers"),
        ({"size": [1.0]}, "size must have one entry for each of the 3"),
        ({"hover": {"row": [1, 2, 3]}}, r"the columns of the other points, \['row', 'word'\]; got \['row'\]"),
        ({"hover": {"row": [1], "word": ["a"]}}, "each of the 3 points; got 1"),
        ({"images": np.zeros((2, 2, 2))}, r"shape \(3, h, w\)"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_changed(given, told):
    run, view = begun()
    before = view._codes
    with pytest.raises(DataError, match=told):
        view.add(NEW, **given)
    assert run.n == N
    assert view._codes == before
    assert run.events == []


def test_a_view_without_a_kind_takes_none_of_it():
    run = ne.Stepper(X, ne.TSNE(perplexity=5, random_state=0))
    run.step(2)
    view = Explorer(run)
    for name, value in (("labels", list("abc")), ("hover", list("abc")), ("size", [1, 2, 3])):
        with pytest.raises(DataError, match="for the other"):
            view.add(NEW, **{name: value})
    assert run.n == N
    view.add(NEW)
    assert (run.n, view._scene["n"]) == (N + 3, N + 3)
