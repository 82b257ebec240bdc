"""A run without an optimiser, a comm without a kernel, a clock without time: all do what the test says."""

import json
from dataclasses import dataclass, field
from typing import Any

import comm.base_comm
import numpy as np

from ne_interactive.params.errors import ParameterError, StateError
from ne_interactive.quality.metrics import NeighborErrors, neighbor_errors


class TSNE:
    """Stands for a method; only its name is read."""


@dataclass
class Frame:
    iteration: int
    embedding: np.ndarray
    loss: float
    params: dict[str, Any]
    seconds: float
    state: str
    scale: float = 1.0


class FakeRun:
    """Moves all points by one unit an iteration; tells its listeners like a Stepper."""

    def __init__(self, n: int = 6, c: int = 2, state: str = "paused") -> None:
        self.n, self.c, self.state, self.iteration = n, c, state, 0
        self.method = TSNE()
        self.params: dict[str, Any] = {"exaggeration": 12.0, "perplexity": 30.0, "max_iter": 100}
        self.following = {"exaggeration": True}
        self.error: Exception | None = None
        self.message = ""
        self.work: dict[str, Any] = {}
        self.speed = 20.0
        self.max_speed: float | None = None
        self.pinned = np.empty(0, np.int64)
        self.loss = float("nan")
        self.copies = 0
        self.scale = 1.0
        self.calls: list[str] = []
        self.events: list[Any] = []
        self.history: dict[int, np.ndarray] = {}
        self.quality: dict[str, float] = {}
        self.qualities: dict[str, np.ndarray] = {"iteration": np.empty(0, np.int64)}
        self.watched = False
        self.listeners: list[Any] = []
        self.start_positions = np.random.default_rng(0).normal(size=(n, c)).astype(np.float32)

    @property
    def ids(self) -> np.ndarray:
        return np.arange(self.n)

    @property
    def tables(self) -> list[tuple[int, str]]:
        return [(self.n, "")]

    @property
    def n_all(self) -> int:
        return self.n

    def moments(self) -> dict[int, np.ndarray]:
        return self.history | {self.iteration: self.embedding}

    def scale_at(self, iteration: int) -> float:
        return self.scale if iteration == self.iteration else 1.0

    @property
    def embedding(self) -> np.ndarray:
        return self.start_positions + np.float32(self.iteration)

    @property
    def losses(self) -> tuple[np.ndarray, np.ndarray]:
        return np.arange(1, self.iteration + 1), np.full(self.iteration, 2.0)

    def neighbors_of(self, point: int, k: int) -> tuple[np.ndarray, np.ndarray]:
        if self.iteration == 0:
            raise StateError("The neighbours have not been found yet.")
        others = np.delete(np.arange(self.n), point)[::-1][:k]
        return others, np.arange(len(others), dtype=np.float32)

    def neighbor_errors(self, indices: Any, k: int) -> NeighborErrors:
        return neighbor_errors(np.eye(self.n, 3), self.embedding, indices, k)

    def frame(self) -> Frame:
        self.copies += 1
        told = self.loss, dict(self.params), self.iteration / 10, self.state, self.scale
        return Frame(self.iteration, self.embedding, *told)

    def settings_at(self, iterations: Any) -> list[Any]:
        """The same at all of them."""
        return [self for _ in iterations]

    def listen(self, callback: Any) -> Any:
        self.listeners.append(callback)
        return lambda: self.listeners.remove(callback) if callback in self.listeners else None

    def tell(self, what: str) -> None:
        for callback in list(self.listeners):
            callback(self, what)

    def iterate(self, n: int = 1) -> None:
        for _ in range(n):
            self.iteration += 1
            self.loss = 3.0 / self.iteration
            self.tell("iteration")

    def go(self, state: str) -> None:
        self.calls.append(state)
        self.state = state
        self.tell("state")

    def start(self) -> None:
        self.go("running")

    resume = start

    def pause(self) -> None:
        self.go("paused")

    def stop(self) -> None:
        self.go("stopped")

    def step(self, n: int = 1) -> Frame:
        if self.state == "running":
            raise StateError("step() while the run is running; pause() first.")
        self.calls.append("step")
        self.iterate(n)
        return self.frame()

    def restart(self) -> None:
        self.calls.append("restart")
        self.iteration = 0
        self.tell("iteration")
        self.tell("state")

    def rewind(self, to: int) -> None:
        if to > self.iteration:
            raise ParameterError(f"One can go back to iterations from 0 to {self.iteration}; got {to}.")
        self.calls.append(f"rewind {to}")
        self.iteration = to
        self.tell("iteration")
        self.tell("params")

    def tune(self, **live: Any) -> None:
        value = live["exaggeration"]
        if value == "auto":
            self.following["exaggeration"] = True
        elif isinstance(value, str) or not 0 <= value <= 100:
            raise ParameterError(f"TSNE.exaggeration must lie in [0, 100]; got {value}.")
        else:
            self.params["exaggeration"], self.following["exaggeration"] = value, False
        self.tell("params")

    def pin(self, indices: Any) -> None:
        self.pinned = np.union1d(self.pinned, indices).astype(np.int64)
        self.tell("pins")

    def move(self, indices: Any, xy: Any) -> None:
        if np.abs(xy).max() > 1e6:
            raise ParameterError("xy must be finite and near.")
        self.start_positions[indices] = np.asarray(xy) - self.iteration
        self.pin(indices)

    def release(self, indices: Any = None) -> None:
        self.pinned = np.setdiff1d(self.pinned, self.pinned if indices is None else indices)
        self.tell("pins")

    def reset(self) -> None:
        self.calls.append("reset")

    def describe(self) -> list[dict[str, Any]]:
        return [
            {
                "name": "exaggeration",
                "kind": "number",
                "live": True,
                "low": 0.0,
                "high": 100.0,
                "value": 12.0,
            },
            {"name": "perplexity", "kind": "number", "live": True, "low": 1.0, "high": None, "value": 30.0},
            {"name": "max_iter", "kind": "integer", "live": False, "low": 1, "high": None, "value": 100},
        ]


