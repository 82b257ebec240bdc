"""Tables in files, for the command line: .npy, .npz, .csv and .parquet in, .npy and .csv out."""

from __future__ import annotations

import contextlib
import csv
import os
import tempfile
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from ne_interactive.params.errors import DataError, MissingPackageError, ParameterError

READS = (".npy", ".npz", ".csv", ".parquet")
WRITES = (".npy", ".csv")


def read(path: Path) -> Any:
    """Read a table (n, d).

    Raises:
        DataError: if there is no such file, or it does not hold one table.
    """
    if not path.is_file():
        raise DataError(f"There is no file {path}; give the path of a table ({', '.join(READS)}).")
    suffix = path.suffix.lower()
    if suffix not in READS:
        raise DataError(f"{path} must end in one of {', '.join(READS)}; got {path.suffix or 'no ending'!r}.")
    reader = {".npy": _read_npy, ".npz": _read_npz, ".csv": _read_csv, ".parquet": _read_parquet}[suffix]
    try:
        return reader(path)
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path} cannot be read as {suffix[1:]}: {error}") from error


def check_output(path: Path, *, replace: bool = False) -> None:
    """Make sure, before any work, that a result can be written to `path`.

    Raises:
        ParameterError: if the ending is unknown, the folder is missing or closed, or there is such a file and
            `replace` is false.
    """
    if path.suffix.lower() not in WRITES:
        raise ParameterError(f"The output must end in {' or '.join(WRITES)}; got {str(path)!r}.")
    if path.is_dir():
        raise ParameterError(f"The output {path} is a folder; give a file.")
    if not path.parent.is_dir():
        raise ParameterError(f"There is no folder {path.parent} for the output; make it first.")
    if path.exists() and not replace:
        raise ParameterError(f"The output {path} is already there; --force replaces it.")
    try:
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise ParameterError(f"The folder {path.parent} cannot be written to: {error.strerror}.") from error


def write(path: Path, Z: np.ndarray) -> None:
    """Write Z (n, c) whole or not at all."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            if path.suffix.lower() == ".csv":
                np.savetxt(file, Z, delimiter=",", fmt="%.9g", comments="", header=_header(Z.shape[1]))
            else:
                np.save(file, Z, allow_pickle=False)
        os.chmod(name, 0o666 & ~_umask())
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _header(c: int) -> str:
    return ",".join(f"ne{i}" for i in range(c))


def _read_npy(path: Path) -> np.ndarray:
    return np.load(path, mmap_mode="r", allow_pickle=False)


def _read_npz(path: Path) -> np.ndarray:
    with np.load(path, allow_pickle=False) as file:
        if len(file.files) != 1:
            names = ", ".join(file.files) or "none"
            raise DataError(f"{path} must hold exactly one array; it holds {len(file.files)} ({names}).")
        return file[file.files[0]]


def _read_csv(path: Path) -> np.ndarray:
    with path.open(newline="", encoding="utf-8-sig") as file:
        first = file.readline()
    if not first.strip():
        raise DataError(f"{path} is empty; it must hold a table of numbers.")
    separator = max(",;\t", key=first.count)
    fields = next(csv.reader([first], delimiter=separator))
    header = not all(_is_number(field) for field in fields)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # said below: no rows
        table = np.loadtxt(
            path,
            np.float32,
            comments=None,
            delimiter=separator,
            skiprows=int(header),
            ndmin=2,
            encoding="utf-8-sig",
        )
    if not table.size:
        raise DataError(f"{path} has a header and no rows.")
    return table


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _read_parquet(path: Path) -> Any:
    try:
        import pandas
    except ImportError as error:
        raise MissingPackageError(
            "Reading .parquet needs pandas and pyarrow: pip install pandas pyarrow"
        ) from error
    try:
        return pandas.read_parquet(path)
    except ImportError as error:
        raise MissingPackageError("Reading .parquet needs pyarrow: pip install pyarrow") from error
