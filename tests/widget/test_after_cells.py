"""When a cell has ended, the main thread's helpers do not count any more."""

import sys
from types import SimpleNamespace

import numpy as np
from IPython.core.events import EventManager, available_events

import ne_interactive as ne
from ne_interactive.widget import after_cells


def test_each_cell_that_ends_has_them_let_go(monkeypatch):
    calls = []
    events = EventManager(None, available_events)
    monkeypatch.setattr(after_cells, "let_go_of_helpers", lambda: calls.append(1))
    shell = SimpleNamespace(events=events, parent_header={})
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    run = ne.Stepper(np.eye(40), ne.TSNE(perplexity=5))
    views = [ne.explore(run, start=False), ne.PlotlyView(run)]  # once, however many there are
    assert not calls
    events.trigger("post_run_cell", None)
    assert calls == [1]
    for view in views:
        view.close()


def test_outside_of_a_notebook_nothing_is_done(monkeypatch):
    for module in (None, SimpleNamespace(get_ipython=lambda: None), SimpleNamespace(get_ipython=object)):
        monkeypatch.setitem(sys.modules, "IPython", module)
        after_cells.leave_cores_to_runs()
