"""A map that was made elsewhere, as far as a view looks at a run: it stands, and nothing can be changed."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ne_interactive.data.arrays import as_map
from ne_interactive.engine.reading import Frame
from ne_interactive.params.errors import DataError, ParameterError, StateError

MOST = 3


class Array:
    """Stands where a run has its method; its name is what is shown."""


class Standing:
    """Rows Z (n, 2 or 3) of finite numbers, in any form that data come in."""

    state, message, error, speed, max_speed = "stopped", "", None, 0.0, None
    iteration, loss = 0, float("nan")

    def __init__(self, Z: Any, name: str) -> None:
        """Take the map called `name`.

        Raises:
            DataError: it is no table of numbers, has missing or infinite ones, one row, or not 2 or 3 columns.
        """
        try:
            values = as_map(Z)
        except DataError as error:
            raise DataError(f"The map {name!r}: {error}") from None
        self.n, self.c = (int(size) for size in values.shape)
        self.n_all = self.n
        if not 2 <= self.c <= MOST:
            raise DataError(
                f"The map {name!r} must have 2 or {MOST} columns, one for each dimension; got {self.c}. "
                "Give an embedding (n, 2), not the data."
            )
        self._positions = values.cpu().numpy().astype(np.float32)
        self.method = Array()
        self.neighbors_of: Callable[[int, int], Any] = self._unknown
        self.params: dict[str, Any] = {}
        self.following: dict[str, bool] = {}
        self.work: dict[str, Any] = {}
        self.events: list[Any] = []
        self.history: dict[int, np.ndarray] = {}
        self.qualities: dict[str, np.ndarray] = {}
        self.losses = np.empty(0, np.int64), np.empty(0)
        self.pinned = np.empty(0, np.int64)

    @property
    def ids(self) -> np.ndarray:
        """Row numbers."""
        return np.arange(self.n)

    @property
    def embedding(self) -> np.ndarray:
        """Z (n, c) float32; a copy."""
        return self._positions.copy()

    def frame(self) -> Frame:
        """Z as the only frame there is."""
        return Frame(0, self._positions, self.loss, {}, 0.0, self.state)

    def moments(self) -> dict[int, np.ndarray]:
        """Z as the only frame there is."""
        return {0: self._positions}

    def scale_at(self, iteration: int) -> float:
        """No method has taken it over."""
        return 1.0

    def describe(self) -> list[dict[str, Any]]:
        """Nothing can be set."""
        return []

    def settings_at(self, iterations: Sequence[int]) -> list["Standing"]:
        """Nothing ever was."""
        return [self for _ in iterations]

    def listen(self, _listener: Any) -> Callable[[], None]:
        """Nothing is ever told."""
        return lambda: None

    def move(self, *_args: Any) -> None:
        """Refuse: an array belongs to whoever made it."""
        raise ParameterError("This map was made elsewhere, so its points cannot be moved or pinned.")

    pin = release = move

    def pause(self) -> None:
        """Stand."""

    def resume(self) -> None:
        """Stand."""

    def neighbor_errors(self, _indices: Any, _k: int) -> Any:
        """Refuse: which neighbours are wrong is told of the maps of runs."""
        self._unknown(0, 0)

    def _unknown(self, _point: int, _k: int) -> Any:
        raise StateError("Neighbours in the data are not known: this map was made elsewhere, without a run.")
