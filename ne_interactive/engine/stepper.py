"""The stepping optimizer: a run that is stepped, iterated over, left to itself, steered, saved and taken up again."""

from __future__ import annotations

import asyncio
import os
import time
import warnings
import weakref
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from numbers import Integral, Real
from pathlib import Path
from typing import Any

from ne_interactive.engine import store
from ne_interactive.engine.background import Background
from ne_interactive.engine.core import Core
from ne_interactive.engine.placing import Map
from ne_interactive.engine.reading import Frame, Reading
from ne_interactive.engine.snapshot import pack_run, unpack_run
from ne_interactive.params.declare import REGISTRY
from ne_interactive.params.errors import ParameterError, StateError

HOLD = 0.02  # seconds between looks at a run that is held
LONGEST_NAP = 1.0  # seconds between iterations, so that a very low speed can still be changed
SLICE = 0.05  # seconds that arun keeps the event loop's helper thread

Listener = Callable[["Stepper", str], None]


class Stepper(Reading):
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
        _check_method(method)
        super().__init__(Core(X, method, _weakly(self._say)))
        self._listeners: list[Listener] = []
        self._background = Background()
        self._driver = False
        self._due = 0.0  # when the next iteration may begin, where the speed is limited
        self._max_speed: float | None = None

    def __repr__(self) -> str:
        return f"Stepper({type(self.method).__name__}, n={self.n}, iteration={self.iteration}, {self.state})"

    # steering

    def tune(self, **changes: Any) -> dict[str, Any]:
        """Change live parameters from the next iteration on; "auto" gives one back to its schedule.

        Returns:
            The values in force.

        Raises:
            ParameterError: naming the parameter, its limits and what was given; then nothing is changed.
        """
        self._raise_if_failed()
        self._core.ask(changes)
        if changes:
            self._wake()
        self._tell("params")
        return self.params

    def restart(self) -> None:
        """Back to iteration 0 from the same start; values set by hand stay. A run at rest or failed goes on."""
        with self._turnstile.visit():
            self._core.restart()
            self._error = None
            self._message = ""
        self._wake()
        self._tell("iteration")

    def _wake(self) -> None:
        with self._turnstile.visit():
            if self._state not in ("resting", "failed"):
                return
            self._state = "running" if self._background.alive() else "paused"
            if self._state == "running":
                self._background.go.set()
        self._tell("state")

    def switch(self, method: Any) -> None:
        """Go on with another method from the same positions, with the neighbours already known.

        It begins where its schedules suit a map that is there: early phases are left out. Values set by hand end with
        the old method. A method whose kernel has a fixed width shrinks a wider map first, as a whole. A full run then
        ends after the new method's own number of iterations more.

        Raises:
            ParameterError: if the method does not fit the data, the number of components or the metric.
        """
        self._raise_if_failed()
        _check_method(method)
        made, problem = self._core.prepared(method)
        with self._turnstile.visit():
            self._core.switch(made, problem)
        self._wake()
        self._tell("method")

    @property
    def max_iter(self) -> int:
        """Iteration at which `run` and `frames` end; set it to make the run longer or shorter.

        Schedules stretch with it.

        Raises:
            ParameterError: when set to anything but a whole number beyond the iteration at which the method began.
        """
        return self._core.max_iter()

    @max_iter.setter
    def max_iter(self, value: int) -> None:
        least = self._core.outlook().joined + 1
        if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
            raise ParameterError(
                f"max_iter must be a whole number of iterations, at least {least}; got {value!r}."
            )
        self._raise_if_failed()
        with self._turnstile.visit():
            self._core.extend(int(value))
        self._wake()
        self._tell("params")

    @property
    def max_speed(self) -> float | None:
        """Most iterations per second, so that the eye can follow; None is full speed.

        Raises:
            ParameterError: when set to anything but None or a positive number.
        """
        return self._max_speed

    @max_speed.setter
    def max_speed(self, value: float | None) -> None:
        number = isinstance(value, Real) and not isinstance(value, bool)
        if value is not None and not (number and 0 < value < float("inf")):
            raise ParameterError(
                f"max_speed must be a positive number of iterations per second, or None for full speed; got {value!r}."
            )
        self._max_speed = None if value is None else float(value)

    # moving in the caller's thread

    def step(self, n: int = 1) -> Frame:
        """Take n iterations, whatever `max_iter` says.

        Raises:
            StateError: while the run moves by itself.
        """
        _check_count("n", n)
        self._claim("step")
        if self._state in ("resting", "stopped"):
            self._set_state("paused")
        for _ in range(n):
            self._advance()
        return self.frame()

    def frames(self, every: int = 10) -> Generator[Frame, Mapping[str, Any] | None, None]:
        """Yield a frame now and after every `every` iterations until `max_iter` or rest; always the last one.

        `send({"exaggeration": 4})` changes parameters as `tune` does, and returns the next frame.
        """
        _check_count("every", every)
        self._claim("frames")
        while True:
            changes = yield self.frame()
            if changes:
                self.tune(**changes)
            if self._state == "stopped" or self._reached(None):
                return
            for _ in range(every):
                if not self._reached(None):
                    self._advance()

    def run(self, n: int | None = None) -> Frame:
        """Take n iterations, or go on until `max_iter` or rest; returns the last frame.

        A pause asked for by another thread holds it; `stop` ends it.

        Raises:
            StateError: while the run moves by itself.
        """
        with self._driving("run", n) as end:
            while self._under_way(end):
                if self._state == "paused":
                    time.sleep(HOLD)
                else:
                    self._advance()
        return self.frame()

    async def arun(self, n: int | None = None) -> Frame:
        """As `run`, in slices beside the event loop, so that controls and other tasks are served meanwhile."""
        with self._driving("arun", n) as end:
            while self._under_way(end):
                if self._state == "paused":
                    await asyncio.sleep(HOLD)
                else:
                    await asyncio.to_thread(self._slice, end)
        return self.frame()

    def _slice(self, end: int | None) -> None:
        until = time.perf_counter() + SLICE
        while time.perf_counter() < until and self._state == "running" and not self._reached(end):
            self._advance()

    @contextmanager
    def _driving(self, name: str, n: int | None) -> Iterator[int | None]:
        if n is not None:
            _check_count("n", n)
        self._claim(name)
        self._driver = True
        self._set_state("running")
        try:
            yield None if n is None else self.iteration + n
        finally:
            self._driver = False
            if self._state != "stopped":
                self._set_state("resting" if n is None and self._core.at_rest() else "paused")

    def _under_way(self, end: int | None) -> bool:
        return self._state != "stopped" and not self._reached(end)

    def _reached(self, end: int | None) -> bool:
        if end is None:
            return self.iteration >= self.max_iter or self._core.at_rest()
        return self.iteration >= end

    def _advance(self, donate: bool = False) -> None:
        self._core.settle()
        with self._turnstile.turn():
            self._core.turn(donate)
        self._tell("iteration")
        self._pace()

    def _pace(self) -> None:
        if self._max_speed is not None:
            now = time.perf_counter()
            self._due = max(self._due + 1 / self._max_speed, now)
            time.sleep(min(self._due - now, LONGEST_NAP))

    def _claim(self, name: str) -> None:
        self._raise_if_failed()
        if self._state == "running":
            raise StateError(f"{name}() cannot move a run that moves by itself; call pause() first.")

    # moving in the background

    def start(self) -> Stepper:
        """Let the run move in a thread of its own until it rests, is paused or is stopped; returns the run.

        The thread ends when nothing refers to the run any more.
        """
        self._raise_if_failed()
        if self._driver:
            raise StateError("start() cannot take over from run() or arun(); wait until it has returned.")
        self._background.ensure(self)
        self.resume()
        return self

    def resume(self) -> None:
        """Go on after `pause`; starts the background thread where nothing else drives the run."""
        self._raise_if_failed()
        if not self._driver and not self._background.alive():
            self.start()
            return
        with self._turnstile.visit():
            self._state = "running"
            self._core.speed.clear()
            self._background.go.set()
        self._tell("state")

    def pause(self) -> None:
        """Hold the run where it is; returns after the iteration under way."""
        with self._turnstile.visit():
            if self._state not in ("running", "resting"):
                return
            self._state = "paused"
            self._background.go.clear()
        self._tell("state")

    def stop(self) -> None:
        """End the background thread, or the `run` or `arun` under way; `start` or `step` take the run up again."""
        with self._turnstile.visit():
            self._background.end()
            if self._state != "failed":
                self._state = "stopped"
        self._tell("state")

    def join(self, timeout: float | None = None) -> Frame:
        """Wait until the background thread rests, is paused or ends; returns the present frame.

        Raises:
            TimeoutError: if it still runs after `timeout` seconds.
            NEError: what ended the thread, if it failed.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while self._state == "running" and self._background.alive():
            if deadline is not None and time.monotonic() > deadline:
                raise TimeoutError(
                    f"the run still goes on after {timeout:g} s, at iteration {self.iteration}."
                )
            time.sleep(HOLD)
        self._raise_if_failed()
        return self.frame()

    def _cycle(self) -> None:
        """One round of the background thread."""
        try:
            if self._core.state is None:
                self._core.ensure_start()
                self._tell("iteration")
            self._core.settle()
            with self._turnstile.turn():
                if self._state != "running":
                    return
                self._core.turn(donate=True)
                rests = self._core.at_rest()
                if rests:
                    self._state = "resting"
                    self._background.go.clear()
            self._tell("iteration")
            if rests:
                self._tell("state")
            self._pace()
        except BaseException as error:
            self._error = error
            self._message = str(error)
            self._background.go.clear()
            self._state = "failed"
            self._tell("failed")

    def _raise_if_failed(self) -> None:
        if self._error is not None:
            raise self._error

    # telling

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Have `listener(run, what)` called at every change; returns a function that ends it.

        `what` is "iteration", "params", "state", "method" or "failed". The call comes on the thread that made the
        change and must return quickly.
        """
        self._listeners.append(listener)

        def unsubscribe() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return unsubscribe

    def _tell(self, what: str) -> None:
        for listener in tuple(self._listeners):
            try:
                listener(self, what)
            except Exception as error:
                if listener in self._listeners:
                    self._listeners.remove(listener)
                warnings.warn(f"a listener of the run failed and was dropped: {error!r}", stacklevel=2)

    def _say(self, message: str) -> None:
        self._message = message
        self._tell("state")

    def _set_state(self, state: str) -> None:
        if state != self._state:
            self._state = state
            self._tell("state")

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


def _weakly(call: Callable[[str], None]) -> Callable[[str], None]:
    """The bound method without a hold on its object, which thus lives no longer than its users want it."""
    reference = weakref.WeakMethod(call)

    def forward(text: str) -> None:
        method = reference()
        if method is not None:
            method(text)

    return forward


def _check_method(method: Any) -> None:
    if isinstance(method, type) or type(method).__name__ not in REGISTRY:
        given = f"the class {method.__name__}" if isinstance(method, type) else repr(method)
        raise ParameterError(f"method must be a method such as TSNE() or UMAP(); got {given}.")


def _check_count(name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
        raise ParameterError(f"{name} must be a whole number of iterations, at least 1; got {value!r}.")
