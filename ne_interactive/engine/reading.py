"""What a run tells: its present embedding, loss, parameters and past, all safe to read while it moves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from numbers import Integral
from types import TracebackType
from typing import Any

import numpy as np

from ne_interactive.data.arrays import like_input
from ne_interactive.engine.settings import Settings, settings_at
from ne_interactive.engine.state import Event, State
from ne_interactive.engine.step import following
from ne_interactive.engine.timeline import Timeline
from ne_interactive.engine.turnstile import Turnstile
from ne_interactive.params.errors import ParameterError, StateError


@dataclass(frozen=True)
class Frame:
    """The embedding at one iteration, and what it was made with.

    `embedding` is (n, c) float32 and belongs to the caller; `loss` is the last one measured (nan before the first
    step); `seconds` is the time spent optimising. `scale` is how far methods that took the map over have shrunk it, for
    their kernels or their space: embedding / scale is of one size before and after a switch.
    """

    iteration: int
    embedding: np.ndarray
    loss: float
    params: Mapping[str, Any]
    seconds: float
    state: str
    scale: float = 1.0


class Reading:
    """The reading part of a `Stepper`."""

    def __init__(self, core: Timeline) -> None:
        self._core = core
        self._turnstile = Turnstile()
        self._state = "paused"
        self._message = ""
        self._error: BaseException | None = None
        self._raised_at: TracebackType | None = None

    @property
    def method(self) -> Any:
        """The method, as constructed; `params` tells what is in force."""
        return self._core.method

    @property
    def n(self) -> int:
        """Number of points."""
        return self._core.rows.n

    @property
    def d(self) -> int:
        """Number of input dimensions."""
        return self._core.rows.d

    @property
    def c(self) -> int:
        """Number of embedding dimensions."""
        return int(self.method.n_components)

    @property
    def seed(self) -> int:
        """The seed, drawn if none was given."""
        return self._core.seed

    @property
    def iteration(self) -> int:
        """Steps taken since the start."""
        return self._core.iteration

    @property
    def embedding(self) -> np.ndarray:
        """Z, (n, c) float32; a copy."""
        with self._started() as state:
            return state.positions.detach().cpu().numpy().copy()

    @property
    def pinned(self) -> np.ndarray:
        """Rows of the points that do not move, (m,) int64, sorted; see `pin`."""
        with self._started() as state:
            return np.empty(0, np.int64) if state.pins is None else state.pins.cpu().numpy().copy()

    @property
    def loss(self) -> float:
        """The loss last measured; nan before the first step."""
        return self._core.loss

    @property
    def losses(self) -> tuple[np.ndarray, np.ndarray]:
        """Iterations and the losses measured there."""
        with self._turnstile.visit():
            return self._core.trace.arrays()

    @property
    def params(self) -> dict[str, Any]:
        """Live parameters in force, changes that take effect at the next iteration included."""
        with self._turnstile.visit():
            return self._core.params()

    @property
    def following(self) -> dict[str, bool]:
        """For each live parameter with a schedule, whether it follows it."""
        with self._turnstile.visit():
            return following(self.method, self._core.outlook())

    @property
    def events(self) -> list[Event]:
        """Changes and incidents with their iterations."""
        return list(self._core.events)

    @property
    def state(self) -> str:
        """One of paused, running, resting (converged), stopped, failed."""
        return self._state

    @property
    def error(self) -> BaseException | None:
        """What ended the background thread, if anything did."""
        return self._error

    @property
    def message(self) -> str:
        """What the run is busy with besides stepping, or the last incident; "" if nothing."""
        return self._message

    @property
    def work(self) -> dict[str, tuple[str, float | None]]:
        """For each parameter that slow work is done for: what is done, and the share of it that is behind, if known."""
        return self._core.work()

    @property
    def speed(self) -> float:
        """Iterations per second over about the last second."""
        return self._core.speed.per_second()

    @contextmanager
    def _started(self) -> Iterator[State]:
        """Hold the state, at the start if nothing has moved yet.

        A start may take a search, so it is made before the state is held: others read and pause meanwhile.
        """
        self._core.ensure_start()
        with self._turnstile.visit():
            yield self._core.ensure_start()

    @contextmanager
    def _still(self) -> Iterator[None]:
        """Hold the state, while nothing is made ready for it as it was."""
        with self._core.undisturbed(), self._turnstile.visit():
            yield

    def frame(self) -> Frame:
        """The present embedding with its iteration, loss and parameters, all of one moment."""
        with self._started() as state:
            core = self._core
            Z = state.positions.detach().cpu().numpy().copy()
            scale = core.scale_at(core.iteration)
            return Frame(core.iteration, Z, core.loss, core.params(), core.seconds, self._state, scale)

    def neighbors_of(self, point: int, k: int = 15) -> tuple[np.ndarray, np.ndarray]:
        """The nearest neighbours of a point in X, as the run found them, nearest first.

        Returns:
            Indices (k,) int64 and distances (k,) float32 in the metric's own units; fewer where the run keeps fewer.

        Raises:
            ParameterError: if there is no such point, or k is not at least 1.
            StateError: as long as none have been found, or where the method keeps none.
        """
        for name, value, low, high in (("point", point, 0, self.n - 1), ("k", k, 1, None)):
            whole = isinstance(value, Integral) and not isinstance(value, bool)
            if not whole or value < low or (high is not None and value > high):
                limits = f"from {low}" if high is None else f"from {low} to {high}"
                raise ParameterError(f"{name} must be a whole number {limits}; got {value!r}.")
        problem = self._core.problem  # replaced as a whole, never changed: no need to wait for an iteration
        if problem is None:
            raise StateError("The neighbours have not been found yet; they are there once the run has moved.")
        if problem.neighbors is None:
            name = type(self.method).__name__
            raise StateError(f"{name} keeps no neighbours here: its affinities do not come from any.")
        found = problem.neighbors.first(min(int(k), problem.neighbors.k))
        return found.indices[point].cpu().numpy().copy(), found.distances[point].cpu().numpy().copy()

    def embedding_like_input(self) -> Any:
        """Z in the kind of container that X came in (a DataFrame with its index, a torch tensor, ...)."""
        with self._started() as state:
            return like_input(state.positions.clone(), self._core.rows)

    def describe(self) -> list[dict[str, Any]]:
        """All parameters as plain data; live ones with their `value` and whether they are `following` a schedule."""
        return Settings(self.method, self.n, self.params, self.following).describe()

    def settings_at(self, iterations: Iterable[int]) -> list[Settings]:
        """The method and its live values as they were at ascending iterations, a change made there included.

        Raises:
            ParameterError: if one lies before the start, or has not been reached.
        """
        wanted = [int(iteration) for iteration in iterations]
        with self._started() as state:
            core = self._core
            if wanted and not (wanted[0] >= 0 and wanted[-1] <= core.iteration and wanted == sorted(wanted)):
                raise ParameterError(
                    f"iterations must ascend from 0 to {core.iteration}, which the run has reached; "
                    f"got {wanted[0]} to {wanted[-1]}."
                )
            sizes = [len(ids) for _, ids in core.groups()]
            return settings_at(wanted, core.first_method, core.past.changes, state, sizes)
