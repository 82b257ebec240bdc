"""The divergence that t-SNE minimises, on common terms for maps of any origin."""

import math
from typing import Any

import numba
import numpy as np
import torch

from ne_interactive.data.arrays import as_map, as_table
from ne_interactive.data.seeds import generator
from ne_interactive.graph.neighbors import Neighbors, find_neighbors
from ne_interactive.graph.parallel import parallel
from ne_interactive.graph.sparse_affinities import Entropic
from ne_interactive.params.errors import DataError
from ne_interactive.quality.passes import student_sum
from ne_interactive.quality.scale import best_scale

__all__ = ["kl_divergence"]


def kl_divergence(
    X: Any,
    Z: Any,
    perplexity: float = 30.0,
    *,
    rescale: bool = True,
    sample: int | None = None,
    seed: int = 0,
    neighbors: Neighbors | None = None,
) -> float:
    """Measure the Kullback-Leibler divergence of t-SNE's P of X (n, d) from its Q of Z (n, c), in nats.

    P has one ``perplexity`` on exact neighbours, Q the Student kernel over all pairs (van der Maaten & Hinton 2008).
    With ``rescale`` the map may be stretched as a whole so that the divergence is least: only shapes are compared, and
    maps of other methods are not charged for their units. All pairs are summed, time grows with n^2; with ``sample``,
    the sum is estimated from the pairs of so many points with all. ``neighbors``, exact ones of X with at least
    3 * perplexity per point, spare the search; X may then be None.

    Raises:
        DataError: X and Z differ in length, or there are too few points or neighbours for the perplexity.
    """
    positions = as_map(Z).cpu()
    n = len(positions)
    affinity = Entropic(perplexity=perplexity)
    affinity.check(n, "kl_divergence")
    k = affinity.k(n)
    if neighbors is None:
        values = as_table(X).values
        if len(values) != n:
            raise DataError(f"The data and the map must have as many rows; got {len(values)} and {n}.")
        neighbors = find_neighbors(values, k, backend=None)
    if neighbors.n != n or neighbors.k < k:
        raise DataError(
            f"kl_divergence needs {k} neighbours of each of {n} points; got {neighbors.k} of {neighbors.n}."
        )
    graph = affinity.graph(neighbors.first(k)).to("cpu")
    P = graph.values.double()
    edges = (positions[graph.rows] - positions[graph.indices.long()]).double().square().sum(1)
    constant = float(torch.special.xlogy(P, P).sum())
    columns = np.ascontiguousarray(positions.float().numpy().T)
    chosen = np.arange(n)
    if sample is not None and sample < n:
        chosen = torch.randperm(n, generator=generator(seed, "quality"))[:sample].numpy()
    share = len(chosen) / n

    def at(log_scale: float) -> float:
        squared = math.exp(2 * log_scale)
        totals = np.empty(len(chosen))
        _row_sums(columns, chosen, np.float32(squared), totals)
        return constant + float((P * torch.log1p(edges * squared)).sum()) + math.log(totals.sum() / share)

    spread = float(edges.mean())
    if not rescale or spread == 0:  # all neighbours in one place: no scale changes anything
        return at(0.0)
    return best_scale(at, spread, 1e-3)[1]


@parallel
def _row_sums(Z, chosen, scale, totals):
    """Sum 1 / (1 + scale d^2) from each chosen point to all others."""
    for t in numba.prange(len(chosen)):
        totals[t] = student_sum(Z, chosen[t], scale)
