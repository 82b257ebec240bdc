"""How faithful a map is: exact measures on a seeded sample of the points.

Every measure takes X (n, d) and Z (n, c) as any table the package reads, and compares each sampled point's neighbours
among all n points.
"""

from typing import Any

import numpy as np
import torch

from ne_interactive.data.arrays import as_table
from ne_interactive.data.seeds import generator
from ne_interactive.graph.distances import check_k, nearest
from ne_interactive.graph.neighbors import Neighbors
from ne_interactive.params.errors import DataError
from ne_interactive.quality.divergence import kl_divergence

__all__ = ["kl_divergence", "label_accuracy", "recall", "triplet_accuracy", "trustworthiness"]


def recall(
    X: Any,
    Z: Any,
    k: int = 10,
    *,
    sample: int | None = 1000,
    seed: int = 0,
    neighbors: Neighbors | None = None,
) -> float:
    """Measure the mean fraction of a point's k nearest neighbours in X that are among its k nearest in Z.

    ``sample`` points are looked at (None: all). ``neighbors``, exact ones of X with at least k per point, spare the
    search; X may then be None.

    Raises:
        DataError: X and Z differ in length, or k is not in [1, n - 1].
    """
    map_values = as_table(Z).values
    n = map_values.shape[0]
    chosen = _sample(n, sample, seed)
    if neighbors is not None:
        _same_length(neighbors.n, n)
        true = neighbors.first(k).indices.cpu()[chosen]
    else:
        values = as_table(X).values
        _same_length(values.shape[0], n)
        true, _ = nearest(values, k, rows=chosen)
    shown = _map_neighbors(map_values, k, chosen)
    kept = (true.cpu().sort(1).values[:, :, None] == shown[:, None, :]).any(2)
    return float(kept.double().mean())


def label_accuracy(Z: Any, y: Any, k: int = 10, *, sample: int | None = None, seed: int = 0) -> float:
    """Measure how often the k nearest neighbours in Z, by majority, have a point's own label (leave-one-out).

    y (n,) holds labels of any kind; among equally frequent labels the one that sorts first is taken.

    Raises:
        DataError: y and Z differ in length, or k is not in [1, n - 1].
    """
    map_values = as_table(Z).values
    classes, codes = np.unique(np.asarray(y), return_inverse=True)
    _same_length(codes.size, map_values.shape[0])
    chosen = _sample(map_values.shape[0], sample, seed)
    codes_tensor = torch.from_numpy(codes.reshape(-1).astype(np.int64))
    votes = codes_tensor[_map_neighbors(map_values, k, chosen)]
    # k x k comparisons a point, whatever the number of classes.
    count = (votes[:, :, None] == votes[:, None, :]).sum(2)
    winner = torch.where(count == count.max(1, keepdim=True).values, votes, len(classes)).min(1).values
    return float((winner == codes_tensor[chosen]).double().mean())


def trustworthiness(X: Any, Z: Any, k: int = 10, *, sample: int | None = 500, seed: int = 0) -> float:
    """Measure how far from being true neighbours the neighbours shown are: 1 where all are true.

    Venna & Kaski 2001, doi:10.1007/3-540-44668-0_68, over ``sample`` points (None: all), with Euclidean distances.

    Raises:
        DataError: X and Z differ in length, or k is not below n / 2, where the measure is defined.
    """
    values, map_values = as_table(X).values, as_table(Z).values
    n = values.shape[0]
    _same_length(n, map_values.shape[0])
    if not 1 <= k < n / 2:
        raise DataError(f"trustworthiness: k must lie in [1, n / 2) for n = {n} points; got {k}.")
    chosen = _sample(n, sample, seed)
    shown = _map_neighbors(map_values, k, chosen).to(values.device)
    centred, excess = values - values.mean(0), 0
    for rows, columns in zip(chosen.split(256), shown.split(256), strict=True):
        far = torch.cdist(centred[rows], centred)
        far[torch.arange(len(rows)), rows] = -1.0
        # The point itself comes first, so that a place in the sorted row is a rank among the others, from 1.
        rank = torch.searchsorted(far.sort(dim=1).values, far.gather(1, columns))
        excess += int((rank - k).clamp_min(0).sum())
    worst = len(chosen) * k * (2 * n - 3 * k - 1) / 2
    return 1.0 - excess / worst


