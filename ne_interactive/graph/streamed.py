"""The k nearest neighbours of rows that are read in passes and never in memory at once."""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from ne_interactive.data.streamed import Streamed
from ne_interactive.graph import faiss_index, neighbors, passes
from ne_interactive.graph.distances import SLACK, _exact, check_k, rounding
from ne_interactive.graph.faiss_config import FaissConfig
from ne_interactive.graph.indexed import DIMENSIONS, likely
from ne_interactive.graph.metrics import Flat, check_metric, in_units
from ne_interactive.graph.neighbors import Neighbors, faiss_config, probe_count
from ne_interactive.graph.passes import Survey, prepared, project, put, survey
from ne_interactive.params.errors import ParameterError

__all__ = ["find_in_passes"]

CHUNK_ROWS = 4096
FEWEST_ROWS = 256
TILE = 2**22
"""Entries of the largest temporary beside the rows held."""


def find_in_passes(
    table: Streamed,
    k: int,
    *,
    metric: str = "euclidean",
    backend: str | FaissConfig | None = "auto",
    seed: int = 0,
) -> Neighbors:
    """Find the k nearest other points of every row of a stream; see `find_neighbors` for metrics and backends.

    At most ``passes.ROWS_BYTES`` of rows, and at most half of them beside a chunk, are held at a time. Exact search
    holds a block of rows through one pass and a part of another, and gives what `find_neighbors` gives, whichever
    exact backend is named. An index is built on principal components of all rows (n x 50 numbers, which are held), and
    its candidates are ordered by their exact distances, in as many passes again.

    Raises:
        DataError: k is not in [1, n - 1]; the rows changed between two passes; rows outside the unit ball for the
            hyperbolic metric.
        ParameterError: Unknown metric or backend; an index in all columns of rows that do not fit in memory.
        MissingPackageError: The backend's package is not installed.
    """
    check_metric(metric)
    check_k(table.n, k)
    config = faiss_config(backend)
    by_lists = neighbors.indexed(torch.empty((table.n, 0), device=table.device), backend)
    known = survey(table, metric)
    if not by_lists and (config is None or config.index_type == "Flat"):
        indices, distances = _search(table, k, metric, known, torch.arange(table.n), None)
        return Neighbors(indices, in_units(distances, metric), metric, True)
    candidates = _candidates(table, k, metric, known, config, seed)
    indices, distances = _search(table, k, metric, known, torch.arange(table.n), candidates)
    short = (indices[:, -1] < 0).nonzero()[:, 0]
    if len(short):  # the index found fewer points than asked for: these rows are searched exactly
        indices[short], distances[short] = _search(table, k, metric, known, short.cpu(), None)
    return Neighbors(indices, in_units(distances, metric), metric, False)


def _candidates(
    table: Streamed, k: int, metric: str, known: Survey, config: FaissConfig | None, seed: int
) -> Tensor:
    """Take likely neighbours (n, m) from an index on principal components; without a configuration, from lists."""
    if config is None:
        points = project(table, DIMENSIONS, known, metric=metric, seed=seed)
        return likely(points, k, metric, seed=seed).sort(1).values
    dimensions = config.dimensions or known.width
    if 4 * known.n * min(dimensions, known.width) > passes.ROWS_BYTES and dimensions > 64:
        raise ParameterError(
            f"FaissConfig.dimensions must be at most 64 for an index of {known.n} streamed rows, whose components are "
            f"held in memory; got {config.dimensions}. Leave it at 50, or pass the rows as an array."
        )
    points = project(table, dimensions, known, metric=metric, seed=seed)
    m = neighbors.candidate_count(known.n, k, metric, config, reduced=True)
    ids, _ = faiss_index.candidates(points, m, config, probes=probe_count(metric), seed=seed)
    return ids.sort(1).values


