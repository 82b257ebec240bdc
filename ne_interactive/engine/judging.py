"""How good the map is, measured while the run goes on, beside it and within a share of its time."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Mapping
from numbers import Real
from typing import Any

import numpy as np

from ne_interactive.data.memory import give_back
from ne_interactive.engine.background import Background
from ne_interactive.engine.moving import Moving
from ne_interactive.graph.helpers import let_go_of_helpers
from ne_interactive.graph.neighbors import Neighbors
from ne_interactive.params.errors import DataError, ParameterError
from ne_interactive.quality.metrics import NeighborErrors, neighbor_errors, point_error
from ne_interactive.quality.sample import MEASURES, Sample

SHARE = 0.05
LONGEST = 2048  # measurements kept; of more every second one is given up
FIRST = 0.05  # seconds that the first measurement counts
NAP = 0.1  # seconds between looks whether a nap is to end early


class Judge:
    """The measurements of one run; knows the sample of X, which a branch shares."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sample: Sample | None = None
        self._rows: object = None  # of which the sample is
        self._making = threading.Lock()
        self._at: list[int] = []
        self._values: list[tuple[float, ...]] = []
        self._latest = 0
        self._cuts = 0

    def forked(self) -> Judge:
        """An independent judge with the same sample and measurements."""
        other = Judge()
        with self._lock:
            other._rows, other._sample, other._latest = self._rows, self._sample, self._latest
            other._at, other._values = list(self._at), list(self._values)
        return other

    def packed(self) -> dict[str, np.ndarray]:
        """What was measured as arrays that a file holds."""
        return {f"quality.{name}": array for name, array in self.arrays().items()}

    @staticmethod
    def unpacked(arrays: Mapping[str, np.ndarray], iteration: int) -> Judge:
        """The judge of a run at an iteration with what `packed` gave; of files without it, one that knows nothing."""
        judge = Judge()
        judge._latest = iteration
        at = arrays.get("quality.iteration", np.empty(0, np.int64))
        missing = np.full(len(at), np.nan)
        columns = [arrays.get(f"quality.{name}", missing).tolist() for name in MEASURES]
        judge._at, judge._values = at.tolist(), list(zip(*columns, strict=True))
        return judge

    def heard(self, iteration: int) -> None:
        """The run has come to an iteration; of one that went back the later measurements are forgotten."""
        if iteration < self._latest:
            with self._lock:
                self._cuts += 1
                kept = [place for place, at in enumerate(self._at) if at <= iteration]
                self._at = [self._at[place] for place in kept]
                self._values = [self._values[place] for place in kept]
        self._latest = iteration

    def measure(self, run: Judging) -> None:
        """Measure the run's present map; what was measured of other points than it has by then is dropped."""
        with run._turnstile.visit():
            rows, cuts, frame = run._core.rows, self._cuts, run.frame()
        sample = self.sample_of(rows, str(frame.params.get("metric", "euclidean")))
        values = tuple(sample.measure(frame.embedding).values())
        give_back()
        with self._lock:
            if run._core.rows is not rows:
                return
            if cuts != self._cuts or (self._at and self._at[-1] > frame.iteration):
                return  # the run went back meanwhile
            if self._at and self._at[-1] == frame.iteration:
                del self._at[-1], self._values[-1]
            self._at.append(frame.iteration)
            self._values.append(values)
            if len(self._at) > LONGEST:
                self._at, self._values = self._at[1::2], self._values[1::2]

    def sample_of(self, rows: Any, metric: str) -> Sample:
        """The sample of these rows in a metric, drawn at the first call."""
        with self._making:
            if self._sample is None or self._sample.metric != metric or self._rows is not rows:
                self._sample, self._rows = Sample(rows, metric=metric), rows
            return self._sample

    def latest(self) -> dict[str, float]:
        """The last measurement, with its iteration; {} where there is none."""
        with self._lock:
            if not self._at:
                return {}
            return {"iteration": self._at[-1], **dict(zip(MEASURES, self._values[-1], strict=True))}

    def arrays(self) -> dict[str, np.ndarray]:
        """All measurements by name, and their iterations."""
        with self._lock:
            table = np.array(self._values, np.float64).reshape(-1, len(MEASURES))
            found = {"iteration": np.array(self._at, np.int64)}
        return found | {name: table[:, place] for place, name in enumerate(MEASURES)}


