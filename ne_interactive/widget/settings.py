"""What a person can set in the live view: the method, its live parameters, and the pace; all described alike."""

from dataclasses import replace
from typing import Any

from ne_interactive.methods import METHODS
from ne_interactive.params.errors import ParameterError
from ne_interactive.params.param import Param
from ne_interactive.quality.text import plain_text
from ne_interactive.widget.stream import Stream
from ne_interactive.widget.wire import plain

GROUPS = ("method", "forces", "neighbours", "optimizer")
"""The order in which they are shown; groups of a method of one's own come next, the pace last."""
MOST_PAIRS = 20_000
"""Points beyond which methods that sum all pairs are not offered: an iteration would take many seconds."""
_METHOD = "method"
_SWITCH = "Goes on from the same positions, with the neighbours already known; what was set by hand ends."


def _pace(name: str, help: str, kind: Any) -> Param:
    return Param(
        name=name, default="auto", help=help, kind=kind, low=1 if kind == "integer" else 0, high=None,
        open_low=kind == "number", open_high=False, slider=(None, None), choices=(), scale="linear", group="pace",
        live=True, redo="nothing", auto=True,
    )  # fmt: skip


EVERY = _pace(
    "frame every", "So many iterations lie between frames, and the run waits until each is seen; 'auto' shows "
    "as many as the link carries, at full speed.", "integer",
)  # fmt: skip
LIMIT = _pace(
    "speed limit", "Most iterations a second, so that the eye can follow; 'auto' is full speed.", "number"
)

_PYTHON = {EVERY.name: replace(EVERY, name="every"), LIMIT.name: replace(LIMIT, name="max_speed")}
"""What messages call them: `view.every`, `run.max_speed`."""


class Settings:
    """The controls of one view: their descriptions, their values, and what setting one does."""

    def __init__(self, stream: Stream) -> None:
        """Describe the run of `stream`, and its pace."""
        self._stream = stream

    @property
    def _run(self) -> Any:
        return self._stream.run

    def rows(self) -> list[dict[str, Any]]:
        """Describe every control as plain data, in the order in which they are shown; none for a map that stands."""
        if not hasattr(self._run, "tune"):
            return []
        return [*self._method(), *live_controls(self._run), *(self._paced(param) for param in (EVERY, LIMIT))]

    def slow(self, name: str) -> bool:
        """Whether setting this takes long, so that it must not hold up the rest."""
        return name == _METHOD

    def set(self, name: str, value: Any) -> None:
        """Set one of them.

        Raises:
            ParameterError: if there is none of this name, or it does not take the value.
        """
        if name in (EVERY.name, LIMIT.name):
            checked = _PYTHON[name].check(value, "run" if name == LIMIT.name else "view")
            wanted = None if checked == "auto" else checked
            if name == EVERY.name:
                self._stream.every = wanted
            else:
                self._run.max_speed = wanted
        elif name == _METHOD:
            self._switch(value)
        elif any(row["name"] == name for row in live_controls(self._run)):
            self._run.tune(**{name: value})
        else:
            raise ParameterError(f"There is no live parameter {plain_text(name, 40)!r}.")

    def reset(self) -> None:
        """Give everything back to its schedule, or to what the method was made with."""
        self._stream.every = None
        self._run.max_speed = None
        self._run.reset()

    def value(self, name: str) -> Any:
        """Its value in force."""
        known = self.pace() | {_METHOD: type(self._run.method).__name__}
        return plain(known[name] if name in known else self._run.params.get(name))

    def told(self, status: dict[str, Any]) -> dict[str, Any]:
        """A status with the pace beside the run's own parameters."""
        pace = plain(self.pace())
        follows = {name: value == "auto" for name, value in pace.items()}
        return status | {"params": status["params"] | pace, "following": status["following"] | follows}

    def pace(self) -> dict[str, Any]:
        """The values that are no parameter of the method; "auto" where none was set."""
        return {EVERY.name: self._stream.every or "auto", LIMIT.name: self._run.max_speed or "auto"}

    def _paced(self, param: Param) -> dict[str, Any]:
        value = self.pace()[param.name]
        return plain(param.describe() | {"value": value, "following": value == "auto"})

    def _method(self) -> list[dict[str, Any]]:
        names = methods_for(self._run)
        help = _SWITCH
        if len(names) < len(METHODS):
            help += f" Beyond {MOST_PAIRS:,} points, methods that sum all pairs are left out."
        described = Param(
            name=_METHOD, default=names[0], help=help, kind="choice", low=None, high=None, open_low=False,
            open_high=False, slider=(None, None), choices=tuple(names), scale="linear", group="", live=True,
            redo="nothing", auto=False,
        ).describe()  # fmt: skip
        value = type(self._run.method).__name__
        return [plain(described | {"value": value, "default": None, "following": False})]

    def _switch(self, name: Any) -> None:
        known = {cls.__name__: cls for cls in METHODS.values()}
        if name not in methods_for(self._run):
            raise ParameterError(
                f"method must be one of {', '.join(methods_for(self._run))}; got {plain_text(name, 40)}."
            )
        run = self._run
        if name == type(run.method).__name__:
            return
        same = {"n_components": run.c, "metric": run.params["metric"]}
        same |= {name: getattr(run.method, name) for name in ("device", "backend", "verbose")}
        run.switch(known[name](**same))


def methods_for(run: Any) -> list[str]:
    """Names of the methods that a run of so many points can well go on with, its own included."""
    own = type(run.method)
    fit = [cls for cls in METHODS.values() if run.n <= MOST_PAIRS or not cls.all_pairs]
    return sorted({cls.__name__ for cls in [*fit, own]}, key=str.lower)


def live_controls(run: Any) -> list[dict[str, Any]]:
    """Describe the parameters that can be changed while the run goes on, with the values in force; or those of then.

    Their "default" is what a reset gives: the value that the method was made with.
    """
    rows = [
        row | {"default": getattr(run.method, row["name"], None)} for row in run.describe() if row.get("live")
    ]
    return [plain(row) for row in sorted(rows, key=_place)]


def _place(row: dict[str, Any]) -> tuple[bool, int, bool]:
    """The main control first; then by group, numbers before choices."""
    group = row.get("group")
    return (
        not row.get("axis"),
        GROUPS.index(group) if group in GROUPS else len(GROUPS),
        row.get("kind") == "choice",
    )