def triplet_accuracy(X: Any, Z: Any, *, triplets: int = 20_000, seed: int = 0) -> float:
    """Measure how often the map keeps which of two random points is nearer to a third: its large shape.

    Wang, Huang, Rudin & Shaposhnik 2021, JMLR 22(201), with Euclidean distances. Triplets whose distances in X are
    equal do not count; equal ones in Z count as half. A map without any relation to X has 0.5.

    Raises:
        DataError: X and Z differ in length, or there are fewer than three points.
    """
    values, map_values = as_table(X).values, as_table(Z).values
    n = values.shape[0]
    _same_length(n, map_values.shape[0])
    if n < 3:
        raise DataError(f"triplet_accuracy needs at least 3 points; got {n}.")
    if triplets < 1:
        raise DataError(f"triplets must be at least 1; got {triplets}.")
    i, j, k = _triplets(n, triplets, seed)
    order = _nearer(values, i, j, k)
    differ = order != 0
    if not bool(differ.any()):
        raise DataError("triplet_accuracy is not defined where all rows of X are equally far apart.")
    agree = (order.to(map_values.device) * _nearer(map_values, i, j, k))[differ.to(map_values.device)]
    return float((agree.double() + 1).mean() / 2)


def _triplets(n: int, count: int, seed: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Draw triplets of different points, each of them equally likely."""
    draw = generator(seed, "triplets")
    i = torch.randint(n, (count,), generator=draw)
    j = (i + 1 + torch.randint(n - 1, (count,), generator=draw)) % n
    k = torch.randint(n - 2, (count,), generator=draw)
    low, high = torch.minimum(i, j), torch.maximum(i, j)
    k += (k >= low).long()
    k += (k >= high).long()
    return i, j, k


def _nearer(values: torch.Tensor, i: torch.Tensor, j: torch.Tensor, k: torch.Tensor) -> torch.Tensor:
    """Tell which of j and k is nearer to i: -1, 0 (equal) or 1."""
    signs = []
    for a, b, c in zip(i.split(4096), j.split(4096), k.split(4096), strict=True):
        own = values[a].double()
        signs.append(torch.sign((own - values[b]).square().sum(1) - (own - values[c]).square().sum(1)))
    return torch.cat(signs)


def _sample(n: int, sample: int | None, seed: int) -> torch.Tensor:
    if sample is None or sample >= n:
        return torch.arange(n)
    if sample < 1:
        raise DataError(f"sample must be at least 1; got {sample}. Pass None for all points.")
    return torch.randperm(n, generator=generator(seed, "quality"))[:sample].sort().values


def _same_length(n: int, n_map: int) -> None:
    if n != n_map:
        raise DataError(f"The data and the map must have as many rows; got {n} and {n_map}.")


def _map_neighbors(Z: torch.Tensor, k: int, chosen: torch.Tensor) -> torch.Tensor:
    """Find neighbours (q, k) in the map: by a tree in few dimensions, where tiles over all points would be slow."""
    n, c = Z.shape
    check_k(n, k)
    if c > 3:
        return nearest(Z, k, rows=chosen)[0].cpu()
    from scipy.spatial import KDTree

    points = Z.cpu().numpy().astype(np.float64)
    _, found = KDTree(points).query(points[chosen.numpy()], k + 1, workers=-1)
    others = torch.from_numpy(np.asarray(found, dtype=np.int64))
    own = others == chosen[:, None]
    # Among many duplicates a point may be missing from its own list: then the farthest entry goes instead.
    own[:, -1] |= ~own.any(1)
    return others[~own].view(len(chosen), k)
