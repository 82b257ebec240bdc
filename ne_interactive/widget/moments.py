"""What the timeline is told: curves of loss and quality, frames of the past, the run as a script."""

from __future__ import annotations

from typing import Any

import numpy as np

from ne_interactive.engine.reading import Frame
from ne_interactive.widget.wire import frame_message, number

MAX_CURVE = 400
"""Points of a curve that a view is told when it is opened."""
WORDS = {"triplet_accuracy": "triplets"}
"""On screen, where the name of a measure is not what is read there."""


def curves_message(run: Any) -> dict[str, Any]:
    """Tell the curves so far, thinned: names, iterations and values; the loss comes first."""
    iterations, losses = run.losses
    curves = [_curve("loss", iterations, losses)]
    measured = run.qualities
    for name, values in measured.items():
        if name != "iteration":
            curves.append(_curve(name, measured["iteration"], values))
    return {"k": "curves", "curves": curves}


def _curve(name: str, iterations: np.ndarray, values: np.ndarray) -> dict[str, Any]:
    step = max(1, -(-len(iterations) // MAX_CURVE))
    kept = slice(
        (len(iterations) - 1) % step if len(iterations) else 0, None, step
    )  # the last one among them
    return {
        "name": WORDS.get(name, name),
        "it": [int(iteration) for iteration in iterations[kept]],
        "v": [number(value) for value in values[kept]],
    }


def quality_message(run: Any) -> dict[str, Any]:
    """Tell what was measured last."""
    values = dict(run.quality)
    iteration = int(values.pop("iteration", 0))
    told = {WORDS.get(name, name): number(value) for name, value in values.items()}
    return {"k": "quality", "it": iteration, "values": told}


def past_message(run: Any, id: int, iteration: int) -> tuple[dict[str, Any], list[memoryview]]:
    """Give the frame of the past that lies nearest to an iteration, of the points that there are now."""
    frames = run.moments()
    at = min(frames, key=lambda kept: abs(kept - iteration))
    frame = Frame(at, frames[at], float("nan"), {}, 0.0, run.state, run.scale_at(at))
    header, buffers = frame_message(frame, run, key=False)
    return header | {"k": "past", "id": id}, buffers
