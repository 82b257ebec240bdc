"""Which rows a run shows: points leave it, and new ones come to it, while it goes on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from sklearn.base import clone
from torch import Tensor

from ne_interactive.data.table import Rows
from ne_interactive.engine.core import Core
from ne_interactive.engine.past import Change
from ne_interactive.engine.placing import Map
from ne_interactive.engine.preparation import check_fit
from ne_interactive.engine.protocol import Method
from ne_interactive.engine.setup import check_start, problem_for, start_of
from ne_interactive.engine.state import State
from ne_interactive.engine.step import in_force, woken
from ne_interactive.graph.csr import Graph
from ne_interactive.graph.neighbors import Neighbors
from ne_interactive.graph.regrouped import extended, restricted
from ne_interactive.params.errors import DataError, ParameterError
from ne_interactive.params.param import params_of


class Members(Core):
    """The points of a run, which have numbers that stay: rows of X come first, then those added, in order."""

    def members(self) -> Tensor:
        """The numbers of the points, (n,) int64, ascending."""
        state = self.ensure_start()
        return torch.arange(self.rows.n) if state.members is None else state.members

    def remove(self, indices: np.ndarray) -> None:
        """Take points out of the run; the others stay where they are, and go on from there."""
        keep = torch.from_numpy(np.setdiff1d(np.arange(self.rows.n), indices))
        rows = self._chosen(keep, "remove")
        change = Change(self.iteration, "remove", {"indices": indices})
        state = replace(self._taken(keep), members=self.members()[keep])
        self._regroup(change, rows, state, self._restricted(keep, rows), len(indices))

    def add(self, table: Rows) -> None:
        """Put new points in the run, each at the place that `transform` finds for it."""
        state, problem, n = self.ensure_start(), self.problem, self.rows.n
        assert problem is not None
        keep = torch.arange(n)
        old = self._chosen(keep, "add")
        made = Map(self.method, old, problem.neighbors, state.positions, self._knobs(), self.seed)
        values = torch.cat([old.values, table.values])
        rows = replace(old, values=values, index=_joined(old, table))
        change = Change(
            self.iteration, "add", {"rows": table.n, "fingerprint": table.fingerprint()}, table=table
        )
        places = made.place(torch.clone(table.values)).to(state.positions)
        first = sum(table.n for table in self.tables)
        members = torch.cat([self.members(), torch.arange(first, first + table.n)])
        taken = replace(self._taken(keep, places), members=members)
        known = self._right()
        self._regroup(change, rows, taken, lambda _: extended(known, values) if known else None, table.n)
        self.tables = [*self.tables, table]

    def _right(self) -> Neighbors | None:
        """The neighbours in force; rough ones are none."""
        return self.problem.neighbors if self.problem and not self.problem.rough else None

    def _restricted(self, keep: Tensor, rows: Rows) -> Callable[[int], Neighbors | None]:
        """Gives k neighbours of each of the points `keep` among themselves, as far as they are known."""
        known = self._right()
        return lambda k: restricted(known, keep, rows.values, k) if known else None

    def _regroup(
        self,
        change: Change,
        rows: Rows,
        state: State,
        known: Callable[[int], Neighbors | None],
        points: int,
    ) -> None:
        """Go on with other rows at `state`, `points` more or fewer; nothing is changed if they do not fit.

        `known` gives as many neighbours of each as are needed, None where they have to be searched.
        """
        knobs = self._fitting(self.ensure_start(), rows.n, change.kind)
        found = known(self.method.k(rows.n, knobs))
        problem = problem_for(self.method, rows, knobs, self.seed, found)
        self.method.check_together(knobs, problem.graph)
        searched = problem.neighbors is not None and problem.neighbors is not found
        self.remember()
        made = change.of(problem, None)
        self.past.changes.append(made if searched else replace(made, k=0, neighbors=None))
        with self._mailbox:
            self._pending = self._working | self._pending
            self._working = {}
            self._beside.forget()
        self.state, self.rows, self.problem = state, rows, problem
        self.past.fit(problem)
        self.note(change.kind, {"points": points, "n": rows.n, "digest": problem.graph.digest()})

    def _taken(self, keep: Tensor, places: Tensor | None = None) -> State:
        """The state of the points `keep` (ascending) and of new ones at `places`."""
        state = self.ensure_start()
        n = len(keep) + (0 if places is None else len(places))
        return woken(self.method, _taken(state, keep, places), n)

    def _fitting(self, state: State, n: int, kind: str) -> dict[str, Any]:
        """The values in force for n points.

        Raises:
            ParameterError: if one of them, or the affinity, does not fit as many.
        """
        owner = type(self.method).__name__
        knobs = in_force(self.method, replace(state, fading=0), n)
        for name, value in knobs.items():
            params_of(self.method)[name].check(value, owner, n)
        if isinstance(self.method.affinity_of(self.rows.n, in_force(self.method, state, self.rows.n)), Graph):
            raise ParameterError(
                f"{owner}.affinity_in is a matrix of the run's own points, which {kind}() cannot change. "
                "Choose an affinity by name, or start a new run."
            )
        return knobs

    def _chosen(self, keep: Tensor, kind: str) -> Rows:
        """Some of the rows.

        Raises:
            DataError: if they are not in memory.
        """
        if not isinstance(self.rows, Rows):
            what = "distances" if self.method.metric == "precomputed" else "a stream of batches"
            raise DataError(f"{kind}() needs rows in memory; X holds {what}. Pass X as an array of rows.")
        if len(keep) == self.rows.n:
            return self.rows
        index = self.rows.index
        index = None if index is None else index[keep.numpy()]
        return replace(self.rows, values=self.rows.values[keep.to(self.rows.device)], index=index)

    def follow(self, state: State) -> None:
        """Have the rows that a state of the past shows."""
        members = state.members
        now = None if self.state is None else self.state.members
        self.state = state
        if not _same(members, now):
            self.rows = self._rows_of(members)

    def _rows_of(self, members: Tensor | None) -> Any:
        if members is None:
            return self.tables[0]
        tables = [table for table in self.tables if isinstance(table, Rows)]
        first = tables[0]
        values = torch.cat([table.values for table in tables])[members.to(first.device)]
        index = None if first.index is None else _index_of(tables)[members.numpy()]
        return replace(first, values=values, index=index)

    def begin_on_members(self, method: Any) -> None:
        """Make the start of the points that the run began with, by the method that made it then."""
        self.starter = method
        self.rows = self._rows_of(self.first_members)
        check_fit(method, self.rows.n)
        self.start = start_of(method, self.rows, self.seed, self._first_graph)
        self.state = self._at_start({})

    def begin_with_members(self) -> None:
        """Have the present points begin at a start that the present method makes; raises what a start may raise."""
        state, problem, start, method = self.ensure_start(), self.problem, self.start, self.method
        same = _same(state.members, self.first_members)
        if same and self.starter is method:
            return
        method.validate(self.rows.n)
        if same and not _of_graph(method):  # neighbours and values set by hand stay in force
            self.start = start_of(method, self.rows, self.seed, self._first_graph)
            self.starter = method
            return
        with self._setup:
            try:
                self.method = self._given_to(state.members)
                self.problem, self.state = None, None
                self.start = start_of(self.method, self.rows, self.seed, self._first_graph)
            except BaseException:
                self.method, self.problem, self.start, self.state = method, problem, start, state
                raise
            self.first_members = state.members
            self.state = replace(self._at_start({}), horizon=state.horizon)
        self.starter = self.method
        self.first_tables = len(self.tables)
        with self._mailbox:
            self._pending = dict(state.hand) | self._working | self._pending
            self._working, self._ready = {}, []
            self._beside.forget()
        if self.problem is None:  # else the start was made of it
            self.past.first, self.first_k = None, 0

    def _given_to(self, members: Tensor | None) -> Method:
        """The present method; of a given start that the run began with it keeps the rows of these points."""
        method, ids = self.method, self.first_members
        if isinstance(method.init, str) or members is None or self.starter is not method:
            return method
        ids = torch.arange(self.tables[0].n) if ids is None else ids
        given = check_start(method, len(ids))
        if given is None or not bool(torch.isin(members, ids).all()):  # those that came have no row
            return method
        reduced: Any = clone(method)
        reduced.init = given[torch.searchsorted(ids, members)].numpy()
        return reduced


def _same(some: Tensor | None, others: Tensor | None) -> bool:
    """Whether these are the same points; None are the rows of X."""
    if some is None or others is None:
        return some is others
    return torch.equal(some, others)


def _of_graph(method: Method) -> bool:
    """Whether a method's start is made of P."""
    return isinstance(method.init, str) and method.init == "spectral"


