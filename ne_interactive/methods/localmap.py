"""LocalMAP: PaCMAP whose pairs are adjusted to the map that has formed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from ne_interactive.engine.protocol import At, Gradient
from ne_interactive.engine.state import State
from ne_interactive.forces import nearby
from ne_interactive.forces.counter import key_of
from ne_interactive.forces.ring import partners
from ne_interactive.forces.saturating import Shape
from ne_interactive.forces.scalars import Scalar
from ne_interactive.methods.pacmap import NEAR, PACMAP, ring_of
from ne_interactive.params.declare import declare
from ne_interactive.params.param import param

EVERY = 10  # iterations between two draws of further pairs


@declare
class LocalMAP(PACMAP):
    """PaCMAP with local adjustment of its graph (Wang, Sun, Huang and Rudin 2025, arXiv:2412.15426).

    In the third phase the slope of a pair of neighbours is multiplied by (local_distance / 2) / sqrt(1 + d^2), so that
    pairs that ended far apart let go, and the further pairs are drawn anew from the points within `local_distance` in
    the map, so that close clusters separate. `locality` eases both in and out.

    Examples:
        >>> import ne_interactive as ne
        >>> X = ne.datasets.digits().X
        >>> ne.LocalMAP(random_state=0).fit_transform(X).shape
        (1797, 2)
    """

    locality: float | str = param(
        "auto", "Share of the local adjustment: 0 is PaCMAP, 1 LocalMAP; 'auto' is 1 in the third phase.",
        kind="number", bounds=(0, 1), slider=(0, 1), group="forces", live=True, redo="nothing", auto=True,
    )  # fmt: skip
    local_distance: float = param(
        10.0, "Distance in the map, embedding units, within which further pairs are drawn and neighbours hold.",
        bounds=(0, 1e6), closed="high", slider=(1, 50), group="forces", live=True, redo="nothing",
    )  # fmt: skip

    def iterations(self, n: int) -> int:
        """Two phases and 450 more, in which clusters go on parting, unless `max_iter` is given."""
        return super().iterations(n) + (200 if isinstance(self.max_iter, str) else 0)

    def scheduled(self, name: str, state: State, n: int, knobs: Mapping[str, Any]) -> Any:
        """As for PaCMAP; local from the third phase on."""
        if name == "locality":
            return 1.0 if state.elapsed >= 2 * self.iter_per_phase else 0.0
        return super().scheduled(name, state, n, knobs)

    def shape(self, at: At) -> Shape:
        """Of the loss of a pair of neighbours, local in part."""
        return Shape(NEAR, float(at.knobs["locality"]), float(at.knobs["local_distance"]) / 2)

    def pushed(self, Z: Tensor, at: At) -> Tensor:
        """sum 1 / (1 + D) over the further pairs drawn last."""
        return nearby.pushed(at.state.memory["further"], Z) if self._drawn(at) else super().pushed(Z, at)

    def push(self, at: At, want_loss: bool) -> tuple[Tensor, Scalar]:
        """Its gradient and value."""
        if not self._drawn(at):
            return super().push(at, want_loss)
        return nearby.push(at.state.memory["further"], at.state.positions, want_loss)

    def gradient(self, at: At, want_loss: bool) -> Gradient:
        """As for PaCMAP; at every tenth iteration the next further pairs are drawn."""
        found = super().gradient(at, want_loss)
        return found._replace(memory=self._next(at))

    def _drawn(self, at: At) -> bool:
        """Whether further pairs were drawn for the present numbers of pairs."""
        kept = at.state.memory.get("further")
        return kept is not None and kept.shape == (at.n, len(at.problem.extras["offsets"]))

    def _next(self, at: At) -> Mapping[str, Tensor]:
        """The further pairs of the next iteration; none are kept while they are those of the start."""
        kept = at.state.memory if self._drawn(at) else {}
        locality = float(at.knobs["locality"])
        if at.state.elapsed % EVERY or not (locality or kept):
            return kept
        if not locality:
            return {}
        key, distance = key_of(at.state.seed, at.state.iteration), float(at.knobs["local_distance"])
        old = kept["further"] if kept else partners(ring_of(at))
        return {"further": nearby.nearby(at.state.positions, old, at.graph, key, distance, locality)}
