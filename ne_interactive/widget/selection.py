"""The selected points, as a trait that Python and every view of a widget share."""

from typing import Any

import numpy as np
import traitlets as t

from ne_interactive.data.indices import point_indices
from ne_interactive.params.errors import ParameterError

NO_POINTS = point_indices(None, 0)


class Points(t.TraitType[np.ndarray, Any]):
    """Indices of points of the run of its owner: ascending int64, each once; observers hear of changes only.

    Takes what `point_indices` takes. What traitlets does by itself, `bool(old == new)`, fails for arrays.
    """

    info_text = "indices of points"
    default_value = NO_POINTS

    def validate(self, obj: Any, value: Any) -> np.ndarray:
        """Give the indices as they are kept; a ParameterError names what is wrong."""
        return point_indices(value, obj.run.n, self.name or "points")

    def set(self, obj: t.HasTraits, value: Any) -> None:
        """Keep the indices, and tell observers if they are others than before."""
        name = self.name or ""
        new: Any = self._validate(obj, value)
        old = obj._trait_values.get(name, NO_POINTS)
        obj._trait_values[name] = new
        if not np.array_equal(old, new):
            obj._notify_trait(name, old, new)


def packed(indices: np.ndarray) -> bytes:
    """Give little-endian uint32, as the browser reads them."""
    return indices.astype("<u4").tobytes()


def unpacked(buffer: Any, n: int) -> np.ndarray:
    """Read what `packed` gives, of some of `n` points.

    Raises:
        ParameterError: not whole numbers of 4 bytes, more than n, out of range, or not ascending.
    """
    size = memoryview(buffer).nbytes
    if size % 4 or size > 4 * n:
        raise ParameterError(f"indices must be at most {n} numbers of 4 bytes; got {size} bytes.")
    indices = np.frombuffer(bytes(buffer), "<u4").astype(np.int64)
    if np.any(indices[1:] <= indices[:-1]):
        raise ParameterError("indices must ascend, each given once.")
    return point_indices(indices, n)
