"""Listening to a run without keeping the listener alive."""

import weakref
from collections.abc import Callable
from typing import Any, TypeVar

from ne_interactive.engine.stepper import Stepper
from ne_interactive.widget.after_cells import leave_cores_to_runs

View = TypeVar("View")


def follow(run: Stepper, view: View, tell: Callable[[View, str], Any]) -> Callable[[], None]:
    """Have `tell(view, what)` called for all the run does while the view lives; returns a function that ends it."""
    leave_cores_to_runs()
    weak = weakref.ref(view)

    def heard(run: Stepper, what: str) -> None:
        view = weak()
        if view is None:
            unlisten()
        else:
            tell(view, what)

    unlisten = run.listen(heard)
    return unlisten
