"""A run on disk: arrays and JSON in one npz file, written whole or not at all, read without pickle."""

from __future__ import annotations

import dataclasses
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ne_interactive.engine.state import Event, Problem, State
from ne_interactive.graph.csr import Graph
from ne_interactive.graph.neighbors import Neighbors
from ne_interactive.params.declare import REGISTRY
from ne_interactive.params.errors import DataError, ParameterError
from ne_interactive.params.param import params_of

VERSION = 1


def save(path: str | os.PathLike[str], arrays: dict[str, np.ndarray], facts: dict[str, Any]) -> Path:
    """Write arrays and facts to `path`, exactly as named; an interrupted write leaves the old file as it was."""
    target = Path(path)
    text = json.dumps(facts | {"version": VERSION}, allow_nan=True)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            everything: dict[str, Any] = arrays | {"facts": np.frombuffer(text.encode(), np.uint8)}
            np.savez(file, **everything)
        os.replace(name, target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return target


def load(path: str | os.PathLike[str]) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Arrays and facts of a saved run.

    Raises:
        DataError: if the file is no saved run, or one of a later version.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        facts = json.loads(arrays.pop("facts").tobytes())
    except FileNotFoundError:
        raise
    except Exception as error:
        raise DataError(
            f"{os.fspath(path)} is not a saved run: {error}. Write one with run.save(path)."
        ) from error
    if facts.get("version") != VERSION:
        raise DataError(
            f"{os.fspath(path)} was saved in format {facts.get('version')}; this version reads format {VERSION}. "
            "Install the version that wrote it."
        )
    return arrays, facts


def pack_method(method: Any, seed: int) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """A method's class name and parameters as JSON, and those that are arrays apart."""
    parameters: dict[str, Any] = {}
    arrays: dict[str, np.ndarray] = {}
    for name in params_of(method):
        value = getattr(method, name)
        if name == "random_state":
            value = seed
        if isinstance(value, torch.device):
            value = str(value)
        if value is None or isinstance(value, str | int | float | bool):
            parameters[name] = value
        elif isinstance(value, np.generic):
            parameters[name] = value.item()
        else:
            arrays[f"method.{name}"] = np.asarray(
                value.detach().cpu() if isinstance(value, torch.Tensor) else value
            )
    return {"class": type(method).__name__, "parameters": parameters}, arrays


def unpack_method(facts: dict[str, Any], arrays: dict[str, np.ndarray]) -> Any:
    """The method that `pack_method` took apart.

    Raises:
        ParameterError: if its class has not been defined or imported in this process.
    """
    cls = REGISTRY.get(facts["class"])
    if cls is None:
        raise ParameterError(
            f"The run was made by the method {facts['class']!r}, which is not defined here; known are "
            f"{', '.join(sorted(REGISTRY))}. Import the module that defines it, then load again."
        )
    given = {
        name.removeprefix("method."): value for name, value in arrays.items() if name.startswith("method.")
    }
    return cls(**facts["parameters"], **given)


def pack_problem(problem: Problem) -> dict[str, np.ndarray]:
    """Neighbours and graph as arrays."""
    return {
        "neighbors.indices": problem.neighbors.indices.cpu().numpy(),
        "neighbors.distances": problem.neighbors.distances.cpu().numpy(),
        "graph.indptr": problem.graph.indptr.cpu().numpy(),
        "graph.indices": problem.graph.indices.cpu().numpy(),
        "graph.values": problem.graph.values.cpu().numpy(),
    }


def unpack_problem(arrays: dict[str, np.ndarray], metric: str, exact: bool, device: torch.device) -> Problem:
    """The problem that `pack_problem` took apart."""

    def tensor(name: str) -> torch.Tensor:
        return torch.from_numpy(arrays[name]).to(device)

    neighbors = Neighbors(tensor("neighbors.indices"), tensor("neighbors.distances"), metric, exact)
    return Problem.of(
        neighbors, Graph(tensor("graph.indptr"), tensor("graph.indices"), tensor("graph.values"))
    )


_SLOTS = ("positions", "velocity", "gain")


def pack_state(state: State) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """A state as JSON and arrays."""
    facts = {f.name: getattr(state, f.name) for f in dataclasses.fields(state) if f.name not in _SLOTS}
    facts["grid"] = list(state.grid)
    facts["hand"] = dict(state.hand)
    return facts, {f"state.{name}": getattr(state, name).cpu().numpy() for name in _SLOTS}


def unpack_state(facts: dict[str, Any], arrays: dict[str, np.ndarray], device: torch.device) -> State:
    """The state that `pack_state` took apart."""
    slots = {name: torch.from_numpy(arrays[f"state.{name}"]).to(device) for name in _SLOTS}
    rest: dict[str, Any] = facts | {"grid": tuple(facts["grid"])}
    return State(**slots, **rest)


def pack_events(events: list[Event]) -> list[dict[str, Any]]:
    """Events as JSON."""
    return [dataclasses.asdict(event) for event in events]


def unpack_events(facts: list[dict[str, Any]]) -> list[Event]:
    """The events that `pack_events` took apart."""
    return [Event(**fact) for fact in facts]
