"""A run that moves by itself begins on rough neighbours, and never waits long for what is slow."""

import threading
import time

import numpy as np
import pytest
import torch

import ne_interactive as ne
from ne_interactive.engine import moving, preparation, setup
from ne_interactive.engine.beside import Beside
from ne_interactive.graph.neighbors import find_neighbors, rough_neighbors
from ne_interactive.graph.progress import report, reported
from ne_interactive.params.errors import DataError

N = 700


def data():
    draw = np.random.default_rng(0)
    return (draw.normal(size=(7, 30))[np.arange(N) % 7] * 4 + draw.normal(size=(N, 30))).astype(np.float32)


class Gate:
    """Problems made only once the gate is open."""

    def __init__(self, monkeypatch):
        self.open, self.asked = threading.Event(), threading.Event()
        make = preparation.problem_for

        def slow(*arguments, **more):
            self.asked.set()
            assert self.open.wait(30)
            return make(*arguments, **more)

        monkeypatch.setattr(preparation, "problem_for", slow)


@pytest.fixture
def gate(monkeypatch):
    monkeypatch.setattr(setup, "ROUGH_FROM", 500)
    gate = Gate(monkeypatch)
    yield gate
    gate.open.set()


@pytest.fixture
def run(gate):
    run = ne.Stepper(data(), ne.TSNE(perplexity=12, random_state=0))
    yield run
    gate.open.set()
    run.stop()


