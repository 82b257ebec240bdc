"""Candidate neighbours from FAISS (Johnson, Douze & Jegou 2017, arXiv:1702.08734). Nothing else imports faiss."""

import contextlib
import importlib.util
import math
from collections.abc import Callable, Iterator
from typing import Any

import numba
import numpy as np
import torch

from ne_interactive.graph.distances import Search, rounding
from ne_interactive.graph.faiss_config import FaissConfig
from ne_interactive.graph.lists import TRAIN_PER_LIST, TRAIN_ROUNDS, list_count, probe_lists
from ne_interactive.graph.metrics import Flat
from ne_interactive.graph.parallel import parallel
from ne_interactive.graph.progress import report
from ne_interactive.params.errors import MissingPackageError, ParameterError

__all__ = ["candidates", "exhaustive", "installed"]

CODE_ROUNDS = 8
PROBES = 12
QUERIES = 16384
SEARCHING, RANKING = "finding neighbours", "ranking neighbours"


def installed() -> bool:
    """Whether FAISS can be imported."""
    return importlib.util.find_spec("faiss") is not None


def candidates(
    points: torch.Tensor,
    m: int,
    config: FaissConfig | None = None,
    *,
    queries: torch.Tensor | None = None,
    probes: int = PROBES,
    seed: int = 0,
) -> tuple[torch.Tensor, np.ndarray]:
    """Search every query's m likely nearest points in an approximate index.

    points (n, s) float32, of few dimensions; m at most n; queries (q, s), or None for the points, each of which is
    then among its own candidates. ``probes`` is the least number of lists searched where the configuration does not
    say. Returns ids (q, m) int64, padded with -1 and free of repeats, and the queries in an order in which near ones
    follow each other (q,).

    Raises:
        MissingPackageError: FAISS is not installed.
        ParameterError: The configuration asks for a GPU that FAISS cannot use.
    """
    config = config or FaissConfig()
    faiss, array = _faiss(), _array(points)
    n = len(array)
    asked = array if queries is None else _array(queries)
    parts = _codes(config, array.shape[1])
    if config.index_type == "IVFPQ":
        array, asked = _padded(array, parts), _padded(asked, parts)
    index, lists = _untrained(faiss, config, array, m, parts, seed)
    index = _placed(faiss, index, config)
    # One thread: code books are many tiny clusterings, and a graph would depend on which thread comes first.
    report(SEARCHING, 0.0)
    with _threads(faiss, one=config.index_type in ("IVFPQ", "HNSW")):
        index.train(array)
        index.add(array)
    order = np.arange(len(asked))
    if lists:
        index.nprobe = min(lists, config.nprobe or probe_lists(m, probes, lists, n))
        if config.device is None:
            # A list holds near points: visiting list by list keeps the search and what follows in the cache.
            order = np.argsort(index.quantizer.search(asked, 1)[1][:, 0], kind="stable")
    ids = np.empty((len(asked), m), np.int64)
    for first in range(0, len(order), QUERIES):
        report(SEARCHING, first / len(order))
        some = order[first : first + QUERIES]
        ids[some] = index.search(np.ascontiguousarray(asked[some]), m)[1]
    report(RANKING)
    return _checked(torch.from_numpy(ids), n), order


def exhaustive(config: FaissConfig) -> Callable[[Flat], Search]:
    """Search exhaustively: FAISS' flat index, for squared Euclidean or Manhattan distances without weights."""

    def search(flat: Flat) -> Search:
        faiss = _faiss()
        values = flat.values if flat.manhattan else flat.values - flat.values.mean(0)
        norms = values.square().sum(1)
        error = rounding(flat.d) * (values.abs().sum(1) if flat.manhattan else norms + norms.max())
        array = _array(values)
        metric = faiss.METRIC_L1 if flat.manhattan else faiss.METRIC_L2
        index = _placed(faiss, faiss.IndexFlat(array.shape[1], metric), config)
        index.add(array)

        def find(block: torch.Tensor, m: int) -> tuple[torch.Tensor, torch.Tensor]:
            distances, ids = index.search(np.ascontiguousarray(array[block.cpu().numpy()]), m + 1)
            beyond = torch.from_numpy(distances[:, -1]).to(block.device)
            return _checked(torch.from_numpy(ids), len(array)).to(block.device), beyond - error[block]

        return Search(find, QUERIES)

    return search


