"""How faithful a map is: exact measures on a seeded sample of the points.

Every measure takes X (n, d) and Z (n, c) as any table the package reads, and compares each sampled point's neighbours
among all n points.
"""

from typing import Any, NamedTuple

import numpy as np
import torch

from ne_interactive.data.arrays import as_map, as_table
from ne_interactive.graph.distances import check_k, nearest
from ne_interactive.graph.neighbors import Neighbors
from ne_interactive.params.errors import DataError
from ne_interactive.quality.alignment import aligned
from ne_interactive.quality.divergence import kl_divergence
from ne_interactive.quality.draws import drawn, same_length, signs
from ne_interactive.quality.draws import triplets as drawn_triplets
from ne_interactive.quality.labels import as_column
from ne_interactive.quality.sample import Sample
from ne_interactive.quality.text import is_missing

__all__ = [
    "NeighborErrors",
    "Sample",
    "aligned",
    "continuity",
    "kl_divergence",
    "label_accuracy",
    "neighbor_errors",
    "point_error",
    "recall",
    "triplet_accuracy",
    "trustworthiness",
]

LOW = 3  # dimensions in which a tree finds neighbours soonest


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
    map_values = as_map(Z)
    true, shown = _both(X, map_values, k, drawn(map_values.shape[0], sample, seed), neighbors)
    return float(_among(true, shown).double().mean())


def point_error(
    X: Any, Z: Any, k: int = 10, *, neighbors: Neighbors | None = None, workers: int = -1
) -> np.ndarray:
    """Measure for each point the share of its k nearest neighbours in X that are not among its k nearest in Z.

    Returns (n,) float64 from 0, where all are kept, to 1. ``neighbors`` as in `recall`. ``workers`` threads search the
    map, -1: one for each core.

    Raises:
        DataError: X and Z differ in length, or k is not in [1, n - 1].
    """
    map_values = as_map(Z)
    true, shown = _both(X, map_values, k, torch.arange(map_values.shape[0]), neighbors, workers)
    return 1.0 - _among(true, shown).double().mean(1).numpy()


class NeighborErrors(NamedTuple):
    """For each point asked about, ascending row numbers: neighbours in X alone, and neighbours in the map alone."""

    missing: list[np.ndarray]
    false: list[np.ndarray]


def neighbor_errors(
    X: Any, Z: Any, indices: Any, k: int = 10, *, neighbors: Neighbors | None = None
) -> NeighborErrors:
    """Tell which of the k nearest neighbours are missing around some points of a map, and which are false.

    ``indices`` (q,) are row numbers. ``neighbors`` as in `recall`.

    Raises:
        DataError: X and Z differ in length, k is not in [1, n - 1], or an index is none of a row.
    """
    map_values = as_map(Z)
    chosen = _checked_rows(indices, map_values.shape[0])
    true, shown = _both(X, map_values, k, chosen, neighbors)
    missing, false = ~_among(true, shown), ~_among(shown, true)
    return NeighborErrors(
        [np.sort(row[gone].numpy()) for row, gone in zip(true, missing, strict=True)],
        [np.sort(row[wrong].numpy()) for row, wrong in zip(shown, false, strict=True)],
    )


def label_accuracy(Z: Any, y: Any, k: int = 10, *, sample: int | None = None, seed: int = 0) -> float:
    """Measure how often the k nearest neighbours in Z, by majority, have a point's own label (leave-one-out).

    y (n,) holds labels of any kind; among equally frequent labels the one that sorts first is taken.

    Raises:
        DataError: y and Z differ in length, labels are missing or cannot be sorted, or k is not in [1, n - 1].
    """
    map_values = as_map(Z)
    labels = as_column(y, "y")
    same_length(len(labels), map_values.shape[0])
    missing = sum(map(is_missing, labels.tolist())) if labels.dtype.kind in "fOM" else 0
    if missing:
        raise DataError(
            f"label_accuracy needs a label for each point; {missing} of {len(labels)} are missing (None or NaN). "
            "Leave these points out: label_accuracy(Z[known], y[known])."
        )
    try:
        classes, codes = np.unique(labels, return_inverse=True)
    except TypeError as error:
        raise DataError(f"labels must be of one kind, texts or numbers: {error}.") from None
    chosen = drawn(map_values.shape[0], sample, seed)
    own = torch.from_numpy(codes.reshape(-1).astype(np.int64))
    right = 0
    for rows, near in zip(chosen.split(256), _map_neighbors(map_values, k, chosen).split(256), strict=True):
        votes = own[near]
        # k x k comparisons a point, whatever the number of classes.
        count = (votes[:, :, None] == votes[:, None, :]).sum(2)
        winner = torch.where(count == count.max(1, keepdim=True).values, votes, len(classes)).min(1).values
        right += int((winner == own[rows]).sum())
    return right / len(chosen)


def trustworthiness(X: Any, Z: Any, k: int = 10, *, sample: int | None = 500, seed: int = 0) -> float:
    """Measure how far from being true neighbours the neighbours shown are: 1 where all are true.

    Venna & Kaski 2001, doi:10.1007/3-540-44668-0_68, over ``sample`` points (None: all), with Euclidean distances.

    Raises:
        DataError: X and Z differ in length, or k is not below n / 2, where the measure is defined.
    """
    return _excess("trustworthiness", X, Z, k, sample, seed)


