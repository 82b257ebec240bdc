"""Kernels divided by their sum over all pairs or over rows, for X and, differentiable, for embeddings."""

import math
from dataclasses import dataclass

import torch

from ne_interactive.graph.affinity import Affinity, check_real, squared
from ne_interactive.params.errors import ParameterError

__all__ = ["Normalized", "NormalizedGaussian", "NormalizedStudent"]

DIMENSIONS = ((0, 1), 0, 1, None)


class Normalized(Affinity):
    """Base of kernels with a normaliser: log Q = `log_kernel` - `log_normalizer`, both differentiable.

    Both take any float dtype and device. The diagonal never counts.
    """

    symmetric = False
    dim: tuple[int, int] | int | None

    def k(self, n: int) -> None:
        """All pairs."""
        return None

    def check(self, n: int, owner: str | None = None) -> None:
        """Raise ParameterError unless every parameter is within its limits and there are two points."""
        owner = owner or type(self).__name__
        if n < 2:
            raise ParameterError(f"{owner} needs at least 2 points; got {n}.")
        if (tuple(self.dim) if isinstance(self.dim, list) else self.dim) not in DIMENSIONS:
            raise ParameterError(f"{owner}.dim must be (0, 1), 0, 1 or None; got {self.dim!r}.")

    def log_kernel(self, distances_sq: torch.Tensor) -> torch.Tensor:
        """Give log K from squared distances, entry by entry."""
        raise NotImplementedError

    def log_normalizer(self, log_kernel: torch.Tensor) -> torch.Tensor:
        """Give what to subtract from log K (n, n), so that Q sums to 1 without its diagonal: a tensor that broadcasts.

        dim (0, 1): the logarithm of the whole sum, (); 1: of n times each row's sum, (n, 1); 0: of each column's,
        (1, n); None: 0.
        """
        if self.dim is None:
            return log_kernel.new_zeros(())
        n = log_kernel.shape[0]
        diagonal = torch.eye(n, dtype=torch.bool, device=log_kernel.device)
        outside = log_kernel.masked_fill(diagonal, -torch.inf)
        if isinstance(self.dim, int):
            return outside.logsumexp(self.dim, keepdim=True) + math.log(n)
        return outside.logsumexp((0, 1))

    def dense(self, distances: torch.Tensor, metric: str = "euclidean") -> torch.Tensor:
        """Q of n points from their distances: sum 1 (with dim None the kernel itself), the diagonal 0."""
        self.check(distances.shape[0])
        log_K = self.log_kernel(squared(distances.detach().double(), metric))
        return torch.exp(log_K - self.log_normalizer(log_K)).fill_diagonal_(0).to(torch.float32)


@dataclass(frozen=True, kw_only=True)
class NormalizedGaussian(Normalized):
    """exp(-d_ij^2 / sigma), divided by its sum (Hinton & Roweis 2002, Stochastic neighbor embedding, NIPS 15).

    ``sigma``: bandwidth in the units of squared distances; 1 is the kernel of SNE's embedding.
    ``dim``: (0, 1) divides by the sum over all pairs; 1 by n times that of the row (conditional probabilities), 0 by
    n times that of the column; None not at all. The diagonal is left out.
    """

    sigma: float = 1.0
    dim: tuple[int, int] | int | None = (0, 1)

    def check(self, n: int, owner: str | None = None) -> None:
        """Raise ParameterError unless sigma is positive and dim one of the four."""
        super().check(n, owner)
        check_real(owner or type(self).__name__, "sigma", self.sigma, 0, math.inf)

    def log_kernel(self, distances_sq: torch.Tensor) -> torch.Tensor:
        """-d^2 / sigma."""
        return -distances_sq / self.sigma


@dataclass(frozen=True, kw_only=True)
class NormalizedStudent(Normalized):
    """(1 + d_ij^2 / dof)^-dof, divided by its sum.

    Kobak, Linderman, Steinerberger, Kluger & Berens 2019, doi:10.1007/978-3-030-46150-8_8.

    ``dof``: tail weight, as everywhere in this package; 1 is the kernel of t-SNE's embedding, less has heavier tails,
    large values approach exp(-d^2).
    ``dim``: as in `NormalizedGaussian`.
    """

    dof: float = 1.0
    dim: tuple[int, int] | int | None = (0, 1)

    def check(self, n: int, owner: str | None = None) -> None:
        """Raise ParameterError unless dof is positive and dim one of the four."""
        super().check(n, owner)
        check_real(owner or type(self).__name__, "dof", self.dof, 0, math.inf)

    def log_kernel(self, distances_sq: torch.Tensor) -> torch.Tensor:
        """-dof log(1 + d^2 / dof)."""
        return -self.dof * torch.log1p(distances_sq / self.dof)