class Watcher:
    """A thread that measures whenever the share of time allows, and at once where the run comes to a stand."""

    def __init__(self, run: Judging, share: float) -> None:
        self.share = share
        self.error: Exception | None = None
        self._run = weakref.ref(run)
        self._background = Background()
        self._background.ensure(self)
        self._hurry = threading.Event()
        self._first = True

    def wake(self, hurry: bool = False) -> None:
        """There is something new to measure; with `hurry` now, whatever the share."""
        if hurry:
            self._hurry.set()
        self._background.go.set()

    def end(self) -> None:
        """Measure no more."""
        self._background.end()
        self._hurry.set()

    def _cycle(self) -> None:
        self._background.go.clear()
        self._hurry.clear()
        run = self._run()
        if run is None or run.quality.get("iteration") == run.iteration:
            return
        began, worked, rows = time.perf_counter(), time.thread_time(), run._core.rows
        try:
            run.measure()
        except Exception as error:
            if run._core.rows is rows:  # these data are not measured; the run goes on
                self.error = error
                self.end()
                return
        let_go_of_helpers()  # until the next time
        if run._core.rows is not rows:  # points came or went meanwhile: those of now are measured next
            self._background.go.set()
        del run
        # What it cost the others, which waiting for a core did not. The first time neighbours are searched and kernels
        # are compiled, which says nothing about the next.
        took = FIRST if self._first else time.thread_time() - worked
        self._first = False
        due = began + took / self.share
        while time.perf_counter() < due and self._background.alive():
            if self._hurry.wait(min(NAP, max(due - time.perf_counter(), 0))):
                break


class Judging(Moving):
    """The judging part of a `Stepper`."""

    _watcher: Watcher | None = None

    def __init__(self, core: Any) -> None:
        super().__init__(core)
        self._judge = Judge()

    def watch(self, share: float = SHARE) -> None:
        """Measure the map while the run goes on, in a thread of its own, in about this share of the time.

        `quality` then holds the latest values and `qualities` all; listeners are told "quality". About 1,000 points
        are measured, fewer of large data, with their exact neighbours in the metric in force, which are searched once,
        at the beginning. What each value means is said by `ne.metrics.Sample.measure`. A share of 0 ends it.

        Raises:
            ParameterError: if the share is not in [0, 1].
            DataError: if X is not in memory, or has fewer than 4 points.
        """
        if isinstance(share, bool) or not isinstance(share, Real) or not 0 <= float(share) <= 1:
            raise ParameterError(f"share must lie in [0, 1], a part of the run's time; got {share!r}.")
        if self._watcher is not None:
            self._watcher.end()
            self._watcher = None
        if share > 0:
            Sample.check(self._core.rows)
            self._watcher = Watcher(self, float(share))
            if self.iteration > 0:
                self._watcher.wake()

    @property
    def watched(self) -> bool:
        """Whether the map is measured while the run goes on."""
        return self._watcher is not None and self._watcher.error is None

    def measure(self) -> dict[str, float]:
        """Measure the present map now; returns what `quality` then holds."""
        Sample.check(self._core.rows)
        self._judge.measure(self)
        self._tell("quality")
        return self.quality

    @property
    def quality(self) -> dict[str, float]:
        """The values last measured, and their "iteration"; empty before. See `watch` and `measure`."""
        return self._judge.latest()

    @property
    def qualities(self) -> dict[str, np.ndarray]:
        """All values measured, by name, and their iterations under "iteration"; what was taken back is not in it."""
        return self._judge.arrays()

    def point_error(self, k: int = 10, *, workers: int = -1) -> np.ndarray:
        """The share of its k nearest neighbours that each point lacks in the present map, (n,) from 0 to 1.

        The neighbours are those that the run knows, where these are enough: approximate ones of large data. `workers`
        threads search the map, -1: one for each core.
        """
        known = self._neighbors_known(k)
        return point_error(self._rows_of_X(known), self.embedding, k, neighbors=known, workers=workers)

    def neighbor_errors(self, indices: Any, k: int = 10) -> NeighborErrors:
        """Which of the k nearest neighbours are missing around some points of the present map, and which are false.

        The neighbours are those that the run knows, where these are enough: approximate ones of large data.

        Raises:
            DataError: if an index is none of a row, or k is not in [1, n - 1].
        """
        known = self._neighbors_known(k)
        return neighbor_errors(self._rows_of_X(known), self.embedding, indices, k, neighbors=known)

    def _neighbors_known(self, k: int) -> Neighbors | None:
        with self._turnstile.visit():
            problem = self._core.problem
            known = problem.neighbors if problem and not problem.rough else None
        return known if known is not None and isinstance(k, int) and 1 <= k <= known.k else None

    def _rows_of_X(self, known: Neighbors | None) -> Any:
        if known is not None:
            return None
        values = getattr(self._core.rows, "values", None)
        if values is None:
            raise DataError("The run knows fewer neighbours than are asked for; ask for fewer.")
        return values

    def _tell(self, what: str) -> None:
        if what in ("iteration", "method"):
            self._judge.heard(self.iteration)
        watcher = self._watcher
        if watcher is not None and what in ("iteration", "method", "state"):
            watcher.wake(hurry=self._state != "running" and what == "state")
        super()._tell(what)
