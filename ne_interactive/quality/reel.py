"""The past of a run as a row of moments: which of them are shown where not all can be."""

from collections.abc import Mapping

import numpy as np

from ne_interactive.params.errors import DataError


def spread(iterations: list[int], most: int) -> list[int]:
    """Choose at most `most` (2 or more) of ascending iterations, evenly in time; first and last among them."""
    if len(iterations) <= most:
        return list(iterations)
    wanted = np.linspace(iterations[0], iterations[-1], most)
    after = np.clip(np.searchsorted(iterations, wanted), 1, len(iterations) - 1)
    known = np.asarray(iterations)
    nearer = np.where(wanted - known[after - 1] <= known[after] - wanted, after - 1, after)
    return known[np.unique(nearer)].tolist()


class Reel:
    """Frames by iteration, of n points each; between two of them points move straight."""

    def __init__(self, frames: Mapping[int, np.ndarray]) -> None:
        """Take positions (n, c) by iteration; those with another number of points than the last are left out.

        Raises:
            DataError: there is no frame, or its shape is not that of a map.
        """
        self.iterations = sorted(frames)
        if not self.iterations:
            raise DataError("there is no frame to show: step the run first.")
        shape = np.shape(frames[self.iterations[-1]])
        if len(shape) != 2 or shape[1] not in (2, 3) or shape[0] == 0:
            raise DataError(f"frames to show have the shape (n, 2) or (n, 3); got {shape}.")
        self.n, self.c = shape
        self.iterations = [at for at in self.iterations if np.shape(frames[at]) == shape]
        self._frames = frames

    def __getitem__(self, iteration: int) -> np.ndarray:
        """The frame at one of `iterations`."""
        return self._frames[iteration]

    def times(self, count: int) -> list[float]:
        """Give `count` moments at equal distances, from the first iteration to the last."""
        return np.linspace(self.iterations[0], self.iterations[-1], count).tolist()

    def at(self, time: float) -> np.ndarray:
        """Positions (n, c) at any moment between the first and the last iteration."""
        after = int(np.searchsorted(self.iterations, time))
        after = min(after, len(self.iterations) - 1)
        late = self.iterations[after]
        if after == 0 or time >= late:
            return self[late]
        early = self.iterations[after - 1]
        share = np.float32((time - early) / (late - early))
        return self[early] + share * (self[late] - self[early])
