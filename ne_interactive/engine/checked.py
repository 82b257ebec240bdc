"""What the JSON of a recipe must be: all is checked before any of it is used, and nothing is imported or run."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch

from ne_interactive.engine import packing
from ne_interactive.engine.past import HOLDS
from ne_interactive.engine.pins import places_of, points_of
from ne_interactive.params.errors import DataError, NEError
from ne_interactive.params.param import check_live

FORMAT = 3
_DIGEST = re.compile(r"[0-9a-f]{32}")


def check_recipe(facts: Any) -> None:
    """Refuse what is no recipe.

    Raises:
        DataError: naming the part that is missing or wrong, or the later version that wrote it.
        ParameterError: a method that is not defined here, or a value outside its limits.
    """
    if not isinstance(facts, Mapping) or "recipe" not in facts:
        raise DataError("This is not the JSON of a recipe. Write one with str(run.recipe()).")
    if facts["recipe"] != FORMAT:
        raise DataError(
            f"The recipe has format {facts['recipe']!r:.20}; this version reads format {FORMAT}. "
            "Install the version that wrote it."
        )
    _expect(facts, "iteration", _count)
    _expect(facts, "neighbors", _count)
    _expect(facts, "widest", _count)
    _expect(facts, "rough", lambda value: isinstance(value, bool))
    _expect(facts, "embedding", _digest)
    _expect(facts, "made with", lambda value: isinstance(value, Mapping) and _texts(value.items()))
    _expect(facts, "data", lambda value: isinstance(value, Mapping))
    _expect(facts["data"], "fingerprint", _digest)
    _expect(facts["data"], "shape", _shape)
    _method(facts, "start")
    method = _method(facts, "first")
    _expect(facts, "branches", lambda value: isinstance(value, list) and all(map(_branch, value)))
    _expect(facts, "changes", lambda value: isinstance(value, list))
    n, at = _begun_with(facts), 0
    whole = n  # all points, of which n may be a focus
    for change in facts["changes"]:
        _expect({"changes": change}, "changes", lambda value: isinstance(value, Mapping))
        possible = range(at, facts["iteration"] + 1)
        _expect(change, "iteration", lambda value, there=possible: _count(value) and value in there)
        _expect(change, "neighbors", _count)
        _expect(change, "digest", lambda value: value == "" or _digest(value))
        _expect(change, "values", lambda value: isinstance(value, Mapping))
        at = change["iteration"]
        kind = change.get("kind")
        if (kind in ("add", "remove") and n != whole) or (kind == "unfocus" and n == whole):
            raise DataError(f"The recipe's change {kind!r} does not fit what is focused on before it.")
        method, n = _change(change, method, n)
        whole = n if kind in ("add", "remove") else whole
        n = whole if kind == "unfocus" else n
    if (
        sum(change["kind"] == "add" for change in facts["changes"])
        != len(facts["added"]) - facts["began with"]
    ):
        raise DataError("The recipe's 'added' does not tell as many tables as its changes add.")


def _change(change: Mapping[str, Any], method: Any, n: int) -> tuple[Any, int]:
    """Check one change to a run of n points; returns the method and the number of points from then on."""
    kind, values = change.get("kind"), change["values"]
    if kind == "switch":
        return _method(change, "method"), n
    if kind == "tune":
        check_live(method, values, n)
    elif kind == "mark":
        _expect(values, "mark", lambda value: isinstance(value, str))
    elif kind == "max_iter":
        _expect(values, "max_iter", lambda value: _count(value) and value > 0)
    elif kind == "remove":
        return method, n - len(_hold(kind, values, method, n))
    elif kind == "focus":
        return method, len(_hold(kind, values, method, n))
    elif kind == "unfocus":
        _expect(values, "refined", lambda value: isinstance(value, bool))
    elif kind == "add":
        _expect(values, "rows", lambda value: _count(value) and value > 0)
        return method, n + values["rows"]
    elif kind in HOLDS:
        _hold(kind, values, method, n)
    elif kind != "neighbours":
        raise DataError(f"The recipe has a change of the unknown kind {kind!r:.40}.")
    return method, n


def _hold(kind: str, values: Mapping[str, Any], method: Any, n: int) -> np.ndarray:
    """Check points that were pinned, moved, released or removed; returns them."""
    wanted = {"move": [{"indices", "xy"}], "release": [set(), {"indices"}]}.get(kind, [{"indices"}])
    try:
        arrays = {name: packing.array_of(one) for name, one in values.items()}
    except Exception as error:  # whatever a wrong part leads to
        raise DataError(f"The recipe's change {kind!r} cannot be read: {error!r:.200}.") from error
    if set(arrays) not in wanted:
        raise DataError(
            f"The recipe's change {kind!r} has other parts than it must have: {sorted(arrays)!r:.80}."
        )
    indices = points_of(arrays.get("indices", ()), n)
    if kind == "move":
        method.check_places(torch.from_numpy(places_of(arrays["xy"], len(indices), method.n_components)))
    return indices


def _begun_with(facts: Mapping[str, Any]) -> int:
    """Check the tables and the points that the run began with; returns how many points."""
    _expect(facts, "added", lambda value: isinstance(value, list))
    for table in facts["added"]:
        _expect({"added": table}, "added", lambda value: isinstance(value, Mapping))
        _expect(table, "fingerprint", _digest)
        _expect(table, "shape", _shape)
    _expect(facts, "began with", lambda value: _count(value) and value <= len(facts["added"]))
    shapes = [facts["data"]["shape"], *(table["shape"] for table in facts["added"][: facts["began with"]])]
    _expect(facts, "members", lambda value: value is None or isinstance(value, Mapping))
    if facts["members"] is None:
        return shapes[0][0]
    return len(_hold("remove", {"indices": facts["members"]}, None, sum(shape[0] for shape in shapes)))


def _method(facts: Mapping[str, Any], name: str) -> Any:
    _expect(facts, name, lambda value: isinstance(value, Mapping))
    try:
        return packing.method_of(facts[name])
    except NEError:
        raise
    except Exception as error:  # whatever a wrong part leads to
        raise DataError(f"The recipe's method {name!r} cannot be read: {error!r:.200}.") from error


def _expect(facts: Mapping[str, Any], name: str, fits: Callable[[Any], bool]) -> None:
    if name not in facts:
        raise DataError(f"The recipe lacks {name!r}.")
    if not fits(facts[name]):
        raise DataError(f"The recipe's {name!r} is not what it must be; got {facts[name]!r:.80}.")


def _count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _digest(value: Any) -> bool:
    return isinstance(value, str) and _DIGEST.fullmatch(value) is not None


def _texts(items: Any) -> bool:
    return all(isinstance(part, str) for item in items for part in item)


def _shape(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(_count(part) and part > 0 for part in value)


def _branch(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(_count, value))
