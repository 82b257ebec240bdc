"""Data that are read in batches, pass after pass, and never in memory at once."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset, RandomSampler, SubsetRandomSampler

from ne_interactive.data.finite import check_size, largest_finite
from ne_interactive.data.table import Digest, Table, joined
from ne_interactive.params.errors import DataError

__all__ = ["Streamed", "is_stream", "stream"]

ADVICE = (
    "Every pass must give the same rows in the same order: build the loader with shuffle=False, without random "
    "transformations, over data that can be read again."
)


@dataclass(frozen=True, eq=False)
class Streamed(Table):
    """Rows that come in batches from ``source``, which is gone through once per pass.

    Only a digest of every 8,192 rows is kept from the pass that checked the data; each later pass is compared with it.
    """

    source: Iterable[Any]
    kind: str
    dtype: Any
    origin: torch.device
    place: torch.device
    shape: tuple[int, int]
    blocks: tuple[bytes, ...]
    index: Any = None
    names: tuple[str, ...] | None = None

    @property
    def n(self) -> int:
        """Number of points."""
        return self.shape[0]

    @property
    def d(self) -> int:
        """Number of input dimensions."""
        return self.shape[1]

    @property
    def device(self) -> torch.device:
        """Where the batches are brought."""
        return self.place

    def batches(self) -> Iterator[Tensor]:
        """Read the source once more, batch by batch; empty batches are passed over.

        Raises:
            DataError: The rows are not those of the first pass, or not in their order.
        """
        digest, met = Digest(), 0
        for number, given in enumerate(self.source):
            batch = _numbers(given, number)
            _check_width(batch, self.d, number)
            values = _as_float32(batch)
            complete = digest.add(values)
            if digest.rows > self.n:
                raise DataError(f"The first pass over X gave {self.n} rows, a later one more. {ADVICE}")
            for block in complete:
                self._compare(block, met)
                met += 1
            if len(values):
                yield values.to(self.place)
        if digest.rows != self.n:
            raise DataError(f"The first pass over X gave {self.n} rows, a later one {digest.rows}. {ADVICE}")
        for block in digest.end():
            self._compare(block, met)

    def fingerprint(self) -> str:
        """Give the digest of all rows: that of an array of the same rows is the same. Nothing is read."""
        return joined(self.blocks, self.shape, torch.float32)

    def _compare(self, block: bytes, number: int) -> None:
        if block != self.blocks[number]:
            raise DataError(
                f"X changed between two passes: the rows of block {number} (8,192 rows each) differ from those of the "
                f"first pass, or come in another order. {ADVICE}"
            )


def is_stream(X: Any) -> bool:
    """Whether X gives batches when iterated over, instead of being a table itself.

    That is so for a torch DataLoader, an IterableDataset and any other object with ``__iter__`` that is neither a
    sequence nor array-like.
    """
    if isinstance(X, DataLoader | Dataset):
        return True
    table = ("__array__", "__array_interface__", "__dlpack__", "__getitem__", "__dataframe__", "shape")
    return hasattr(X, "__iter__") and not any(hasattr(X, name) for name in table)


def stream(source: Any, *, device: torch.device | str | None = None, min_rows: int = 2) -> Streamed:
    """Go through batches of rows once, check and count them, and keep none.

    A batch is a tensor or array (b, d), or a tuple, list or mapping whose first tensor or array that is.

    Raises:
        DataError: source can be read only once or in random order, has no rows or too few, rows of different widths,
            or entries that are not finite.
    """
    _check_source(source)
    digest, blocks, form, largest = Digest(), [], None, 0.0
    for number, given in enumerate(source):
        batch = _numbers(given, number)
        form = form or _form(batch)
        _check_width(batch, form[0], number)
        values = _as_float32(batch)
        if len(values):
            largest = max(largest, largest_finite(values, batch, batch=number, row=digest.rows))
        blocks += digest.add(values)
    if form is None or digest.rows < min_rows:
        raise DataError(
            f"Found {digest.rows} sample(s) in all batches of X while a minimum of {min_rows} is required. "
            "Pass a loader over more rows."
        )
    check_size(largest)
    d, kind, dtype, origin = form
    place = torch.device(device) if device is not None else origin
    return Streamed(source, kind, dtype, origin, place, (digest.rows, d), tuple(blocks + digest.end()))


def _form(batch: Any) -> tuple[int, str, Any, torch.device]:
    """Give the width, the caller's kind, floating type and device that the first batch shows."""
    _check_width(batch, None, 0)
    d = batch.shape[1]
    if isinstance(batch, Tensor):
        return d, "torch", batch.dtype if batch.is_floating_point() else torch.float32, batch.device
    dtype = batch.dtype if batch.dtype.kind == "f" else np.dtype(np.float32)
    return d, "numpy", dtype, torch.device("cpu")


def _check_source(source: Any) -> None:
    if isinstance(source, Dataset) and not isinstance(source, IterableDataset):
        raise DataError(
            f"X is a {type(source).__name__}, which gives single items. "
            "Pass a loader of batches: torch.utils.data.DataLoader(dataset, batch_size=1024)."
        )
    if hasattr(source, "__next__"):
        raise DataError(
            f"X is read in several passes, and a {type(source).__name__} can be read once only. "
            "Pass a torch DataLoader, or an object whose __iter__ begins anew."
        )
    sampler = getattr(source, "sampler", None)
    if isinstance(source, DataLoader) and isinstance(sampler, RandomSampler | SubsetRandomSampler):
        raise DataError(f"X is a DataLoader with a {type(sampler).__name__}. {ADVICE}")


def _numbers(given: Any, number: int) -> Any:
    """Find the (b, d) tensor or array of a batch."""
    batch = given
    while isinstance(batch, Mapping | tuple | list):
        parts = list(batch.values()) if isinstance(batch, Mapping) else list(batch)
        tables = [part for part in parts if isinstance(part, Tensor | np.ndarray | Mapping | tuple | list)]
        if not tables:
            raise DataError(f"Batch {number} of X holds no tensor; got a {type(given).__name__} without one.")
        batch = tables[0]
    if not isinstance(batch, Tensor | np.ndarray):
        raise DataError(
            f"Every batch of X must be a tensor or array (b, d), or a tuple or mapping that begins with one; batch "
            f"{number} is a {type(given).__name__}. Convert it in the dataset or in collate_fn."
        )
    if isinstance(batch, Tensor):
        batch = batch.detach()
        batch = batch.to_dense() if batch.layout != torch.strided else batch
    kind = "c" if isinstance(batch, Tensor) and batch.is_complex() else getattr(batch.dtype, "kind", "f")
    if kind not in "biuf":
        raise DataError(
            f"X must hold real numbers; batch {number} holds {batch.dtype}. Convert it to floats first."
        )
    return batch


def _check_width(batch: Any, d: int | None, number: int) -> None:
    shape = tuple(batch.shape)
    if len(shape) != 2 or shape[1] < 1:
        raise DataError(
            f"Expected 2D array (b rows, d columns) as every batch of X; batch {number} has shape={shape}. Flatten "
            "images to rows, and let the loader make batches (batch_size is not None)."
        )
    if d is not None and shape[1] != d:
        raise DataError(
            f"Every batch of X must have {d} columns, as the first has; batch {number} has {shape[1]}."
        )


def _as_float32(batch: Any) -> Tensor:
    if isinstance(batch, Tensor):
        return batch.to(torch.float32)
    with np.errstate(over="ignore"):
        return torch.from_numpy(np.array(batch, dtype=np.float32, order="C"))
