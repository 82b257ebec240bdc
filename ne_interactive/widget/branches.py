"""The runs that a view can show: the first, and those that branched off it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ne_interactive.params.errors import ParameterError

MAX_BRANCHES = 32


@dataclass(frozen=True, eq=False)
class Branch:
    """One of them: `run` left its `parent` (its place in the list; None for the first) at `iteration`."""

    run: Any
    parent: int | None = None
    iteration: int = 0

    def __repr__(self) -> str:
        off = "" if self.parent is None else f", from {self.parent} at {self.iteration}"
        return f"Branch({self.run!r}{off})"


class Branches(list[Branch]):
    """The branches in the order in which they were made."""

    def place(self, run: Any) -> int | None:
        """Where a run stands; None if it is none of them."""
        return next((place for place, branch in enumerate(self) if branch.run is run), None)

    def grow(self, run: Any, to: int | str | None) -> Branch:
        """Branch off a run.

        Raises:
            ParameterError: if there is no such iteration or mark, or there are too many branches.
        """
        if len(self) >= MAX_BRANCHES:
            raise ParameterError(f"A view holds at most {MAX_BRANCHES} branches; use run.fork() for more.")
        other = run.fork(to)
        branch = Branch(other, self.place(run), other.iteration)
        self.append(branch)
        return branch

    def told(self) -> list[list[int]]:
        """For a view: the parent's place (-1: none) and the iteration of each."""
        return [[-1 if one.parent is None else one.parent, one.iteration] for one in self]
