"""Start a layout from the eigenvectors of a graph's Laplacian."""

import warnings
from typing import Any, cast

import numpy as np
import scipy.sparse as sp
import torch
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import ArpackError, ArpackNoConvergence, LinearOperator, eigsh, lobpcg
from threadpoolctl import threadpool_limits

from ne_interactive.data.seeds import generator
from ne_interactive.graph.csr import Graph

__all__ = ["spectral_start"]

DENSE_ROWS = 300
"""Up to this many points all eigenvectors are computed at once."""
TOLERANCE = 1e-4
ROUNDS = 60
"""Restarts of the Lanczos iteration, each of about thirty products with the graph."""
NOISE = 1e-3
GOLDEN_ANGLE = np.pi * (3 - 5**0.5)


def spectral_start(graph: Graph, c: int, *, scale: float = 1e-4, seed: int = 0) -> torch.Tensor:
    """Start a layout (n, c) float32 from the graph, its first column with standard deviation ``scale``.

    The columns are the eigenvectors of the symmetric normalised Laplacian I - D^-1/2 W D^-1/2 with the smallest
    eigenvalues after the trivial one (Belkin & Niyogi 2003, doi:10.1162/089976603321780317), each with its largest
    entry in absolute value positive. The components of a graph that is not connected are laid out each on its own,
    in discs whose areas go with their numbers of points and which lie apart on a spiral, the largest innermost.
    Seeded noise of a thousandth of the scale parts equal points; directions that a small graph lacks are noise of a
    hundredth. Where no eigensolver converges, a warning says so and that component starts as noise.
    """
    n = graph.n
    noise = torch.randn((n, c), generator=generator(seed, "spectral noise"), dtype=torch.float64).numpy()
    Z = _layout(_matrix(graph), c, seed)
    spread = Z.std(0)
    if not spread.max(initial=0) > 0:
        Z = noise * scale
    else:
        alive = spread > 1e-6 * spread.max()
        Z = Z * (scale / (spread[0] if alive[0] else spread.max()))
        Z += noise * scale * np.where(alive, NOISE, 1e-2)
    return torch.from_numpy(Z.astype(np.float32)).to(graph.values.device)


def _matrix(graph: Graph) -> sp.csr_matrix:
    parts = (graph.values.double(), graph.indices, graph.indptr)
    data, indices, indptr = (part.cpu().numpy() for part in parts)
    return sp.csr_matrix((data, indices, indptr), shape=(graph.n, graph.n))


def _layout(W: sp.csr_matrix, c: int, seed: int) -> np.ndarray:
    pieces, label = connected_components(W, directed=False)
    if pieces == 1:
        return _component(W, c, seed)
    sizes = np.bincount(label)
    rank = np.empty(pieces, np.int64)
    rank[np.argsort(-sizes, kind="stable")] = np.arange(pieces)
    order = np.argsort(rank[label], kind="stable")
    W, sizes = W[order][:, order], np.sort(sizes)[::-1]
    ends = np.cumsum(sizes)
    centres = _centres(sizes, c)
    ordered = np.repeat(centres, sizes, axis=0)
    for end, size in zip(ends[sizes > 1], sizes[sizes > 1], strict=True):
        own = _component(W[end - size : end, end - size : end], c, seed)
        reach = np.sqrt((own**2).sum(1).max())
        if reach > 0:
            ordered[end - size : end] += own * (0.5 * np.sqrt(size) / reach)
    Z = np.empty_like(ordered)
    Z[order] = ordered
    return Z


def _centres(sizes: np.ndarray, c: int) -> np.ndarray:
    """Place discs of radius sqrt(size) / 2, in falling order of size, so that none overlap."""
    centres = np.zeros((len(sizes), c))
    if c == 1:
        widths = np.sqrt(sizes)
        centres[:, 0] = np.cumsum(widths) - widths / 2
        return centres
    radius = np.sqrt(np.cumsum(sizes) - sizes / 2)
    radius[0] = 0
    angle = np.arange(len(sizes)) * GOLDEN_ANGLE
    centres[:, 0], centres[:, 1] = radius * np.cos(angle), radius * np.sin(angle)
    return centres


def _component(W: sp.csr_matrix, c: int, seed: int) -> np.ndarray:
    """Lay out one connected graph (s, s); columns beyond its s - 1 eigenvectors are 0."""
    size = len(W.indptr) - 1
    root = np.sqrt(W @ np.ones(size))
    shrink = sp.diags(1 / np.where(root > 0, root, 1))
    A = (shrink @ W @ shrink).tocsr()
    found = min(c, size - 1)
    Z = np.zeros((size, c))
    if found == 0:
        return Z
    if size <= max(DENSE_ROWS, 3 * c):
        vectors = np.linalg.eigh(A.toarray())[1][:, ::-1][:, 1 : found + 1]
    else:
        vectors = _leading(A, root / np.linalg.norm(root), found, seed)
    largest = np.take_along_axis(vectors, np.abs(vectors).argmax(0)[None], 0)
    Z[:, :found] = vectors * np.where(largest < 0, -1.0, 1.0)
    return Z


def _leading(A: sp.csr_matrix, trivial: np.ndarray, c: int, seed: int) -> np.ndarray:
    """Find the c leading eigenvectors (s, c) of A besides the trivial one, in falling order of eigenvalue."""
    size = len(trivial)
    start = torch.randn((size, c), generator=generator(seed, "spectral"), dtype=torch.float64).numpy()

    def without_trivial(v: np.ndarray) -> np.ndarray:
        v = v.reshape(size)
        along = trivial @ v
        # The trivial eigenvalue 1 becomes -1, the last of all.
        return A @ v - 2 * along * trivial

    operator: Any = cast(Any, LinearOperator)((size, size), matvec=without_trivial, dtype=np.float64)
    lanczos = {"v0": start[:, 0], "tol": TOLERANCE, "ncv": min(size, max(2 * c + 1, 30)), "maxiter": ROUNDS}
    try:
        # Vectors this short gain nothing from threads, which beside a busy process wait for each other: tenfold.
        with threadpool_limits(1, user_api="blas"):
            values, vectors = eigsh(operator, k=c, which="LA", **lanczos)
        return vectors[:, np.argsort(-values, kind="stable")]
    except ArpackNoConvergence as stuck:
        ready = np.asarray(stuck.eigenvectors)
        start[:, : ready.shape[1]] = ready[:, :c]
    except ArpackError:
        pass
    return _by_gradient(A, trivial, start)


def _by_gradient(A: sp.csr_matrix, trivial: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Find the same eigenvectors by LOBPCG (Knyazev 2001, doi:10.1137/S1064827500366124)."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # its own, about the accuracy reached: judged below
            values, vectors = lobpcg(A, start, Y=trivial[:, None], largest=True, tol=TOLERANCE, maxiter=200)
        residual = np.abs(A @ vectors - vectors * values).max()
        if np.isfinite(residual) and residual < 1e-2:
            return vectors[:, np.argsort(-values, kind="stable")]
    except (np.linalg.LinAlgError, ValueError):
        pass
    warnings.warn(
        f"No eigensolver converged for a component of {len(trivial)} points of the graph: it starts as seeded noise "
        'instead of its spectral layout. init="pca" does not depend on this.',
        stacklevel=2,
    )
    return start / np.linalg.norm(start, axis=0)
