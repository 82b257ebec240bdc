"""How a run is changed from outside, at any time and from any thread, and who is told."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from numbers import Integral, Real
from typing import Any

import torch

from ne_interactive.engine.background import Background
from ne_interactive.engine.listeners import Listener, Listeners
from ne_interactive.engine.past import Change
from ne_interactive.engine.pins import places_of, points_of
from ne_interactive.engine.reading import Reading
from ne_interactive.engine.timeline import Timeline
from ne_interactive.params.declare import REGISTRY
from ne_interactive.params.errors import ParameterError

MOST_ITERATIONS = 10**9  # of a run: schedules take shares of it in floats


class Steering(Reading):
    """The steering part of a `Stepper`."""

    def __init__(self, core: Timeline) -> None:
        super().__init__(core)
        self._listeners = Listeners()
        self._background = Background()
        self._max_speed: float | None = None
        self._due = 0.0  # when the next iteration may begin, where the speed is limited

    # changes

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

    def check(self, **changes: Any) -> None:
        """Raise what `tune` would raise, and change nothing.

        Raises:
            ParameterError: naming the parameter, its limits and what was given.
        """
        self._raise_if_failed()
        self._core.check(changes)

    def reset(self) -> dict[str, Any]:
        """Give all that was changed by hand back to its schedule, or to the value that the method was made with.

        Returns:
            The values in force.
        """
        return self.tune(**{name: getattr(self.method, name) for name in self._core.hand()})

    def pin(self, indices: Any) -> None:
        """Hold points where they are: they pull and push the others, but do not move until they are released.

        Args:
            indices: rows, unique whole numbers (m,), or a mask of n truth values.

        Raises:
            ParameterError: if they are no rows of X; then nothing is changed.
        """
        self._hold("pin", indices)

    def move(self, indices: Any, xy: Any) -> None:
        """Put points at xy (m, c) and pin them there; the others adapt from the next iteration on.

        A map that has come to rest wakes, and a learning rate that has come down rises again.

        Raises:
            ParameterError: if the indices are no rows of X, or the method puts no point there; then nothing is changed.
        """
        self._hold("move", indices, xy)

    def release(self, indices: Any = None) -> None:
        """Let pinned points move again, from rest; all of them by default. Those that are not pinned are left alone.

        Raises:
            ParameterError: if the indices are no rows of X; then nothing is changed.
        """
        self._hold("release", indices)

    def _hold(self, kind: str, indices: Any, xy: Any = None) -> None:
        self._raise_if_failed()
        values: dict[str, Any] = {}
        if indices is not None or kind != "release":
            values["indices"] = points_of(indices, self.n)
        if kind == "move":
            places = places_of(xy, len(values["indices"]), self.c)
            self.method.check_places(torch.from_numpy(places))
            values["xy"] = places.astype(str(self.method.precision).removeprefix("torch."))
        with self._started():
            self._core.hold(Change(self.iteration, kind, values))
        if kind != "pin":
            self._wake()
        self._tell("pins")

    def restart(self) -> None:
        """Back to iteration 0 from the same start; values set by hand stay, pins and a focus do not.

        A run at rest or failed goes on.
        """
        with self._still():
            self._core.restart()
            self._error = None
            self._message = ""
        self._wake()
        self._tell("points")
        self._tell("iteration")
        self._tell("pins")

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
        the old method; pins stay. A method whose kernel has a fixed width shrinks a wider map first, as a whole. A full
        run then ends after the new method's own number of iterations more.

        Raises:
            ParameterError: if the method does not fit the data, the number of components or the metric.
        """
        self._raise_if_failed()
        check_method(method)
        self._core.settle()  # the metric asked for may be on its way
        made, problem = self._core.prepared(method)
        with self._still():
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
        if (
            isinstance(value, bool)
            or not isinstance(value, Integral)
            or not least <= value <= MOST_ITERATIONS
        ):
            raise ParameterError(
                f"max_iter must be a whole number of iterations from {least} to {MOST_ITERATIONS}; got {value!r}."
            )
        self._raise_if_failed()
        with self._started():
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
        self._due = 0.0  # the next iteration need not wait as the old speed had it
        self._tell("params")

    def _raise_if_failed(self) -> None:
        if self._error is not None:
            raise self._error.with_traceback(self._raised_at)  # which would grow from call to call

    # telling

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Have `listener(run, what)` called at every change; returns a function that ends it.

        `what` is "iteration", "params", "pins", "points", "state", "method", "quality" or "failed". The call comes on
        the thread that made the change, or measured, and must return quickly.
        """
        return self._listeners.add(listener)

    def _tell(self, what: str) -> None:
        self._listeners.tell(self, what)

    def _say(self, message: str) -> None:
        self._message = message
        self._tell("state")

    def _set_state(self, state: str) -> None:
        if state != self._state:
            self._state = state
            self._tell("state")


def check_method(method: Any) -> None:
    """Refuse what is no method.

    Raises:
        ParameterError: saying what was given.
    """
    if isinstance(method, type):
        given = f"the class {method.__name__}"
    elif type(method).__name__ not in REGISTRY:
        given = repr(method)
    elif not dataclasses.is_dataclass(method):  # scikit-learn has a TSNE, too
        given = f"{method!r} of {type(method).__module__}"
    else:
        return
    raise ParameterError(f"method must be a method such as TSNE() or UMAP(); got {given}.")
