"""Iterations that a device repeats as they were recorded, since the host takes longer to ask for them than they last.

An iteration on a GPU is some hundred kernels of a few microseconds. Recorded once, the host asks for all of them at a
time. What may change from one iteration to the next is then on the device: the rate, the iteration, and all values in
force that are real numbers, so that no slider costs a new recording. The host reads one short row of numbers: whether
the gradient was finite, how far points moved, the loss, and where they lie now, by which the next mesh is laid.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from ne_interactive.engine.capture import Capture, Unrecordable, cuda_graph
from ne_interactive.engine.optimizers import rule_of
from ne_interactive.engine.protocol import At, Gradient, Method
from ne_interactive.engine.state import Problem, Report, State
from ne_interactive.engine.step import evaluated, move, moved, refused, step
from ne_interactive.forces import mesh_torch
from ne_interactive.forces.box import Box
from ne_interactive.params.param import params_of

AGAIN = 3  # iterations of one kind after which it is recorded: a drag or a change in passing is not worth it


@dataclass(frozen=True)
class Kind:
    """What two iterations have in common of which one can be the other's repetition, the mesh apart.

    Tensors and what was computed from X are compared by identity; a recording keeps its own alive.
    """

    method: int
    problem: int
    pins: int
    settings: tuple[Any, ...]
    shapes: tuple[Any, ...]
    host: tuple[tuple[str, Any], ...]  # values in force that the host has a part in
    operations: Any

    @classmethod
    def of(cls, at: At, method: Method) -> Kind:
        """The kind of the iteration that is made there."""
        state = at.state
        held = {"": state.positions, **state.slots}
        numbers = on_device(method, at.knobs)
        return cls(
            id(method),
            id(at.problem),
            id(state.pins),
            (state.centre, state.joined, state.horizon),
            tuple((name, tensor.shape) for name, tensor in held.items()),
            tuple((name, value) for name, value in at.knobs.items() if name not in numbers),
            method.operations(state),
        )


def on_device(method: Method, knobs: Mapping[str, Any]) -> list[str]:
    """The values in force that a device keeps: real numbers for which no table has to be made."""
    declared = params_of(method)
    return [name for name in knobs if declared[name].kind == "number" and declared[name].redo == "nothing"]


class Unsettled(Exception):
    """An iteration that does what the next one will not."""


class Recording:
    """One iteration as the device repeats it, with places of its own for all that it reads and writes.

    Raises:
        Unsettled: it lays another mesh than the one in force.
        Unrecordable: the host has a part in it.
    """

    def __init__(self, method: Method, at: At, box: Box, want_loss: bool, capture: Capture) -> None:
        state = at.state.copy()
        self._held = method, at.problem, state.pins
        self._box, self._want_loss = Box(box.low, box.high), want_loss
        self._names = on_device(method, at.knobs)
        device, c = state.positions.device, state.positions.shape[1]
        self._numbers = torch.zeros(3 + len(self._names), dtype=torch.float64, device=device)
        self._sent = torch.zeros_like(self._numbers, device="cpu", pin_memory=device.type == "cuda")
        self._told = torch.zeros(3 + 2 * c, dtype=torch.float64, device=device)
        self._state, self._gradient = state, Gradient(state.positions, math.nan)
        self._send(at)
        self._replay = capture(lambda: self._iterate(method, at), lambda: self._load(at.state), device)

    def _iterate(self, method: Method, at: At) -> None:
        """What is recorded: from the places and numbers here to the same places, and what the host is told."""
        state = self._state
        lr, iteration, origin, *values = self._numbers.unbind()
        knobs = {**at.knobs, **dict(zip(self._names, values, strict=True))}
        counted: Any = {"iteration": iteration.long(), "origin": origin.long()}  # whoever asks is seen to ask
        self._box.chosen.clear()
        here = At(at.problem, replace(state, **counted), knobs, lr, self._box)
        gradient = method.gradient(here, self._want_loss)
        if gradient.grid != at.state.grid:
            raise Unsettled
        if gradient.memory:
            raise Unrecordable("what it keeps for the next iteration is the host's")
        finite = gradient.values.sum().isfinite()
        places = [state.positions, *state.slots.values()]
        before = [place.clone() for place in places]
        squared = move(method, here, state, dict(state.slots), gradient)
        for place, old in zip(places, before, strict=True):
            place.copy_(torch.where(finite, place, old))
        self._gradient = gradient
        facts = [_row(fact, state.positions) for fact in (finite, squared, gradient.loss)]
        low, high = torch.aminmax(state.positions, dim=0)
        self._told.copy_(torch.cat([*facts, low.double(), high.double()]))

    def serves(self, box: Box, grid: tuple[int, ...]) -> bool:
        """Whether the same mesh would be laid where the points lie in this box, with a grid in force."""
        return box.agrees(self._box, grid)

    def holds(self, state: State) -> bool:
        """Whether a state is the one to which the last repetition has led."""
        kept = all(state.slots.get(name) is place for name, place in self._state.slots.items())
        return kept and state.positions is self._state.positions

    def repeat(self, method: Method, at: At) -> tuple[State, Report, Box]:
        """The next state, whose tensors are those of the recording, a report, and where the points lie then."""
        if not self.holds(at.state):
            self._load(at.state)
        self._send(at)
        self._replay()
        finite, squared, loss, *sides = self._told.tolist()
        box = Box(sides[: len(sides) // 2], sides[len(sides) // 2 :])
        here = replace(at.state, positions=self._state.positions, slots=self._state.slots)
        if not finite:
            return *refused(method, here, loss), box
        return *moved(method, at.problem, here, self._gradient, loss, squared), box

    def _load(self, state: State) -> None:
        """Have the places hold the values of a state."""
        self._state.positions.copy_(state.positions)
        for name, place in self._state.slots.items():
            place.copy_(state.slots[name])

    def _send(self, at: At) -> None:
        """Have the device know the numbers of an iteration."""
        values = [at.lr, at.state.iteration, at.state.origin, *(at.knobs[name] for name in self._names)]
        self._sent.copy_(torch.tensor(values, dtype=torch.float64))
        self._numbers.copy_(self._sent, non_blocking=True)


class Recorder:
    """The iterations of one run: recorded where they repeat on a device, made one kernel at a time elsewhere.

    Args:
        capture: records what a function asks of the device.
        device: of which type positions are whose iterations are recorded.
    """

    def __init__(self, capture: Capture = cuda_graph, device: str = "cuda") -> None:
        self.capture, self.device = capture, device
        self.made = 0  # recordings
        self._kind: Kind | None = None  # of the iterations that come now
        self._recordings: dict[bool, Recording] = {}  # of that kind, with the loss and without
        self._box: Box | None = None  # where the last repetition has left the points
        self._times = 0
        self._failed: set[str] = set()

    def fresh(self) -> Recorder:
        """One that has recorded nothing yet."""
        return Recorder(self.capture, self.device)

    def step(
        self, method: Method, problem: Problem, state: State, *, donate: bool, want_loss: bool
    ) -> tuple[State, Report]:
        """As `step.step`, but the tensors of the state that it gives may be reused for the next one."""
        if state.positions.device.type == self.device and _steady(method, state):
            at = evaluated(method, problem, state)
            recording = self._recording(method, at, want_loss)
            if recording is not None:
                after, report, self._box = recording.repeat(method, at)
                return after, report
        return step(method, problem, state, donate=donate, want_loss=want_loss)

    def _recording(self, method: Method, at: At, want_loss: bool) -> Recording | None:
        """The recording of such an iteration, made once some have come in a row; None before, or where none can be."""
        kind = Kind.of(at, method)
        if kind != self._kind:
            self._kind, self._recordings, self._times = kind, {}, 0
        self._times += 1
        what = f"{type(method).__name__} {kind.operations!r} {kind.host!r}"
        if self._times <= AGAIN or what in self._failed:
            return None
        box, known = self._where(at.state), self._recordings.get(want_loss)
        if known is not None:
            if known.serves(box, at.state.grid):
                return known
            self._recordings, self._times = {}, 1  # a map that soon outgrows its meshes is not worth it
            return None
        try:
            made = Recording(method, at, box, want_loss, self.capture)
        except Unsettled:
            return None
        except Unrecordable:
            self._failed.add(what)
            return None
        except RuntimeError as error:
            self._failed.add(what)
            warnings.warn(
                f"Iterations of {type(method).__name__} could not be recorded, and go on one kernel at a time: {error}",
                RuntimeWarning,
                stacklevel=2,
            )
            return None
        self.made += 1
        self._recordings[want_loss] = made
        return made

    def _where(self, state: State) -> Box:
        """Where the points lie; the device is asked only where the last repetition has not told."""
        if self._box is not None and any(one.holds(state) for one in self._recordings.values()):
            return self._box
        return Box(*mesh_torch.box(state.positions))


def _steady(method: Method, state: State) -> bool:
    """Whether nothing on the host changes from this iteration to the next that a recording could not know of."""
    here = all(slot.device == state.positions.device for slot in state.slots.values())
    changes = state.fading or state.memory or getattr(method, "compile", False)
    return here and not changes and rule_of(method).recordable


def _row(fact: Any, like: Tensor) -> Tensor:
    """A number, the host's or the device's, as a row of one float64."""
    if isinstance(fact, Tensor):
        return fact.double().reshape(1)
    return torch.full((1,), float(fact), dtype=torch.float64, device=like.device)
