"""Methods and changes as plain data that JSON holds, and back."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np

from ne_interactive.engine import store
from ne_interactive.engine.past import HOLDS, Change

POINTS = (*HOLDS, "remove", "focus")  # changes that name points
FEW = 64  # numbers of an array that are spelt out


def pack_method(method: Any, seed: int) -> dict[str, Any]:
    """A method with its parameters; arrays among them as base64."""
    facts, arrays = store.pack_method(method, seed)
    return facts | {"arrays": {name: pack_array(array) for name, array in arrays.items()}}


def method_of(facts: Mapping[str, Any]) -> Any:
    """The method that `pack_method` took apart."""
    arrays = {name: array_of(one) for name, one in facts["arrays"].items()}
    return store.unpack_method(dict(facts), arrays)


def pack_change(change: Change, seed: int) -> dict[str, Any]:
    """A change without what only this process needs."""
    values = change.values
    if change.kind in POINTS:
        values = {name: pack_array(array, FEW) for name, array in values.items()}
    facts = {"iteration": change.iteration, "kind": change.kind, "values": dict(values)}
    facts |= {"digest": change.digest, "neighbors": change.k}
    return facts | ({"method": pack_method(change.method, seed)} if change.method else {})


def change_of(facts: Mapping[str, Any]) -> Change:
    """The change that `pack_change` took apart."""
    method = method_of(facts["method"]) if facts.get("method") else None
    k, values = facts["neighbors"], facts["values"]
    if facts["kind"] in POINTS:
        values = {name: array_of(one) for name, one in values.items()}
    return Change(facts["iteration"], facts["kind"], values, facts["digest"], k, method=method)


def pack_array(array: np.ndarray, few: int = 0) -> dict[str, Any]:
    """Type, shape, and bytes; or the numbers, where there are few."""
    facts: dict[str, Any] = {"dtype": array.dtype.str, "shape": list(array.shape)}
    if array.size <= few:
        return facts | {"numbers": array.ravel().tolist()}
    return facts | {"bytes": base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()}


def array_of(facts: Mapping[str, Any]) -> np.ndarray:
    """The array that `pack_array` took apart."""
    if "numbers" in facts:
        return np.array(facts["numbers"], facts["dtype"]).reshape(facts["shape"])
    raw = base64.b64decode(facts["bytes"], validate=True)
    return np.frombuffer(raw, facts["dtype"]).reshape(facts["shape"]).copy()
