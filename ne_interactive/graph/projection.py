"""Principal components: the first picture, the start of a layout, and a cheaper space for neighbour search."""

import torch

from ne_interactive.data.seeds import generator

__all__ = ["axes", "pca", "pca_start", "projected"]

SAMPLE_ROWS = 10_000
"""Rows from which the covariance is estimated when there are more."""
EXACT_SIZE = 1500
"""Up to this many columns (or rows, where these are fewer) the spectrum is exact; beyond, by subspace iteration."""
CHUNK = 8192


def pca(values: torch.Tensor, c: int, *, seed: int = 0) -> torch.Tensor:
    """Project values (n, d) on their first principal components.

    Returns (n, min(c, d, n - 1)) float32, components in order of falling variance. Each component's largest loading
    in absolute value is positive, so that signs do not depend on the solver. With more than ten thousand rows the
    covariance comes from a seeded sample of them; with both sides large the components come from randomised
    subspace iteration (Halko, Martinsson & Tropp 2011, doi:10.1137/090771806).
    """
    return projected(values, *axes(values, c, seed=seed))


def axes(values: torch.Tensor, c: int, *, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Find the mean (d,) of values (n, d) and their first min(c, d, n - 1) principal directions, as columns."""
    n, d = values.shape
    mean = values.mean(0)
    loadings = _loadings(_sample(values, seed) - mean, min(c, d, n - 1), seed)
    largest = loadings.gather(0, loadings.abs().argmax(0, keepdim=True))
    return mean, loadings * torch.where(largest < 0, -1.0, 1.0)


def projected(values: torch.Tensor, mean: torch.Tensor, loadings: torch.Tensor) -> torch.Tensor:
    """Give the coordinates of rows (m, d) along given directions."""
    # Centred chunk by chunk: data far from the origin keep their digits, and no second copy of the data exists.
    return torch.cat([(block - mean) @ loadings for block in values.split(CHUNK)])


def pca_start(values: torch.Tensor, c: int, *, scale: float = 1e-4, seed: int = 0) -> torch.Tensor:
    """Start a layout (n, c) from the principal components, its first column with standard deviation ``scale``.

    Components that the data lack (fewer columns than c, or columns without variance) are seeded noise of a hundredth
    of the scale, so that no direction of the layout is dead; data that are all equal start as noise of the scale.
    """
    n = values.shape[0]
    Z = torch.randn((n, c), generator=generator(seed, "start")).to(values.device) * scale
    components = pca(values, c, seed=seed)
    spread = components.std(0, correction=0)
    size = float(values.abs().max())
    if not float(spread[0]) > 1e-6 * size:
        return Z
    alive = spread > 1e-5 * spread[0]
    Z *= 1e-2
    Z[:, : alive.shape[0]][:, alive] = components[:, alive] * (scale / spread[0])
    return Z.contiguous()


def _sample(values: torch.Tensor, seed: int) -> torch.Tensor:
    n = values.shape[0]
    if n <= SAMPLE_ROWS:
        return values
    chosen = torch.randperm(n, generator=generator(seed, "pca sample"))[:SAMPLE_ROWS].sort().values
    return values[chosen.to(values.device)]


def _loadings(centred: torch.Tensor, c: int, seed: int) -> torch.Tensor:
    rows, d = centred.shape
    # Very large or very small units would leave float32 once squared.
    centred = centred / centred.abs().max().clamp_min(1e-30)
    if d <= min(rows, EXACT_SIZE):
        _, vectors = torch.linalg.eigh((centred.T @ centred).double())
        return vectors[:, -c:].flip(1).to(centred.dtype)
    if rows <= EXACT_SIZE:
        _, vectors = torch.linalg.eigh((centred @ centred.T).double())
        return _orthonormal(centred.T @ vectors[:, -c:].flip(1).to(centred.dtype))
    return _subspace(centred, c, seed)


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
