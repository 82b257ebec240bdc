"""Symmetric matrices with given row sums, and row entropies, found by maximising a concave dual.

Each is the minimiser of a convex objective over symmetric matrices P whose rows sum to 1, on a fixed symmetric set of
pairs without loops, and has one or two dual variables per point:

- entropic: P_ij = exp((l_i + l_j - 2 C_ij) / (g_i + g_j)), with g given (Sinkhorn) or such that every row has one
  entropy (the symmetric entropic affinity);
- quadratic: P_ij = max(l_i + l_j - C_ij, 0) / eps.

Newton's method with conjugate gradients: the Hessian is a sum over pairs of squares of (a_i + a_j), a graph's signless
Laplacian, so that a few products per step are enough. All in float64.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numba
import numpy as np

from ne_interactive.graph.parallel import parallel, serial

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
"""Solved bandwidths stay above this, also where none gives so low an entropy: costs are such that the median is near 1."""
SWEEPS = 200
LEVELS = 2
LARGE = 2**17
"""Pairs from which threads are quicker than one."""


@dataclass(frozen=True)
class Pairs:
    """A symmetric set of pairs, as compressed rows, with costs: ``indptr`` (n + 1,), ``indices`` and ``costs`` (nnz,)."""

    indptr: np.ndarray
    indices: np.ndarray
    costs: np.ndarray

    @property
    def n(self) -> int:
        """Number of points."""
        return len(self.indptr) - 1


@dataclass(frozen=True)
class Solution:
    """P on the pairs (nnz,), the duals l and g (n,), and the largest error of a row sum or a row entropy."""

    P: np.ndarray
    l: np.ndarray  # noqa: E741
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
    l: np.ndarray,  # noqa: E741
    g: np.ndarray,
    entropy: float | None = None,
    tolerance: float = TOLERANCE,
) -> Solution:
    """Solve for l from the given start; also for g > 0.01 where an entropy (natural logarithm) is asked for."""
    W, U = np.empty_like(pairs.costs), np.empty_like(pairs.costs)
    both = entropy is not None
    target = entropy + 1 if entropy is not None else 0.0

    def evaluate(x: np.ndarray) -> _Point:
        width = x[1] if both else g
        sums = np.empty((6, pairs.n))
        _entropic_rows(pairs.indptr, pairs.indices, pairs.costs, x[0], width, W, U, sums)
        mass, spread, value, d = sums[0], sums[1], sums[2], sums[3:]
        total = value.sum() - x[0].sum() - (target * width.sum() if both else 0.0)
        gradient = np.stack([mass - 1, spread - target]) if both else (mass - 1)[None]
        return _Point(x, total, gradient, d)

    if both:
        g = np.maximum(g, 1.1 * LEAST_WIDTH)
    l = _balanced(pairs, l, g)
    start = np.stack([l, g]) if both else l[None]
    least = LEAST_WIDTH if both else None

    multiply = _product if len(W) >= LARGE else _small_product

    def product(v: np.ndarray, out: np.ndarray) -> None:
        multiply(pairs.indptr, pairs.indices, W, U, v, out)

    point, rounds = _newton(evaluate, product, start, tolerance, least)
    width = point.x[1] if both else g
    rows = np.repeat(np.arange(pairs.n), np.diff(pairs.indptr))
    return Solution(W * (width[rows] + width[pairs.indices]), point.x[0], width, _error(point, least), rounds)


def sinkhorn_duals(pairs: Pairs, eps: float) -> Solution:
    """Solve for l with g = eps, that is for row sums 1 of exp((l_i + l_j) / 2 eps) exp(-C_ij / eps).

    A small eps is approached from the scale of the costs, each solution the start of the next.
    """
    l = np.minimum.reduceat(pairs.costs, pairs.indptr[:-1])  # noqa: E741
    width = max(eps, float(np.median(pairs.costs)) / 5)
    while width > eps:
        l = entropic_duals(pairs, l, np.full(pairs.n, width), tolerance=0.01).l  # noqa: E741
        width = max(eps, width / 3)
    return entropic_duals(pairs, l, np.full(pairs.n, eps))


def quadratic_duals(pairs: Pairs, eps: float) -> Solution:
    """Solve for l; a small eps is approached as in `sinkhorn_duals`."""
    W, U, sums = np.empty_like(pairs.costs), np.zeros_like(pairs.costs), np.empty((6, pairs.n))
    typical = float(np.median(pairs.costs))
    width = max(eps, typical)
    l = (np.minimum.reduceat(pairs.costs, pairs.indptr[:-1]) + width) / 2  # noqa: E741
    for _ in range(LEVELS):
        _level(pairs.indptr, pairs.indices, pairs.costs, l, width)

    def evaluate(x: np.ndarray) -> _Point:
        _quadratic_rows(pairs.indptr, pairs.indices, pairs.costs, x[0], width, W, sums)
        return _Point(x, sums[2].sum() - x[0].sum(), (sums[0] - 1)[None], sums[3:].copy())

    multiply = _product if len(W) >= LARGE else _small_product

    def product(v: np.ndarray, out: np.ndarray) -> None:
        multiply(pairs.indptr, pairs.indices, W, U, v, out)

    while True:
        last = width == eps
        tolerance = TOLERANCE if last else 0.01
        point, rounds = _newton(evaluate, product, l[None], tolerance, damping=DAMPING / width)
        l = point.x[0]  # noqa: E741
        if last:
            break
        width = max(eps, width / 3)
    rows = np.repeat(np.arange(pairs.n), np.diff(pairs.indptr))
    P = np.maximum(l[rows] + l[pairs.indices] - pairs.costs, 0) / eps
    return Solution(P, l, np.full(pairs.n, eps), _error(point), rounds)


def _balanced(pairs: Pairs, l: np.ndarray, g: np.ndarray, wanted: float = 0.5) -> np.ndarray:  # noqa: E741
    """Bring the logarithms of the row sums near 0, row by row: Newton's steps start from where exp is moderate."""
    l = l.copy()  # noqa: E741
    for _ in range(SWEEPS):
        if _balance(pairs.indptr, pairs.indices, pairs.costs, l, g) < wanted:
            break
    return l


