"""Data sets: what they hold, and where Fashion-MNIST is looked for."""

import gzip

import numpy as np
import pytest

from ne_interactive.data import datasets, fashion
from ne_interactive.params.errors import DataError, ParameterError

MADE = ("swiss_roll", "two_clusters", "unequal_sizes", "rings", "trefoil", "noise")


@pytest.mark.parametrize("name", MADE)
def test_made_sets(name):
    make = getattr(datasets, name)
    data, again, other = make(120), make(120, seed=0), make(120, seed=1)
    assert data.X.shape[0] == 120
    assert data.X.dtype == np.float32
    assert data.X.flags.c_contiguous
    np.testing.assert_array_equal(data.X, again.X)
    assert not np.array_equal(data.X, other.X)
    assert data.y is None or data.y.shape == (120,)
    if data.names:
        assert set(data.y) == set(range(len(data.names)))
    with pytest.raises(ParameterError, match=f"{name}: n must be at least 2; got 1"):
        make(1)


def test_shapes_are_the_true_ones():
    roll = datasets.swiss_roll(200)
    np.testing.assert_allclose(np.hypot(roll.X[:, 0], roll.X[:, 2]), roll.y, rtol=1e-5)
    rings = datasets.rings(200, noise=0)
    np.testing.assert_allclose(np.linalg.norm(rings.X - rings.y[:, None] * [1, 0, 0], axis=1), 1, rtol=1e-5)
    sizes = datasets.unequal_sizes(2000)
    narrow, wide = (sizes.X[sizes.y == label].std(0).mean() for label in (0, 1))
    assert wide / narrow == pytest.approx(10, rel=0.05)
    pair = datasets.two_clusters(4000, distance=8)
    gap = pair.X[pair.y == 1].mean(0) - pair.X[pair.y == 0].mean(0)
    assert np.linalg.norm(gap) == pytest.approx(8, rel=0.05)


def test_digits():
    data = datasets.digits()
    assert (data.X.shape, data.image_shape, len(data.names)) == ((1797, 64), (8, 8), 10)
    assert repr(data) == "Dataset('digits', n=1797, d=64, 10 classes)"
    assert np.array_equal(data.images[5].ravel(), data.X[5])
    assert datasets.swiss_roll(20).images is None


def write_idx(folder, *, zipped):
    rng = np.random.default_rng(0)
    for part, n in (("train", 6), ("t10k", 4)):
        pixels, labels = rng.integers(0, 256, (n, 28, 28), np.uint8), rng.integers(0, 10, n, np.uint8)
        for kind, array in (("images-idx3", pixels), ("labels-idx1", labels)):
            raw = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes() + array.tobytes()
            path = folder / f"{part}-{kind}-ubyte"
            if zipped:
                path.with_name(path.name + ".gz").write_bytes(gzip.compress(raw))
            else:
                path.write_bytes(raw)


@pytest.mark.parametrize("zipped", [True, False])
def test_fashion_from_a_named_folder(tmp_path, monkeypatch, zipped):
    write_idx(tmp_path, zipped=zipped)
    monkeypatch.setenv("NE_INTERACTIVE_DATA", str(tmp_path))
    monkeypatch.setattr(fashion, "TOTAL", 10)
    data = datasets.fashion_mnist()
    assert (data.X.shape, data.y.shape, data.image_shape) == ((10, 784), (10,), (28, 28))
    some = datasets.fashion_mnist(3, seed=1)
    assert all(any(np.array_equal(row, full) for full in data.X) for row in some.X)
    with pytest.raises(ParameterError, match=r"n must lie in \[1, 10\]; got 11"):
        datasets.fashion_mnist(11)


def test_fashion_cut_short(tmp_path, monkeypatch):
    write_idx(tmp_path, zipped=False)
    path = tmp_path / fashion.FILES[0]
    path.write_bytes(path.read_bytes()[:-1])
    monkeypatch.setenv("NE_INTERACTIVE_DATA", str(tmp_path))
    with pytest.raises(DataError, match="cut short"):
        datasets.fashion_mnist()


def test_fashion_downloaded_once_and_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(fashion, "folders", lambda: [tmp_path / "cache"])
    calls = []

    def openml(*names, **options):
        calls.append(names)
        return np.arange(20.0).reshape(5, 4), np.array(list("01234"))

    monkeypatch.setattr("sklearn.datasets.fetch_openml", openml)
    monkeypatch.setattr(fashion, "TOTAL", 5)
    first, second = datasets.fashion_mnist(), datasets.fashion_mnist()
    assert len(calls) == 1
    np.testing.assert_array_equal(first.X, second.X)
    np.testing.assert_array_equal(second.y, np.arange(5))


def test_fashion_out_of_reach(tmp_path, monkeypatch):
    def openml(*names, **options):
        raise OSError("no route")

    monkeypatch.setattr(fashion, "folders", lambda: [tmp_path / "cache"])
    monkeypatch.setattr("sklearn.datasets.fetch_openml", openml)
    with pytest.raises(DataError, match=r"(?s)not found in .*cache.*no route.*NE_INTERACTIVE_DATA"):
        datasets.fashion_mnist()


def test_the_named_folder_comes_first_and_the_cache_last(monkeypatch, tmp_path):
    monkeypatch.setenv("NE_INTERACTIVE_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "c"))
    found = fashion.folders()
    assert (found[0], found[-1], len(found)) == (tmp_path, tmp_path / "c" / "ne_interactive", 3)
