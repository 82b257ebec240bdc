import asyncio
import copy
import gc
import pickle
import subprocess
import sys
import threading
import time
import weakref

import numpy as np
import pytest

import ne_interactive as ne
from ne_interactive.params.errors import DivergedError, ParameterError, StateError


def data(n=200, d=8, seed=0):
    draw = np.random.default_rng(seed)
    return (draw.normal(size=(4, d)) * 5)[np.arange(n) % 4] + draw.normal(size=(n, d))


def tsne(**more):
    return ne.TSNE(**{"perplexity": 10, "random_state": 1, **more})


@pytest.fixture
def live():
    """A run in the background, ended after the test."""
    run = ne.Stepper(data(), tsne(tol=0.0))
    run.max_speed = 2000
    yield run
    run.stop()
    run._background.wait(10)


def wait_for(condition, seconds=20.0):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "waited too long"
        time.sleep(0.005)


def test_construction_checks_everything_and_computes_nothing():
    with pytest.raises(ne.DataError):
        ne.Stepper([[1.0, float("nan")]] * 20, tsne())
    with pytest.raises(ParameterError, match="method must be a method such as"):
        ne.Stepper(data(), "tsne")
    with pytest.raises(ParameterError, match="the class TSNE"):
        ne.Stepper(data(), ne.TSNE)
    run = ne.Stepper(data(), tsne())
    assert (run.n, run.d, run.c, run.iteration, run.state) == (200, 8, 2, 0, "paused")
    assert np.isnan(run.loss)
    assert run._core.problem is None
    assert repr(run) == "Stepper(TSNE, n=200, iteration=0, paused)"


def test_the_method_given_is_cloned():
    method = tsne()
    run = ne.Stepper(data(), method)
    run.tune(perplexity=20)
    run.step()
    assert method.perplexity == 10
    assert run.method is not method


def test_frames_begin_at_zero_and_end_at_max_iter():
    run = ne.Stepper(data(), tsne(max_iter=25))
    frames = list(run.frames(every=10))
    assert [frame.iteration for frame in frames] == [0, 10, 20, 25]
    assert frames[0].embedding.shape == (200, 2)
    assert frames[0].embedding.dtype == np.float32
    assert not np.array_equal(frames[0].embedding, frames[1].embedding)
    assert np.isnan(frames[0].loss)
    assert np.isfinite(frames[1].loss)
    assert frames[-1].seconds > 0


def test_frames_take_changes_by_send():
    run = ne.Stepper(data(), tsne(max_iter=100))
    frames = run.frames(every=5)
    next(frames)
    frame = frames.send({"exaggeration": 3.0, "repulsion_strength": 2.0})
    assert frame.iteration == 5
    assert frame.params["exaggeration"] == 3.0
    assert [event.kind for event in run.events] == ["tune"]
    assert run.events[0].iteration == 0
    assert run.events[0].detail["changes"]["exaggeration"] == [12.0, 3.0]
    with pytest.raises(ParameterError):
        frames.send({"exaggeration": -1})


@pytest.mark.parametrize("bad", [0, -1, 1.5, True, "ten"])
def test_counts_must_be_whole_and_positive(bad):
    run = ne.Stepper(data(), tsne())
    with pytest.raises(ParameterError, match="whole number of iterations"):
        run.step(bad)
    with pytest.raises(ParameterError, match="every must be"):
        next(run.frames(every=bad))


def test_a_refused_change_names_the_reason_and_changes_nothing():
    run = ne.Stepper(data(), tsne())
    run.step(3)
    before = run.params
    with pytest.raises(ParameterError, match=r"TSNE\.perplexity must lie in \(1, 199\) for 200 points"):
        run.tune(exaggeration=2.0, perplexity=500)
    with pytest.raises(ParameterError, match="repulsion_strength must be a number; got 'auto'"):
        run.tune(repulsion_strength="auto")
    assert run.params == before
    assert run.events == []


