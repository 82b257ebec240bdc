"""Threads that end before the interpreter does: inside a compiled kernel one must not meet it being taken down."""

from __future__ import annotations

import atexit
import weakref
from typing import Protocol

PATIENCE = 5.0
"""Seconds that the interpreter waits for each."""


class Ends(Protocol):
    """What has a thread."""

    def end(self) -> object:
        """Have the thread end as soon as it can."""

    def wait(self, timeout: float) -> object:
        """Wait for its end."""


_all: weakref.WeakSet[Ends] = weakref.WeakSet()


def ends_in_time(owner: Ends) -> None:
    """Have a thread ended when the interpreter ends; nothing here keeps its owner alive."""
    _all.add(owner)


@atexit.register
def _end_all() -> None:
    owners = list(_all)
    for owner in owners:
        owner.end()
    for owner in owners:
        owner.wait(PATIENCE)
