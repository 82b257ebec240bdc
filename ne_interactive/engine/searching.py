"""Several runs on one table: they hold it once, and what a search among its rows has found serves all of them."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any, cast

from sklearn.base import clone

from ne_interactive.data.seeds import draw_seed
from ne_interactive.data.table import Table
from ne_interactive.engine.preparation import Preparation
from ne_interactive.engine.steering import check_method
from ne_interactive.engine.stepper import Stepper
from ne_interactive.graph.faiss_config import FaissConfig
from ne_interactive.graph.neighbors import Neighbors
from ne_interactive.graph.tables import neighbors_of, rough_neighbors_of


class Searches:
    """Searches of several runs in the same table: the first that needs one makes it, the others wait and take it.

    Neighbours found by an index depend on its seed; those serve only who would have searched with the same.
    """

    def __init__(self) -> None:
        """Know nothing yet."""
        self._lock = threading.Lock()
        self._found: list[tuple[tuple[Any, ...], int, Neighbors]] = []  # by metric and backend, and seed
        self._rough: dict[tuple[int, str, int], Neighbors | None] = {}

    def neighbors(
        self, table: Table, k: int, *, metric: str, backend: str | FaissConfig | None, seed: int
    ) -> Neighbors:
        """Give k neighbours or more, as `neighbors_of` finds them."""
        kind = metric, backend
        with self._lock:
            for known, of, found in self._found:
                if known == kind and found.k >= k and (found.exact or of == seed):
                    return found
            found = neighbors_of(table, k, metric=metric, backend=backend, seed=seed)
            self._found.append((kind, seed, found))
            return found

    def rough(self, table: Table, k: int, *, metric: str, seed: int) -> Neighbors | None:
        """Give just k, as `rough_neighbors_of` does."""
        asked = k, metric, seed
        with self._lock:
            if asked not in self._rough:
                self._rough[asked] = rough_neighbors_of(table, k, metric=metric, seed=seed)
            return self._rough[asked]


def runs_on(X: Any, methods: Mapping[str, Any]) -> dict[str, Stepper]:
    """Make a run of each method on the same data, of which nothing is computed yet.

    Methods of one metric and backend share one search, for as many neighbours as any of them needs. Those without a
    `random_state` have one seed in common.

    Raises:
        DataError: X cannot be embedded.
        ParameterError: what is given is no method, or a parameter is outside its limits for X.
    """
    seed, runs = draw_seed(), {}
    for name, method in methods.items():
        check_method(method)
        seeded = method.random_state is None
        runs[name] = Stepper(X, cast(Any, clone(method)).set_params(random_state=seed) if seeded else method)
    _share([run._core for run in runs.values()])
    return runs


def _share(cores: list[Any]) -> None:
    searches = Searches()
    for place, core in enumerate(cores):
        alike = [other for other in cores if _kind(other) == _kind(core)]
        core.widest = max(map(_needed, alike)) if len(alike) > 1 else 0
        core.searches = searches
        for other in cores[:place]:
            if (type(other.rows), other.rows.device) == (type(core.rows), core.rows.device):
                core.rows, core.tables = other.rows, [other.rows]
                break


def _kind(core: Preparation) -> tuple[Any, ...]:
    return core.method.metric, core.method.backend, core.rows.device, _needed(core) > 0


def _needed(core: Preparation) -> int:
    return core.method.k(core.rows.n, core.params())