def _search(
    table: Streamed, k: int, metric: str, known: Survey, rows: Tensor, candidates: Tensor | None
) -> tuple[Tensor, Tensor]:
    """Find neighbours (q, k) of some rows, ascending, and their plain distances; among candidates (n, m), if given.

    Places for which there are too few candidates hold -1.
    """
    room = max(4, passes.ROWS_BYTES // (4 * known.width))
    chunk = max(1, min(room // 8, CHUNK_ROWS, max(FEWEST_ROWS, table.n // 8)))
    block = max(1, min(room - 2 * chunk, max(FEWEST_ROWS, -(-table.n // 2))))
    parts = []
    for queries in rows.split(block):
        window = _Window(table, metric, known, queries, chunk)
        best = _Best(window, k)
        if candidates is None:
            best.search()
        else:
            best.among(candidates[queries])
        parts.append((best.indices, best.distances))
    indices, distances = (torch.cat(part) for part in zip(*parts, strict=True))
    return indices, distances


class _Window:
    """Prepared rows in one buffer: queries, which stay, and behind them a chunk of the stream at a time."""

    def __init__(self, table: Streamed, metric: str, known: Survey, queries: Tensor, chunk: int) -> None:
        self.table, self.metric, self.known, self.queries, self.chunk = table, metric, known, queries, chunk
        self.q = len(queries)
        size, device = self.q + chunk, table.device
        weights = torch.zeros(size, device=device) if known.weighted else None
        self.flat = Flat(torch.empty((size, known.width), device=device), weights, metric == "manhattan")
        self._load()

    def chunks(self) -> Iterator[tuple[int, int]]:
        """Go through the stream once; give the first row and the number of rows of each chunk, when it is in place."""
        start, filled = 0, 0
        for first, part in prepared(self.table, self.metric):
            done = 0
            while done < len(part.values):
                some = min(self.chunk - filled, len(part.values) - done)
                self._put(self.q + filled, part, slice(done, done + some))
                filled, done = filled + some, done + some
                if filled == self.chunk:
                    yield start, filled
                    start, filled = first + done, 0
        if filled:
            yield start, filled

    def own(self, start: int, count: int) -> tuple[int, Tensor]:
        """Give the first query that is itself in a chunk, and the places in the chunk of it and those after it."""
        low, high = torch.searchsorted(self.queries, torch.tensor([start, start + count])).tolist()
        return low, (self.queries[low:high] - start).to(self.table.device)

    def _put(self, place: int, part: Flat, rows: slice | Tensor) -> None:
        values = part.values[rows]
        put(self.flat.values[place : place + len(values)], Flat(values))
        if self.flat.weights is not None and part.weights is not None:
            self.flat.weights[place : place + len(values)] = part.weights[rows]

    def _load(self) -> None:
        filled, last = 0, int(self.queries[-1])
        for first, part in prepared(self.table, self.metric):
            until = first + len(part.values)
            low, high = torch.searchsorted(self.queries, torch.tensor([first, until])).tolist()
            if low < high:
                self._put(filled, part, (self.queries[low:high] - first).to(part.values.device))
                filled += high - low
            if until > last:
                return


class _Best:
    """The k nearest that a block of queries has met: ``indices`` (q, k), plain ``distances`` (q, k), ties by index."""

    def __init__(self, window: _Window, k: int) -> None:
        self.window, self.k = window, k
        device = window.table.device
        self.indices = torch.full((window.q, k), -1, dtype=torch.int64, device=device)
        self.distances = torch.full((window.q, k), torch.inf, device=device)
        self._beyond = torch.full((window.q,), torch.inf, device=device)
        self._mean = window.known.mean.to(torch.float64 if window.known.weighted else torch.float32)

    def search(self) -> None:
        """Meet all rows: quick distances choose whose distances are taken from differences."""
        m = self.k + SLACK
        for start, count in self.window.chunks():
            for low, high, bound in self._tiles(start, count, self._bounds):
                near, places = bound.topk(min(m, count), dim=1, largest=False)
                if m < count:
                    self._beyond[low:high] = torch.minimum(self._beyond[low:high], near[:, -1])
                wanted = (near <= self.distances[low:high, -1:]) & (near < torch.inf)
                self._meet(low, torch.where(wanted, places, -1), start)
        unsure = (self._beyond <= self.distances[:, -1]).nonzero()[:, 0]
        if len(unsure):  # many ties: once more, without the quick distances
            self._search_slowly(unsure)

    def among(self, candidates: Tensor) -> None:
        """Meet candidates (q, m), ascending in every row; -1 is none."""
        candidates = candidates.contiguous()
        for start, count in self.window.chunks():
            ends = torch.tensor([start, start + count]).repeat(self.window.q, 1)
            low, high = torch.searchsorted(candidates, ends).unbind(1)
            width = int((high - low).max())
            places = low[:, None] + torch.arange(width)
            found = candidates.gather(1, places.clamp(max=candidates.shape[1] - 1))
            kept = (places < high[:, None]) & (found != self.window.queries[:, None])
            self._meet(0, torch.where(kept, found - start, -1).to(self.distances.device), start)

    def _tiles(
        self, start: int, count: int, tile: Callable[[Any, slice], Tensor], rows: Tensor | None = None
    ) -> Iterator[tuple[int, int, Tensor]]:
        """Give distances of queries low to high to a chunk, infinite to themselves."""
        own, places = self.window.own(start, count)
        selves = torch.full((self.window.q,), -1, device=places.device)
        selves[own : own + len(places)] = places
        selves = selves if rows is None else selves[rows]
        step = max(1, TILE // count)
        for low in range(0, len(selves), step):
            high = min(low + step, len(selves))
            picked = slice(low, high) if rows is None else rows[low:high]
            found = tile(picked, slice(self.window.q, self.window.q + count))
            inside = (selves[low:high] >= 0).nonzero()[:, 0]
            found[inside, selves[low:high][inside]] = torch.inf
            yield low, high, found

    def _bounds(self, queries: slice, others: slice) -> Tensor:
        """Give what the plain distances are at least, by a matrix product."""
        flat = self.window.flat
        unit = rounding(flat.d, self._mean.dtype)
        if flat.manhattan:
            return torch.cdist(flat.values[queries], flat.values[others], p=1).mul_(1 - unit)
        # Weights of points near the rim of the ball would magnify the rounding of float32.
        a = flat.values[queries].to(self._mean.dtype) - self._mean
        b = flat.values[others].to(self._mean.dtype) - self._mean
        one, other = a.square().sum(1), b.square().sum(1)
        # What rounding may take away, at most: the same multiple of both norms.
        bound = torch.addmm((other * (1 - unit))[None], a, b.T, alpha=-2).add_((one * (1 - unit))[:, None])
        if flat.weights is not None:
            bound *= flat.weights[queries][:, None] * flat.weights[others]
        return bound.float()

    def _differences(self, queries: Tensor, others: slice) -> Tensor:
        flat = self.window.flat
        mode = "donot_use_mm_for_euclid_dist"
        p = 1.0 if flat.manhattan else 2.0
        found = torch.cdist(flat.values[queries], flat.values[others], p=p, compute_mode=mode)
        if not flat.manhattan:
            found.square_()
        if flat.weights is not None:
            found *= flat.weights[queries][:, None] * flat.weights[others]
        return found

    def _search_slowly(self, rows: Tensor) -> None:
        self.indices[rows], self.distances[rows] = -1, torch.inf
        for start, count in self.window.chunks():
            for low, high, found in self._tiles(start, count, self._differences, rows):
                distances, places = found.sort(dim=1, stable=True)
                places = torch.where(distances < torch.inf, places + start, -1)
                self._keep(rows[low:high], places[:, : self.k], distances[:, : self.k])

    def _meet(self, low: int, places: Tensor, start: int) -> None:
        """Take places in the chunk, -1 for none, as candidates of the queries from ``low`` on."""
        some = (places >= 0).any(1).nonzero()[:, 0]
        if not len(some):
            return
        q, places = self.window.q, places[some]
        k = min(self.k, places.shape[1])
        ids, distances = _exact(self.window.flat, some + low, torch.where(places < 0, -1, places + q), k)
        ids = torch.where(distances < torch.inf, ids - q + start, -1)
        self._keep(some + low, ids, distances)

    def _keep(self, queries: Tensor, ids: Tensor, distances: Tensor) -> None:
        # Chunks come in the order of their rows: a stable sort leaves equal distances in the order of index.
        every = torch.cat([self.distances[queries], distances], 1)
        every, order = every.sort(dim=1, stable=True)
        ids = torch.cat([self.indices[queries], ids], 1).gather(1, order)
        self.indices[queries], self.distances[queries] = ids[:, : self.k], every[:, : self.k]