def until(condition, seconds=20.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def kinds(run):
    return [(event.kind, event.detail.get("rough")) for event in run.events]


def test_a_live_run_moves_before_its_neighbours_are_found(run, gate):
    run.start()
    until(lambda: run.iteration > 30)
    assert gate.asked.is_set()
    assert run.message == "finding neighbours"
    assert kinds(run) == [("neighbours", True)]
    gate.open.set()
    until(lambda: len(run.events) == 2)
    assert kinds(run) == [("neighbours", True), ("neighbours", False)]
    before = run.iteration
    until(lambda: run.iteration > before)
    assert run.message == ""
    waited = ne.Stepper(data(), ne.TSNE(perplexity=12, random_state=0))
    waited.step()
    assert (
        run._core.problem.graph.digest()
        == waited._core.problem.graph.digest()
        == run.events[1].detail["digest"]
    )


@pytest.mark.parametrize("method", [ne.UMAP, ne.LargeVis, ne.SNE, ne.DensMAP])
def test_other_methods_begin_roughly_too(monkeypatch, method):
    monkeypatch.setattr(setup, "ROUGH_FROM", 500)
    run = ne.Stepper(data(), method(random_state=0)).start()
    until(lambda: len(run.events) == 2)
    run.stop()
    assert kinds(run) == [("neighbours", True), ("neighbours", False)]
    assert np.isfinite(run.embedding).all()


@pytest.mark.parametrize(
    "method",
    [ne.PACMAP(), ne.TSNE(affinity_in="selftuning"), ne.TSNE(init="spectral"), ne.TSNE(metric="manhattan")],
)
def test_what_a_rough_graph_does_not_suit_waits(monkeypatch, method):
    monkeypatch.setattr(setup, "ROUGH_FROM", 500)
    run = ne.Stepper(data(), method.set_params(random_state=0)).start()
    until(lambda: run.iteration > 3)
    run.stop()
    assert run.events == []


def test_steps_wait_for_the_right_neighbours(monkeypatch):
    monkeypatch.setattr(setup, "ROUGH_FROM", 500)
    first, second = (ne.Stepper(data(), ne.TSNE(perplexity=12, random_state=0)) for _ in range(2))
    assert np.array_equal(first.run(20).embedding, second.step(20).embedding)
    assert first.events == second.events == []


def test_a_step_takes_over_from_a_paused_run_only_with_them(run, gate):
    run.start()
    until(lambda: run.iteration > 5)
    run.pause()
    threading.Timer(0.2, gate.open.set).start()
    run.step()
    assert kinds(run)[-1] == ("neighbours", False)


def test_cheap_changes_act_at_once_and_costly_ones_when_they_are_ready(run, gate):
    run.start()
    until(lambda: run.iteration > 5)
    run.tune(exaggeration=2.0, perplexity=7)
    assert run.params["perplexity"] == 7
    until(lambda: len(run.events) == 2)
    assert run.events[1].detail["changes"] == {"exaggeration": [12.0, 2.0]}
    run.tune(perplexity=8, repulsion_strength=1.5)
    until(lambda: len(run.events) == 3)
    assert list(run.events[2].detail["changes"]) == ["repulsion_strength"]
    assert run.params["perplexity"] == 8
    gate.open.set()
    until(lambda: run.events[-1].kind == "tune" and "perplexity" in run.events[-1].detail["changes"])
    assert run.events[-1].detail["changes"] == {"perplexity": [12.0, 8.0]}
    assert run.params["perplexity"] == 8
    assert not run._core._working


def test_the_loop_goes_on_during_a_long_recalibration(run, gate, monkeypatch):
    gate.open.set()
    monkeypatch.setattr(preparation, "BRIEF_ENTRIES", 0)
    run.step(5)
    gate.open.clear()
    run.start()
    run.tune(perplexity=9)
    until(gate.asked.is_set)
    before = run.iteration
    until(lambda: run.iteration > before + 10)
    assert run.params["perplexity"] == 9
    assert not run.events
    gate.open.set()
    until(lambda: run.events)
    assert run.events[0].detail["changes"] == {"perplexity": [12.0, 9.0]}


def test_saving_switching_and_placing_wait_for_the_right_neighbours(run, gate, tmp_path):
    run.start()
    until(lambda: run.iteration > 5)
    threading.Timer(0.2, gate.open.set).start()
    path = run.save(tmp_path / "run.npz")
    loaded = ne.Stepper.load(path, data())
    assert kinds(loaded)[1] == ("neighbours", False)
    assert loaded._core.problem.neighbors.k == 36


def test_nothing_that_is_ready_is_lost_when_more_comes(run, gate, tmp_path):
    run.start()
    until(lambda: run.iteration > 5)
    run.pause()
    run.tune(exaggeration=3.0)
    run._core.settle(wait=False)  # ready, but the loop has not come by
    gate.open.set()
    loaded = ne.Stepper.load(run.save(tmp_path / "run.npz"), data())
    assert [kind for kind, _ in kinds(loaded)] == ["neighbours", "tune", "neighbours"]
    assert loaded.params["exaggeration"] == 3.0
    assert loaded._core.problem.neighbors.k == 36
    again = ne.replay(data(), run.recipe())
    assert np.array_equal(again.embedding, run.embedding)


def test_a_switch_takes_the_neighbours_under_way(run, gate):
    run.start()
    until(lambda: run.iteration > 5)
    threading.Timer(0.2, gate.open.set).start()
    run.switch(ne.UMAP(n_neighbors=10))
    assert [kind for kind, _ in kinds(run)] == ["neighbours", "neighbours", "switch"]
    run.pause()
    run.step()
    assert run._core.problem.neighbors.k == 36


def test_a_search_that_fails_fails_the_run(monkeypatch):
    monkeypatch.setattr(setup, "ROUGH_FROM", 500)

    def failing(*_, **__):
        raise DataError("no neighbours today")

    monkeypatch.setattr(setup, "neighbors_of", failing)
    run = ne.Stepper(data(), ne.TSNE(random_state=0)).start()
    until(lambda: run.state == "failed")
    assert run.message == "no neighbours today"
    with pytest.raises(DataError, match="today"):
        run.step()
    assert run._core.problem is None


def test_work_beside_is_taken_once_and_its_errors_are_raised():
    beside = Beside()
    assert not beside.active
    beside.begin(lambda: 3)
    assert beside.active
    assert beside.take() == 3
    assert not beside.active
    beside.begin(lambda: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        beside.take()
    assert not beside.done


@pytest.mark.parametrize("metric", ["euclidean", "sqeuclidean", "cosine", "angular", "correlation"])
def test_rough_neighbours_are_near_and_in_the_units_of_the_metric(metric):
    X = torch.from_numpy(ne.datasets.digits().X[:1500])
    rough, exact = rough_neighbors(X, 15, metric=metric), find_neighbors(X, 15, metric=metric)
    shared = [
        len(np.intersect1d(a, b)) for a, b in zip(rough.indices.numpy(), exact.indices.numpy(), strict=True)
    ]
    assert np.mean(shared) > 0.5 * 15
    assert (rough.indices != torch.arange(len(X))[:, None]).all()
    assert (rough.distances.diff(dim=1) >= 0).all()
    assert 0.6 < float(rough.distances.mean() / exact.distances.mean()) < 1.2


def test_rough_neighbours_of_equal_rows_and_other_metrics():
    assert rough_neighbors(torch.ones(300, 40), 15).indices.shape == (300, 15)
    assert rough_neighbors(torch.rand(300, 4), 15, metric="manhattan") is None


def test_what_is_done_for_a_change_is_told_while_it_is_done(run, gate, monkeypatch):
    gate.open.set()
    run.step(5)
    assert run.work == {}
    gate.open.clear()
    run.start()
    run.tune(metric="cosine")
    until(lambda: "metric" in run.work)
    assert run.work["metric"][0] in ("recalibrating", "finding neighbours")
    run.tune(perplexity=9)  # which has to wait for the metric's neighbours
    until(lambda: run.work.get("perplexity") == ("waiting", None))
    assert "for metric" in run.message
    gate.open.set()
    until(lambda: run.work.get("metric", ("", 0))[0] == "fading in")
    what, share = run.work["metric"]
    assert what == "fading in"
    assert share is not None
    assert 0 <= share <= 1
    until(lambda: run.work == {})
    assert run.params["metric"] == "cosine"
    assert run.params["perplexity"] == 9


def test_a_search_tells_how_far_it_has_come():
    X, told = np.tile(data(), (9, 1)), []
    with reported(lambda what, share: told.append((what, share))):
        find_neighbors(torch.from_numpy(X), 10, backend=None)
    shares = [share for what, share in told if what == "finding neighbours"]
    assert len(shares) > 1
    assert shares[0] == 0
    assert shares == sorted(shares)
    assert shares[-1] < 1
    told.clear()
    find_neighbors(torch.from_numpy(X), 10, backend=None)
    assert told == []


def test_what_an_iteration_reports_is_told_until_it_is_made(monkeypatch):
    run = ne.Stepper(data()[:300], ne.TSNE(perplexity=12, random_state=0))
    run.step()
    told, turn = [], run._core.turn

    def slow(**arguments):
        report("compiling something")
        told.append(run.message)
        run.pause()
        return turn(**arguments)

    monkeypatch.setattr(run._core, "turn", slow)
    run.start()
    until(lambda: run.iteration == 2)
    until(lambda: run.message == "")
    assert told == ["compiling something"]


def test_a_run_can_be_read_while_its_first_iteration_compiles(monkeypatch):
    begun, compiled, made = threading.Event(), threading.Event(), moving.step

    def compiling(*arguments, **more):
        if not compiled.is_set():
            begun.set()
            assert compiled.wait(30)
        return made(*arguments, **more)

    monkeypatch.setattr(moving, "_rehearsed", set())
    monkeypatch.setattr(moving, "step", compiling)
    run = ne.Stepper(data()[:300], ne.TSNE(perplexity=12, random_state=0)).start()
    try:
        assert begun.wait(20)
        reading = threading.Thread(target=lambda: run.params)
        reading.start()
        reading.join(5)
        assert not reading.is_alive()
    finally:
        compiled.set()
    until(lambda: run.iteration > 2)
    run.stop()
    other = ne.Stepper(data()[:300], ne.TSNE(perplexity=12, random_state=0))
    other.step(run.iteration)
    assert np.array_equal(run.embedding, other.embedding), "a rehearsal changes nothing"


def test_points_that_leave_while_the_first_iteration_compiles_do_not_disturb_it(monkeypatch):
    begun, compiled, made, seen = threading.Event(), threading.Event(), moving.step, []

    def compiling(method, problem, state, **more):
        if not compiled.is_set():
            before = state.positions.clone()
            begun.set()
            assert compiled.wait(30)
            seen.append(torch.equal(state.positions, before) and problem.n == len(before))
        return made(method, problem, state, **more)

    monkeypatch.setattr(moving, "_rehearsed", set())
    monkeypatch.setattr(moving, "step", compiling)
    run = ne.Stepper(data()[:300], ne.TSNE(perplexity=12, random_state=0)).start()
    try:
        assert begun.wait(20)
        run.pause()
        run.step(3)
        run.remove([0])
    finally:
        compiled.set()
    run.resume()
    until(lambda: run.iteration > 5)
    assert seen == [True]
    assert run.embedding.shape == (299, 2)
    run.stop()
