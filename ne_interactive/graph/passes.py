"""Rows that are read in passes: prepared for a metric, summed up, gathered, and projected on principal components."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from ne_interactive.data.seeds import generator
from ne_interactive.data.streamed import Streamed
from ne_interactive.graph.metrics import Flat, flatten
from ne_interactive.graph.projection import EXACT_SIZE, SAMPLE_ROWS, _loadings
from ne_interactive.params.errors import DataError

__all__ = ["ROWS_BYTES", "Survey", "project", "put", "start_in_passes", "survey"]

ROWS_BYTES = 2**28
"""Bytes of rows that are held at once, whatever the number of rows and columns."""
PART_ENTRIES = 2**22
"""Entries of the part of a batch that is prepared at once: 16 MiB of float32."""
ROUNDS = 6


@dataclass(frozen=True)
class Survey:
    """What one pass tells of n prepared rows: their ``mean`` (width,) float64 and their largest absolute entry."""

    n: int
    mean: Tensor
    size: float
    weighted: bool

    @property
    def width(self) -> int:
        """Columns of prepared rows."""
        return len(self.mean)


def prepared(table: Streamed, metric: str) -> Iterator[tuple[int, Flat]]:
    """Go through a stream once; give the number of the first row of each part, and the part prepared for ``metric``.

    A part without rows that lack a direction may have a column fewer than others, see `put`.
    """
    first = 0
    for batch in table.batches():
        for part in batch.split(max(1, PART_ENTRIES // table.d)):
            try:
                flat = flatten(part, metric)
            except DataError as error:
                raise DataError(f"In the rows of X from {first} on, counted from there: {error}") from None
            yield first, flat
            first += len(part)


def survey(table: Streamed, metric: str = "euclidean") -> Survey:
    """Sum up prepared rows in one pass."""
    total, size, weighted = torch.zeros(0, dtype=torch.float64, device=table.device), 0.0, False
    for _, flat in prepared(table, metric):
        part = flat.values.sum(0, dtype=torch.float64)
        if len(part) > len(total):
            total = torch.cat([total, total.new_zeros(len(part) - len(total))])
        total[: len(part)] += part
        low, high = flat.values.aminmax()
        size = max(size, -float(low), float(high))
        weighted = flat.weights is not None
    return Survey(table.n, total / table.n, size, weighted)


def put(values: Tensor, flat: Flat) -> None:
    """Copy prepared rows into ``values`` (b, width), with zeros where they have fewer columns."""
    values[:, : flat.d] = flat.values
    values[:, flat.d :] = 0


def project(table: Streamed, c: int, known: Survey, *, metric: str = "euclidean", seed: int = 0) -> Tensor:
    """Do what `pca` does for prepared rows, in passes: (n, min(c, width, n - 1)) float32.

    The rows that the covariance is taken from are those that `pca` takes.
    """
    c = min(c, known.width, known.n - 1)
    loadings = _loadings_in_passes(table, c, known, metric, seed)
    largest = loadings.gather(0, loadings.abs().argmax(0, keepdim=True))
    loadings = loadings * torch.where(largest < 0, -1.0, 1.0)
    mean = known.mean.float()
    components = torch.empty((known.n, c), device=table.device)
    for first, flat in prepared(table, metric):
        part = (flat.values - mean[: flat.d]) @ loadings[: flat.d]
        if flat.d < known.width:
            part -= mean[flat.d :] @ loadings[flat.d :]
        components[first : first + len(part)] = part
    return components


def start_in_passes(table: Streamed, c: int, *, scale: float = 1e-4, seed: int = 0) -> Tensor:
    """Do what `pca_start` does, in passes: (n, c) float32."""
    Z = torch.randn((table.n, c), generator=generator(seed, "start")).to(table.device) * scale
    known = survey(table)
    components = project(table, c, known, seed=seed)
    spread = components.std(0, correction=0)
    if not float(spread[0]) > 1e-6 * known.size:
        return Z
    alive = spread > 1e-5 * spread[0]
    Z *= 1e-2
    Z[:, : alive.shape[0]][:, alive] = components[:, alive] * (scale / spread[0])
    return Z.contiguous()


def _loadings_in_passes(table: Streamed, c: int, known: Survey, metric: str, seed: int) -> Tensor:
    n, d = known.n, known.width
    rows = min(n, SAMPLE_ROWS)
    chosen = torch.ones(n, dtype=torch.bool)
    if n > SAMPLE_ROWS:
        chosen[torch.randperm(n, generator=generator(seed, "pca sample"))[SAMPLE_ROWS:]] = False
    if d <= EXACT_SIZE:
        covariance = known.mean.new_zeros((d, d))
        for part in _centred(table, known, metric, chosen):
            double = part.double()
            covariance.addmm_(double.T, double)
        return torch.linalg.eigh(covariance)[1][:, -c:].flip(1).float()
    if rows <= EXACT_SIZE and 4 * rows * d <= ROWS_BYTES // 2:
        return _loadings(torch.cat(list(_centred(table, known, metric, chosen))), c, seed)
    return _subspace_in_passes(table, c, known, metric, chosen, seed)


def _subspace_in_passes(
    table: Streamed, c: int, known: Survey, metric: str, chosen: Tensor, seed: int
) -> Tensor:
    """Find the first c components (d, c) by randomised subspace iteration, one pass a round, as `pca` does."""
    d = known.width
    start = torch.randn((d, min(c + 10, d)), generator=generator(seed, "subspace"))
    basis = start.to(table.device)
    for _ in range(ROUNDS):
        image = basis.new_zeros(basis.shape, dtype=torch.float64)
        for part in _centred(table, known, metric, chosen):
            image += part.T @ (part @ basis)
        basis = torch.linalg.qr(image).Q.float()
    scores = torch.cat([part @ basis for part in _centred(table, known, metric, chosen)])
    _, _, right = torch.linalg.svd(scores, full_matrices=False)
    return (basis @ right.T)[:, :c]


def _centred(table: Streamed, known: Survey, metric: str, chosen: Tensor) -> Iterator[Tensor]:
    """Give the chosen rows less their mean, in units in which no square leaves float32."""
    mean = known.mean.float()
    size = max(known.size + float(mean.abs().max()), 1e-30)
    for first, flat in prepared(table, metric):
        kept = chosen[first : first + len(flat.values)].to(flat.values.device)
        if bool(kept.any()):
            part = flat.values.new_empty((int(kept.sum()), known.width))
            put(part, Flat(flat.values[kept]))
            yield part.sub_(mean).div_(size)
