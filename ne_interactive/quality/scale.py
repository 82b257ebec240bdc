"""The size at which a map agrees best with its data."""

import math
from collections.abc import Callable
from typing import Any

__all__ = ["best_scale"]

REACH = 4.0
"""Logarithm of how far from one unit the best distance to neighbours may be."""


def best_scale(divergence: Callable[[float], float], spread: float, tolerance: float) -> tuple[float, float]:
    """Find the logarithm of the factor by which a map is stretched where a divergence is least, and that divergence.

    ``spread`` is the map's mean squared distance to neighbours, positive: the search begins where these lie one unit
    apart, and keeps within bounds, as a map without structure may have no best scale.
    """
    from scipy.optimize import minimize_scalar

    start = -0.5 * math.log(spread)
    bounds = (start - REACH, start + REACH)
    best: Any = minimize_scalar(divergence, bounds=bounds, method="bounded", options={"xatol": tolerance})
    return float(best.x), float(best.fun)