def _excess(name: str, X: Any, Z: Any, k: int, sample: int | None, seed: int) -> float:
    """One less the mean rank in X, beyond k, of the k nearest in Z, as a share of the worst there could be."""
    values, map_values = as_table(X).values, as_map(Z)
    n = values.shape[0]
    if name == "continuity":
        same_length(map_values.shape[0], n)
    else:
        same_length(n, map_values.shape[0])
    if not 1 <= k < n / 2:
        raise DataError(f"{name}: k must lie in [1, n / 2) for n = {n} points; got {k}.")
    chosen = drawn(n, sample, seed)
    shown = _map_neighbors(map_values, k, chosen).to(values.device)
    exact = values.double()  # between far groups float32 has no digits for what is near
    centred, excess = exact - exact.mean(0), 0
    for rows, columns in zip(chosen.split(256), shown.split(256), strict=True):
        far = torch.cdist(centred[rows], centred)
        far[torch.arange(len(rows)), rows] = -1.0
        # The point itself comes first, so that a place in the sorted row is a rank among the others, from 1.
        rank = torch.searchsorted(far.sort(dim=1).values, far.gather(1, columns))
        excess += int((rank - k).clamp_min(0).sum())
    worst = len(chosen) * k * (2 * n - 3 * k - 1) / 2
    return 1.0 - excess / worst


def continuity(X: Any, Z: Any, k: int = 10, *, sample: int | None = 500, seed: int = 0) -> float:
    """Measure how far from being shown the true neighbours that are not shown are: 1 where all are shown.

    Venna & Kaski 2001, doi:10.1007/3-540-44668-0_68: trustworthiness with X and Z in each other's place.

    Raises:
        DataError: X and Z differ in length, or k is not below n / 2, where the measure is defined.
    """
    return _excess("continuity", Z, X, k, sample, seed)


def triplet_accuracy(X: Any, Z: Any, *, triplets: int = 20_000, seed: int = 0) -> float:
    """Measure how often the map keeps which of two random points is nearer to a third: its large shape.

    Wang, Huang, Rudin & Shaposhnik 2021, JMLR 22(201), with Euclidean distances. Triplets whose distances in X are
    equal do not count; equal ones in Z count as half. A map without any relation to X has 0.5.

    Raises:
        DataError: X and Z differ in length, or there are fewer than three points.
    """
    values, map_values = as_table(X).values, as_map(Z)
    n = values.shape[0]
    same_length(n, map_values.shape[0])
    if n < 3:
        raise DataError(f"triplet_accuracy needs at least 3 points; got {n}.")
    if triplets < 1:
        raise DataError(f"triplets must be at least 1; got {triplets}.")
    i, j, k = drawn_triplets(n, triplets, seed)
    order = signs(values, i, j, k)
    differ = order != 0
    if not bool(differ.any()):
        raise DataError("triplet_accuracy is not defined where all rows of X are equally far apart.")
    agree = (order.to(map_values.device) * signs(map_values, i, j, k))[differ.to(map_values.device)]
    return float((agree.double() + 1).mean() / 2)


def _both(
    X: Any,
    Z: torch.Tensor,
    k: int,
    chosen: torch.Tensor,
    neighbors: Neighbors | None,
    workers: int = -1,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Give the k nearest neighbours of some points in X, and in the map, (q, k) each."""
    if neighbors is not None:
        same_length(neighbors.n, Z.shape[0])
        true = neighbors.first(k).indices.cpu()[chosen]
    else:
        values = as_table(X).values
        same_length(values.shape[0], Z.shape[0])
        low = values.shape[1] <= LOW
        true = _map_neighbors(values, k, chosen, workers) if low else nearest(values, k, rows=chosen)[0].cpu()
    return true, _map_neighbors(Z, k, chosen, workers)


def _among(some: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
    """Tell which entries (q, k) are in the same row of the others; a few thousand rows at a time."""
    pairs = zip(some.split(4096), others.split(4096), strict=True)
    return torch.cat([(a[:, :, None] == b[:, None, :]).any(2) for a, b in pairs])


def _checked_rows(indices: Any, n: int) -> torch.Tensor:
    chosen = np.asarray(indices)
    chosen = chosen.astype(np.int64) if chosen.size == 0 else chosen
    if chosen.ndim != 1 or chosen.dtype.kind not in "iu":
        raise DataError(f"indices must be a list of row numbers; got {type(indices).__name__}.")
    if chosen.size and not 0 <= int(chosen.min()) <= int(chosen.max()) < n:
        wrong = int(chosen[(chosen < 0) | (chosen >= n)][0])
        raise DataError(f"indices must lie in [0, {n - 1}] for {n} points; got {wrong}.")
    return torch.from_numpy(chosen.astype(np.int64))


def _map_neighbors(Z: torch.Tensor, k: int, chosen: torch.Tensor, workers: int = -1) -> torch.Tensor:
    """Find neighbours (q, k) in the map: by a tree in few dimensions, where tiles over all points would be slow."""
    n, c = Z.shape
    check_k(n, k)
    if c > LOW:
        return nearest(Z, k, rows=chosen)[0].cpu()
    from scipy.spatial import KDTree

    points = Z.cpu().numpy().astype(np.float64)
    _, found = KDTree(points).query(points[chosen.numpy()], k + 1, workers=workers)
    others = torch.from_numpy(np.asarray(found, dtype=np.int64))
    own = others == chosen[:, None]
    # Among many duplicates a point may be missing from its own list: then the farthest entry goes instead.
    own[:, -1] |= ~own.any(1)
    return others[~own].view(len(chosen), k)
