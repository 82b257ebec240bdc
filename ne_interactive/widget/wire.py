"""Frames as the browser reads them: a small header, and one buffer of positions."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ne_interactive.quality.text import plain_text

PROTOCOL = 1
MAX_CHANGES = 200  # told to a view
LEVELS = 65_535


def quantize(embedding: np.ndarray) -> tuple[np.ndarray, list[float], list[float]]:
    """Round positions Z (n, c) to 65,536 levels of their bounding box.

    Returns u (n, c) little-endian uint16, lo and sc with Z = lo + u * sc within half a level. Without extent
    along an axis sc is 0 there, which is exact. A position that is not finite goes to the lower corner.
    """
    levels = np.empty(embedding.shape, "<u2")
    lows, scales = [], []
    for axis in range(embedding.shape[1]):
        column = embedding[:, axis].astype(np.float64)
        low, high = _extent(column)
        scale = (high - low) / LEVELS
        column -= low
        column *= 1 / scale if scale > 0 else 0.0
        levels[:, axis] = np.rint(column, out=column)
        lows.append(low)
        scales.append(scale)
    return levels, lows, scales


def _extent(column: np.ndarray) -> tuple[float, float]:
    """Give lowest and highest finite value, and put what is not finite at the lowest."""
    low, high = float(column.min()), float(column.max())
    if math.isfinite(low) and math.isfinite(high):
        return low, high
    good = np.isfinite(column)
    low, high = (float(column[good].min()), float(column[good].max())) if good.any() else (0.0, 0.0)
    column[~good] = low
    return low, high


def frame_message(
    frame: Any, run: Any, seq: int = 0, *, key: bool
) -> tuple[dict[str, Any], list[memoryview]]:
    """Give header and buffers of one frame: float32 positions for a keyframe, else uint16.

    The buffer belongs to this message alone and cannot change: large ones are read later, by another thread.
    """
    Z = _drawn(frame.embedding)
    n, c = Z.shape
    if key:
        positions = np.asarray(Z, dtype="<f4")
        low, scale = [0.0] * c, [1.0] * c
    else:
        positions, low, scale = quantize(Z)
    header = {
        "k": "frame",
        "seq": seq,
        "it": int(frame.iteration),
        "n": n,
        "c": c,
        "q": "f32" if key else "u16",
    }
    header |= {"lo": low, "sc": scale, "scale": frame.scale}
    header |= {"loss": number(frame.loss), "state": str(frame.state)}
    header |= {"speed": number(run.speed) or 0.0, "seconds": number(frame.seconds) or 0.0}
    header |= {
        "params": plain(frame.params),
        "following": plain(run.following),
        "note": plain_text(run.message or ""),
        "work": work_of(run),
    }
    return header, [memoryview(positions.tobytes())]


def _drawn(embedding: np.ndarray) -> np.ndarray:
    """Positions (n, 2 or 3) as drawn: one dimension lies along the first axis."""
    return np.pad(embedding, ((0, 0), (0, 1))) if embedding.shape[1] == 1 else embedding


def status_message(run: Any, message: str | None = None) -> dict[str, Any]:
    """Say how the run stands; `message` replaces the run's own."""
    return {
        "k": "status",
        "state": str(run.state),
        "message": plain_text(run.message or "" if message is None else message, 1000),
        "error": None if run.error is None else plain_text(f"{type(run.error).__name__}: {run.error}", 1000),
        "it": int(run.iteration),
        "speed": number(run.speed) or 0.0,
        "loss": number(run.loss),
        "params": plain(run.params),
        "following": plain(run.following),
        "work": work_of(run),
        "changes": changes_of(run),
        "undo": undo_of(run),
    }


def work_of(run: Any) -> dict[str, list[Any]]:
    """Say what is being done for which parameter: one word, for which a control has room, and the share done."""
    return {
        name: [plain_text(what).partition(" ")[0], number(share)] for name, (what, share) in run.work.items()
    }


def changes_of(run: Any) -> list[list[Any]]:
    """Tell in words what was changed and when: the last of it, [iteration, text] each."""
    told = [[event.iteration, plain_text(text, 200)] for event in run.events if (text := _in_words(event))]
    return told[-MAX_CHANGES:]


def undo_of(run: Any) -> list[Any] | None:
    """Say what a person may want to take back: the last change, where it was one of which points there are."""
    told = [event for event in run.events if _in_words(event)]
    if not told or told[-1].kind not in ("remove", "add"):
        return None
    return [told[-1].iteration, plain_text(_in_words(told[-1]), 200)]


def _in_words(event: Any) -> str:
    detail = event.detail
    match event.kind:
        case "tune":
            pairs = detail["changes"].items()
            return ", ".join(f"{name} {_short(old)} to {_short(new)}" for name, (old, new) in pairs)
        case "pin" | "move" | "release":
            points = (
                f"point {detail['first'][0]}" if detail["points"] == 1 else f"{detail['points']:,} points"
            )
            return f"{event.kind} {points}"
        case "switch":
            return f"{detail['from']} to {detail['to']}"
        case "remove":
            return f"{_points(detail['points'])} removed"
        case "add":
            return f"{_points(detail['points'])} added"
        case "focus":
            return f"focus on {detail['points']:,} points"
        case "unfocus":
            return f"back to all {detail['n']:,} points"
        case "mark":
            return detail["name"]
        case "max_iter":
            return f"max_iter {detail['from']} to {detail['to']}"
        case _:
            return ""


def _points(count: int) -> str:
    return "1 point" if count == 1 else f"{count:,} points"


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def scene_of(run: Any) -> dict[str, Any]:
    """Say what is drawn: how many points, by which method, and whether they lie in the unit disk."""
    method = type(run.method)
    disk = run.c == 2 and bool(getattr(method, "disk", False))
    return {"n": run.n, "all": run.n_all, "c": max(run.c, 2), "method": method.__name__, "disk": disk}


def number(value: Any) -> float | None:
    """Give a finite float, or None: JSON knows neither NaN nor infinity."""
    try:
        value = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return value if math.isfinite(value) else None


def plain(value: Any) -> Any:
    """Give a value that JSON can carry: containers, strings, booleans, finite numbers; the rest as text."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, int):
        return value if abs(value) < 2**53 else number(value)
    if isinstance(value, float):
        return number(value)
    if isinstance(value, Mapping):
        return {plain_text(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    return plain_text(value)