def _newton(
    evaluate: Callable[[np.ndarray], _Point],
    product: Callable[[np.ndarray, np.ndarray], None],
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
        step = _direction(product, point, least, damping * min(1.0, error))
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
    product: Callable[[np.ndarray, np.ndarray], None], point: _Point, least: float | None, damping: float
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
        product(along, out)
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


@parallel(fastmath=False)
def _entropic_rows(indptr, indices, costs, l, g, W, U, sums):  # noqa: E741
    """P / (g_i + g_j) into W, log P into U; per row: mass, entropy + 1, value, and the Hessian's own block."""
    for i in numba.prange(len(indptr) - 1):
        mass, spread, value, d0, d1, d2 = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
        for e in range(indptr[i], indptr[i + 1]):
            j = indices[e]
            s = g[i] + g[j]
            u = (l[i] + l[j] - 2 * costs[e]) / s
            p = np.exp(u)
            w = p / s
            if p > 0:
                spread -= p * (u - 1)
            mass += p
            value += p * s / 2
            wu = w * u if p > 0 else 0.0
            d0 += w
            d1 += wu
            d2 += wu * u
            W[e] = w
            U[e] = u if p > 0 else 0.0
        sums[0, i], sums[1, i], sums[2, i] = mass, spread, value
        sums[3, i], sums[4, i], sums[5, i] = d0, d1, d2


@serial(fastmath=False)
def _balance(indptr, indices, costs, l, g):  # noqa: E741
    """Bring one row's sum towards 1 after the other; gives the largest error in its logarithm."""
    worst = 0.0
    for i in range(len(l)):
        top = -np.inf
        for e in range(indptr[i], indptr[i + 1]):
            j = indices[e]
            top = max(top, (l[i] + l[j] - 2 * costs[e]) / (g[i] + g[j]))
        mass, weight = 0.0, 0.0
        for e in range(indptr[i], indptr[i + 1]):
            j = indices[e]
            s = g[i] + g[j]
            p = np.exp((l[i] + l[j] - 2 * costs[e]) / s - top)
            mass += p
            weight += p / s
        error = top + np.log(mass)
        worst = max(worst, abs(error))
        l[i] -= error * mass / weight
    return worst


@serial(fastmath=False)
def _level(indptr, indices, costs, l, eps):  # noqa: E741
    """Bring one row's quadratic sum to 1 after the other, from above: mass is convex and piecewise linear in l_i."""
    for i in range(len(l)):
        least = np.inf
        for e in range(indptr[i], indptr[i + 1]):
            least = min(least, costs[e] - l[indices[e]])
        own = least + eps
        for _ in range(50):
            mass, active = 0.0, 0
            for e in range(indptr[i], indptr[i + 1]):
                above = own + l[indices[e]] - costs[e]
                if above > 0:
                    mass += above
                    active += 1
            if active == 0 or mass <= eps * (1 + 1e-6):
                break
            own -= (mass - eps) / active
        l[i] = own


@parallel(fastmath=False)
def _quadratic_rows(indptr, indices, costs, l, eps, W, sums):  # noqa: E741
    for i in numba.prange(len(indptr) - 1):
        mass, value, active = 0.0, 0.0, 0.0
        for e in range(indptr[i], indptr[i + 1]):
            above = l[i] + l[indices[e]] - costs[e]
            on = above > 0
            W[e] = 1 / eps if on else 0.0
            if on:
                mass += above / eps
                value += above * above / (4 * eps)
                active += 1 / eps
        sums[0, i], sums[1, i], sums[2, i] = mass, 0.0, value
        sums[3, i], sums[4, i], sums[5, i] = active, 0.0, 0.0


@serial(fastmath=False)
def _product_row(i, indptr, indices, W, U, v, out):
    """Multiply a row by the Hessian: over pairs, (v0_i + v0_j) - log P (v1_i + v1_j)."""
    both = v.shape[0] == 2
    first, second = 0.0, 0.0
    for e in range(indptr[i], indptr[i + 1]):
        j = indices[e]
        t = v[0, i] + v[0, j]
        if both:
            t -= U[e] * (v[1, i] + v[1, j])
            second -= W[e] * U[e] * t
        first += W[e] * t
    out[0, i] = first
    if both:
        out[1, i] = second


@parallel(fastmath=False)
def _product(indptr, indices, W, U, v, out):
    for i in numba.prange(len(indptr) - 1):
        _product_row(i, indptr, indices, W, U, v, out)


@serial(fastmath=False)
def _small_product(indptr, indices, W, U, v, out):
    for i in range(len(indptr) - 1):
        _product_row(i, indptr, indices, W, U, v, out)
