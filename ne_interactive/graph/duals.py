"""Symmetric matrices with given row sums, and row entropies, found by maximising a concave dual.

Each is the minimiser of a convex objective over symmetric matrices P whose rows sum to 1, on a fixed symmetric set of
pairs without loops, and has one or two dual variables per point:

- entropic: P_ij = exp((f_i + f_j - 2 C_ij) / (g_i + g_j)), with g given (Sinkhorn) or such that every row has one
  entropy (the symmetric entropic affinity);
- quadratic: P_ij = max(f_i + f_j - C_ij, 0) / eps.

Newton's method with conjugate gradients: the Hessian is a sum over pairs of squares of (a_i + a_j), a graph's signless
Laplacian, so that a few products per step are enough. All in float64.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ne_interactive.graph.dual_rows import (
    balance,
    entropic_rows,
    level,
    product,
    quadratic_rows,
    small_entropic_rows,
    small_product,
)

__all__ = ["Pairs", "Solution", "entropic_duals", "quadratic_duals", "sinkhorn_duals"]

ROUNDS = 200
PRODUCTS = 200
HALVINGS = 40
TOLERANCE = 1e-7
"""A row sum, and a row entropy, is this near to what it shall be."""
ROUNDING = 1e-5
"""An error below this that no longer falls is rounding."""
DAMPING = 0.1
LEAST_WIDTH = 0.01
"""Solved bandwidths stay above this, also where none gives so low an entropy; the median one is near 1."""
SWEEPS = 200
LEVELS = 2
LARGE = 2**17
"""Pairs from which threads are quicker than one."""


@dataclass(frozen=True)
class Pairs:
    """A symmetric set of pairs with costs, as compressed rows.

    ``indptr`` is (n + 1,), ``indices`` and ``costs`` (float64) are (nnz,); every pair is stored in both directions.
    """

    indptr: np.ndarray
    indices: np.ndarray
    costs: np.ndarray

    @property
    def n(self) -> int:
        """Number of points."""
        return len(self.indptr) - 1


@dataclass(frozen=True)
class Solution:
    """P on the pairs (nnz,), the duals f and g (n,), and the largest error of a row sum or a row entropy."""

    P: np.ndarray
    f: np.ndarray
    g: np.ndarray
    error: float
    rounds: int


@dataclass
class _Point:
    """The dual at one place: its value (to be minimised), gradient (m, n) and 2 x 2 blocks d (3, n) of the Hessian."""

    x: np.ndarray
    value: float
    gradient: np.ndarray
    d: np.ndarray


def entropic_duals(
    pairs: Pairs,
    f: np.ndarray,
    g: np.ndarray,
    entropy: float | None = None,
    tolerance: float = TOLERANCE,
) -> Solution:
    """Solve for f from the given start; also for g > 0.01 where an entropy (natural logarithm) is asked for."""
    W, U = np.empty_like(pairs.costs), np.empty_like(pairs.costs)
    both = entropy is not None
    target = entropy + 1 if entropy is not None else 0.0
    large = len(W) >= LARGE
    rows, multiply = (entropic_rows, product) if large else (small_entropic_rows, small_product)

    def evaluate(x: np.ndarray) -> _Point:
        width = x[1] if both else g
        sums = np.empty((6, pairs.n))
        rows(pairs.indptr, pairs.indices, pairs.costs, x[0], width, W, U, sums)
        mass, spread, value, d = sums[0], sums[1], sums[2], sums[3:]
        total = value.sum() - x[0].sum() - (target * width.sum() if both else 0.0)
        gradient = np.stack([mass - 1, spread - target]) if both else (mass - 1)[None]
        return _Point(x, total, gradient, d)

    if both:
        g = np.maximum(g, 1.1 * LEAST_WIDTH)
    f = _balanced(pairs, f, g)
    start = np.stack([f, g]) if both else f[None]
    least = LEAST_WIDTH if both else None

    def times(v: np.ndarray, out: np.ndarray) -> None:
        multiply(pairs.indptr, pairs.indices, W, U, v, out)

    point, rounds = _newton(evaluate, times, start, tolerance, least)
    width = point.x[1] if both else g
    own = np.repeat(np.arange(pairs.n), np.diff(pairs.indptr))
    return Solution(W * (width[own] + width[pairs.indices]), point.x[0], width, _error(point, least), rounds)


def sinkhorn_duals(pairs: Pairs, eps: float) -> Solution:
    """Solve for f with g = eps, that is for row sums 1 of exp((f_i + f_j) / 2 eps) exp(-C_ij / eps).

    A small eps is approached from the scale of the costs, each solution the start of the next.
    """
    f = np.minimum.reduceat(pairs.costs, pairs.indptr[:-1])
    width = max(eps, float(np.median(pairs.costs)) / 5)
    while width > eps:
        f = entropic_duals(pairs, f, np.full(pairs.n, width), tolerance=0.01).f
        width = max(eps, width / 3)
    return entropic_duals(pairs, f, np.full(pairs.n, eps))


def quadratic_duals(pairs: Pairs, eps: float) -> Solution:
    """Solve for f; a small eps is approached as in `sinkhorn_duals`."""
    W, U, sums = np.empty_like(pairs.costs), np.zeros_like(pairs.costs), np.empty((6, pairs.n))
    typical = float(np.median(pairs.costs))
    width = max(eps, typical)
    f = (np.minimum.reduceat(pairs.costs, pairs.indptr[:-1]) + width) / 2
    for _ in range(LEVELS):
        level(pairs.indptr, pairs.indices, pairs.costs, f, width)

    def evaluate(x: np.ndarray) -> _Point:
        quadratic_rows(pairs.indptr, pairs.indices, pairs.costs, x[0], width, W, sums)
        return _Point(x, sums[2].sum() - x[0].sum(), (sums[0] - 1)[None], sums[3:].copy())

    multiply = product if len(W) >= LARGE else small_product

    def times(v: np.ndarray, out: np.ndarray) -> None:
        multiply(pairs.indptr, pairs.indices, W, U, v, out)

    while True:
        last = width == eps
        tolerance = TOLERANCE if last else 0.01
        point, rounds = _newton(evaluate, times, f[None], tolerance, damping=DAMPING / width)
        f = point.x[0]
        if last:
            break
        width = max(eps, width / 3)
    rows = np.repeat(np.arange(pairs.n), np.diff(pairs.indptr))
    P = np.maximum(f[rows] + f[pairs.indices] - pairs.costs, 0) / eps
    return Solution(P, f, np.full(pairs.n, eps), _error(point), rounds)


def _balanced(pairs: Pairs, f: np.ndarray, g: np.ndarray, wanted: float = 0.5) -> np.ndarray:
    """Bring the logarithms of the row sums near 0, row by row: Newton's steps start from where exp is moderate."""
    f = f.copy()
    for _ in range(SWEEPS):
        if balance(pairs.indptr, pairs.indices, pairs.costs, f, g) < wanted:
            break
    return f


