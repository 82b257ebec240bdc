"""Principal components: the first picture, the start of a layout, and a cheaper space for neighbour search."""

from collections.abc import Iterator

import torch

from ne_interactive.data.seeds import generator

__all__ = ["axes", "pca", "pca_start", "projected", "searchable"]

SAMPLE_ROWS = 4_000
"""Rows from which the covariance is estimated when there are more: 3,000 to 10,000 images found as many neighbours."""
EXACT_SIZE = 1500
"""Up to this many columns (or rows, where these are fewer) the spectrum is exact; beyond, by subspace iteration."""
CHUNK = 2**20
"""Entries that are centred at once: these stay in the cache until all that is computed from them is."""
NARROW = 16
"""Columns: a product with very few of them is several times as slow as one with so many."""
FEW = 8
"""With so many times as many columns as components, the spectrum comes from iteration where that converges."""
TIGHT, LOOSE = 1e-7, 1e-3
"""Tolerances of directions; a search takes its coordinates from loose ones: any that hold nearly as much do as well."""
BEYOND = 0.3
"""How much of what the components leave of a row counts in a search among them.

Squared distances lose the rests' |r_i|^2 + |r_j|^2 - 2 r_i.r_j, the last term of which is unknown. Near rows' rests
are alike, so that it takes back most of the second: this share of |r_j|^2 found the most neighbours on images, noise
and clusters alike, and none of it many fewer.
"""


def pca(values: torch.Tensor, c: int, *, seed: int = 0) -> torch.Tensor:
    """Project values (n, d) on their first principal components.

    Returns (n, min(c, d, n - 1)) float32, components in order of falling variance. Each component's largest loading
    in absolute value is positive, so that signs do not depend on the solver. With more than four thousand rows the
    covariance comes from a seeded sample of them; with both sides large the components come from randomised
    subspace iteration (Halko, Martinsson & Tropp 2011, doi:10.1137/090771806).
    """
    return projected(values, *axes(values, c, seed=seed))


def axes(
    values: torch.Tensor, c: int, *, seed: int = 0, loose: bool = False
) -> tuple[torch.Tensor, torch.Tensor]:
    """Find the mean (d,) of values (n, d) and their first min(c, d, n - 1) principal directions, as columns.

    ``loose``: as near as a search needs them: the mean is that of a sample, and what comes from iteration takes fewer
    rounds.
    """
    n, d = values.shape
    some = _sample(values, seed)
    mean = (some if loose else values).mean(0)
    loadings = _loadings(some - mean, min(c, d, n - 1), seed, LOOSE if loose else TIGHT)
    largest = loadings.gather(0, loadings.abs().argmax(0, keepdim=True))
    return mean, loadings * torch.where(largest < 0, -1.0, 1.0)


def projected(values: torch.Tensor, mean: torch.Tensor, loadings: torch.Tensor) -> torch.Tensor:
    """Give the coordinates of rows (m, d) along given directions."""
    c = loadings.shape[1]
    wide = torch.nn.functional.pad(loadings, (0, max(0, NARROW - c)))
    found = values.new_empty(len(values), wide.shape[1])
    for rows, centred in _centred(values, mean):
        torch.mm(centred, wide, out=found[rows])
    return found[:, :c].contiguous()


def searchable(
    points: torch.Tensor, c: int, queries: torch.Tensor | None = None, *, seed: int = 0
) -> tuple[torch.Tensor, torch.Tensor]:
    """Reduce rows to c coordinates in which the nearest points of a query are likely those of the full space.

    Args:
        points: (n, d) to be found, of which the components are taken; c < d.
        c: coordinates.
        queries: (q, d), or None for the points.
        seed: of the sample that the components come from.

    Returns:
        points (n, c + 1) and queries (q, c + 1): components, and in the last column of the points what they leave out;
        a query has 0 there.
    """
    mean, loadings = axes(points, c, seed=seed, loose=True)
    found = points.new_empty(len(points), loadings.shape[1] + 1)
    for rows, centred in _centred(points, mean):
        part = centred @ loadings
        found[rows, :-1] = part
        left = torch.linalg.vector_norm(centred, dim=1).square() - part.square().sum(1)
        found[rows, -1] = (BEYOND * left.clamp_min(0)).sqrt()
    asked = found[:, :-1] if queries is None else projected(queries, mean, loadings)
    return found, torch.nn.functional.pad(asked, (0, 1))