def test_perplexity_changes_the_affinities_and_keeps_the_layout():
    run = ne.Stepper(data(), tsne())
    run.step(50)
    Z, edges = run.embedding, run._core.problem.graph.nnz
    run.tune(perplexity=25)
    run.step(1)
    assert run._core.problem.graph.nnz > edges
    assert np.abs(run.embedding - Z).max() <= 5.0  # one step
    assert np.corrcoef(run.embedding[:, 0], Z[:, 0])[0, 1] > 0.9
    event = run.events[-1]
    assert event.iteration == 50
    assert event.detail["digest"] == run._core.problem.graph.digest()
    run.tune(perplexity=10)
    run.step(1)
    fresh = ne.Stepper(data(), tsne())
    fresh.step(1)
    assert run._core.problem.graph.digest() == fresh._core.problem.graph.digest()


def test_new_affinities_come_with_their_edges_listed():
    X = np.random.default_rng(0).normal(size=(3000, 5))
    run = ne.Stepper(X, ne.TSNE(random_state=0))
    run.step()
    assert run._core.problem.graph.is_listed
    run.tune(perplexity=20)
    run._core.settle()
    (prepared,) = run._core._ready
    assert prepared.problem.graph.is_listed


def test_a_perplexity_on_its_way_up_needs_few_searches(monkeypatch):
    from ne_interactive.engine import setup

    real, searched = setup.neighbors_of, []

    def counted(values, k, **more):
        searched.append(k)
        return real(values, k, **more)

    monkeypatch.setattr(setup, "neighbors_of", counted)
    run = ne.Stepper(data(), tsne())
    for perplexity in (10, 12, 15, 20, 24, 8):
        run.tune(perplexity=perplexity)
        run.step(1)
    assert searched == [30, 72]


def test_run_ends_at_max_iter_and_can_be_extended():
    run = ne.Stepper(data(), tsne(max_iter=30, tol=0.0))
    assert run.run().iteration == 30
    assert run.run().iteration == 30
    assert run.run(12).iteration == 42
    assert run.state == "paused"


def test_run_rests_when_the_map_does():
    run = ne.Stepper(data(), tsne(max_iter=100_000, tol=0.02))
    frame = run.run()
    assert run.state == "resting"
    assert 250 <= frame.iteration < 5000
    run.tune(exaggeration=4.0)
    assert run.state == "paused"
    assert run.run(5).iteration == frame.iteration + 5


def test_losses_are_kept_in_bounded_memory():
    from ne_interactive.engine.trace import LONGEST, Trace

    trace = Trace()
    for i in range(5 * LONGEST):
        trace.add(i, float(i))
    trace.add(5 * LONGEST, float("nan"))
    iterations, losses = trace.arrays()
    assert LONGEST // 2 <= len(losses) <= LONGEST
    assert np.array_equal(iterations, losses)
    assert len(set(np.diff(iterations))) == 1


def test_bit_exact_whether_stepped_at_once_in_pieces_or_in_the_background(live):
    whole = ne.Stepper(data(), tsne(tol=0.0)).step(120).embedding
    pieces = ne.Stepper(data(), tsne(tol=0.0))
    for n in (1, 49, 70):
        pieces.step(n)
    assert np.array_equal(pieces.embedding, whole)
    live.start()
    wait_for(lambda: live.iteration >= 40)
    live.pause()
    at = live.iteration
    if at < 120:
        live.step(120 - at)
    else:
        whole = ne.Stepper(data(), tsne(tol=0.0)).step(at).embedding
    assert np.array_equal(live.embedding, whole)


def test_start_pause_resume_stop(live):
    seen = []
    live.listen(lambda run, what: seen.append(what))
    assert live.start() is live
    wait_for(lambda: live.iteration > 20)
    assert live.state == "running"
    with pytest.raises(StateError, match=r"call pause\(\) first"):
        live.step()
    with pytest.raises(StateError):
        live.run(5)
    live.pause()
    at, Z = live.iteration, live.embedding
    time.sleep(0.1)
    assert live.iteration == at
    assert np.array_equal(live.embedding, Z)
    assert live.step(2).iteration == at + 2
    live.resume()
    wait_for(lambda: live.iteration > at + 20)
    live.stop()
    at = live.iteration
    assert live.state == "stopped"
    time.sleep(0.1)
    assert live.iteration == at
    live.stop()
    assert live.step().iteration == at + 1
    live.start()
    wait_for(lambda: live.iteration > at + 20)
    assert {"iteration", "state"} <= set(seen)


