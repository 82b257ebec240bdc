"""Metrics: every one of them is a plain distance between rows that are prepared once."""

from dataclasses import dataclass

import torch

from ne_interactive.params.errors import DataError, ParameterError

__all__ = ["METRICS", "Flat", "check_metric", "flatten", "in_units", "single"]

METRICS = ("euclidean", "sqeuclidean", "cosine", "angular", "manhattan", "correlation", "hyperbolic")

CHUNK = 8192


@dataclass(frozen=True)
class Flat:
    """Rows whose plain distances have the order of a metric's.

    ``values`` (n, d). The plain distance of rows i and j is their squared Euclidean distance, or their Manhattan
    distance with ``manhattan``, times ``weights[i] * weights[j]`` where ``weights`` (n,) are given.
    """

    values: torch.Tensor
    weights: torch.Tensor | None = None
    manhattan: bool = False

    @property
    def d(self) -> int:
        """Columns."""
        return self.values.shape[1]

    def weight(self, rows: torch.Tensor) -> torch.Tensor | float:
        """Give the weights (q,) of some rows."""
        return 1.0 if self.weights is None else self.weights[rows]


def check_metric(metric: str) -> None:
    """Raise ParameterError unless the metric is one of ``METRICS``."""
    if metric not in METRICS:
        raise ParameterError(f"metric must be one of {', '.join(METRICS)}; got {metric!r}.")


def single(values: torch.Tensor, metric: str) -> torch.Tensor:
    """Give values (n, d) as float32.

    Data of float64 are centred first, by columns or by rows, where the metric does not see it, so that data far from
    the origin keep their digits.
    """
    if values.dtype == torch.float64 and metric in ("euclidean", "sqeuclidean", "manhattan"):
        values = values - values.mean(0)
    if values.dtype == torch.float64 and metric == "correlation":
        values = values - values.mean(1, keepdim=True)
    return values.to(torch.float32).contiguous()


def flatten(values: torch.Tensor, metric: str) -> Flat:
    """Prepare rows (n, d) of a floating dtype, which is kept, for distances in ``metric``.

    "euclidean", "sqeuclidean" (squared) and "manhattan" take rows as they are. "cosine" (1 - cosine), "angular" (the
    angle between rows in radians, in [0, pi]) and "correlation" (1 - Pearson's correlation) take directions. A row
    without one (all zeros; all equal for the correlation) is orthogonal to all that have one and equal to its like:
    cosine and correlation 1 and 0, angle pi / 2 and 0. "hyperbolic" is the geodesic distance in the Poincare ball of
    curvature -1, arccosh(1 + 2 |x - y|^2 / ((1 - |x|^2) (1 - |y|^2))) (Nickel & Kiela 2017, arXiv:1705.08039).

    Raises:
        ParameterError: Unknown metric.
        DataError: A row outside the open unit ball, for the hyperbolic metric.
    """
    check_metric(metric)
    if metric in ("cosine", "angular"):
        return Flat(_directions(values, (values == 0).all(1)))
    if metric == "correlation":
        return Flat(_directions(_row_centred(values), values.amax(1) == values.amin(1)))
    weights = _ball_weights(values) if metric == "hyperbolic" else None
    return Flat(values.contiguous(), weights, metric == "manhattan")


def in_units(distances: torch.Tensor, metric: str) -> torch.Tensor:
    """Turn the plain distances of prepared rows into the metric's own units."""
    if metric == "euclidean":
        return distances.sqrt()
    if metric in ("cosine", "correlation"):
        return distances / 2
    if metric == "angular":
        return 2 * (distances.sqrt() / 2).clamp(max=1).asin()
    # arccosh(1 + 2 t) is 2 arcsinh(sqrt(t)), which keeps its digits near 0.
    return 2 * distances.sqrt().asinh() if metric == "hyperbolic" else distances


def _directions(values: torch.Tensor, none: torch.Tensor) -> torch.Tensor:
    # Divided by the largest entry first: squares of very large or very small entries would leave the dtype's range.
    size = values.abs().amax(1, keepdim=True)
    scaled = values / torch.where(size > 0, size, 1.0)
    unit = scaled / scaled.norm(dim=1, keepdim=True).clamp_min(1e-30)
    if not bool(none.any()):
        return unit
    return torch.cat([unit.masked_fill(none[:, None], 0), none[:, None].to(unit.dtype)], 1)


def _row_centred(values: torch.Tensor) -> torch.Tensor:
    parts = []
    for block in values.split(CHUNK):
        double = block.double()
        parts.append((double - double.mean(1, keepdim=True)).to(values.dtype))
    return torch.cat(parts)


def _ball_weights(values: torch.Tensor) -> torch.Tensor:
    room = torch.cat([1 - block.double().square().sum(1) for block in values.split(CHUNK)])
    outside = (~(room > 0)).nonzero()[:, 0]
    if len(outside):
        row = int(outside[0])
        raise DataError(
            "The hyperbolic metric takes rows of norm below 1, points of the Poincare ball; row "
            f"{row} has norm {float(values[row].double().norm()):.6g} ({len(outside)} such rows). "
            "Scale the data into the ball, or choose another metric."
        )
    return (1 / room).to(values.dtype)
