"""The stepping optimizer: a run that is stepped, iterated over, left to itself, steered, saved and taken up again."""

from __future__ import annotations

import os
from collections.abc import Sequence
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import numpy as np

from ne_interactive.engine import store
from ne_interactive.engine.judging import Judge
from ne_interactive.engine.listeners import weakly
from ne_interactive.engine.past import BUDGET, Past
from ne_interactive.engine.placing import Map
from ne_interactive.engine.preparation import check_fit
from ne_interactive.engine.reading import Frame
from ne_interactive.engine.recipe import Recipe, recipe_of
from ne_interactive.engine.showing import Showing
from ne_interactive.engine.snapshot import pack_run, unpack_run
from ne_interactive.engine.steering import check_method
from ne_interactive.engine.timeline import Timeline
from ne_interactive.params.declare import REGISTRY
from ne_interactive.params.errors import ParameterError, StateError


class Stepper(Showing):
    """A run of one method on one table of data.

    Args:
        X: (n, d) table: numpy, pandas, polars, torch, scipy.sparse.
        method: a method such as `TSNE(perplexity=50)`; it is cloned. Default `TSNE()`.
        neighbors: find so many neighbours of each point at first where fewer are needed, for parameters and methods to
            come.
        rough: begin on rough neighbours, from 20,000 points on, until `refine`: what a run that moves by itself does.
        history: MB of memory for past frames and exact states, half for each; 0 keeps none, and going back takes long.

    Everything is checked here, nothing is computed yet. `step`, `frames`, `run` and `arun` move the run in the
    caller's thread; `start` moves it in a thread of its own, where it does not end at `max_iter` but rests once the
    map does, and wakes at any change. `max_speed`, iterations a second, slows it down for the eye; None is full speed.

    Raises:
        DataError: if X cannot be embedded.
        ParameterError: if a parameter of the method is outside its limits for X, or `neighbors` or `history` is.
    """

    def __init__(
        self,
        X: Any,
        method: Any = None,
        *,
        neighbors: int = 0,
        rough: bool = False,
        history: float = BUDGET,
    ) -> None:
        method = REGISTRY["TSNE"]() if method is None else method
        check_method(method)
        _check_history(history)
        core = Timeline(X, method, weakly(self._say), rough is True)
        core.past = Past(history)
        core.widest = _checked_neighbors(neighbors, core.rows.most_neighbors)
        super().__init__(core)

    def __repr__(self) -> str:
        return f"Stepper({type(self.method).__name__}, n={self.n}, iteration={self.iteration}, {self.state})"

    # placing

    def transform(self, X: Any) -> Any:
        """Place new rows X (m, d) in the map as it is now, whose points stand still.

        Each new point is pulled by its nearest neighbours and pushed by all points, with the values in force; it does
        not depend on the other new ones. Rows of the run's own X get their places back. With metric="precomputed", X
        holds distances (m, n) to the run's rows.

        Returns:
            (m, n_components), in the kind of container that X came in.

        Raises:
            DataError: if X does not fit the run's rows.
            ParameterError: if the method or its affinity does not place new rows.
        """
        self._raise_if_failed()
        return self.map().place(X)

    def map(self) -> Map:
        """The present map, which goes on placing new rows as it is now whatever becomes of the run."""
        self._core.settle()
        with self._turnstile.visit():
            core = self._core
            core.commit()
            assert core.problem is not None
            positions = core.ensure_start().positions.clone()
            return Map(core.method, core.rows, core.problem.neighbors, positions, core.params(), core.seed)

    # time

    @property
    def history(self) -> dict[int, np.ndarray]:
        """Past frames by iteration, (n, c) float32 each, thinned to what `history` MB hold; not to be written to."""
        with self._turnstile.visit():
            frames = {iteration: Z.numpy() for iteration, Z in self._core.past.frames.items()}
        for Z in frames.values():
            Z.setflags(write=False)
        return frames

    def mark(self, name: str, iteration: int | None = None) -> None:
        """Give the present iteration, or an earlier one, a name, for `rewind` and for the record.

        Raises:
            ParameterError: if the name is empty, or the run has not come to that iteration.
        """
        if not isinstance(name, str) or not name.strip():
            raise ParameterError(f"A mark's name must be a text that is not empty; got {name!r}.")
        at = None if iteration is None else self._iteration_of(iteration)
        with self._turnstile.visit():
            self._core.mark(name, at)
        self._tell("params")

    @property
    def marks(self) -> dict[str, int]:
        """Names and the iterations that they were given to."""
        return self._core.marks()

    def rewind(self, to: int | str) -> Frame:
        """Go back to an iteration or a mark: to the exact state there, before anything was changed at it.

        What came later is forgotten; `fork` first to keep it. The state is found by replay from the nearest one kept.

        Raises:
            ParameterError: if there is no such iteration or mark.
        """
        iteration, before = self._iteration_of(to), self.method
        if self._core.problem is not None:
            self._core.settle()
        with self._still():
            self._core.rewind(iteration)
            self._error, self._message = None, ""
            frame = self.frame()
        self._wake()
        self._tell("points")
        self._tell("iteration" if self.method is before else "method")
        self._tell("params")
        self._tell("pins")
        return frame

    def fork(self, to: int | str | None = None) -> Stepper:
        """An independent run from here, or from an iteration or a mark before; it is paused.

        Both share the neighbours and the speed limit, and go on exactly alike until one of them is changed.

        Raises:
            ParameterError: if there is no such iteration or mark.
        """
        iteration = None if to is None else self._iteration_of(to)
        self._core.settle()
        other = Stepper.__new__(Stepper)
        with self._turnstile.visit():
            self._core.commit()
            Showing.__init__(other, self._core.forked(weakly(other._say)))
            other._judge = self._judge.forked()
            other._max_speed = self._max_speed
        if iteration is not None:
            other.rewind(iteration)
        return other

    def __copy__(self) -> Stepper:
        return self.fork()

    def __deepcopy__(self, memo: Any) -> Stepper:
        return self.fork()

    def __reduce__(self) -> Any:
        raise StateError(
            "A run cannot be pickled: save it with run.save(path), and Stepper.load(path, X) goes on."
        )

    def refine(self) -> None:
        """Go on with the right neighbours, where the run began on rough ones."""
        self._core.refine()

    def recipe(self) -> Recipe:
        """What a repeat of this run needs, without X: see `Recipe` and `replay`."""
        self._raise_if_failed()
        self._core.settle()
        with self._turnstile.visit():
            return recipe_of(self._core)

    def _iteration_of(self, to: int | str) -> int:
        if isinstance(to, str):
            if to not in self.marks:
                known = ", ".join(map(repr, self.marks)) or "none"
                raise ParameterError(f"There is no mark {to!r}; there are: {known}.")
            return self.marks[to]
        if isinstance(to, bool) or not isinstance(to, Integral) or not 0 <= to <= self.iteration:
            raise ParameterError(
                f"One can go back to iterations from 0 to {self.iteration}, the present one; got {to!r}."
            )
        return int(to)

    # keeping

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the run to `path` (npz): state, neighbours, graph, events and measurements; of X its fingerprint only.

        The write is atomic. A loaded run goes on exactly as this one would.

        Raises:
            ParameterError: if there is no such folder, or `path` is one; or the method holds what no file can.
        """
        self._raise_if_failed()
        self._core.settle()
        with self._turnstile.visit():
            arrays, facts = pack_run(self._core)
            return store.save(path, arrays | self._judge.packed(), facts)

    @classmethod
    def _kept(cls, X: Any, method: Any) -> Stepper:
        """A run to be put where a kept one was, whose method is checked once its points are there."""
        check_method(method)
        run = cls.__new__(cls)
        Showing.__init__(run, Timeline(X, method, weakly(run._say), fits=False))
        return run

    @classmethod
    def load(cls, path: str | os.PathLike[str], X: Any, added: Sequence[Any] = ()) -> Stepper:
        """The run saved at `path`, on the same X, with the tables that were added to it; it is paused.

        Raises:
            DataError: if the file is no saved run, or X is not the table that it was made from.
        """
        arrays, facts = store.load(path)
        run = cls._kept(X, store.unpack_method(facts["method"], arrays))
        core = run._core
        unpack_run(core, arrays, facts, added)
        check_fit(core.method, core.joined_by())
        if all(change.method is None for change in core.past.changes):
            core.first_method = core.method
        if facts["recipe"]["start"] == facts["recipe"]["first"]:
            core.starter = core.first_method
        run._judge = Judge.unpacked(arrays, run.iteration)
        return run


def _checked_neighbors(neighbors: Any, most: int) -> int:
    whole = isinstance(neighbors, Integral) and not isinstance(neighbors, bool)
    if not whole or not 0 <= int(neighbors) <= most:
        raise ParameterError(f"neighbors must be a whole number from 0 to {most}; got {neighbors!r}.")
    return int(neighbors)


def _check_history(history: Any) -> None:
    number = isinstance(history, Real) and not isinstance(history, bool)
    if not number or not 0 <= float(history) < float("inf"):
        raise ParameterError(f"history must be a number of MB, at least 0; got {history!r}.")
