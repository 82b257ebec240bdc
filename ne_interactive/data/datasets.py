"""Data to try things on: two real sets, and small ones whose true shape is known."""

import numpy as np

from ne_interactive.data.dataset import Dataset
from ne_interactive.data.fashion import fashion_mnist
from ne_interactive.params.errors import ParameterError

__all__ = [
    "Dataset",
    "digits",
    "fashion_mnist",
    "noise",
    "rings",
    "swiss_roll",
    "trefoil",
    "two_clusters",
    "unequal_sizes",
]


def digits() -> Dataset:
    """Load scikit-learn's 1,797 handwritten digits: X (1797, 64), grey levels 0 to 16."""
    from sklearn.datasets import load_digits

    pixels, y = load_digits(return_X_y=True)
    return Dataset(
        np.asarray(pixels, np.float32),
        np.asarray(y, np.int64),
        [str(i) for i in range(10)],
        "digits",
        (8, 8),
    )


def swiss_roll(n: int = 2000, *, noise: float = 0.0, seed: int = 0) -> Dataset:
    """Roll up a rectangle in three dimensions; y is the position along the roll.

    ``noise`` is the standard deviation of what is added to every coordinate. The roll has one and a half turns, as in
    Marsland 2009, Machine Learning: An Algorithmic Perspective, chapter 6.
    """
    rng = _rng("swiss_roll", n, seed)
    angle = 1.5 * np.pi * (1 + 2 * rng.random(n))
    X = np.stack([angle * np.cos(angle), 21 * rng.random(n), angle * np.sin(angle)], 1)
    return _made(X + noise * rng.standard_normal(X.shape), angle.astype(np.float32), None, "Swiss roll")


def two_clusters(n: int = 400, *, d: int = 50, distance: float = 10.0, seed: int = 0) -> Dataset:
    """Draw two round clusters of equal size, of standard deviation 1, whose centres are ``distance`` apart."""
    rng = _rng("two_clusters", n, seed)
    X = rng.standard_normal((n, _dimensions("two_clusters", d)))
    y = np.arange(n) % 2
    X[:, 0] += distance * y
    return _made(X, y, ["left", "right"], "two clusters")


def unequal_sizes(n: int = 400, *, d: int = 50, ratio: float = 10.0, seed: int = 0) -> Dataset:
    """Draw two clusters with as many points, one ``ratio`` times as wide as the other and well apart from it."""
    rng = _rng("unequal_sizes", n, seed)
    X = rng.standard_normal((n, _dimensions("unequal_sizes", d)))
    y = np.arange(n) % 2
    X[y == 1] *= ratio
    X[:, 0] += 10 * ratio * y
    return _made(X, y, ["narrow", "wide"], "unequal sizes")


def rings(n: int = 400, *, noise: float = 0.02, seed: int = 0) -> Dataset:
    """Draw two linked rings of radius 1 in three dimensions: no map in the plane shows them whole and apart."""
    rng = _rng("rings", n, seed)
    angle, y = 2 * np.pi * rng.random(n), np.arange(n) % 2
    flat = np.stack([np.cos(angle), np.sin(angle), np.zeros(n)], 1)
    upright = np.stack([1 + np.cos(angle), np.zeros(n), np.sin(angle)], 1)
    X = np.where(y[:, None] == 0, flat, upright)
    return _made(X + noise * rng.standard_normal(X.shape), y, ["flat", "upright"], "linked rings")


def trefoil(n: int = 400, *, noise: float = 0.0, seed: int = 0) -> Dataset:
    """Draw points along a trefoil knot in three dimensions; y is the position along it, in radians."""
    rng = _rng("trefoil", n, seed)
    t = np.sort(2 * np.pi * rng.random(n))
    X = np.stack([np.sin(t) + 2 * np.sin(2 * t), np.cos(t) - 2 * np.cos(2 * t), -np.sin(3 * t)], 1)
    return _made(X + noise * rng.standard_normal(X.shape), t.astype(np.float32), None, "trefoil knot")


def noise(n: int = 500, *, d: int = 100, seed: int = 0) -> Dataset:
    """Draw one round cloud without any structure, X (n, d): what a map shows of it, the method put there."""
    return _made(_rng("noise", n, seed).standard_normal((n, _dimensions("noise", d))), None, None, "noise")


def _rng(name: str, n: int, seed: int) -> np.random.Generator:
    if n < 2:
        raise ParameterError(f"{name}: n must be at least 2; got {n}.")
    return np.random.default_rng(seed)


def _dimensions(name: str, d: int) -> int:
    if d < 1:
        raise ParameterError(f"{name}: d must be at least 1; got {d}.")
    return d


def _made(X: np.ndarray, y: np.ndarray | None, names: list[str] | None, name: str) -> Dataset:
    return Dataset(np.ascontiguousarray(X, dtype=np.float32), y, names, name)
