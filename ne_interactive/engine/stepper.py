"""The stepping optimizer: a run that is stepped, iterated over, left to itself, steered, saved and taken up again."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ne_interactive.engine import store
from ne_interactive.engine.core import Core
from ne_interactive.engine.listeners import weakly
from ne_interactive.engine.moving import Moving
from ne_interactive.engine.placing import Map
from ne_interactive.engine.snapshot import pack_run, unpack_run
from ne_interactive.engine.steering import check_method
from ne_interactive.params.declare import REGISTRY


class Stepper(Moving):
    """A run of one method on one table of data.

    Args:
        X: (n, d) table: numpy, pandas, polars, torch, scipy.sparse.
        method: a method such as `TSNE(perplexity=50)`; it is cloned. Default `TSNE()`.

    Everything is checked here, nothing is computed yet. `step`, `frames`, `run` and `arun` move the run in the
    caller's thread; `start` moves it in a thread of its own, where it does not end at `max_iter` but rests once the
    map does, and wakes at any change. `max_speed`, iterations a second, slows it down for the eye; None is full speed.

    Raises:
        DataError: if X cannot be embedded.
        ParameterError: if a parameter of the method is outside its limits for X.
    """

    def __init__(self, X: Any, method: Any = None) -> None:
        method = REGISTRY["TSNE"]() if method is None else method
        check_method(method)
        super().__init__(Core(X, method, weakly(self._say)))

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

    # keeping

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the run to `path` (npz): state, neighbours, graph and events; of X its fingerprint only.

        The write is atomic. A loaded run goes on exactly as this one would.
        """
        self._raise_if_failed()
        self._core.settle()
        with self._turnstile.visit():
            return store.save(path, *pack_run(self._core))

    @classmethod
    def load(cls, path: str | os.PathLike[str], X: Any) -> Stepper:
        """The run saved at `path`, on the same X; it is paused.

        Raises:
            DataError: if the file is no saved run, or X is not the table that it was made from.
        """
        arrays, facts = store.load(path)
        run = cls(X, store.unpack_method(facts["method"], arrays))
        unpack_run(run._core, arrays, facts)
        return run

    def loss_figure(self) -> Any:
        """The loss by iteration with the changes made, as a Plotly figure."""
        from ne_interactive.quality.figures import loss_figure

        iterations, losses = self.losses
        return loss_figure(iterations, losses, events=self.events)
