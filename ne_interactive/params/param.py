"""A parameter is declared once: one dataclass field holds its default, limits, meaning and cost.

Validation, docstrings, `describe()`, the widget's controls and the wire schema all read this one declaration.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any, Literal

from ne_interactive.params.errors import ParameterError
from ne_interactive.params.names import nearest

Kind = Literal["number", "integer", "choice", "switch", "other"]
Redo = Literal["nothing", "kernel", "weights", "graph", "layout"]
Bound = float | str | None  # "n - 1" is known only once the data are


@dataclasses.dataclass(frozen=True, slots=True)
class Param:
    """What one parameter may be, what it means and what it costs to change it.

    `low` and `high` are hard limits; `open_low` and `open_high` exclude the limit itself. `slider` holds the
    ends that a control offers. `redo` names what must be computed again after a change. The one parameter of a method
    with an `axis` is its main control; these are the names of the control's two ends.
    """

    name: str
    default: Any
    help: str
    kind: Kind
    low: Bound
    high: Bound
    open_low: bool
    open_high: bool
    slider: tuple[Bound, Bound]
    choices: tuple[Any, ...]
    scale: Literal["linear", "log"]
    group: str
    live: bool
    redo: Redo
    auto: bool
    axis: tuple[str, str] | tuple[()] = ()

    def limits(self, n: int | None = None) -> tuple[float | None, float | None]:
        """Hard limits as numbers; those that depend on the data are None while n, the number of points, is."""
        return _resolve(self.low, n), _resolve(self.high, n)

    def check(self, value: Any, owner: str, n: int | None = None) -> Any:
        """The value in its plain Python type.

        Raises:
            ParameterError: naming the parameter, its limits and what was given.
        """
        if self.auto and isinstance(value, str) and value == "auto":
            return value
        label = f"{owner}.{self.name}"
        if self.kind == "choice":
            return self._check_choice(value, label)
        if self.kind == "switch":
            if not isinstance(value, bool) and type(value).__name__ not in ("bool_", "bool"):
                raise ParameterError(f"{label} must be True or False; got {value!r}.")
            return bool(value)
        if self.kind in ("number", "integer"):
            return self._check_number(value, label, n)
        return value

    def _check_choice(self, value: Any, label: str) -> Any:
        for choice in self.choices:
            if type(choice) is type(value) and choice == value:
                return choice
        raise ParameterError(f"{label} must be one of {', '.join(map(repr, self.choices))}; got {value!r}.")

    def _check_number(self, value: Any, label: str, n: int | None) -> float | int:
        integer = self.kind == "integer"
        wanted = "a whole number" if integer else "a number"
        if self.auto:
            wanted += " or 'auto'"
        right_type = isinstance(value, Integral) or (
            isinstance(value, Real) and (not integer or float(value).is_integer())
        )
        if isinstance(value, bool) or not right_type:
            raise ParameterError(f"{label} must be {wanted}; got {value!r}.")
        plain: Any = value
        try:
            number = float(plain)
        except OverflowError:  # a whole number beyond all floats
            number = math.inf if plain > 0 else -math.inf
        number = int(plain) if integer and math.isfinite(number) else number
        low, high = self.limits(n)
        below = low is not None and (number <= low if self.open_low else number < low)
        above = high is not None and (number >= high if self.open_high else number > high)
        if below or above or not math.isfinite(number):
            none = low is not None and high is not None and (low > high or (low == high and self.open_high))
            advice = " No value does: pass more rows." if none else ""
            raise ParameterError(f"{label} must {self._interval(n)}; got {_short(number)}.{advice}")
        return number

    def _interval(self, n: int | None) -> str:
        text = f"lie in {self._between(*self.limits(n))}"
        if isinstance(self.high, str) and n is not None:
            text += f" for {n} points ({'below' if self.open_high else 'at most'} {self.high})"
        return text

    def range(self) -> str:
        """The hard limits as text, such as "(1, n - 1)"; "" where there are none."""
        return "" if self.low is None and self.high is None else self._between(self.low, self.high)

    def _between(self, low: Bound, high: Bound) -> str:
        left = "(" if self.open_low or low is None else "["
        right = ")" if self.open_high or high is None else "]"
        return f"{left}{_short(low, '-inf')}, {_short(high, 'inf')}{right}"

    def describe(self, n: int | None = None) -> dict[str, Any]:
        """This parameter as plain JSON-ready data, for controls, docs and the command line."""
        low, high = self.limits(n)
        ui_low, ui_high = self._slider(n)
        return {
            "name": self.name,
            "kind": self.kind,
            "help": self.help,
            "default": self.default,
            "low": low,
            "high": high,
            "ui_low": ui_low,
            "ui_high": ui_high,
            "choices": list(self.choices),
            "scale": self.scale,
            "group": self.group,
            "live": self.live,
            "redo": self.redo,
            "auto": self.auto,
            "axis": list(self.axis),
        }

    def _slider(self, n: int | None) -> tuple[float | None, float | None]:
        low, high = self.limits(n)
        ui_low = _resolve(self.slider[0], n)
        ui_high = _resolve(self.slider[1], n)
        ui_low = low if ui_low is None else ui_low
        ui_high = high if ui_high is None else ui_high
        if high is not None and ui_high is not None:
            inside = high - (1 if self.kind == "integer" else 1e-3 * abs(high)) if self.open_high else high
            ui_high = min(ui_high, inside)
        if ui_low is not None and ui_high is not None:
            ui_low = min(ui_low, ui_high)
        return ui_low, ui_high


def param(
    default: Any,
    help: str,
    *,
    kind: Kind | None = None,
    bounds: tuple[Bound, Bound] = (None, None),
    closed: Literal["both", "low", "high", "neither"] = "both",
    slider: tuple[Bound, Bound] = (None, None),
    choices: tuple[Any, ...] = (),
    scale: Literal["linear", "log"] = "linear",
    group: str = "method",
    live: bool = False,
    redo: Redo = "layout",
    auto: bool = False,
    axis: tuple[str, str] | tuple[()] = (),
) -> Any:
    """A dataclass field that declares one parameter (see `Param`)."""
    made = Param(
        name="",
        default=default,
        help=help,
        kind=kind or _kind(default, choices),
        low=bounds[0],
        high=bounds[1],
        open_low=closed in ("high", "neither"),
        open_high=closed in ("low", "neither"),
        slider=slider,
        choices=choices,
        scale=scale,
        group=group,
        live=live,
        redo=redo,
        auto=auto,
        axis=axis,
    )
    return dataclasses.field(default=default, metadata={"param": made})


def again(base: type, name: str, **changes: Any) -> Any:
    """A field that declares a parameter of the base class again, with some of its facts changed."""
    made = dataclasses.replace(params_of(base)[name], **changes)
    return dataclasses.field(default=made.default, metadata={"param": made})


def params_of(method: Any) -> Mapping[str, Param]:
    """Every declared parameter of a method (class or instance), by name, in order of declaration."""
    cls = method if isinstance(method, type) else type(method)
    cached = cls.__dict__.get("_params")
    if cached is None:
        cached = {
            field.name: dataclasses.replace(field.metadata["param"], name=field.name)
            for field in dataclasses.fields(cls)
            if "param" in field.metadata
        }
        cls._params = cached
    return cached


def describe(method: Any, n: int | None = None) -> list[dict[str, Any]]:
    """All parameters of a method as plain data: name, kind, limits, choices, group, help and cost of change.

    n, the number of points, resolves the limits that depend on the data.
    """
    return [p.describe(n) for p in params_of(method).values()]


def check_all(method: Any, n: int | None = None) -> None:
    """Validate every parameter of a method instance.

    Raises:
        ParameterError: for the first value outside its limits.
    """
    for name, p in params_of(method).items():
        p.check(getattr(method, name), type(method).__name__, n)


def plain_counts(method: Any, n: int | None = None) -> None:
    """Give whole numbers of a method instance their plain type: 15.0 and a numpy integer become 15.

    Raises:
        ParameterError: for the first one outside its limits.
    """
    for name, p in params_of(method).items():
        if p.kind == "integer":
            setattr(method, name, p.check(getattr(method, name), type(method).__name__, n))


def check_live(method: Any, changes: Mapping[str, Any], n: int | None = None) -> dict[str, Any]:
    """Validate changes to a running method; all or nothing.

    Raises:
        ParameterError: for an unknown name, one that cannot change mid-run, or a value outside its limits.
    """
    declared = params_of(method)
    owner = type(method).__name__
    live = [name for name, p in declared.items() if p.live]
    checked = {}
    for name, value in changes.items():
        if name not in declared:
            meant = nearest(name, live)
            hint = f" Did you mean {meant}?" if meant else ""
            raise ParameterError(f"{owner} has no parameter {name!r}; live ones are {', '.join(live)}.{hint}")
        if not declared[name].live:
            raise ParameterError(
                f"{owner}.{name} cannot change during a run (it needs a new layout); live parameters are "
                f"{', '.join(live)}. Start a new run to change it."
            )
        checked[name] = declared[name].check(value, owner, n)
    return checked


def _kind(default: Any, choices: tuple[Any, ...]) -> Kind:
    if choices:
        return "choice"
    if isinstance(default, bool):
        return "switch"
    if isinstance(default, int):
        return "integer"
    return "number" if isinstance(default, float) else "other"


def _resolve(bound: Bound, n: int | None) -> float | None:
    if isinstance(bound, str):
        return None if n is None else {"n": n, "n - 1": n - 1, "n - 2": n - 2}[bound]
    return bound


def _short(number: Bound, missing: str = "") -> str:
    if isinstance(number, str):
        return number
    return missing if number is None else f"{number:.6g}"
