"""How a run moves: step by step or as a whole in the caller's thread, or by itself in the background."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from numbers import Integral
from typing import Any, Self

from ne_interactive.engine.growing import Growing
from ne_interactive.engine.reading import Frame
from ne_interactive.engine.step import step
from ne_interactive.engine.timeline import Timeline
from ne_interactive.graph.helpers import let_go_of_helpers
from ne_interactive.params.errors import ParameterError, StateError

HOLD = 0.02  # seconds between looks at a run that is held
LONGEST_NAP = 0.5  # seconds until a very slow run sees that it is held, or has another speed
FLUID = (
    1 / 30
)  # seconds from iteration to iteration while neighbours are searched beside, which needs the cores
SLICE = 0.05  # seconds that arun keeps the event loop's helper thread
_rehearsed: set[tuple[type, int, Any]] = set()  # method, dimensions, device


class Moving(Growing):
    """The moving part of a `Stepper`."""

    def __init__(self, core: Timeline) -> None:
        super().__init__(core)
        self._driver = False

    # moving in the caller's thread

    def step(self, n: int = 1) -> Frame:
        """Take n iterations, whatever `max_iter` says; returns the last frame.

        Raises:
            ParameterError: if n is no whole number from 1 on.
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

        Raises:
            ParameterError: if `every` is no whole number from 1 on, or a change is refused.
            StateError: while the run moves by itself.
        """
        _check_count("every", every)
        self._claim("frames")
        if self._state == "stopped":
            self._set_state("paused")
        while True:
            changes = yield self.frame()
            self._claim("frames")
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
            let_go_of_helpers()
            while self._under_way(end):
                if self._state == "paused":
                    await asyncio.sleep(HOLD)
                else:
                    await asyncio.to_thread(self._slice, end)
        return self.frame()

    def _slice(self, end: int | None) -> None:
        until = time.perf_counter() + SLICE
        while time.perf_counter() < until and self._state == "running" and not self._reached(end):
            self._advance(wait=False)

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

    def _advance(self, wait: bool = True) -> None:
        state = self._state
        while self._state == state and self._too_early():
            pass
        moved = False
        while not moved:
            self._core.settle(wait)
            with self._turnstile.turn():
                moved = self._core.problem is not None  # else a restart came between
                if moved:
                    self._core.turn(donate=False)
        self._tell("iteration")
        self._pace()

    def _too_early(self) -> bool:
        """Whether the next iteration has to wait for its time; naps for a part of it."""
        if self._max_speed is None:
            return False
        left = self._due - time.perf_counter()
        time.sleep(max(0.0, min(left, LONGEST_NAP)))
        return left > LONGEST_NAP

    def _pace(self) -> None:
        if self._core.works_beside:
            took = self._core.latest
            time.sleep(min(max(FLUID - took, took), LONGEST_NAP))
        if self._max_speed is not None:
            self._due = max(self._due, time.perf_counter() - self._core.latest) + 1 / self._max_speed

    def _claim(self, name: str) -> None:
        self._raise_if_failed()
        if self._state == "running":
            raise StateError(f"{name}() cannot move a run that moves by itself; call pause() first.")

    # moving in the background

    def start(self) -> Self:
        """Let the run move in a thread of its own until it rests, is paused or is stopped; returns the run.

        The thread ends when nothing refers to the run any more.
        """
        self._raise_if_failed()
        if self._driver:
            raise StateError("start() cannot take over from run() or arun(); wait until it has returned.")
        let_go_of_helpers()  # of this thread, which now leaves the computing to another
        self._background.ensure(self)
        self.resume()
        return self

    def resume(self) -> None:
        """Go on after `pause`, or from rest, until the map rests again.

        Starts the background thread where nothing else drives the run.
        """
        self._raise_if_failed()
        if not self._driver and not self._background.alive():
            self.start()
            return
        with self._turnstile.visit():
            if self._core.at_rest():
                self._core.stir()
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
        if self._too_early():
            return
        try:
            if self._core.state is None:
                self._core.ensure_start()
                self._tell("iteration")
            recorded = len(self._core.events)
            with self._core.telling():  # of kernels that compile
                self._core.settle(wait=False)
                self._rehearse()
                with self._turnstile.turn():
                    if self._state != "running" or self._core.problem is None:  # restarted meanwhile
                        return
                    self._core.turn(donate=True)
                    rests = self._core.at_rest()
                    if rests:
                        self._state = "resting"
                        self._background.go.clear()
            self._tell("iteration")
            if len(self._core.events) > recorded:  # what was asked for is made now, and has its iteration
                self._tell("params")
            if rests:
                self._tell("state")
            self._pace()
        except BaseException as error:
            self._error, self._raised_at = error, error.__traceback__
            self._message = str(error)
            self._background.go.clear()
            self._state = "failed"
            self._tell("failed")

    def _rehearse(self) -> None:
        """Before the first iteration of its kind make it once for nothing: what compiles does so with nothing held."""
        core = self._core
        kind = type(core.method), core.method.n_components, core.rows.device
        if kind in _rehearsed:
            return
        with self._turnstile.visit():  # what belongs together; others replace it, and write to none of it
            method, problem, state = core.method, core.problem, core.state
        if state is not None and problem is not None:
            step(method, problem, state)
            _rehearsed.add(kind)


def _check_count(name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
        raise ParameterError(f"{name} must be a whole number of iterations, at least 1; got {value!r}.")
