"""Principal components: the first picture, the start of a layout, and a cheaper space for neighbour search."""

import torch

from ne_interactive.data.seeds import generator

__all__ = ["axes", "pca", "pca_start", "projected", "searchable"]

SAMPLE_ROWS = 10_000
"""Rows from which the covariance is estimated when there are more."""
EXACT_SIZE = 1500
"""Up to this many columns (or rows, where these are fewer) the spectrum is exact; beyond, by subspace iteration."""
CHUNK = 8192
NARROW = 16
FEW = 8
"""With so many times as many columns as components, the spectrum comes from iteration where that converges."""
TIGHT, LOOSE = 1e-7, 1e-3
"""Tolerances of directions; a search takes its coordinates from loose ones: any that hold nearly as much do as well."""
LOOSE_ROWS = 4_000
"""Rows that loose directions come from, where there are more: 3,000 to 10,000 images found as many neighbours."""
BEYOND = 0.3
"""How much of what the components leave of a row counts in a search among them.

Squared distances lose the rests' |r_i|^2 + |r_j|^2 - 2 r_i.r_j, the last term of which is unknown. Near rows' rests
are alike, so that it takes back most of the second: this share of |r_j|^2 found the most neighbours on images, noise
and clusters alike, and none of it many fewer.
"""


def pca(values: torch.Tensor, c: int, *, seed: int = 0) -> torch.Tensor:
    """Project values (n, d) on their first principal components.

    Returns (n, min(c, d, n - 1)) float32, components in order of falling variance. Each component's largest loading
    in absolute value is positive, so that signs do not depend on the solver. With more than ten thousand rows the
    covariance comes from a seeded sample of them; with both sides large the components come from randomised
    subspace iteration (Halko, Martinsson & Tropp 2011, doi:10.1137/090771806).
    """
    return projected(values, *axes(values, c, seed=seed))


def axes(
    values: torch.Tensor, c: int, *, seed: int = 0, loose: bool = False
) -> tuple[torch.Tensor, torch.Tensor]:
    """Find the mean (d,) of values (n, d) and their first min(c, d, n - 1) principal directions, as columns.

    ``loose``: as near as a search needs them, from fewer rows and, where they come from iteration, fewer rounds.
    """
    n, d = values.shape
    tolerance, rows = (LOOSE, LOOSE_ROWS) if loose else (TIGHT, SAMPLE_ROWS)
    mean = values.mean(0)
    loadings = _loadings(_sample(values, rows, seed) - mean, min(c, d, n - 1), seed, tolerance)
    largest = loadings.gather(0, loadings.abs().argmax(0, keepdim=True))
    return mean, loadings * torch.where(largest < 0, -1.0, 1.0)


def projected(values: torch.Tensor, mean: torch.Tensor, loadings: torch.Tensor) -> torch.Tensor:
    """Give the coordinates of rows (m, d) along given directions."""
    # A product with very few columns is several times as slow as one with NARROW.
    wide = torch.nn.functional.pad(loadings, (0, max(0, NARROW - loadings.shape[1])))
    # Centred chunk by chunk: data far from the origin keep their digits, and no second copy of the data exists.
    found = torch.cat([(block - mean) @ wide for block in values.split(CHUNK)])
    return found[:, : loadings.shape[1]].contiguous()


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
    found = projected(points, mean, loadings)
    lengths = torch.cat([(block - mean).square().sum(1) for block in points.split(CHUNK)])
    left = (lengths - found.square().sum(1)).clamp_min(0)
    asked = found if queries is None else projected(queries, mean, loadings)
    rest = (BEYOND * left).sqrt().unsqueeze(1)
    return torch.cat([found, rest], 1), torch.nn.functional.pad(asked, (0, 1))


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


def _sample(values: torch.Tensor, rows: int, seed: int) -> torch.Tensor:
    n = values.shape[0]
    if n <= rows:
        return values
    chosen = torch.randperm(n, generator=generator(seed, "pca sample"))[:rows].sort().values
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
