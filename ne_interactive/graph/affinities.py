"""Distances become weights: each point's bandwidth is set so that it has the asked-for number of neighbours."""

import math

import numba
import numpy as np
import torch

from ne_interactive.graph.exponential import exp_minus
from ne_interactive.graph.parallel import parallel, serial
from ne_interactive.params.errors import ParameterError

__all__ = ["bandwidths", "entropic", "fuzzy", "without_tail"]

ROUNDS = 100
EXACT, CLOSE = 1e-5, 1e-4
"""Errors of a row's entropy, in float64 and in float32, that one more step, which squares them, takes away."""
NEARLY_ALL = 0.95
"""Share of the neighbours: at perplexities beyond it entropies are so flat that float32 cannot tell precisions."""
FEW = 33
"""Rows whose precisions tell where to look for those of the others."""
LEAST_BANDWIDTH = 1e-3
"""UMAP bandwidths are at least this fraction of the row's mean distance."""


def entropic(distances_sq: torch.Tensor, perplexity: float) -> torch.Tensor:
    """Weigh neighbours by a Gaussian whose row entropy is log(perplexity).

    van der Maaten & Hinton 2008, Visualizing data using t-SNE, equation 1.

    Args:
        distances_sq: (n, k) squared distances, ascending or not.
        perplexity: effective number of neighbours, in [1, k).

    Returns:
        (n, k) float32 conditional probabilities, rows summing to 1. A row whose neighbours are all at one distance is
        uniform; one with at least ``perplexity`` neighbours at its least distance is uniform over these.

    Raises:
        ParameterError: The perplexity is outside [1, k); with a single neighbour only 1 is possible.
    """
    k = distances_sq.shape[1]
    if not (1 <= perplexity < k or (k == 1 and perplexity == 1)):
        raise ParameterError(
            f"perplexity must lie in [1, {k}) for {k} neighbours per point; got {perplexity:g}. "
            "Lower it, or find more neighbours."
        )
    given = _array(distances_sq)
    P = np.empty_like(given)
    if len(given):
        _entropic(given, float(perplexity), _usual(given, float(perplexity)), P)
    return torch.from_numpy(P).to(distances_sq.device)


def without_tail(P: torch.Tensor, tail: float) -> torch.Tensor:
    """Set entries of P (n, k) float32 below the share ``tail`` of their row's largest to 0, in place."""
    array = P.numpy(force=True)
    _cut(array, np.float32(tail))
    return torch.from_numpy(array).to(P.device)


def bandwidths(indptr: np.ndarray, distances_sq: np.ndarray, perplexity: float) -> np.ndarray:
    """Find the bandwidth 1 / beta of every row at which exp(-beta d^2) has the entropy log(perplexity).

    ``indptr`` (n + 1,) and ``distances_sq`` (nnz,) float64 are compressed rows, each longer than the perplexity. Gives
    (n,) float64: 0 where ``perplexity`` or more distances equal the least, infinity where all are equal.
    """
    found = np.empty(len(indptr) - 1)
    _bandwidths(indptr, distances_sq, float(perplexity), found)
    return found


def fuzzy(distances: torch.Tensor) -> torch.Tensor:
    """Weigh neighbours by UMAP's fuzzy membership (McInnes, Healy & Melville 2018, arXiv:1802.03426, algorithm 3).

    distances (n, k) ascending, without the point itself, which UMAP counts: k neighbours here are n_neighbors = k + 1
    there. Returns (n, k) float32 in [0, 1]: 1 up to the nearest neighbour at a distance above 0, then falling
    exponentially, at a rate such that the row sums to log2(k + 1).
    """
    given = _array(distances)
    k = given.shape[1]
    W = np.empty_like(given)
    mean = float(np.mean(given, dtype=np.float64)) * k / (k + 1)
    _fuzzy(given, math.log2(k + 1), mean, W)
    return torch.from_numpy(W).to(distances.device)


def _array(distances: torch.Tensor) -> np.ndarray:
    return np.ascontiguousarray(distances.detach().cpu().numpy(), dtype=np.float32)


@serial
def _moments(above, beta):
    """Sums of p, p x and p x^2 over the entries x of a row, p = exp(-beta x), in the row's own precision."""
    if above.itemsize == 4:
        s0, s1, s2 = np.float32(0), np.float32(0), np.float32(0)
        for j in range(len(above)):
            p = exp_minus(np.float32(beta) * above[j])
            s0 += p
            s1 += p * above[j]
            s2 += p * above[j] * above[j]
        return np.float64(s0), np.float64(s1), np.float64(s2)
    t0, t1, t2 = 0.0, 0.0, 0.0
    for j in range(len(above)):
        q = math.exp(-beta * above[j])
        t0 += q
        t1 += q * above[j]
        t2 += q * above[j] * above[j]
    return t0, t1, t2


@serial(fastmath=False)
def _between(trial, least, most):
    """The trial, or where it does not lie between these bounds a number that does."""
    if least < trial < most:
        return trial
    return 0.5 * (least + most) if most < math.inf else 4 * least


