"""What a data set is: the numbers, what is known of each point, and how to show one."""

from dataclasses import dataclass

import numpy as np

__all__ = ["Dataset"]


@dataclass(frozen=True, eq=False)
class Dataset:
    """Points with labels.

    ``X`` (n, d) float32; ``y`` (n,) integers for classes, floats for a continuous quantity, or None; ``names`` are the
    classes' names, by number; ``image_shape`` is the (height, width) of a row that is a grey image, or None.
    """

    X: np.ndarray
    y: np.ndarray | None
    names: list[str] | None
    name: str
    image_shape: tuple[int, int] | None = None

    @property
    def images(self) -> np.ndarray | None:
        """X as images (n, height, width), as `explore` takes them; None where rows are none."""
        return None if self.image_shape is None else self.X.reshape(-1, *self.image_shape)

    def __repr__(self) -> str:
        classes = f", {len(self.names)} classes" if self.names else ""
        return f"Dataset({self.name!r}, n={self.X.shape[0]}, d={self.X.shape[1]}{classes})"
