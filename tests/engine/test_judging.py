"""A run is judged while it goes on: what is measured, when, and that it costs what it may."""

import gc
import itertools
import threading
import time
import weakref

import numpy as np
import pytest

from ne_interactive import TSNE, Stepper, metrics
from ne_interactive.engine import judging
from ne_interactive.params.errors import DataError, ParameterError


def data(n=300, d=8, seed=0):
    draw = np.random.default_rng(seed)
    return (draw.normal(size=(5, d)) * 4)[np.arange(n) % 5].astype(np.float32) + draw.normal(
        size=(n, d)
    ).astype("f4")


def until(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def run():
    run = Stepper(data(), TSNE(perplexity=10, random_state=0, tol=0))  # it does not come to rest meanwhile
    yield run
    run.watch(0)
    run.stop()


def test_nothing_is_measured_unasked(run):
    run.step(3)
    assert run.quality == {}
    assert run.qualities["iteration"].tolist() == []
    assert not run.watched


def test_measured_once_by_hand(run):
    run.step(30)
    heard = []
    run.listen(lambda run, what: heard.append(what))
    found = run.measure()
    assert found == run.quality
    assert found["iteration"] == 30
    assert found["recall"] == pytest.approx(metrics.recall(data(), run.embedding, sample=None), abs=1e-9)
    assert heard == ["quality"]
    run.measure()
    assert run.qualities["iteration"].tolist() == [30]


def test_a_run_that_moves_by_itself_is_measured_beside(run):
    run.watch(1.0)
    before = run.embedding
    run.start()
    until(lambda: len(run.qualities["iteration"]) > 3 and run.iteration > 200)
    run.pause()
    until(lambda: run.quality["iteration"] == run.iteration)
    values = run.qualities
    assert (np.diff(values["iteration"]) > 0).all()
    assert set(values) == {"iteration", *run.quality}
    assert values["recall"][-1] > values["recall"][0]
    other = Stepper(data(), TSNE(perplexity=10, random_state=0))
    other.step(run.iteration)
    np.testing.assert_array_equal(other.embedding, run.embedding)  # measuring changes nothing
    assert not np.array_equal(before, run.embedding)


def test_it_takes_its_share_of_the_time(run, monkeypatch):
    spans = []

    def slow(judge, run):
        began = time.perf_counter()
        worked = time.thread_time()
        while time.thread_time() < worked + 0.05:
            pass
        spans.append((began, time.perf_counter()))

    monkeypatch.setattr(judging.Judge, "measure", slow)
    run.watch(0.2)
    run.start()
    until(lambda: len(spans) > 3)
    run.pause()
    gaps = [after[0] - before[0] for before, after in itertools.pairwise(spans[:4])]
    assert min(gaps) >= 0.24  # 0.05 s of work in each 0.25 s


def test_a_run_that_comes_to_a_stand_is_measured_at_once(run, monkeypatch):
    times = []
    real = judging.Judge.measure

    def counted(judge, run):
        times.append(time.perf_counter())
        time.sleep(0.02)
        real(judge, run)

    monkeypatch.setattr(judging.Judge, "measure", counted)
    run.watch(0.001)  # a nap of more than 20 seconds
    run.start()
    until(lambda: run.quality)
    run.pause()
    until(lambda: run.quality["iteration"] == run.iteration, 10)


def test_going_back_forgets_what_came_later(run):
    for _ in range(3):
        run.step(10)
        run.measure()
    run.rewind(20)
    assert run.qualities["iteration"].tolist() == [10, 20]
    run.step(4)
    run.measure()
    assert run.qualities["iteration"].tolist() == [10, 20, 24]
    run.restart()
    assert run.quality == {}


def test_a_branch_takes_the_past_with_it(run):
    run.step(10)
    run.measure()
    run.step(10)
    run.measure()
    branch = run.fork(10)
    assert branch.qualities["iteration"].tolist() == [10]
    branch.step(5)
    assert branch.measure()["iteration"] == 15
    assert run.qualities["iteration"].tolist() == [10, 20]


def test_another_metric_has_other_neighbours(run):
    run.step(5)
    first = run.measure()["recall"]
    run.tune(metric="cosine")
    run.step(1)
    run.rewind(5)
    assert run.measure()["recall"] == first
    run.tune(metric="cosine")
    run.step(1)
    shown = run.embedding
    assert run.measure()["recall"] == pytest.approx(
        metrics.Sample(data(), metric="cosine").measure(shown)["recall"]
    )


def test_the_record_is_bounded(run, monkeypatch):
    monkeypatch.setattr(judging, "LONGEST", 8)
    for _ in range(20):
        run.step(1)
        run.measure()
    at = run.qualities["iteration"]
    assert len(at) <= 8
    assert at[-1] == 20


def test_errors_by_point_come_from_the_run(run):
    run.step(20)
    np.testing.assert_array_equal(run.point_error(), metrics.point_error(data(), run.embedding))
    found, expected = run.neighbor_errors([3]), metrics.neighbor_errors(data(), run.embedding, [3])
    np.testing.assert_array_equal(found.missing[0], expected.missing[0])
    np.testing.assert_array_equal(found.false[0], expected.false[0])
    np.testing.assert_array_equal(run.point_error(60), metrics.point_error(data(), run.embedding, 60))
    with pytest.raises(DataError, match=r"\[0, 299\]"):
        run.neighbor_errors([300])


@pytest.mark.parametrize("share", [-0.1, 1.5, "much", None, True, float("nan")])
def test_a_share_that_is_none_is_refused(run, share):
    with pytest.raises(ParameterError, match=r"share must lie in \[0, 1\]"):
        run.watch(share)


def test_data_that_are_not_in_memory_are_not_watched():

    import torch
    from torch.utils.data import DataLoader, TensorDataset

    run = Stepper(DataLoader(TensorDataset(torch.from_numpy(data())), batch_size=100), TSNE(perplexity=10))
    with pytest.raises(DataError, match="X is a stream"):
        run.watch()
    with pytest.raises(DataError, match="X is a stream"):
        run.measure()


def test_watching_keeps_no_run_alive():
    run = Stepper(data(), TSNE(perplexity=10, random_state=0))
    run.watch(1.0)
    run.step(2)
    deadline = time.monotonic() + 60
    while not run.quality:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    gone, watching = weakref.ref(run), run._watcher._background._thread
    assert watching in threading.enumerate()
    del run
    until(lambda: gc.collect() >= 0 and gone() is None, 20)
    until(lambda: watching not in threading.enumerate(), 20)


def test_what_goes_wrong_in_measuring_ends_the_watch_not_the_run(run, monkeypatch):
    monkeypatch.setattr(judging.Judge, "measure", lambda judge, run: 1 / 0)
    run.watch()
    run.start()
    until(lambda: not run.watched)
    assert isinstance(run._watcher.error, ZeroDivisionError)
    assert run.state in ("running", "resting")


def test_points_that_leave_during_a_measurement_do_not_end_the_watch(run, monkeypatch):
    made, gone, real = [], threading.Event(), judging.Sample

    def slow(rows, metric):
        made.append(rows.n)
        sample = real(rows, metric=metric)
        assert len(made) > 1 or gone.wait(20)
        return sample

    slow.check = real.check
    monkeypatch.setattr(judging, "Sample", slow)
    run.step(5)
    run.watch(1.0)
    until(lambda: made)
    run.remove(np.arange(50))
    gone.set()
    until(lambda: run.quality or not run.watched)
    assert run.watched
    assert made == [300, 250]
    assert run.qualities["iteration"].tolist() == [5]
    assert run.quality["recall"] == metrics.Sample(data()[50:]).measure(run.embedding)["recall"]


def test_what_goes_wrong_while_points_leave_is_tried_again(run, monkeypatch):
    real, calls = judging.Judge.measure, []

    def wrong_at_first(judge, run):
        calls.append(run.n)
        if len(calls) == 1:
            run.remove(np.arange(50))
            raise DataError("meanwhile")
        real(judge, run)

    monkeypatch.setattr(judging.Judge, "measure", wrong_at_first)
    run.step(5)
    run.watch(1.0)
    until(lambda: run.quality or not run.watched)
    assert run.watched
    assert calls == [300, 250]