def test_listeners_hear_of_a_change_when_it_is_in_the_record(live):
    live.max_speed = 20
    told = []
    live.listen(lambda run, what: told.append(len(run.events)) if what == "params" else None)
    live.start()
    wait_for(lambda: live.iteration > 1)
    live.tune(exaggeration=3.0)
    wait_for(lambda: live.events)
    wait_for(lambda: told[-1] == 1)
    assert len(told) <= 2


def test_the_first_frame_of_a_live_run_is_iteration_zero(live):
    frames = []

    def listener(run, what):
        if what == "iteration" and len(frames) < 3:
            frames.append(run.frame())

    live.listen(listener)
    live.start()
    wait_for(lambda: len(frames) == 3)
    assert [frame.iteration for frame in frames] == [0, 1, 2]


def test_changes_act_at_the_next_iteration_of_a_live_run(live):
    live.start()
    wait_for(lambda: live.iteration > 5)
    assert live.tune(exaggeration=2.0)["exaggeration"] == 2.0
    wait_for(lambda: live.events)
    assert live._core.state.hand == {"exaggeration": 2.0}
    live.tune(exaggeration="auto")
    wait_for(lambda: len(live.events) == 2)
    assert live._core.state.hand == {}
    assert live.following["exaggeration"]


def test_a_live_run_ignores_max_iter_rests_and_wakes_at_a_change():
    run = ne.Stepper(data(), tsne(max_iter=10, tol=0.02))
    run.start()
    run.join(timeout=60)
    assert run.state == "resting"
    rested = run.iteration
    assert rested > 10
    time.sleep(0.05)
    assert run.iteration == rested
    run.tune(exaggeration=4.0)
    wait_for(lambda: run.iteration > rested)
    run.stop()


def test_a_run_at_rest_that_is_resumed_goes_on_until_the_map_is_found_at_rest_again():
    run = ne.Stepper(data(), tsne(tol=0.02))
    run.start()
    run.join(timeout=60)
    rested = run.iteration
    run.resume()
    run.join(timeout=60)
    assert run.state == "resting"
    assert run.iteration >= rested + 2 * run.method.check_interval
    run.stop()


def test_join_reports_a_run_that_goes_on(live):
    live.start()
    with pytest.raises(TimeoutError, match="still goes on"):
        live.join(timeout=0.05)


def test_restart_goes_back_and_keeps_what_the_hand_set(live):
    first = live.embedding
    live.step(30)
    live.tune(repulsion_strength=2.0)
    live.step(10)
    live.restart()
    assert live.iteration == 0
    assert np.array_equal(live.embedding, first)
    assert live.params["repulsion_strength"] == 2.0
    assert live.losses[0].size == 0
    live.start()
    wait_for(lambda: live.iteration > 50)
    live.restart()
    wait_for(lambda: live.iteration > 5)
    assert live.state == "running"


def test_max_speed_slows_a_run_down(live):
    live.max_speed = 50
    live.step()
    began = time.monotonic()
    live.step(10)
    assert time.monotonic() - began >= 0.17


def test_a_low_speed_is_kept_and_one_that_is_set_meanwhile_begins_at_once(live):
    live.max_speed = 0.01
    live.step()
    live.start()
    time.sleep(1.2)
    assert live.iteration == 1
    live.max_speed = 1000
    wait_for(lambda: live.iteration > 20)
    live.pause()


def test_a_moving_run_that_lost_points_can_be_restarted(live):
    live.max_speed = None
    live.start()
    for _ in range(5):
        wait_for(lambda: live.iteration > 3)
        live.remove([0])
        live.restart()
    wait_for(lambda: live.iteration > 3)
    assert live.state == "running"


def test_a_listener_reads_while_another_thread_waits_for_the_start():
    run = ne.Stepper(data(), ne.UMAP(n_neighbors=5, init="spectral", random_state=0))
    heard = threading.Event()

    def listener(run, what):
        heard.set()
        time.sleep(0.1)  # meanwhile the other thread asks for the embedding
        run.params  # noqa: B018

    run.listen(listener)
    run.start()
    heard.wait(10)
    read = threading.Thread(target=lambda: run.embedding, daemon=True)
    read.start()
    read.join(20)
    assert not read.is_alive()
    run.stop()