def pca_start(values: torch.Tensor, c: int, *, scale: float = 1e-4, seed: int = 0) -> torch.Tensor:
    """Start a layout (n, c) from the principal components, its first column with standard deviation ``scale``.

    Components that the data lack (fewer columns than c, or columns without variance) are seeded noise of a hundredth
    of the scale, so that no direction of the layout is dead; data that are all equal start as noise of the scale.
    """
    n = values.shape[0]
    Z = torch.randn((n, c), generator=generator(seed, "start")).to(values.device) * scale
    components = pca(values, c, seed=seed)
    spread = components.std(0, correction=0)
    size = max(abs(float(end)) for end in values.aminmax())
    if not float(spread[0]) > 1e-6 * size:
        return Z
    alive = spread > 1e-5 * spread[0]
    Z *= 1e-2
    Z[:, : alive.shape[0]][:, alive] = components[:, alive] * (scale / spread[0])
    return Z.contiguous()


def _centred(values: torch.Tensor, mean: torch.Tensor) -> Iterator[tuple[slice, torch.Tensor]]:
    """Rows less the mean, some at a time, each gone when the next are asked for.

    Data far from the origin keep their digits, and no second copy of the data exists.
    """
    step = max(1, CHUNK // values.shape[1])
    room = torch.empty_like(values[:step])
    for first in range(0, len(values), step):
        some = values[first : first + step]
        yield slice(first, first + len(some)), torch.sub(some, mean, out=room[: len(some)])


def _sample(values: torch.Tensor, seed: int) -> torch.Tensor:
    n = values.shape[0]
    if n <= SAMPLE_ROWS:
        return values
    chosen = torch.randperm(n, generator=generator(seed, "pca sample"))[:SAMPLE_ROWS].sort().values
    return values[chosen.to(values.device)]


def _loadings(centred: torch.Tensor, c: int, seed: int, tolerance: float = TIGHT) -> torch.Tensor:
    rows, d = centred.shape
    # Very large or very small units would leave float32 once squared.
    centred = centred / centred.abs().max().clamp_min(1e-30)
    if d <= min(rows, EXACT_SIZE):
        covariance = (centred.T @ centred).double()
        if FEW * c < d and (found := _leading(covariance, c, seed, tolerance)) is not None:
            return found.to(centred.dtype)
        _, vectors = torch.linalg.eigh(covariance)
        return vectors[:, -c:].flip(1).to(centred.dtype)
    if rows <= EXACT_SIZE:
        _, vectors = torch.linalg.eigh((centred @ centred.T).double())
        return _orthonormal(centred.T @ vectors[:, -c:].flip(1).to(centred.dtype))
    return _subspace(centred, c, seed)


def _leading(
    matrix: torch.Tensor, c: int, seed: int, tolerance: float = TIGHT, rounds: int = 40
) -> torch.Tensor | None:
    """Eigenvectors (d, c) of the largest eigenvalues by subspace iteration; None where it does not converge soon."""
    d = len(matrix)
    start = torch.randn((d, min(2 * c + 8, d)), generator=generator(seed, "subspace")).double()
    basis = _orthonormal(start.to(matrix.device))
    for _ in range(rounds // 4):
        for _ in range(4):
            basis = _orthonormal(matrix @ basis)
        image = matrix @ basis
        values, rotation = torch.linalg.eigh(basis.T @ image)
        values, rotation = values[-c:].flip(0), rotation[:, -c:].flip(1)
        found = basis @ rotation
        if bool(((image @ rotation - found * values).norm(dim=0) <= tolerance * values[0]).all()):
            return found
    return None


def _subspace(centred: torch.Tensor, c: int, seed: int, rounds: int = 6) -> torch.Tensor:
    d = centred.shape[1]
    start = torch.randn((d, min(c + 10, d)), generator=generator(seed, "subspace"))
    basis = start.to(centred.device)
    for _ in range(rounds):
        basis = _orthonormal(centred.T @ (centred @ basis))
    _, _, right = torch.linalg.svd(centred @ basis, full_matrices=False)
    return (basis @ right.T)[:, :c]


def _orthonormal(matrix: torch.Tensor) -> torch.Tensor:
    return torch.linalg.qr(matrix).Q
