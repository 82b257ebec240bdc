"""What a run knows of its data, whether these are rows in memory, batches read again and again, or distances."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

__all__ = ["Digest", "Rows", "Table", "column_names", "fingerprint", "joined", "like_input"]

BLOCK_ROWS = 8192
"""Rows that are digested as one block: blocks are digested by several threads, and compared from pass to pass."""
BATCH_ENTRIES = 2**24
"""Entries of a batch of rows in memory: 64 MiB of float32."""


class Table(ABC):
    """The data of one run: n points, and what is needed to give an embedding back in the caller's kind.

    ``kind`` is "numpy", "pandas", "polars" or "torch"; ``dtype`` is the caller's floating type (float32 for integers);
    ``index`` is a pandas index or None; ``names`` are the column names, where there are any; ``origin`` is the device
    that the caller's data were on.
    """

    kind: str
    dtype: Any
    index: Any
    names: tuple[str, ...] | None
    origin: torch.device

    @property
    @abstractmethod
    def n(self) -> int:
        """Number of points."""

    @property
    @abstractmethod
    def d(self) -> int:
        """Number of input dimensions."""

    @property
    def most_neighbors(self) -> int:
        """How many neighbours per point can be asked for."""
        return self.n - 1

    @property
    @abstractmethod
    def device(self) -> torch.device:
        """Where the run takes place."""

    @abstractmethod
    def batches(self) -> Iterator[Tensor]:
        """Give all rows in their order as float32 blocks (b, d) on ``device``; each call is a new pass."""

    @abstractmethod
    def fingerprint(self) -> str:
        """Give a hex digest of the numbers: equal data, equal fingerprint."""


@dataclass(frozen=True)
class Rows(Table):
    """Rows in memory: ``values`` is float32, (n, d), contiguous."""

    values: Tensor
    kind: str
    dtype: Any
    index: Any
    names: tuple[str, ...] | None
    origin: torch.device

    @property
    def n(self) -> int:
        """Number of points."""
        return self.values.shape[0]

    @property
    def d(self) -> int:
        """Number of input dimensions."""
        return self.values.shape[1]

    @property
    def device(self) -> torch.device:
        """Where ``values`` lie."""
        return self.values.device

    def batches(self) -> Iterator[Tensor]:
        """Give views of consecutive rows."""
        return iter(self.values.split(max(1, BATCH_ENTRIES // self.d)))

    def fingerprint(self) -> str:
        """Give the digest of ``values``; that of a stream of the same rows is the same."""
        return fingerprint(self.values)


def column_names(c: int) -> list[str]:
    """Give the names of an embedding's c columns in a DataFrame."""
    return [f"ne{j}" for j in range(c)]


def like_input(Z: Tensor, table: Table) -> Any:
    """Give an embedding (n, c) back as the caller's kind of table.

    A DataFrame has the columns ne0, ne1, ... (and the caller's index in pandas); a tensor lies on the caller's
    device, without gradient; everything else is a NumPy array. The numbers are float32 in every case.
    """
    Z = Z.detach().to(torch.float32)
    if table.kind == "torch":
        return Z.to(table.origin)
    array = Z.cpu().numpy()
    columns = column_names(array.shape[1])
    if table.kind == "pandas":
        import pandas

        return pandas.DataFrame(array, columns=pandas.Index(columns), index=table.index)
    if table.kind == "polars":
        import polars

        return polars.DataFrame({name: array[:, j] for j, name in enumerate(columns)})
    return array


def fingerprint(values: Tensor) -> str:
    """Give the hex BLAKE2b digest of a tensor's shape, type and bytes: equal data, equal fingerprint.

    It is a digest of the digests of blocks of 8,192 rows, taken by several threads: about a second per GiB and thread.
    """
    values = values.detach()
    with ThreadPoolExecutor(max(1, torch.get_num_threads())) as threads:
        blocks = list(threads.map(_block_digest, values.split(BLOCK_ROWS)))
    return joined(blocks, values.shape, values.dtype)


def joined(blocks: Iterable[bytes], shape: Iterable[int], dtype: torch.dtype) -> str:
    """Give the fingerprint of a table from the digests of its blocks."""
    digest = hashlib.blake2b(repr((tuple(shape), str(dtype))).encode(), digest_size=16)
    for block in blocks:
        digest.update(block)
    return digest.hexdigest()


class Digest:
    """Digests of the blocks of 8,192 rows that a stream consists of, however it is cut into batches."""

    def __init__(self) -> None:
        self.rows = 0
        self._block = hashlib.blake2b(digest_size=16)

    def add(self, batch: Tensor) -> list[bytes]:
        """Take the next rows; give the digests of the blocks that they complete."""
        complete = []
        while len(batch):
            room = BLOCK_ROWS - self.rows % BLOCK_ROWS
            part, batch = batch[:room], batch[room:]
            self._block.update(_bytes(part))
            self.rows += len(part)
            if self.rows % BLOCK_ROWS == 0:
                complete.append(self._block.digest())
                self._block = hashlib.blake2b(digest_size=16)
        return complete

    def end(self) -> list[bytes]:
        """Give the digest of the rows after the last whole block, if there are any."""
        return [self._block.digest()] if self.rows % BLOCK_ROWS else []


def _block_digest(block: Tensor) -> bytes:
    return hashlib.blake2b(_bytes(block), digest_size=16).digest()


def _bytes(block: Tensor) -> memoryview:
    return np.ascontiguousarray(block.cpu().numpy()).data.cast("B")
