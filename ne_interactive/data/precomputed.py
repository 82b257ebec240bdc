"""Distances, or neighbours, that the caller has computed."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from ne_interactive.data.finite import check_size
from ne_interactive.data.table import Rows, Table, fingerprint
from ne_interactive.params.errors import DataError

__all__ = ["Precomputed", "dense_distances", "known_neighbors", "sparse_distances"]

TOLERANCE = 1e-4
"""By how much two entries may differ, or one lie beside zero, relative to the largest distance."""
OWN_TOLERANCE = 2e-3
"""How far a point may be from itself: that much is left by distances from a float32 product of matrices."""
CHECKED_ROWS = 1024


@dataclass(frozen=True, eq=False)
class Precomputed(Table):
    """Distances between n points: all of them, or those of each point's nearest neighbours.

    ``distances`` is (n, n) float32, or None. Else ``known_indices`` (n, k) int64 and ``known_distances`` (n, k) float32
    hold the k neighbours that are known of every point, ascending, ties by index, itself not among them. ``shortest``
    is the row with the fewest known.
    """

    distances: Tensor | None
    known_indices: Tensor | None
    known_distances: Tensor | None
    kind: str
    dtype: Any
    index: Any
    names: tuple[str, ...] | None
    origin: torch.device
    shortest: int = 0

    @property
    def _any(self) -> Tensor:
        return cast(Tensor, self.known_distances if self.distances is None else self.distances)

    @property
    def n(self) -> int:
        """Number of points."""
        return self._any.shape[0]

    @property
    def d(self) -> int:
        """Number of points again: the columns of the matrix."""
        return self.n

    @property
    def k(self) -> int:
        """Neighbours known of every point."""
        return self.n - 1 if self.distances is not None else self._any.shape[1]

    @property
    def most_neighbors(self) -> int:
        """How many neighbours per point can be asked for."""
        return self.k

    @property
    def device(self) -> torch.device:
        """Where the distances lie."""
        return self._any.device

    def batches(self) -> Iterator[Tensor]:
        """Raise DataError: there are no rows, only distances."""
        raise DataError(
            "X holds distances (metric='precomputed'), no rows. Pass the rows with another metric."
        )

    def fingerprint(self) -> str:
        """Give a digest of the distances and of whose they are."""
        if self.known_indices is None:
            return fingerprint(self._any)
        return fingerprint(self.known_indices) + fingerprint(self._any)


def dense_distances(rows: Rows) -> Precomputed:
    """Check a matrix (n, n) of all distances.

    Raises:
        DataError: It is not square, negative somewhere, not zero on the diagonal, or not symmetric.
    """
    D = rows.values
    n = len(D)
    if D.shape[1] != n:
        raise DataError(
            f"metric='precomputed' wants a square matrix of distances, (n, n); got shape={tuple(D.shape)}. "
            "Pass all pairs, a sparse matrix of neighbour distances, or a pair (indices, distances)."
        )
    slack = TOLERANCE * float(D.max())
    D = _without_signs(D, "Distances", slack)
    diagonal = D.diagonal().abs()
    if float(diagonal.max()) > OWN_TOLERANCE * float(D.max()):
        i = int(diagonal.argmax())
        raise DataError(
            f"A point is at distance 0 from itself; entry ({i}, {i}) of X is {float(D[i, i]):g}. "
            "Pass distances, not similarities."
        )
    for first in range(0, n, CHECKED_ROWS):
        block = slice(first, first + CHECKED_ROWS)
        gap = (D[block] - D[:, block].T).abs()
        if float(gap.max()) > slack:
            i, j = divmod(int(gap.argmax()), n)
            i += first
            raise DataError(
                f"Distances must be symmetric; entry ({i}, {j}) of X is {float(D[i, j]):g} and entry ({j}, {i}) is "
                f"{float(D[j, i]):g}. Pass (X + X.T) / 2 if the difference means nothing."
            )
    return Precomputed(D, None, None, rows.kind, rows.dtype, rows.index, rows.names, rows.origin)


def sparse_distances(matrix: Any, device: torch.device, min_rows: int = 2) -> Precomputed:
    """Read each row's stored entries as the distances of that point's neighbours.

    matrix is an (n, n) SciPy sparse matrix or array; stored zeros count, the diagonal does not. Where rows hold
    different numbers of entries, the shortest row decides how many neighbours are known.

    Raises:
        DataError: Not square, not finite, negative somewhere, or a row without entries.
    """
    n = matrix.shape[0]
    if len(matrix.shape) != 2 or matrix.shape[1] != n or n < min_rows:
        raise DataError(
            f"metric='precomputed' wants a square matrix of the neighbour distances of at least {min_rows} points; got "
            f"shape={matrix.shape}. Pass n rows and n columns."
        )
    entries = matrix.tocsr(copy=True)
    entries.sum_duplicates()
    entries = entries.tocoo()
    rows, columns = (np.asarray(part, np.int64) for part in (entries.row, entries.col))
    if entries.data.dtype.kind not in "biuf":
        raise DataError(f"Distances must be real numbers; got dtype {entries.data.dtype}.")
    with np.errstate(over="ignore"):
        data = np.asarray(entries.data, np.float32)
    kept = rows != columns
    rows, columns, data = rows[kept], columns[kept], data[kept]
    _check_entries(rows, columns, data)
    check_size(float(data.max(initial=0)))
    order = np.lexsort((columns, data, rows))
    rows, columns, data = rows[order], columns[order], data[order]
    counts = np.bincount(rows, minlength=n)
    k, shortest = int(counts.min()), int(counts.argmin())
    if k < 1:
        raise DataError(
            f"Every row of a sparse matrix of distances must hold neighbours; row {shortest} holds none but itself. "
            "Store the distances of each point's nearest neighbours."
        )
    places = (np.cumsum(counts) - counts)[:, None] + np.arange(k)
    dtype = entries.data.dtype if entries.data.dtype.kind == "f" else np.dtype(np.float32)
    indices, distances = (torch.from_numpy(part[places]).to(device) for part in (columns, data))
    cpu = torch.device("cpu")
    return Precomputed(None, indices, distances, "numpy", dtype, None, None, cpu, shortest)


def known_neighbors(indices: Any, rows: Rows) -> Precomputed:
    """Check neighbours (n, k) and their distances, the ``values`` of ``rows``.

    Where every point is among its own neighbours it is dropped; rows are sorted by distance, ties by index.

    Raises:
        DataError: Shapes differ, numbers of points outside [0, n), a point among its own neighbours in some rows, a
            neighbour given twice, or a negative distance.
    """
    D, ids = rows.values, _whole_numbers(indices, rows.device)
    n = len(D)
    if ids.shape != D.shape:
        raise DataError(
            f"Precomputed neighbours are a pair (indices, distances) of one shape (n, k); got {tuple(ids.shape)} and "
            f"{tuple(D.shape)}."
        )
    D = _without_signs(D, "Distances of neighbours", TOLERANCE * float(D.max()))
    own = torch.arange(n, device=ids.device)[:, None]
    others = ids != own
    if ids.shape[1] > 1 and bool((others.sum(1) == ids.shape[1] - 1).all()):
        ids, D = ids[others].view(n, -1), D[others].view(n, -1)
    _check_ids(ids, own)
    # Two stable sorts: by index, then by distance.
    place = ids.argsort(1)
    ids, D = ids.gather(1, place), D.gather(1, place)
    D, place = D.sort(dim=1, stable=True)
    return Precomputed(None, ids.gather(1, place), D, rows.kind, rows.dtype, rows.index, None, rows.origin)


def _check_ids(ids: Tensor, own: Tensor) -> None:
    n = len(ids)
    _refuse((ids < 0) | (ids >= n), ids, f"must lie in [0, {n})", "Drop points that have no k neighbours.")
    _refuse(ids == own, ids, "must not be the point itself", "Drop it, or name it in every row.")
    ordered = ids.sort(1).values
    twice = torch.zeros_like(ids, dtype=torch.bool)
    twice[:, 1:] = ordered[:, 1:] == ordered[:, :-1]
    _refuse(twice, ordered, "must be named once", "Keep one entry per neighbour.")


def _refuse(bad: Tensor, ids: Tensor, rule: str, advice: str) -> None:
    if bool(bad.any()):
        i, j = (int(v) for v in bad.nonzero()[0])
        raise DataError(f"A neighbour {rule}; row {i} names point {int(ids[i, j])}, which does not. {advice}")


def _whole_numbers(indices: Any, device: torch.device) -> Tensor:
    array = indices.detach().cpu().numpy() if isinstance(indices, Tensor) else np.asarray(indices)
    if array.dtype.kind not in "iu":
        raise DataError(
            f"The first of a pair (indices, distances) must hold integers, the numbers of the neighbours; got dtype "
            f"{array.dtype}."
        )
    return torch.from_numpy(array.astype(np.int64)).to(device)


def _without_signs(D: Tensor, what: str, slack: float) -> Tensor:
    """Give distances that rounding took below 0 as 0; refuse what is clearly negative."""
    low = float(D.min())
    if low >= 0:
        return D
    if low < -slack or slack <= 0:
        i, j = divmod(int(D.argmin()), D.shape[1])
        raise DataError(
            f"{what} must not be negative; entry ({i}, {j}) is {low:g}. Pass distances, not similarities."
        )
    return D.clamp_min(0)


def _check_entries(rows: np.ndarray, columns: np.ndarray, data: np.ndarray) -> None:
    bad = np.flatnonzero(~(np.isfinite(data) & (data >= 0)))
    if len(bad):
        i, j, value = rows[bad[0]], columns[bad[0]], data[bad[0]]
        raise DataError(
            f"Distances of neighbours must be finite and not negative; {len(bad)} "
            f"{'is' if len(bad) == 1 else 'are'} not, the first at ({i}, {j}): {value:g}. Drop or mend such entries."
        )
