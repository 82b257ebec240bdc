"""What the map does not show as it is in the data: the share that each point lacks, and which neighbours are wrong."""

from typing import Any

import numpy as np

from ne_interactive.params.errors import NEError
from ne_interactive.quality.labels import Labels

POINT_ERROR = "point error"
K = 10  # neighbours that count, where the run knows as many
ALONE = 5000  # points whose neighbours are searched where the run knows none yet
LOOKED_AT = 1000  # points of a selection, evenly drawn
MOST_LINES = 200  # of each kind


class PointErrors:
    """The share of its neighbours that each point lacks, as last measured: labels that points are coloured by."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._values = np.empty(0)
        self._at: object = None

    def labels(self, n: int) -> Labels:
        """Give the values of n points; all of them missing where those of other points were measured."""
        values = self._values if len(self._values) == n else np.full(n, np.nan)
        return Labels("number", POINT_ERROR, values=values, limits=(0.0, 1.0))

    def measure(self, run: Any) -> bool:
        """Measure the present map, on one core; tells whether there is anything new.

        Raises:
            NEError: the neighbours of these data are not known, and not searched.
        """
        at = (id(run), run.iteration, run.n)
        known = _known(run)
        if at == self._at or (known == 0 and run.n > ALONE):
            return False
        values = run.point_error(min(K, run.n - 1, known or K), workers=1)
        self._values, self._at = values, at
        return True


def _known(run: Any) -> int:
    """How many neighbours of a point the run knows."""
    try:
        return len(run.neighbors_of(0, K)[0])
    except NEError:
        return 0


def errors_of(run: Any, points: np.ndarray, k: int) -> tuple[dict[str, Any], np.ndarray, np.ndarray]:
    """Tell which neighbours of some points are missing in the map, and which of those shown are false.

    Of many points some are looked at, and of many neighbours some told, evenly drawn.

    Returns:
        How many of which points were looked at, and pairs (m, 2) of a point and a missing, and of a point and a false
        neighbour.
    """
    looked = points[:: -(-len(points) // LOOKED_AT)] if len(points) else points
    found = run.neighbor_errors(looked, k)
    pairs = []
    for kind in (found.missing, found.false):
        ends = np.concatenate([np.empty(0, np.int64), *kind])
        pairs.append(np.stack([np.repeat(looked, [len(some) for some in kind]), ends], axis=1))
    told = {"points": len(looked), "neighbors": k * len(looked), "wrong": len(pairs[0])}
    missing, false = (
        some[np.linspace(0, len(some) - 1, min(len(some), MOST_LINES)).astype(int)] for some in pairs
    )
    return told, missing, false