@np.errstate(all="ignore")
def _newton(
    evaluate: Callable[[np.ndarray], _Point],
    times: Callable[[np.ndarray, np.ndarray], None],
    start: np.ndarray,
    tolerance: float,
    least: float | None = None,
    damping: float = 0.0,
) -> tuple[_Point, int]:
    """Minimise; x[1], where there is one, stays above ``least``.

    The limit is kept by a diagonal term gradient / distance to the limit, where the gradient points at it (affine
    scaling, Coleman & Li 1996, doi:10.1137/0806023): steps then end before it. ``damping`` times the error is added to
    the diagonal.
    """
    point = evaluate(start)
    best, since = np.inf, 0
    for done in range(ROUNDS):
        error = _error(point, least)
        best, since = (error, 0) if error < best / 2 else (best, since + 1)
        if error < tolerance or (since >= 5 and error < ROUNDING):
            return point, done
        step = _direction(times, point, least, damping * min(1.0, error))
        slope = float((step * point.gradient).sum())
        slack = 1e-13 * (abs(point.value) + float(np.abs(point.x).sum()))
        length = 1.0
        for _ in range(HALVINGS):
            x = point.x + length * step
            if least is not None:
                x[1] = np.maximum(x[1], least + 0.05 * (point.x[1] - least))
            trial = evaluate(x)
            if trial.value <= point.value + 1e-4 * length * slope + slack:
                break
            length /= 2
        else:
            return evaluate(point.x), done
        point = trial
    return point, ROUNDS


def _room(point: _Point, least: float) -> np.ndarray:
    return np.maximum(point.x[1] - least, 1e-9 * least)


def _error(point: _Point, least: float | None = None) -> float:
    """Largest gradient; one that only presses a variable at its limit against it does not count."""
    gradient = np.abs(point.gradient)
    if least is not None:
        pressed = np.minimum(1, _room(point, least) / least)
        gradient[1] *= np.where(point.gradient[1] > 0, pressed, 1)
    worst = float(gradient.max())
    return worst if np.isfinite(worst) else np.inf


def _direction(
    times: Callable[[np.ndarray, np.ndarray], None], point: _Point, least: float | None, damping: float
) -> np.ndarray:
    """Solve Hessian @ step = -gradient by conjugate gradients, preconditioned by the blocks of each point."""
    d = point.d.copy()
    ridge = 1e-10 * d[[0, 2]][: len(point.x)] + (damping + 1e-300)
    if least is not None:
        ridge[1] += np.maximum(point.gradient[1], 0) / _room(point, least)
    d[[0, 2][: len(point.x)]] += ridge
    step, residual = np.zeros_like(point.x), -point.gradient
    z = _blocks(d, residual)
    along, out = z.copy(), np.empty_like(z)
    rho = first = float((residual * z).sum())
    goal = first * min(0.01, _error(point, least))
    for _ in range(PRODUCTS):
        times(along, out)
        out += ridge * along
        curvature = float((along * out).sum())
        if not curvature > 0:
            break
        step += rho / curvature * along
        residual -= rho / curvature * out
        z = _blocks(d, residual)
        rho, before = float((residual * z).sum()), rho
        if not rho > goal:
            break
        along = z + rho / before * along
    return step


def _blocks(d: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Solve the 2 x 2 system of every point (1 x 1 with one variable)."""
    if len(v) == 1:
        return v / d[:1]
    # scaled to ones on the diagonal: widths of outliers differ by many orders of magnitude
    p, q = np.sqrt(d[0]), np.sqrt(d[2])
    r = np.clip(-d[1] / (p * q), -1 + 1e-12, 1 - 1e-12)
    a, b = v[0] / p, v[1] / q
    return np.stack([(a - r * b) / p, (b - r * a) / q]) / (1 - r * r)
