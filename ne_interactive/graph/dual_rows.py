"""Row by row: sums of the matrices of `duals`, products with the Hessian, and first guesses."""

import numba
import numpy as np

from ne_interactive.graph.parallel import parallel, serial

__all__ = [
    "balance",
    "entropic_rows",
    "level",
    "product",
    "quadratic_rows",
    "small_entropic_rows",
    "small_product",
]


@serial(fastmath=False)
def _entropic_row(i, indptr, indices, costs, f, g, W, U, sums):
    """P / (g_i + g_j) into W, log P into U; of a row: mass, entropy + 1, value, and the Hessian's own block."""
    mass, spread, value, d0, d1, d2 = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for e in range(indptr[i], indptr[i + 1]):
        j = indices[e]
        s = g[i] + g[j]
        u = (f[i] + f[j] - 2 * costs[e]) / s
        p = np.exp(u)
        if p == 0:  # log P may be so low that its square is infinite
            u = 0.0
        w = p / s
        mass += p
        spread -= p * (u - 1)
        value += p * s / 2
        d0 += w
        d1 += w * u
        d2 += w * u * u
        W[e] = w
        U[e] = u
    sums[0, i], sums[1, i], sums[2, i] = mass, spread, value
    sums[3, i], sums[4, i], sums[5, i] = d0, d1, d2


@parallel(fastmath=False)
def entropic_rows(indptr, indices, costs, f, g, W, U, sums):
    """Do `_entropic_row` for every row, in threads."""
    for i in numba.prange(len(indptr) - 1):
        _entropic_row(i, indptr, indices, costs, f, g, W, U, sums)


@serial(fastmath=False)
def small_entropic_rows(indptr, indices, costs, f, g, W, U, sums):
    """Do `_entropic_row` for every row, in one thread."""
    for i in range(len(indptr) - 1):
        _entropic_row(i, indptr, indices, costs, f, g, W, U, sums)


@serial(fastmath=False)
def balance(indptr, indices, costs, f, g):
    """Bring one row's sum towards 1 after the other; gives the largest error in its logarithm."""
    worst = 0.0
    for i in range(len(f)):
        top = -np.inf
        for e in range(indptr[i], indptr[i + 1]):
            j = indices[e]
            top = max(top, (f[i] + f[j] - 2 * costs[e]) / (g[i] + g[j]))
        mass, weight = 0.0, 0.0
        for e in range(indptr[i], indptr[i + 1]):
            j = indices[e]
            s = g[i] + g[j]
            p = np.exp((f[i] + f[j] - 2 * costs[e]) / s - top)
            mass += p
            weight += p / s
        error = top + np.log(mass)
        worst = max(worst, abs(error))
        f[i] -= error * mass / weight
    return worst


@serial(fastmath=False)
def level(indptr, indices, costs, f, eps):
    """Bring one row's quadratic sum to 1 after the other, from above: mass is convex and piecewise linear in f_i."""
    for i in range(len(f)):
        least = np.inf
        for e in range(indptr[i], indptr[i + 1]):
            least = min(least, costs[e] - f[indices[e]])
        own = least + eps
        for _ in range(50):
            mass, active = 0.0, 0
            for e in range(indptr[i], indptr[i + 1]):
                above = own + f[indices[e]] - costs[e]
                if above > 0:
                    mass += above
                    active += 1
            if active == 0 or mass <= eps * (1 + 1e-6):
                break
            own -= (mass - eps) / active
        f[i] = own


@parallel(fastmath=False)
def quadratic_rows(indptr, indices, costs, f, eps, W, sums):
    """Write 1 / eps where P is above 0 into W; per row: mass, 0, value, and the Hessian's own block."""
    for i in numba.prange(len(indptr) - 1):
        mass, value, active = 0.0, 0.0, 0.0
        for e in range(indptr[i], indptr[i + 1]):
            above = f[i] + f[indices[e]] - costs[e]
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
def product(indptr, indices, W, U, v, out):
    """Do `_product_row` for every row, in threads."""
    for i in numba.prange(len(indptr) - 1):
        _product_row(i, indptr, indices, W, U, v, out)


@serial(fastmath=False)
def small_product(indptr, indices, W, U, v, out):
    """Do `_product_row` for every row, in one thread."""
    for i in range(len(indptr) - 1):
        _product_row(i, indptr, indices, W, U, v, out)