@serial(fastmath=False)
def _precision(above, perplexity, beta, tolerance):
    """Find the precision at which exp(-precision above) has the entropy log(perplexity), by safe Newton steps.

    ``above``: a row's values less their least, of mean 1. ``beta``: where the search begins.
    """
    target = math.log(perplexity)
    least, most = 0.0, math.inf
    for _ in range(ROUNDS):
        s0, s1, s2 = _moments(above, beta)
        first = s1 / s0
        error = math.log(s0) + beta * first - target
        if error > 0:
            least = beta
        else:
            most = beta
        slope = beta * beta * (s2 / s0 - first * first)  # of the entropy against -log(beta)
        trial = beta * math.exp(min(max(error / slope, -5.0), 5.0)) if slope > 0 else math.inf
        beta = _between(trial, least, most)
        if abs(error) < tolerance:
            break
    return beta


@parallel(fastmath=False)
def _bandwidths(indptr, distances, perplexity, found):
    for i in numba.prange(len(found)):
        above = np.empty(indptr[i + 1] - indptr[i])
        nearest, mean = _scaled(distances[indptr[i] : indptr[i + 1]], above)
        if mean == 0:
            found[i] = math.inf
        elif nearest >= perplexity:
            found[i] = 0.0
        else:
            found[i] = mean / _precision(above, perplexity, 1.0, EXACT)


@serial(fastmath=False)
def _scaled(row, above):
    """Write a row less its least value, by the mean of that, to ``above``; how often the least occurs, and the mean."""
    k = len(row)
    low, total, nearest = np.float64(row[0]), 0.0, 0
    for j in range(k):
        low = min(low, np.float64(row[j]))
    for j in range(k):
        total += row[j] - low
        nearest += row[j] == low
    scale = k / total if total > 0 else 0.0
    for j in range(k):
        above[j] = (row[j] - low) * scale
    return nearest, total / k


def _usual(distances: np.ndarray, perplexity: float) -> float:
    """The middle one of the precisions of a few rows: where the search of all others begins."""
    some = distances[np.linspace(0, len(distances) - 1, FEW).astype(np.int64)]
    found = np.empty(FEW)
    _precisions(some, perplexity, found)
    known = found[np.isfinite(found)]
    return float(np.median(known)) if len(known) else 1.0


@parallel(fastmath=False)
def _precisions(distances, perplexity, found):
    for i in numba.prange(len(found)):
        above = np.empty(distances.shape[1])
        nearest, _ = _scaled(distances[i], above)
        found[i] = (
            _precision(above.astype(np.float32), perplexity, 1.0, CLOSE) if nearest < perplexity else math.inf
        )


@parallel(fastmath=False)
def _entropic(distances, perplexity, usual, P):
    n, k = distances.shape
    for i in numba.prange(n):
        above = np.empty(k)
        nearest, _ = _scaled(distances[i], above)
        if nearest >= perplexity:
            for j in range(k):
                P[i, j] = 1.0 / nearest if above[j] == 0 else 0.0
            continue
        single = above.astype(np.float32)
        beta = _precision(single, perplexity, usual, CLOSE)
        if perplexity > NEARLY_ALL * k:
            beta = _precision(above, perplexity, beta, EXACT)
        share = np.float32(1 / _moments(single, beta)[0])
        for j in range(k):
            P[i, j] = exp_minus(np.float32(beta) * single[j]) * share


@parallel
def _cut(P, tail):
    zero = np.float32(0)
    for i in numba.prange(P.shape[0]):
        largest = zero
        for j in range(P.shape[1]):
            largest = max(largest, P[i, j])
        least = tail * largest
        for j in range(P.shape[1]):
            P[i, j] = P[i, j] if P[i, j] >= least else zero


@serial(fastmath=False)
def _rate(above, target):
    """Find the rate at which exp(-rate above) sums to the target, by safe Newton steps; infinite if there is none."""
    zeros = 0
    for j in range(len(above)):
        zeros += above[j] == 0
    if zeros >= target:
        return math.inf
    least, most, rate = 0.0, math.inf, 1.0
    for _ in range(ROUNDS):
        s0, s1, _ = _moments(above, rate)
        error = s0 - target
        if error > 0:
            least = rate
        else:
            most = rate
        trial = rate + error / s1 if s1 > 0 else math.inf
        rate = _between(trial, least, most)
        if abs(error) < EXACT:
            break
    return rate


@parallel(fastmath=False)
def _fuzzy(distances, target, mean_of_all, W):
    n, k = distances.shape
    for i in numba.prange(n):
        row, above = distances[i], np.empty(k)
        rho, mean, scale = 0.0, 0.0, 0.0
        for j in range(k):
            mean += row[j] / (k + 1)
            if row[j] > 0 and (rho == 0 or row[j] < rho):
                rho = np.float64(row[j])
        for j in range(k):
            above[j] = max(row[j] - rho, 0.0)
            scale += above[j] / k
        for j in range(k):
            above[j] /= scale if scale > 0 else 1.0
        floor = LEAST_BANDWIDTH * (mean if rho > 0 else mean_of_all)
        sigma = max(scale / _rate(above, target), floor)
        for j in range(k):
            W[i, j] = math.exp(-above[j] * scale / sigma) if sigma > 0 else 1.0
