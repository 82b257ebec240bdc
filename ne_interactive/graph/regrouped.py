"""Nearest neighbours when points leave or come: what is known is kept, and only what it lacks is searched."""

import torch

from ne_interactive.graph.distances import complete, nearest
from ne_interactive.graph.neighbors import Neighbors

__all__ = ["extended", "restricted"]

MOST_SHORT = 0.05
"""Share of the points beyond which a whole search is quicker than an exact one for each that lacks neighbours."""
MOST_NEW = 0.25
"""The same for new points, which all others have to be compared with."""


def restricted(found: Neighbors, keep: torch.Tensor, values: torch.Tensor, k: int) -> Neighbors | None:
    """Neighbours among the points ``keep`` (n',) int64, ascending, whose rows are values (n', d).

    Each keeps those of its neighbours that stay; where fewer than k do, it is searched exactly among all that stay. Of
    exact neighbours this gives what a new search would, to the last bit; of others the recall is not less than before.

    Returns:
        None where so many lack neighbours that a new search is quicker.
    """
    n = len(keep)
    if found.k < k or k > n - 1:
        return None
    place = torch.full((found.n,), -1, dtype=torch.int64, device=keep.device)
    place[keep] = torch.arange(n, device=keep.device)
    ids = place[found.indices[keep]]
    gone = ids < 0
    left = found.k - gone.sum(1)
    short = (left < k).nonzero()[:, 0]
    if len(short) > MOST_SHORT * n:
        return None
    kept = k if len(short) else int(left.min())
    order = gone.long().argsort(dim=1, stable=True)[:, :kept]
    indices, distances = ids.gather(1, order), found.distances[keep].gather(1, order)
    complete(indices, distances, left, values, found.metric)
    return Neighbors(indices, distances, found.metric, found.exact)


def extended(found: Neighbors, values: torch.Tensor) -> Neighbors | None:
    """Neighbours of n known points and of the new ones behind them, whose rows are the last of values (n + m, d).

    Each new point is searched exactly, and every known one meets every new one. Of exact neighbours this gives what a
    new search would, to the last bit; of others the recall is not less than before.

    Returns:
        None where there are so many new points that a new search is quicker.
    """
    n, k = found.n, found.k
    m = len(values) - n
    if m > MOST_NEW * n:
        return None
    new = torch.arange(n, n + m, device=values.device)
    own, far = nearest(values, k, found.metric, rows=new)
    behind = torch.arange(m, m + n, device=values.device)
    turned = torch.cat([values[n:], values[:n]])
    near, between = nearest(turned, min(k, m), found.metric, rows=behind, among=m)
    # A stable sort leaves equal distances in the order of index: new points come last.
    distances, order = torch.cat([found.distances, between], 1).sort(dim=1, stable=True)
    indices = torch.cat([found.indices, near + n], 1).gather(1, order)[:, :k]
    return Neighbors(torch.cat([indices, own]), torch.cat([distances[:, :k], far]), found.metric, found.exact)
