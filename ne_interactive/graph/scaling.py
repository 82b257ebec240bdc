"""Symmetric scaling of a kernel to row sums 1, with the derivative of what it is scaled by."""

from typing import Any

import numpy as np
import torch

from ne_interactive.graph.duals import Pairs, sinkhorn_duals

__all__ = ["all_pairs", "scaling_duals"]

PRODUCTS = 500


def all_pairs(costs: np.ndarray) -> Pairs:
    """Give all pairs of a symmetric (n, n) matrix of costs, without its diagonal."""
    n = len(costs)
    off = ~np.eye(n, dtype=bool)
    indices = np.broadcast_to(np.arange(n, dtype=np.int32), (n, n))[off]
    return Pairs(np.arange(n + 1) * (n - 1), indices, costs[off])


def scaling_duals(log_kernel: torch.Tensor) -> torch.Tensor:
    """Solve sum_j exp(f_i + f_j + log K_ij) = 1 over j != i for f (n,), for a symmetric log K (n, n), n >= 3.

    Same dtype and device as log K; differentiable once.
    """
    return _ScalingDuals.apply(log_kernel)  # pyright: ignore[reportReturnType]


class _ScalingDuals(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, log_kernel: torch.Tensor) -> torch.Tensor:
        costs = -log_kernel.detach().cpu().double().numpy()
        solution = sinkhorn_duals(all_pairs((costs + costs.T) / 2), 1.0)
        f = torch.from_numpy(solution.f / 2).to(log_kernel)
        ctx.save_for_backward(log_kernel, f)
        return f

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> torch.Tensor:
        """Row sums stay 1: (I + Q) df = - the row sums of Q dlogK, so that dlogK gets -v_i Q_ij with (I + Q) v = g."""
        log_kernel, f = ctx.saved_tensors
        Q = torch.exp(log_kernel.double() + f[:, None] + f[None, :]).fill_diagonal_(0)
        v = _solved(Q, gradients[0].double())
        return (-(v[:, None] + v[None, :]) / 2 * Q).to(log_kernel)


def _solved(Q: torch.Tensor, g: torch.Tensor) -> torch.Tensor:
    """Solve (I + Q) v = g by conjugate gradients; Q is doubly stochastic, so that I + Q has no negative eigenvalue."""
    v, residual = torch.zeros_like(g), g.clone()
    along, rho = residual.clone(), residual @ residual
    goal = 1e-24 * rho
    for _ in range(PRODUCTS):
        if not bool(rho > goal):
            break
        out = along + Q @ along
        curvature = along @ out
        if not bool(curvature > 0):
            break
        v = v + rho / curvature * along
        residual = residual - rho / curvature * out
        rho, before = residual @ residual, rho
        along = residual + rho / before * along
    return v