class FakeComm(comm.base_comm.BaseComm):
    """Keeps what a kernel would send, as it would be serialised."""

    def __init__(self, **kwargs: Any) -> None:
        self.out: list[tuple[dict[str, Any], list[Any]]] = []
        self.published: list[str] = []
        self.states: list[dict[str, Any]] = []
        super().__init__(**kwargs)

    def publish_msg(
        self, msg_type: str, data: Any = None, metadata: Any = None, buffers: Any = None, **keys: Any
    ) -> None:
        self.published.append(msg_type)
        data = json.loads(json.dumps(data or {}, allow_nan=False, ensure_ascii=False).encode("utf-8"))
        if msg_type == "comm_open":
            self.state = data["state"]
        if data.get("method") == "update":
            for path, buffer in zip(data.get("buffer_paths", []), buffers or [], strict=True):
                if len(path) == 1:  # a trait; what lies deeper, as of Plotly, is left as it is
                    data["state"][path[0]] = bytes(buffer)
            self.states.append(data["state"])
        if data.get("method") == "custom":
            self.out.append((data["content"], list(buffers or [])))


@dataclass
class Clock:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Browser:
    """The other end of an explorer: says things to it and reads what it sent."""

    explorer: Any
    view: str = "v1"
    ids: int = field(default=0)

    def say(self, k: str, buffers: Any = (), **fields: Any) -> None:
        fields = {"view": self.view} | fields if k in ("hello", "bye", "ack", "visible") else fields
        self.raw({"k": k} | ({"protocol": 1} if k == "hello" else {}) | fields, buffers)

    def raw(self, content: Any, buffers: Any = ()) -> None:
        data = {"method": "custom", "content": content}
        self.explorer.comm.handle_msg({"content": {"data": data}, "buffers": list(buffers)})
        assert self.explorer._desk.wait(10)

    def take(self, kind: str | None = None) -> list[dict[str, Any]]:
        """Give the messages since the last call, of one kind or all; their buffers come under "buffers"."""
        assert self.explorer._desk.wait(10)
        out, self.explorer.comm.out = self.explorer.comm.out, []
        return [content | {"buffers": buffers} for content, buffers in out if kind in (None, content["k"])]
