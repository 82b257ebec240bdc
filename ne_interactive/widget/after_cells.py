"""What a cell leaves behind in the kernel's main thread that would slow down the runs that go on."""

import contextlib
import sys
from typing import Any

from ne_interactive.graph.helpers import let_go_of_helpers


def leave_cores_to_runs() -> None:
    """From now on have the main thread let go of its helpers whenever a cell has ended; nothing outside of IPython."""
    with contextlib.suppress(KeyError, AttributeError):
        shell: Any = sys.modules["IPython"].get_ipython()
        shell.events.register("post_run_cell", _let_go)  # once, however often it is asked for


def _let_go(_result: Any) -> None:
    let_go_of_helpers()
