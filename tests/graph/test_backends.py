"""Every exact backend gives the neighbours of the tiles; indices are tuned, checked and held to a recall."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from ne_interactive.graph import faiss_index, keops
from ne_interactive.graph.distances import METRICS, nearest
from ne_interactive.graph.faiss_config import INDEX_TYPES, FaissConfig
from ne_interactive.graph.metrics import flatten
from ne_interactive.graph.neighbors import find_neighbors
from ne_interactive.params.errors import DataError, MissingPackageError, ParameterError

FLAT = FaissConfig(index_type="Flat")
BOTH = pytest.mark.parametrize("backend", ["keops", FLAT], ids=["keops", "flat"])


def cloud(n, d, *, seed=0):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed))


def rows_for(metric, n=400, d=8):
    X = cloud(n, d)
    return X / (X.norm(dim=1, keepdim=True).max() * 1.02) if metric == "hyperbolic" else X


def recall(found, true):
    return np.mean([len(np.intersect1d(a, b)) / len(b) for a, b in zip(found, true, strict=True)])


@BOTH
@pytest.mark.parametrize("metric", METRICS)
def test_exact_backends_equal_the_tiles(backend, metric):
    X = rows_for(metric)
    for values in (X, X[:, :5]):  # one compiled width serves both
        found, true = find_neighbors(values, 12, metric=metric, backend=backend), nearest(values, 12, metric)
        assert torch.equal(found.indices, true[0])
        assert torch.equal(found.distances, true[1])
        assert found.exact


@BOTH
@pytest.mark.parametrize("metric", METRICS)
def test_exact_backends_break_ties_alike(backend, metric):
    grid = torch.cartesian_prod(torch.arange(5.0), torch.arange(5.0), torch.arange(5.0)) - 2
    X = torch.cat([grid, grid, torch.zeros(30, 3)]) * (0.25 if metric == "hyperbolic" else 1)
    found = find_neighbors(X, 12, metric=metric, backend=backend)
    indices, distances = nearest(X, 12, metric)
    torch.testing.assert_close(found.distances, distances, rtol=1e-6, atol=1e-7)
    assert bool((found.indices != torch.arange(len(X))[:, None]).all())
    assert all(len(set(row)) == 12 for row in found.indices.tolist())
    if metric in ("euclidean", "sqeuclidean", "manhattan", "hyperbolic"):  # ties are exact here
        assert torch.equal(found.indices, indices)


@BOTH
def test_exact_backends_far_from_the_origin(backend):
    X = cloud(300, 8) + 1000
    assert torch.equal(find_neighbors(X, 12, backend=backend).indices, nearest(X, 12)[0])


@BOTH
@pytest.mark.parametrize("n", [2, 13])
def test_exact_backends_on_few_points(backend, n):
    X = cloud(n, 8)
    found = find_neighbors(X, n - 1, backend=backend)
    assert torch.equal(found.indices, nearest(X, n - 1)[0])
    with pytest.raises(DataError, match=rf"got {n}"):
        find_neighbors(X, n, backend=backend)


def test_keops_searches_in_blocks_of_points(monkeypatch):
    X = cloud(400, 8)
    monkeypatch.setattr(keops, "KEYS", 150)
    monkeypatch.setattr(keops, "ENTRIES", 100 * keops.WIDEST)
    assert torch.equal(find_neighbors(X, 12, backend="keops").indices, nearest(X, 12)[0])


def test_keops_hands_wide_searches_to_the_tiles(monkeypatch):
    X = cloud(200, 8)
    monkeypatch.setattr(keops, "WIDEST", 64)
    assert torch.equal(find_neighbors(X, 150, backend="keops").indices, nearest(X, 150)[0])


def test_keops_is_silent_when_it_is_loaded():
    code = "from ne_interactive.graph import keops; keops._genred(); import os; print('KEOPS_VERBOSE' in os.environ)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_without_keops(monkeypatch):
    for name in [name for name in sys.modules if name.startswith("pykeops")] + ["pykeops", "pykeops.torch"]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingPackageError, match=r"pykeops; it is not installed.*backend=None"):
        find_neighbors(cloud(30, 3), 4, backend="keops")


@pytest.mark.parametrize("index_type", ["IVF", "IVFPQ", "HNSW"])
def test_recall_on_images_with_defaults(fashion_values, index_type):
    values, rows = fashion_values[:3000], torch.arange(0, 3000, 6)
    config = FaissConfig(index_type=index_type)
    found = find_neighbors(values, 15, backend=config)
    assert recall(found.indices[rows].numpy(), nearest(values, 15, rows=rows)[0].numpy()) >= 0.95
    assert not found.exact
    found, again = (find_neighbors(values[:600], 15, backend=config) for _ in range(2))
    assert torch.equal(found.indices, again.indices)
    assert torch.equal(found.distances, again.distances)


@pytest.mark.parametrize("metric", ["cosine", "angular", "correlation", "hyperbolic"])
def test_recall_of_the_other_metrics(metric):
    X = rows_for(metric, 3000, 5)
    found = find_neighbors(X, 15, metric=metric, backend="faiss")
    indices, distances = nearest(X, 15, metric)
    assert recall(found.indices.numpy(), indices.numpy()) >= 0.99
    torch.testing.assert_close(found.distances[:, 0], distances[:, 0], rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(("n", "k"), [(2000, 15), (2000, 90)])
def test_the_least_search_leaves_no_hole(n, k):
    """One list of a hundred is searched: the rows that come up short are completed by exact search."""
    X = cloud(n, 20)
    config = FaissConfig(index_type="IVF", nlist=100, nprobe=1)
    found = find_neighbors(X, k, backend=config)
    assert bool((found.indices >= 0).all())
    assert bool((found.indices != torch.arange(n)[:, None]).all())
    assert all(len(set(row)) == k for row in found.indices.tolist())
    assert bool(torch.isfinite(found.distances).all())


@pytest.mark.parametrize("index_type", INDEX_TYPES)
@pytest.mark.parametrize(("n", "d"), [(2, 1), (7, 3), (90, 130)])
def test_indices_larger_than_the_data(index_type, n, d, capfd):
    k = min(5, n - 1)
    X = cloud(n, d)
    found = find_neighbors(X, k, backend=FaissConfig(index_type=index_type, nlist=1000, nprobe=2000, M=48))
    assert recall(found.indices.numpy(), nearest(X, k)[0].numpy()) > 0.9
    assert "WARNING" not in capfd.readouterr().err


def test_duplicates_in_every_index():
    X = cloud(30, 4).repeat_interleave(20, 0)
    for index_type in INDEX_TYPES:
        found = find_neighbors(X, 19, backend=FaissConfig(index_type=index_type))
        assert bool((found.indices != torch.arange(600)[:, None]).all())
        assert all(len(set(row)) == 19 for row in found.indices.tolist())
        assert bool((found.distances.diff(dim=1) >= 0).all())


def test_fields_reach_the_index():
    X = cloud(1500, 16)
    true = nearest(X, 10)[0].numpy()

    def quality(**fields):
        return recall(find_neighbors(X, 10, backend=FaissConfig(**fields)).indices.numpy(), true)

    assert quality(nprobe=40) > quality(nprobe=2) + 0.05
    assert quality(nlist=10, nprobe=10) == 1
    assert quality(dimensions=16) > quality(dimensions=2) + 0.2
    assert quality(dimensions=6, oversampling=8) > quality(dimensions=6, oversampling=1) + 0.1
    assert quality(index_type="HNSW", M=2, ef_construction=4, ef_search=1) < quality(index_type="HNSW") - 0.01
    rough = quality(index_type="IVFPQ", M=1, nbits=2, oversampling=1)
    assert rough < quality(index_type="IVFPQ", oversampling=1) - 0.1


def test_ids_are_checked():
    ids = torch.tensor([[3, 3, 1, 9], [-1, -1, 2, 0], [-7, 4, 10, 2**40]])
    checked = faiss_index._checked(ids, 10)
    assert [sorted(row) for row in checked.tolist()] == [[-1, 1, 3, 9], [-1, -1, 0, 2], [-1, -1, -1, 4]]
    whole = torch.tensor([[2, 0, -1, -1]])
    assert torch.equal(faiss_index._checked(whole, 3), whole)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"index_type": "LSH"}, r"index_type must be one of Flat, IVF, IVFPQ, HNSW; got 'LSH'"),
        ({"nlist": 0}, r"nlist must be a whole number of at least 1; got 0"),
        ({"nprobe": 2.5}, r"nprobe must be .*; got 2.5"),
        ({"M": True}, r"M must be .*; got True"),
        ({"nbits": 13}, r"nbits must be a whole number in \[1, 12\]; got 13"),
        ({"ef_construction": None}, r"ef_construction must be .*; got None"),
        ({"ef_search": -1}, r"ef_search must be .*; got -1"),
        ({"oversampling": 0.5}, r"oversampling must be a number of at least 1; got 0.5"),
        ({"oversampling": float("nan")}, r"oversampling must be .*; got nan"),
        ({"dimensions": 0}, r"dimensions must be .*; got 0"),
        ({"device": -1}, r"device must be .*at least 0; got -1"),
        ({"device": 0, "index_type": "HNSW"}, r"device must be None for HNSW"),
        ({"temp_memory": 100}, r"temp_memory is memory of a GPU; got 100 with device=None"),
    ],
)
def test_fields_are_checked(fields, says):
    with pytest.raises(ParameterError, match=f"FaissConfig.{says}"):
        FaissConfig(**fields)


def test_a_gpu_that_is_not_there():
    for index_type in ("Flat", "IVF", "IVFPQ"):
        config = FaissConfig(index_type=index_type, device=99, temp_memory=2**20)
        with pytest.raises(ParameterError, match=r"device must be None or below \d+.*got 99"):
            find_neighbors(cloud(300, 4), 5, backend=config)


def test_configurations_are_values():
    assert FaissConfig(nlist=5) == FaissConfig(nlist=5)
    assert hash(FaissConfig()) == hash(FaissConfig())
    with pytest.raises(AttributeError):
        FaissConfig().nlist = 5  # type: ignore[misc]
    with pytest.raises(TypeError):
        FaissConfig(nprobes=5)  # type: ignore[call-arg]


@pytest.mark.parametrize("metric", METRICS)
def test_prepared_rows_are_finite(metric):
    X = torch.cat([torch.zeros(3, 4), rows_for(metric, 20, 4), torch.full((2, 4), 0.1)])
    flat = flatten(X, metric)
    assert bool(torch.isfinite(flat.values).all())
    for backend in (None, "keops", FLAT, "faiss"):
        assert bool(torch.isfinite(find_neighbors(X, 12, metric=metric, backend=backend).distances).all())
