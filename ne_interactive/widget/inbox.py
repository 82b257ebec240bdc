"""What the browser may say: every message is checked here before anything is done with it."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ne_interactive.params.errors import ParameterError
from ne_interactive.quality.text import plain_text
from ne_interactive.widget.selection import unpacked

ACTIONS = ("play", "pause", "step", "restart", "reset")
MAX_VIEW_NAME = 64
MAX_VALUE_TEXT = 200
_LIMIT = 2**53


class Malformed(Exception):
    """A message of a known kind with a field that is not what it must be."""


def read_message(content: object, n: int, buffers: Sequence[Any] = ()) -> dict[str, Any] | None:
    """Give the checked fields of a message for n points, and no others; None for an unknown kind.

    Raises:
        Malformed: a field is missing, or has a wrong type or range.
    """
    if not isinstance(content, Mapping):
        return None
    kind = content.get("k")
    if not isinstance(kind, str):
        return None
    get = content.get
    match kind:
        case "hello" | "bye":
            return {"k": kind, "view": _view(get("view"))} | (
                {"protocol": get("protocol")} if kind == "hello" else {}
            )
        case "ack":
            return {"k": kind, "view": _view(get("view")), "seq": _integer("seq", get("seq"))}
        case "visible":
            if not isinstance(get("visible"), bool):
                raise Malformed("visible must be true or false.")
            return {"k": kind, "view": _view(get("view")), "visible": get("visible")}
        case "set":
            name = get("name")
            if not isinstance(name, str):
                raise Malformed("name must be the name of a parameter.")
            fields = {"k": kind, "id": _integer("id", get("id")), "name": name}
            return fields | {"value": _value(get("value"))}
        case "do":
            if not (isinstance(get("action"), str) and get("action") in ACTIONS):
                raise Malformed(
                    f"action must be one of {', '.join(ACTIONS)}; got {plain_text(get('action'), 40)!r}."
                )
            return {"k": kind, "action": get("action")}
        case "rewind" | "branch":
            return {"k": kind, "iteration": _integer("iteration", get("iteration"))}
        case "look":
            fields = {"k": kind, "id": _integer("id", get("id"))}
            return fields | {"iteration": _integer("iteration", get("iteration"))}
        case "turn":
            return {"k": kind, "branch": _integer("branch", get("branch"))}
        case "script":
            return {"k": kind, "id": _integer("id", get("id"))}
        case "unfocus":
            if not isinstance(get("refined"), bool):
                raise Malformed("refined must be true or false.")
            return {"k": kind, "id": _integer("id", get("id")), "refined": get("refined")}
        case "mark":  # the moment looked at, or without an iteration the present one
            name = get("name")
            if not (isinstance(name, str) and name.strip() and len(name) <= MAX_VALUE_TEXT):
                raise Malformed(f"A name must be a text of 1 to {MAX_VALUE_TEXT} characters.")
            at = None if get("iteration") is None else _integer("iteration", get("iteration"))
            return {"k": kind, "name": name.strip(), "iteration": at}
        case "hover" | "neighbors":
            point = _integer("point", get("point"))
            if point >= n:
                raise Malformed(f"point must lie in 0 to {n - 1}; got {point}.")
            return {"k": kind, "id": _integer("id", get("id")), "point": point}
        case "color":
            name = get("name")
            if not (isinstance(name, str) and len(name) <= MAX_VALUE_TEXT):
                raise Malformed("name must be the name of a column.")
            return {"k": kind, "name": name}
        case "search":
            text = get("text")
            if not (isinstance(text, str) and len(text) <= MAX_VALUE_TEXT):
                raise Malformed(f"text must be a text of at most {MAX_VALUE_TEXT} characters.")
            return {"k": kind, "id": _integer("id", get("id")), "text": text}
        case "select" | "pin" | "remove" | "focus" | "errors":
            return {"k": kind, "id": _integer("id", get("id")), "points": _points(buffers, n)}
        case "release":  # without points, of all
            points = _points(buffers, n) if len(buffers) else None
            return {"k": kind, "id": _integer("id", get("id")), "points": points}
        case "move":
            points = _points(buffers[:1], n)
            places = _places(buffers[1:], len(points))
            return {"k": kind, "id": _integer("id", get("id")), "points": points, "places": places}
        case _:
            return None


def request_id(content: object) -> int | None:
    """Give the `id` of a message if it has a usable one, so that a refusal can name it."""
    try:
        return _integer("id", content.get("id")) if isinstance(content, Mapping) else None
    except Malformed:
        return None


def _view(value: object) -> str:
    if not (isinstance(value, str) and 0 < len(value) <= MAX_VIEW_NAME):
        raise Malformed(f"view must be a text of 1 to {MAX_VIEW_NAME} characters.")
    return value


def _integer(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < _LIMIT:
        raise Malformed(f"{name} must be a whole number from 0; got {plain_text(value, 40)!r}.")
    return value


def _points(buffers: Sequence[Any], n: int) -> np.ndarray:
    if len(buffers) != 1:
        raise Malformed(f"points must come in one buffer; got {len(buffers)}.")
    try:
        return unpacked(buffers[0], n)
    except (ParameterError, TypeError, ValueError) as error:
        raise Malformed(str(error)) from None


def _places(buffers: Sequence[Any], m: int) -> np.ndarray:
    """Read finite places (m, 2 or 3), little-endian float32."""
    size = memoryview(buffers[0]).nbytes if len(buffers) == 1 else -1
    if m == 0 or size not in (8 * m, 12 * m):
        raise Malformed(f"places must come in one buffer, 2 or 3 numbers of 4 bytes for each of {m} points.")
    places = np.frombuffer(bytes(buffers[0]), "<f4").reshape(m, -1)
    if not np.isfinite(places).all():
        raise Malformed("places must be finite.")
    return places


def _value(value: object) -> float | int | str | bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and len(value) <= MAX_VALUE_TEXT:
        return value
    if isinstance(value, int) and abs(value) < _LIMIT:
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    raise Malformed(
        f"value must be a finite number, a short text, or true or false; got {plain_text(value, 40)!r}."
    )