def _taken(state: State, keep: Tensor, places: Tensor | None) -> State:
    """A state of the points `keep` and of new ones at `places`, which begin with what the rule keeps on average."""
    n = len(state.positions)
    keep = keep.to(state.positions.device)

    def chosen(tensor: Tensor) -> Tensor:
        if tensor.ndim == 0 or len(tensor) != n:
            return tensor.clone()
        kept = tensor[keep]
        if places is None:
            return kept
        return torch.cat([kept, kept.mean(0, keepdim=True).expand(len(places), *kept.shape[1:])])

    positions = state.positions[keep]
    if places is not None:
        positions = torch.cat([positions, places])
    pins = state.pins
    if pins is not None:
        pins = torch.searchsorted(keep, pins[torch.isin(pins, keep)])
        pins = pins if len(pins) else None
    slots = {name: chosen(tensor) for name, tensor in state.slots.items()}
    centre = tuple(positions.double().mean(0).tolist())
    return replace(
        state, positions=positions, slots=slots, memory={}, pins=pins, centre=centre, quiet=0, fading=0
    )


def _joined(old: Rows, new: Rows) -> Any:
    return None if old.index is None else _index_of([old, new])


def _index_of(tables: list[Rows]) -> Any:
    """The pandas index of all tables; rows of one without have their number in it."""
    import pandas

    parts = [table.index if table.index is not None else pandas.RangeIndex(table.n) for table in tables]
    return parts[0].append(parts[1:])