def _faiss() -> Any:
    try:
        import faiss
    except ImportError as error:
        raise MissingPackageError(
            'backend="faiss" needs the package faiss; it is not installed. '
            "Install faiss-cpu (or faiss-gpu), or pass backend=None for exact search without it."
        ) from error
    return faiss


def _array(points: torch.Tensor) -> np.ndarray:
    return np.ascontiguousarray(points.detach().cpu().numpy(), dtype=np.float32)


def _codes(config: FaissConfig, d: int) -> int:
    return min(d, config.M or (d + 1) // 2)


def _padded(array: np.ndarray, parts: int) -> np.ndarray:
    """Add columns of zeros, which change no distance, up to a multiple of the parts of a product code."""
    return np.pad(array, ((0, 0), (0, -array.shape[1] % parts)))


def _untrained(
    faiss: Any, config: FaissConfig, array: np.ndarray, m: int, parts: int, seed: int
) -> tuple[Any, int]:
    """Make the index, and tell how many inverted lists it has."""
    n, d = array.shape
    if config.index_type == "HNSW":
        index = faiss.IndexHNSWFlat(d, max(2, config.M or 32))
        index.hnsw.efConstruction = config.ef_construction
        index.hnsw.efSearch = config.ef_search or max(64, 2 * m)
        return index, 0
    lists = min(n, config.nlist or list_count(n))
    if config.index_type == "IVFPQ":
        bits = min(
            config.nbits, max(1, int(math.log2(n)))
        )  # each code book is trained on at least as many points
        index = faiss.IndexIVFPQ(faiss.IndexFlatL2(d), d, lists, parts, bits)
        index.pq.cp.niter = CODE_ROUNDS
        index.pq.cp.max_points_per_centroid = TRAIN_PER_LIST
        index.pq.cp.min_points_per_centroid = 1
        index.pq.cp.seed = seed % 2**31
    else:
        index = faiss.IndexIVFFlat(faiss.IndexFlatL2(d), d, lists)
    index.cp.niter = TRAIN_ROUNDS
    index.cp.max_points_per_centroid = TRAIN_PER_LIST
    index.cp.min_points_per_centroid = 1
    index.cp.seed = seed % 2**31
    return index, lists


def _placed(faiss: Any, index: Any, config: FaissConfig) -> Any:
    if config.device is None:
        return index
    gpus = faiss.get_num_gpus() if hasattr(faiss, "StandardGpuResources") else 0
    if config.device >= gpus:
        raise ParameterError(
            f"FaissConfig.device must be None or below {gpus}, the number of GPUs that this FAISS can use; "
            f"got {config.device}. Install faiss-gpu, or leave device out to search on the CPU."
        )
    resources = faiss.StandardGpuResources()
    if config.temp_memory is not None:
        resources.setTempMemory(config.temp_memory)
    try:
        placed = faiss.index_cpu_to_gpu(resources, config.device, index)
    except RuntimeError as error:
        raise ParameterError(f"FAISS cannot place {config} on a GPU: {error}") from error
    placed.held_resources = resources  # which must outlive the index
    return placed


@contextlib.contextmanager
def _threads(faiss: Any, one: bool) -> Iterator[None]:
    threads = faiss.omp_get_max_threads()
    if one:
        faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(threads)


def _checked(ids: torch.Tensor, n: int) -> torch.Tensor:
    """Replace ids outside [0, n) and repeated ones by -1."""
    array = np.ascontiguousarray(ids.numpy(), np.int64)
    clean = np.empty_like(array)
    size = 1 << (2 * max(array.shape[1], 1) - 1).bit_length()  # at most half full
    _clean(array, n, size, clean)
    return torch.from_numpy(clean)


@parallel
def _clean(ids, n, size, clean):
    """Each row's ids go through a hash table of their own."""
    for i in numba.prange(len(ids)):
        table = np.full(size, -1, np.int64)
        for a in range(ids.shape[1]):
            j = ids[i, a]
            clean[i, a] = -1
            if j < 0 or j >= n:
                continue
            place = (j * 2654435761) & (size - 1)
            while table[place] >= 0 and table[place] != j:
                place = (place + 1) & (size - 1)
            if table[place] < 0:
                table[place] = j
                clean[i, a] = j
