"""Candidate neighbours from FAISS (Johnson, Douze & Jegou 2017, arXiv:1702.08734). Nothing else imports faiss."""

import importlib.util
import math

import numpy as np
import torch

from ne_interactive.params.errors import MissingPackageError

__all__ = ["candidates", "installed"]

TRAIN_PER_LIST = 40
TRAIN_ROUNDS = 6


def installed() -> bool:
    """Whether FAISS can be imported."""
    return importlib.util.find_spec("faiss") is not None


def candidates(
    points: torch.Tensor, m: int, *, probes: int = 12, seed: int = 0
) -> tuple[torch.Tensor, np.ndarray]:
    """Search every point's m likely nearest points, itself among them, in an inverted-file index.

    points (n, d) float32, of few dimensions. About 1.5 sqrt(n) lists are trained on a sample, and at least ``probes``
    of them are searched, more where they would hold too few points. Returns ids (n, m) int64, padded with -1, and the
    points in an order in which near ones follow each other (n,).

    Raises:
        MissingPackageError: FAISS is not installed.
    """
    try:
        import faiss
    except ImportError as error:
        raise MissingPackageError(
            'backend="faiss" needs the package faiss; it is not installed. '
            "Install faiss-cpu (or faiss-gpu), or pass backend=None for exact search without it."
        ) from error
    array = np.ascontiguousarray(points.detach().cpu().numpy(), dtype=np.float32)
    n, d = array.shape
    lists = max(1, int(1.5 * math.sqrt(n)))
    index = faiss.IndexIVFFlat(faiss.IndexFlatL2(d), d, lists)
    index.cp.niter = TRAIN_ROUNDS
    index.cp.max_points_per_centroid = TRAIN_PER_LIST
    index.cp.min_points_per_centroid = 1
    index.cp.seed = seed % 2**31
    index.train(array)
    index.add(array)
    index.nprobe = min(lists, max(probes, math.ceil(4 * m * lists / n)))
    # A list holds near points: visiting list by list keeps both the search and what follows in the cache.
    _, home = index.quantizer.search(array, 1)
    order = np.argsort(home[:, 0], kind="stable")
    ids = np.empty((n, m), np.int64)
    ids[order] = index.search(np.ascontiguousarray(array[order]), m)[1]
    return torch.from_numpy(ids), order
