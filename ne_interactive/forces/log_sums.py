"""Logarithms of kernel sums over all pairs, from the largest term on: no sum underflows."""

from __future__ import annotations

import numpy as np
import torch
from numba import prange
from torch import Tensor

from ne_interactive.forces import exact
from ne_interactive.forces.compiled import compiled
from ne_interactive.graph.exponential import exp_minus
from ne_interactive.graph.parallel import parallel


def log_sums(Z: Tensor, logs: Tensor | None, kernel: str, dof: float, rows: Tensor | None = None) -> Tensor:
    """log sum_{j != i} exp(logs_j) k(d_ij) (m,) float64: finite however far a point lies from all others.

    Args:
        Z: (n, c) positions; one point alone has no others, and gets -inf.
        logs: (n,) logarithms of the charges; None: all 0.
        kernel: as in `exact.sums`.
        dof: as in `exact.sums`.
        rows: (m,) the points to evaluate at; None: all.
    """
    picked = torch.arange(len(Z), device=Z.device) if rows is None else rows
    offsets = torch.zeros(len(Z), dtype=torch.float64, device=Z.device) if logs is None else logs.double()
    if len(Z) < 2:
        return torch.full((len(picked),), -torch.inf, dtype=torch.float64, device=Z.device)
    if not compiled(Z):
        return log_sums_torch(Z, offsets, kernel, dof, picked)
    found = torch.empty(len(picked), dtype=torch.float64)
    columns = Z.double().t().contiguous().numpy()
    _log_sums(columns, offsets.numpy(), picked.numpy(), exact.family_of(kernel, dof), dof, found.numpy())
    return found


def log_sums_torch(Z: Tensor, offsets: Tensor, kernel: str, dof: float, rows: Tensor) -> Tensor:
    """The reference for `log_sums`, on any device."""
    Z = Z.double()
    found = torch.empty(len(rows), dtype=torch.float64, device=Z.device)
    number = torch.arange(len(Z), device=Z.device)
    step = max(1, exact.TILE // max(len(Z), 1))
    for start in range(0, len(rows), step):
        own = rows[start : start + step]
        squared = (Z[own, None] - Z[None]).square().sum(2)
        terms = offsets - (squared if kernel == "gaussian" else dof * torch.log1p(squared / dof))
        terms.masked_fill_(number == own[:, None], -torch.inf)
        found[start : start + step] = torch.logsumexp(terms, 1)
    return found


@parallel
def _log_sums(columns, offsets, rows, family, dof, found):
    n = columns.shape[1]
    for r in prange(len(rows)):
        i = rows[r]
        terms = np.empty(exact.BLOCK)
        highest, total = -1e300, 0.0
        for start in range(0, n, exact.BLOCK):
            count = exact.distances_from(columns, i, columns, start, terms)
            for b in range(count):
                if family != exact.GAUSSIAN:
                    terms[b] = dof * np.log1p(terms[b] / dof)
                terms[b] = offsets[start + b] - terms[b]
            if start <= i < start + count:
                terms[i - start] = -1e300
            high = highest
            for b in range(count):
                high = max(high, terms[b])
            total *= np.exp(max(highest - high, -700.0))
            highest = high
            part = np.float32(0)
            for b in range(count):
                part += exp_minus(np.float32(min(high - terms[b], 200.0)))
            total += part
        found[r] = highest + np.log(total)
