"""Adam on the Poincare ball: steps along geodesics (Becigneul and Ganea, arXiv:1810.00760)."""

from __future__ import annotations

import torch
from torch import Tensor

from ne_interactive.engine.rules import RULES, Centre, Own
from ne_interactive.forces.hyperbolic import RIM, into_ball
from ne_interactive.forces.scalars import Scalar

FIRST, SECOND = 0.9, 0.999  # shares of both moments that are kept
EPSILON = 1e-10  # gradients are shares of a point in a sum of 1: small
MAX_STEP = 1.0  # geodesic distance an iteration; a hasty change of parameters must not tear the map
TINY = 1e-15


class Riemannian(Own):
    """Adam with one adaptive scale for each point; the embedding stays in the ball of curvature -1."""

    def slots(self, Z: Tensor) -> dict[str, Tensor]:
        """First moment (n, c), a tangent vector at its point; second moment (n, 1); updates made, a scalar."""
        return {
            "first": torch.zeros_like(Z),
            "second": Z.new_zeros(len(Z), 1),
            "updates": torch.zeros((), dtype=torch.float64, device=Z.device),
        }

    def move(
        self,
        Z: Tensor,
        slots: dict[str, Tensor],
        gradient: Tensor,
        lr: Scalar,
        momentum: Scalar,
        centre: Centre = (),
        stiffness: Tensor | None = None,
    ) -> Scalar:
        """One step of geodesic length about lr; the gradient is the Euclidean one and is left as it is."""
        first, second, updates = slots["first"], slots["second"], slots["updates"]
        before = Z.clone()
        Z.copy_(into_ball(Z))
        conformal = 2 / (1 - Z.square().sum(1, keepdim=True))
        updates += 1
        first.mul_(FIRST).add_(gradient / conformal.square(), alpha=1 - FIRST)
        second.mul_(SECOND).add_((gradient / conformal).square().sum(1, keepdim=True), alpha=1 - SECOND)
        scale = (second / (1 - SECOND**updates)).sqrt() + EPSILON
        tangent = first * (-lr / (1 - FIRST**updates)) / scale
        after = exponential(Z, tangent, MAX_STEP)
        first.copy_(transport(Z, after, first))
        Z.copy_(after)
        return (Z - before).square().sum()


def add(x: Tensor, y: Tensor) -> Tensor:
    """Moebius addition of points x and y (n, c) of the ball: y carried from the centre to x."""
    xy = (x * y).sum(1, keepdim=True)
    xx, yy = x.square().sum(1, keepdim=True), y.square().sum(1, keepdim=True)
    return ((1 + 2 * xy + yy) * x + (1 - xx) * y) / (1 + 2 * xy + xx * yy).clamp_min(TINY)


def exponential(x: Tensor, tangent: Tensor, longest: float = float("inf")) -> Tensor:
    """Where the geodesics from x (n, c) along the tangents (n, c) end, at most `longest` away and in the ball."""
    length = tangent.norm(dim=1, keepdim=True).clamp_min(TINY)
    distance = (2 * length / (1 - x.square().sum(1, keepdim=True))).clamp_max(longest)
    return into_ball(add(x, torch.tanh(distance / 2) * tangent / length), RIM)


def transport(x: Tensor, y: Tensor, tangent: Tensor) -> Tensor:
    """Tangent vectors (n, c) at x carried in parallel along the geodesics to y; their lengths in the ball are kept."""
    x = -x
    xx, yy, xy = (
        x.square().sum(1, keepdim=True),
        y.square().sum(1, keepdim=True),
        (x * y).sum(1, keepdim=True),
    )
    xt, yt = (x * tangent).sum(1, keepdim=True), (y * tangent).sum(1, keepdim=True)
    along_y = xt - yt * xx + 2 * xy * xt
    along_x = -xt * yy - yt
    turned = tangent + 2 * (along_y * y + along_x * x) / (1 + 2 * xy + xx * yy).clamp_min(TINY)
    return turned * (1 - yy) / (1 - xx)


RULES["riemannian"] = Riemannian()
