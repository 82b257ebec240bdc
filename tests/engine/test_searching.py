"""Several runs on one table: one search for all, and each run repeats by itself, bit for bit."""

import threading
import warnings

import numpy as np
import pytest

import ne_interactive as ne
from ne_interactive.data.arrays import as_rows
from ne_interactive.engine import searching, setup
from ne_interactive.engine.searching import Searches, runs_on
from ne_interactive.graph import indexed, neighbors
from ne_interactive.params.errors import DataError, ParameterError

N = 300


@pytest.fixture
def X():
    return np.random.default_rng(0).normal(size=(N, 8)).astype(np.float64)


@pytest.fixture
def searches(monkeypatch):
    """How many neighbours each search was for."""
    made, search = [], searching.neighbors_of

    def counted(table, k, **more):
        made.append(k)
        return search(table, k, **more)

    for place in (searching, setup):
        monkeypatch.setattr(place, "neighbors_of", counted)
    return made


@pytest.fixture
def approximate(monkeypatch):
    """Even few points are searched by an index."""
    monkeypatch.setattr(neighbors, "EXACT_ROWS", 100)


def methods(**more):
    tsne, umap = ne.TSNE(perplexity=10, **more), ne.UMAP(n_neighbors=8, **more)
    return {"wide": ne.TSNE(perplexity=30, **more), "t-SNE": tsne, "UMAP": umap, "PaCMAP": ne.PACMAP(**more)}


def test_one_search_serves_all_methods_of_one_metric(X, searches):
    runs = runs_on(X, methods(random_state=0))
    most = max(run._core.method.k(N, run.params) for run in runs.values())
    for run in runs.values():
        run.step(2)
    assert searches == [most]
    first, *others = (run._core for run in runs.values())
    assert all(other.rows is first.rows for other in others)
    assert all(other.problem.neighbors is first.problem.neighbors for other in others)
    assert first.searches is None  # nothing holds what was found but the runs


def test_exact_neighbours_give_what_each_run_gives_alone(X):
    for name, run in runs_on(X, methods(random_state=0)).items():
        alone = ne.Stepper(X, methods(random_state=0)[name])
        run.step(5)
        alone.step(5)
        assert np.array_equal(run.embedding, alone.embedding), name


def test_each_run_is_repeated_by_its_recipe_and_by_its_script(X, searches, approximate):
    runs = runs_on(X, methods())
    for run in runs.values():
        run.step(3)
        assert not run._core.problem.neighbors.exact
    assert len(searches) == 1
    assert len({run._core.seed for run in runs.values()}) == 1
    for run in runs.values():
        recipe = run.recipe()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            again = ne.replay(X, str(recipe))
        assert np.array_equal(again.embedding, run.embedding)
        assert again.recipe().python() == recipe.python()
        names = {"X": X}
        exec(recipe.python(), names)
        assert np.array_equal(names["Z"], run.embedding)
        assert np.array_equal(run.fork(1).step(2).embedding, run.embedding)


def test_a_wider_first_search_outlives_saving(X, tmp_path, approximate):
    run = ne.Stepper(X, ne.TSNE(perplexity=10, random_state=0), neighbors=60)
    run.step(2)
    assert run._core.problem.neighbors.k == 60
    loaded = ne.Stepper.load(run.save(tmp_path / "run.npz"), X)
    for each in (run, loaded):
        each.tune(metric="cosine")
        each.step(2)
        assert each._core.problem.neighbors.k == 60
    assert np.array_equal(run.embedding, loaded.embedding)


def test_searches_by_an_index_are_shared_only_with_the_same_seed(X, searches, approximate):
    one, same, other = ne.TSNE(random_state=0), ne.UMAP(random_state=0), ne.TSNE(random_state=1)
    for run in runs_on(X, {"a": one, "b": same, "c": other}).values():
        run.step(1)
    assert searches == [90, 90]


def test_other_metrics_and_methods_without_neighbours_search_as_ever(X, searches):
    made = {"a": ne.TSNE(perplexity=10), "b": ne.TSNE(perplexity=20, metric="cosine"), "c": ne.TSNEkhorn()}
    for run in runs_on(X, made).values():
        run.step(1)
    assert sorted(searches) == [30, 60]


def test_runs_that_move_at_once_wait_for_one_search(X, searches, monkeypatch):
    monkeypatch.setattr(setup, "ROUGH_FROM", 100)
    rough, find = [], indexed.rough
    monkeypatch.setattr(
        neighbors, "rough", lambda values, k, *a, **b: rough.append(k) or find(values, k, *a, **b)
    )
    runs = runs_on(X, {"a": ne.TSNE(perplexity=10), "b": ne.TSNE(perplexity=20), "c": ne.UMAP()})
    refined = {name: threading.Event() for name in runs}

    def hear(name, run):
        return lambda _run, _what: (
            refined[name].set() if not getattr(run._core.problem, "rough", True) else None
        )

    for name, run in runs.items():
        run.listen(hear(name, run))
        run.start()
    assert all(event.wait(30) for event in refined.values())
    for run in runs.values():
        run.stop()
    assert searches == [60]
    assert sorted(rough) == [14, 15]  # those of UMAP count the point itself


@pytest.mark.parametrize("backend", ["auto", None])
def test_rough_neighbours_never_stand_in_for_the_right_ones(X, searches, backend):
    table, shared = as_rows(X), Searches()
    rough = shared.rough(table, 14, metric="euclidean", seed=0)
    assert rough is not None
    assert shared.rough(table, 14, metric="euclidean", seed=0) is rough
    found = shared.neighbors(table, 14, metric="euclidean", backend=backend, seed=0)
    assert found.exact
    assert searches == [14]


def test_a_search_that_fails_is_made_by_the_next_run(X, searches, monkeypatch):
    find, failing = searching.neighbors_of, [True]

    def once(*args, **more):
        if failing.pop() if failing else False:
            raise DataError("no")
        return find(*args, **more)

    monkeypatch.setattr(searching, "neighbors_of", once)
    first, second = runs_on(X, {"a": ne.TSNE(), "b": ne.UMAP()}).values()
    with pytest.raises(DataError):
        first.step(1)
    second.step(1)
    first.step(1)
    assert len(searches) == 1


@pytest.mark.parametrize("wrong", [-1, 2.5, True, None, "3", N])
def test_a_number_of_neighbours_that_cannot_be_is_refused(X, wrong):
    with pytest.raises(ParameterError, match=f"neighbors must be a whole number from 0 to {N - 1}"):
        ne.Stepper(X, ne.TSNE(), neighbors=wrong)


def test_what_is_no_method_is_refused(X):
    with pytest.raises(ParameterError, match="method must be a method"):
        runs_on(X, {"a": ne.TSNE(), "b": "UMAP"})
