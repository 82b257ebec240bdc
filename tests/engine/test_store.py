import json

import numpy as np
import pytest

import ne_interactive as ne
from ne_interactive.engine import store
from ne_interactive.params.declare import REGISTRY
from ne_interactive.params.errors import ParameterError


def data(n=160, seed=0):
    return np.random.default_rng(seed).normal(size=(n, 6)).astype(np.float32)


METHODS = {
    "tsne": lambda: ne.TSNE(perplexity=9, random_state=5),
    "umap": lambda: ne.UMAP(n_neighbors=7, random_state=np.random.default_rng(5)),
    "given start": lambda: ne.TSNE(perplexity=9, random_state=None, init=data(seed=3)[:, :2]),
}


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("stop", [1, 60])
def test_a_loaded_run_goes_on_bit_for_bit(name, stop, tmp_path):
    run = ne.Stepper(data(), METHODS[name]())
    run.step(stop)
    run.tune(repulsion_strength=1.5, lr=20.0 if name != "umap" else 0.5)
    path = run.save(tmp_path / "run.npz")
    loaded = ne.Stepper.load(path, data())
    assert (loaded.state, loaded.iteration, loaded.params) == ("paused", stop, run.params)
    assert loaded.loss == run.loss
    assert [vars(event) for event in loaded.events] == [vars(event) for event in run.events]
    assert np.array_equal(loaded.losses[1], run.losses[1])
    run.step(40)
    loaded.step(40)
    assert np.array_equal(run.embedding, loaded.embedding)
    loaded.restart()
    run.restart()
    assert np.array_equal(run.step(5).embedding, loaded.step(5).embedding)


def test_loading_never_searches_neighbours_again(tmp_path, monkeypatch):
    run = ne.Stepper(data(), METHODS["tsne"]())
    run.step(2)
    path = run.save(tmp_path / "run.npz")

    def forbidden(*_, **__):
        raise AssertionError("searched")

    monkeypatch.setattr("ne_interactive.engine.setup.neighbors_of", forbidden)
    loaded = ne.Stepper.load(path, data())
    loaded.tune(perplexity=6)
    loaded.step(3)


def test_measurements_are_kept(tmp_path):
    run = ne.Stepper(data(), METHODS["tsne"]())
    for _ in range(3):
        run.step(10)
        run.measure()
    loaded = ne.Stepper.load(run.save(tmp_path / "run.npz"), data())
    assert loaded.quality == run.quality
    assert all(np.array_equal(loaded.qualities[name], values) for name, values in run.qualities.items())
    loaded.step(5)
    loaded.measure()
    assert loaded.fork(20).qualities["iteration"].tolist() == [10, 20]
    loaded.rewind(10)
    assert loaded.qualities["iteration"].tolist() == [10]
    again = ne.Stepper.load(loaded.save(tmp_path / "again.npz"), data())
    assert again.quality == loaded.quality


def test_files_without_measurements_are_read(tmp_path):
    run = ne.Stepper(data(), METHODS["tsne"]())
    run.step(10)
    run.measure()
    arrays, facts = store.load(run.save(tmp_path / "run.npz"))
    plain = {name: array for name, array in arrays.items() if not name.startswith("quality.")}
    store.save(tmp_path / "plain.npz", plain, facts)
    loaded = ne.Stepper.load(tmp_path / "plain.npz", data())
    assert loaded.quality == {}
    assert loaded.measure()["iteration"] == 10


def test_another_table_is_refused(tmp_path):
    path = ne.Stepper(data(), METHODS["tsne"]()).save(tmp_path / "run.npz")
    with pytest.raises(ne.DataError, match="a table of 160 rows and 6 columns whose values differ"):
        ne.Stepper.load(path, data(seed=1))


def test_files_that_are_no_run_are_refused(tmp_path):
    path = tmp_path / "run.npz"
    path.write_bytes(b"no archive")
    with pytest.raises(ne.DataError, match=r"is not a saved run: it is no \.npz file\. Write one"):
        ne.Stepper.load(path, data())
    np.savez(path, facts=np.array([object()], dtype=object))
    with pytest.raises(ne.DataError, match="is not a saved run"):
        ne.Stepper.load(path, data())
    np.savez(path, facts=np.frombuffer(json.dumps({"version": 99}).encode(), np.uint8))
    with pytest.raises(ne.DataError, match="saved in format 99; this version reads format 4"):
        ne.Stepper.load(path, data())
    with pytest.raises(FileNotFoundError):
        ne.Stepper.load(tmp_path / "nowhere.npz", data())


def test_an_unknown_method_is_named(tmp_path, monkeypatch):
    path = ne.Stepper(data(), METHODS["tsne"]()).save(tmp_path / "run.npz")
    monkeypatch.delitem(REGISTRY, "TSNE")
    with pytest.raises(ParameterError, match="made by the method 'TSNE', which is not defined here"):
        ne.Stepper.load(path, data())


def test_a_broken_write_leaves_the_old_file(tmp_path, monkeypatch):
    run = ne.Stepper(data(), METHODS["tsne"]())
    path = run.save(tmp_path / "run.npz")
    before = path.read_bytes()

    def broken(file, **arrays):
        file.write(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(store.np, "savez", broken)
    with pytest.raises(OSError, match="disk full"):
        run.save(path)
    assert path.read_bytes() == before
    assert [item.name for item in tmp_path.iterdir()] == ["run.npz"]


def test_a_place_where_no_file_can_be_is_refused(tmp_path):
    run = ne.Stepper(data(), METHODS["tsne"]())
    with pytest.raises(ParameterError, match=r"no folder '.*nowhere' to write 'run\.npz' to"):
        run.save(tmp_path / "nowhere" / "run.npz")
    with pytest.raises(ParameterError, match="is a folder; give the name of a file in it"):
        run.save(tmp_path)
    assert not list(tmp_path.iterdir())
