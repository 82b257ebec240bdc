"""A cell that is run again takes the machine over from what it began before; other cells keep theirs."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest

import ne_interactive as ne


@pytest.fixture
def execute(monkeypatch):
    """Run a function as the content of a cell."""
    shell = SimpleNamespace(parent_header={})
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    count = iter(range(100))
    made = []

    def execute(cell, content):
        metadata = {} if cell is None else {"cellId": cell}
        shell.parent_header = {"header": {"msg_id": f"execution {next(count)}"}, "metadata": metadata}
        views = content()
        made.extend(views)
        return views

    yield execute
    for view in made:
        view.close()


def explored():
    X = np.random.default_rng(0).normal(size=(80, 4)).astype(np.float32)
    return ne.explore(X, ne.TSNE(perplexity=5), max_speed=5, quality=False)


def states(views):
    return [view.run.state for view in views]


def test_what_the_cell_began_before_is_paused_and_can_go_on(execute):
    first = execute("a", lambda: [explored(), explored()])
    assert states(first) == ["running", "running"]  # one execution may make several
    other = execute("b", lambda: [explored()])
    second = execute("a", lambda: [explored()])
    assert states([*first, *other, *second]) == ["paused", "paused", "running", "running"]
    first[0].resume()
    third = execute("a", lambda: [explored()])
    assert states([first[0], *second, *third]) == ["running", "paused", "running"]  # a hand has let it go on


def test_without_names_of_cells_nothing_is_paused(execute):
    views = execute(None, lambda: [explored()]) + execute(None, lambda: [explored()])
    assert states(views) == ["running", "running"]


def test_a_run_that_was_given_is_left_alone(execute):
    run = ne.Stepper(np.eye(40), ne.TSNE(perplexity=5))
    run.max_speed = 5
    execute("a", lambda: [ne.explore(run, quality=False)])
    execute("a", lambda: [explored()])
    assert run.state == "running"
    run.stop()


def test_compared_runs_are_paused_too(execute):
    def compared():
        return [ne.compare(np.eye(40), [ne.TSNE(perplexity=5), ne.TSNE(perplexity=9)])]

    (first,) = execute("a", compared)
    (second,) = execute("a", compared)
    assert [run.state for run in first.runs] == ["paused", "paused"]
    assert "paused" not in [run.state for run in second.runs]
