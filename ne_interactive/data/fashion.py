"""Fashion-MNIST: 70,000 grey images of clothes, found on this machine or downloaded once."""

import gzip
import os
from pathlib import Path

import numpy as np

from ne_interactive.data.dataset import Dataset
from ne_interactive.params.errors import DataError, ParameterError

__all__ = ["fashion_mnist"]

CLASSES = [
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
]
FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
SAVED = "fashion-mnist.npz"
TOTAL = 70_000


def fashion_mnist(n: int | None = None, *, seed: int = 0) -> Dataset:
    """Load Fashion-MNIST (Xiao, Rasul & Vollgraf 2017, arXiv:1708.07747), training and test images together.

    ``n`` takes that many of the 70,000 images, chosen by ``seed``; X is (n, 784), grey levels 0 to 255.

    The four IDX files, gzipped or not, are looked for in the folder named by the environment variable
    NE_INTERACTIVE_DATA, then in Debian's folder of the package dataset-fashion-mnist, then in the user's cache; else
    the data come from OpenML, once, into the cache.

    Raises:
        ParameterError: n is not in [1, 70000].
        DataError: The data are not here and cannot be downloaded.
    """
    if n is not None and not 1 <= n <= TOTAL:
        raise ParameterError(f"fashion_mnist: n must lie in [1, {TOTAL}]; got {n}. Pass None for all images.")
    images, labels = _load()
    if n is not None:
        chosen = np.random.default_rng(seed).permutation(TOTAL)[:n]
        images, labels = images[chosen], labels[chosen]
    return Dataset(
        images.astype(np.float32), labels.astype(np.int64), list(CLASSES), "Fashion-MNIST", (28, 28)
    )


def folders() -> list[Path]:
    """Give the folders that may hold the data, in the order in which they are tried; the last is the cache."""
    named = os.environ.get("NE_INTERACTIVE_DATA")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ne_interactive"
    packaged = Path(os.sep, "usr", "share", "datasets", "fashion-mnist")
    return [*([Path(named)] if named else []), packaged, cache]


def _load() -> tuple[np.ndarray, np.ndarray]:
    for folder in folders():
        if (folder / SAVED).is_file():
            with np.load(folder / SAVED, allow_pickle=False) as saved:
                return saved["X"], saved["y"]
        paths = [path for path in (_idx_path(folder, name) for name in FILES) if path]
        if len(paths) == len(FILES):
            parts = [_read_idx(path) for path in paths]
            return np.concatenate(parts[0::2]).reshape(TOTAL, -1), np.concatenate(parts[1::2])
    return _download(folders()[-1])


def _idx_path(folder: Path, name: str) -> Path | None:
    return next((path for path in (folder / f"{name}.gz", folder / name) if path.is_file()), None)


def _read_idx(path: Path) -> np.ndarray:
    raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    rank = raw[3] if raw[:3] == b"\0\0\x08" else 0
    shape = np.frombuffer(raw, ">u4", rank, 4)
    if rank == 0 or len(raw) != 4 + 4 * rank + int(shape.prod()):
        raise DataError(f"{path} is not an IDX file of bytes, or is cut short. Remove it and get it anew.")
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * rank).reshape(shape)


def _download(cache: Path) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import fetch_openml

    try:
        X, y = fetch_openml("Fashion-MNIST", version=1, as_frame=False, return_X_y=True, parser="liac-arff")
    except Exception as error:
        tried = ", ".join(str(folder) for folder in folders())
        raise DataError(
            f"Fashion-MNIST was not found in {tried}, and OpenML could not be reached ({error}). Put the files "
            f"{', '.join(name + '.gz' for name in FILES)} in a folder and name it in the environment variable "
            "NE_INTERACTIVE_DATA."
        ) from error
    images, labels = np.asarray(X).astype(np.uint8), np.asarray(y).astype(np.uint8)
    cache.mkdir(parents=True, exist_ok=True)
    part = cache / f"{os.getpid()}-{SAVED}"
    np.savez_compressed(part, X=images, y=labels)
    part.replace(cache / SAVED)  # a reader never sees half a file
    return images, labels