def test_frames_take_up_a_stopped_run_and_end_beside_the_background():
    run = ne.Stepper(data(), tsne())
    run.step(3)
    run.stop()
    frames = run.frames(2)
    assert [next(frames).iteration, next(frames).iteration] == [3, 5]
    run.start()
    with pytest.raises(StateError, match="frames"):
        next(frames)
    run.stop()


def test_no_more_iterations_than_schedules_can_count():
    run = ne.Stepper(data(), tsne())
    with pytest.raises(ParameterError, match="to 1000000000; got"):
        run.max_iter = 10**400
    with pytest.raises(ParameterError, match="exaggeration"):
        run.tune(exaggeration=10**400)


def test_a_run_started_often_leaves_nothing_behind(live):
    for _ in range(2):
        live.start()
        live.stop()
    before = len(weakref.finalize._registry)
    for _ in range(5):
        live.start()
        live.stop()
    assert len(weakref.finalize._registry) == before


@pytest.mark.parametrize("bad", [0, -5, float("inf"), float("nan"), "fast", True])
def test_max_speed_must_be_positive(bad):
    run = ne.Stepper(data(), tsne())
    with pytest.raises(ParameterError, match="max_speed must be a positive number"):
        run.max_speed = bad
    assert run.max_speed is None


def test_failures_in_the_background_show_and_are_raised(live, monkeypatch):
    failed = threading.Event()
    live.listen(lambda run, what: what == "failed" and failed.set())
    live.step()

    def broken(*_):
        raise MemoryError("no room for the mesh")

    monkeypatch.setattr(type(live.method), "gradient", broken)
    live.start()
    assert failed.wait(10)
    assert live.state == "failed"
    assert "no room for the mesh" in live.message
    for call in (live.join, live.step, live.start, lambda: live.tune(lr=1.0)):
        with pytest.raises(MemoryError):
            call()
    monkeypatch.undo()
    at = live.iteration
    assert at == 1
    live.restart()
    wait_for(lambda: live.iteration > 3)


def test_steps_that_are_not_finite_are_taken_back_and_then_given_up(monkeypatch):
    run = ne.Stepper(data(), tsne())
    Z = run.step(20).embedding
    honest = type(run.method).gradient

    def poisoned(self, *args):
        gradient = honest(self, *args)
        gradient.values[3, 0] = float("nan")
        return gradient

    monkeypatch.setattr(type(run.method), "gradient", poisoned)
    assert np.array_equal(run.step(2).embedding, Z)
    assert run.iteration == 22
    assert run._core.state.lr_factor == 0.25
    assert run.events[-1].kind == "refused step"
    assert "learning rate halved" in run.message
    with pytest.raises(DivergedError, match="12 steps in a row were not finite"):
        run.step(50)
    monkeypatch.undo()
    assert np.isfinite(run.step(5).embedding).all()
    assert run._core.state.refused == 0


def test_a_failing_listener_is_dropped_with_a_warning():
    run = ne.Stepper(data(), tsne())

    def rude(run, what):
        raise KeyError("rude")

    end = run.listen(rude)
    with pytest.warns(UserWarning, match="listener of the run failed"):
        run.step(3)
    end()
    run.step(1)


def test_readers_are_served_while_the_run_is_busy(live):
    live.max_speed = None
    live.start()
    wait_for(lambda: live.iteration > 5)
    began = time.monotonic()
    frames = [live.frame() for _ in range(50)]
    assert time.monotonic() - began < 5
    assert frames[-1].iteration >= frames[0].iteration


