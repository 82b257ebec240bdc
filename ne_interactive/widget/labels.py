"""Labels as the browser reads them: a legend, and one 16-bit code for each point."""

from typing import Any

import numpy as np

from ne_interactive.quality.labels import Labels

TOP_CODE = 65_534
MISSING_CODE = 65_535


def legend(labels: Labels) -> dict[str, Any]:
    """Describe what the codes mean.

    `items` are the categories with their counts, the code being the index; a number runs from `low` (code 0)
    to `high` (code 65534), and `missing` points have the code 65535.
    """
    answer: dict[str, Any] = {
        "kind": labels.kind,
        "name": labels.name,
        "items": [],
        "low": 0.0,
        "high": 1.0,
        "missing": 0,
    }
    if labels.kind == "category":
        counts = np.bincount(labels.ids, minlength=len(labels.names)).tolist()
        answer["items"] = [{"label": text, "count": n} for text, n in zip(labels.names, counts, strict=True)]
    elif labels.kind == "number":
        answer["low"], answer["high"] = labels.scale()
        answer["missing"] = int(np.isnan(labels.values).sum())
    return answer


def codes(labels: Labels) -> bytes:
    """Give one little-endian uint16 for each point: its category, or its number scaled to 0 … 65534."""
    if labels.kind == "category":
        return labels.ids.astype("<u2").tobytes()
    if labels.kind == "none":
        return b""
    # Halved, so that the distance of two very large numbers stays finite.
    half = labels.values / 2
    low, high = (limit / 2 for limit in labels.scale())
    share = (half - low) / (high - low) if high > low else np.where(np.isnan(half), np.nan, 0.0)
    return np.where(np.isnan(share), MISSING_CODE, np.rint(share * TOP_CODE)).astype("<u2").tobytes()