def test_two_runs_at_once_do_not_disturb_each_other():
    alone = [
        ne.Stepper(data(), tsne()).step(60).embedding,
        ne.Stepper(data(), ne.UMAP(random_state=2)).step(60).embedding,
    ]
    runs = [ne.Stepper(data(), tsne()), ne.Stepper(data(), ne.UMAP(random_state=2))]
    threads = [threading.Thread(target=run.step, args=(60,)) for run in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for run, wanted in zip(runs, alone, strict=True):
        assert np.array_equal(run.embedding, wanted)


def test_arun_leaves_the_event_loop_free_and_can_be_paused_and_steered():
    run = ne.Stepper(data(), tsne(tol=0.0))
    run.max_speed = 500

    async def main():
        ticks = 0
        task = asyncio.create_task(run.arun(150))
        while run.iteration < 20:
            ticks += 1
            await asyncio.sleep(0.002)
        run.tune(exaggeration=2.0)
        run.pause()
        at = run.iteration
        await asyncio.sleep(0.05)
        assert run.iteration - at <= 1
        with pytest.raises(StateError, match="take over"):
            run.start()
        run.resume()
        frame = await task
        assert ticks > 3
        return frame

    frame = asyncio.run(main())
    assert frame.iteration == 150
    assert run.state == "paused"
    assert run.params["exaggeration"] == 2.0


def test_stop_ends_arun():
    run = ne.Stepper(data(), tsne(tol=0.0))
    run.max_speed = 500

    async def main():
        task = asyncio.create_task(run.arun(10_000))
        await asyncio.sleep(0.2)
        run.stop()
        return await asyncio.wait_for(task, 10)

    assert asyncio.run(main()).iteration < 10_000
    assert run.state == "stopped"


def test_an_interrupted_run_is_whole_and_goes_on_exactly(monkeypatch):
    run = ne.Stepper(data(), tsne())
    turns = 0
    real = type(run._core).turn

    def interrupted(core, donate):
        nonlocal turns
        turns += 1
        if turns == 31:
            raise KeyboardInterrupt
        real(core, donate)

    monkeypatch.setattr(type(run._core), "turn", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run.run()
    assert (run.iteration, run.state) == (30, "paused")
    run.run(20)
    assert np.array_equal(run.embedding, ne.Stepper(data(), tsne()).step(50).embedding)


@pytest.mark.parametrize("moving", [True, False])
def test_a_forgotten_live_run_ends_with_its_thread(moving):
    run = ne.Stepper(data(), tsne(tol=0.0)).start()
    while run.iteration < 3:
        time.sleep(0.005)
    if not moving:
        run.pause()
    gone, thread = weakref.ref(run), run._background._thread
    del run
    wait_for(lambda: gc.collect() is not None and gone() is None)
    thread.join(10)
    assert not thread.is_alive()


def test_describe_carries_values_and_schedules():
    run = ne.Stepper(data(), tsne())
    described = {entry["name"]: entry for entry in run.describe()}
    assert described["exaggeration"]["value"] == 12.0
    assert described["exaggeration"]["following"] is True
    assert described["perplexity"]["high"] == 199
    assert "value" not in described["n_components"]


def test_output_has_the_callers_kind():
    import pandas as pd
    import torch
    from scipy import sparse

    X = data()
    frame = pd.DataFrame(X, index=[f"row {i}" for i in range(200)])
    method = tsne(max_iter=20)
    Z = method.fit_transform(frame)
    assert list(Z.index) == list(frame.index)
    as_torch = tsne(max_iter=20).fit_transform(torch.from_numpy(X))
    assert isinstance(as_torch, torch.Tensor)
    assert not as_torch.requires_grad
    plain = tsne(max_iter=20).fit_transform(X)
    assert np.array_equal(Z.to_numpy(), plain)
    assert np.array_equal(as_torch.numpy(), plain)
    assert np.array_equal(tsne(max_iter=20).fit_transform(sparse.csr_matrix(X)), plain)


def test_fit_sets_only_fitted_attributes(capsys):
    method = tsne(max_iter=15, verbose=True)
    before = dict(vars(method))
    assert method.fit(data()) is method
    added = set(vars(method)) - set(before)
    assert all(name.endswith("_") for name in added), added
    assert method.n_iter_ == 15
    assert method.n_features_in_ == 8
    assert "TSNE" in capsys.readouterr().err


def test_a_run_can_be_read_paused_and_tuned_while_neighbours_are_searched(live, monkeypatch):
    from ne_interactive.engine import setup

    real, let_go, searching = setup.neighbors_of, threading.Event(), threading.Event()

    def slow(*args, **more):
        searching.set()
        assert let_go.wait(20)
        return real(*args, **more)

    monkeypatch.setattr(setup, "neighbors_of", slow)
    live.start()
    assert searching.wait(10)
    began = time.monotonic()
    assert live.frame().iteration == 0
    assert live.message == "finding neighbours"
    live.tune(exaggeration=3.0)
    assert live.params["exaggeration"] == 3.0
    live.pause()
    assert time.monotonic() - began < 2
    let_go.set()
    time.sleep(0.1)
    assert live.iteration == 0
    assert live.step().params["exaggeration"] == 3.0


def test_a_listener_may_read_the_run_from_inside_a_turn(live, monkeypatch):
    live.step(5)
    honest = type(live.method).gradient

    def poisoned(self, *args):
        gradient = honest(self, *args)
        gradient.values[0, 0] = float("inf")
        return gradient

    read = []
    live.listen(lambda run, what: read.append(run.params["lr"]))
    monkeypatch.setattr(type(live.method), "gradient", poisoned)
    visitors = [threading.Thread(target=lambda: [live.frame() for _ in range(20)]) for _ in range(2)]
    for visitor in visitors:
        visitor.start()
    live.step(8)
    for visitor in visitors:
        visitor.join(10)
        assert not visitor.is_alive()
    assert read


def test_a_step_or_save_during_a_recalibration_waits_for_it(live, monkeypatch, tmp_path):
    from ne_interactive.engine import preparation as core

    live.step(3)
    real, let_go, working = core.problem_for, threading.Event(), threading.Event()

    def slow(*args, **more):
        working.set()
        assert let_go.wait(20)
        return real(*args, **more)

    monkeypatch.setattr(core, "problem_for", slow)
    live.start()
    live.tune(perplexity=25)
    assert working.wait(10)
    live.pause()
    assert live.params["perplexity"] == 25
    saved = threading.Thread(target=live.save, args=(tmp_path / "run.npz",))
    saved.start()
    time.sleep(0.1)
    assert saved.is_alive()
    let_go.set()
    saved.join(20)
    loaded = ne.Stepper.load(tmp_path / "run.npz", data())
    fresh = ne.Stepper(data(), tsne(perplexity=25))
    fresh.step()
    assert loaded.params["perplexity"] == 25
    assert loaded._core.problem.graph.digest() == fresh._core.problem.graph.digest()
    assert [event.kind for event in loaded.events] == ["tune"]


def test_an_interrupted_recalibration_leaves_the_run_as_it_was(monkeypatch):
    from ne_interactive.engine import preparation as core

    run = ne.Stepper(data(), tsne())
    run.step(3)
    digest = run._core.problem.graph.digest()

    def interrupted(*args, **more):
        raise KeyboardInterrupt

    monkeypatch.setattr(core, "problem_for", interrupted)
    run.tune(perplexity=25)
    with pytest.raises(KeyboardInterrupt):
        run.step()
    monkeypatch.undo()
    run.step(2)
    assert run.params["perplexity"] == 10
    assert run._core.problem.graph.digest() == digest
    assert run.iteration == 5


LEFT = """
import time
import numpy as np
import torch
import ne_interactive as ne
from ne_interactive.graph import list_search
X = np.random.default_rng(0).normal(size=(20_000, 40)).astype(np.float32)
list_search.PARTS = 2000  # a search that takes long, told of often
search = list_search._search
M = torch.rand(600, 600)
def slow(*args):
    search(*args)
    M @ M
list_search._search = slow
run = ne.Stepper(X, ne.TSNE(random_state=0)).start()
while run.iteration < 3:
    time.sleep(0.01)
assert run.work or run.message, "it searches"
print("left", time.monotonic())
"""


def test_a_script_ends_while_a_run_moves_and_searches():
    done = subprocess.run([sys.executable, "-c", LEFT], capture_output=True, text=True, timeout=120)
    ended = time.monotonic()
    assert (done.returncode, done.stderr) == (0, "")
    assert ended - float(done.stdout.split()[-1]) < 4, "the search is not waited for"


def test_a_copy_is_a_fork_and_a_run_is_saved_not_pickled():
    run = ne.Stepper(data(), tsne())
    run.step(3)
    for other in (copy.copy(run), copy.deepcopy(run)):
        other.step(2)
        assert (run.iteration, other.iteration) == (3, 5)
    with pytest.raises(StateError, match=r"run\.save\(path\)"):
        pickle.dumps(run)
