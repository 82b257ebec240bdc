"""A run on disk: arrays and JSON in one npz file, written whole or not at all, read without pickle."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ne_interactive.engine.state import Event, Problem, State, Whole, parts_of
from ne_interactive.engine.values import pack_value, unpack_value
from ne_interactive.graph.csr import Graph
from ne_interactive.graph.neighbors import Neighbors
from ne_interactive.params.declare import REGISTRY
from ne_interactive.params.errors import DataError, ParameterError
from ne_interactive.params.param import params_of
from ne_interactive.quality.files import whole

VERSION = 4


def save(path: str | os.PathLike[str], arrays: dict[str, np.ndarray], facts: dict[str, Any]) -> Path:
    """Write arrays and facts to `path`, exactly as named; an interrupted write leaves the old file as it was.

    Raises:
        ParameterError: there is no such folder, or `path` is one.
    """
    target = Path(path)
    text = json.dumps(facts | {"version": VERSION}, allow_nan=True)
    everything: dict[str, Any] = arrays | {"facts": np.frombuffer(text.encode(), np.uint8)}
    with whole(target) as beside, beside.open("wb") as file:
        np.savez(file, **everything)
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
        why = str(error).rstrip(".") if zipfile.is_zipfile(path) else "it is no .npz file"
        raise DataError(
            f"{os.fspath(path)} is not a saved run: {why}. Write one with run.save(path)."
        ) from error
    if facts.get("version") != VERSION:
        raise DataError(
            f"{os.fspath(path)} was saved in format {facts.get('version')}; this version reads format {VERSION}. "
            "Install the version that wrote it."
        )
    return arrays, facts


def digest(tensor: torch.Tensor) -> str:
    """The hex BLAKE2b digest of a tensor's bytes."""
    return hashlib.blake2b(
        np.ascontiguousarray(tensor.detach().cpu().numpy()).data.cast("B"), digest_size=16
    ).hexdigest()


def pack_method(method: Any, seed: int) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """A method's class name and parameters as JSON, and what of them are arrays apart."""
    arrays: dict[str, np.ndarray] = {}
    parameters = {
        name: seed if name == "random_state" else pack_value(getattr(method, name), f"method.{name}", arrays)
        for name in params_of(method)
    }
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
    parameters = facts["parameters"].items()
    return cls(**{name: unpack_value(packed, f"method.{name}", arrays) for name, packed in parameters})


def pack_problem(problem: Problem) -> dict[str, np.ndarray]:
    """Neighbours, graph and extras as arrays."""
    arrays = parts_of("graph", problem.graph)
    if problem.neighbors is not None:
        arrays["neighbors.indices"] = problem.neighbors.indices
        arrays["neighbors.distances"] = problem.neighbors.distances
    if problem.fading is not None:
        arrays |= parts_of("fading", problem.fading)
    arrays |= {f"extras.{name}": tensor for name, tensor in problem.extras.items()}
    packed = {name: tensor.cpu().numpy() for name, tensor in arrays.items()}
    return packed | {"problem.rough": np.array(problem.rough)}


def unpack_problem(arrays: dict[str, np.ndarray], metric: str, exact: bool, device: torch.device) -> Problem:
    """The problem that `pack_problem` took apart."""
    graph = _tensors(arrays, "graph", device)
    found = _tensors(arrays, "neighbors", device)
    neighbors = Neighbors(**found, metric=metric, exact=exact) if found else None
    fading = _tensors(arrays, "fading", device)
    extras = _tensors(arrays, "extras", device)
    problem = Problem.of(neighbors, Graph(**graph), extras, Graph(**fading) if fading else None)
    return dataclasses.replace(problem, rough=bool(arrays["problem.rough"]))


def pack_state(state: State) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """A state as JSON and arrays."""
    apart = ("positions", "slots", "memory", "pins", "members", "whole")
    facts = {f.name: getattr(state, f.name) for f in dataclasses.fields(state) if f.name not in apart}
    facts |= {"grid": list(state.grid), "hand": dict(state.hand), "plateau": dict(state.plateau)}
    tensors = {"state.positions": state.positions}
    tensors |= {f"slots.{name}": tensor for name, tensor in state.slots.items()}
    tensors |= {f"memory.{name}": tensor for name, tensor in state.memory.items()}
    apart = {"state.pins": state.pins, "state.members": state.members}
    tensors |= {name: tensor for name, tensor in apart.items() if tensor is not None}
    arrays = {name: tensor.cpu().numpy() for name, tensor in tensors.items()}
    if state.whole is not None:
        facts["whole"], inner = _pack_whole(state.whole)
        arrays |= {f"whole.{name}": array for name, array in inner.items()}
    return facts, arrays


def _pack_whole(whole: Whole) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    facts, arrays = pack_state(whole.state)
    told, found = {"state": facts}, whole.neighbors
    if found is None:
        return told, arrays
    parts = {"indices": found.indices.cpu().numpy(), "distances": found.distances.cpu().numpy()}
    arrays |= {f"neighbors.{name}": part for name, part in parts.items()}
    return told | {"metric": found.metric, "exact": found.exact}, arrays


def _unpack_whole(facts: dict[str, Any], arrays: dict[str, np.ndarray], device: torch.device) -> Whole:
    inner = {name.removeprefix("whole."): one for name, one in arrays.items() if name.startswith("whole.")}
    found = _tensors(inner, "neighbors", device)
    neighbors = Neighbors(**found, metric=facts["metric"], exact=facts["exact"]) if found else None
    return Whole(unpack_state(facts["state"], inner, device), neighbors)


def unpack_state(facts: dict[str, Any], arrays: dict[str, np.ndarray], device: torch.device) -> State:
    """The state that `pack_state` took apart."""
    rest: dict[str, Any] = facts | {name: tuple(facts.get(name, ())) for name in ("grid", "centre")}
    for name in ("pins", "members"):
        kept = arrays.get(f"state.{name}")
        rest[name] = None if kept is None else torch.from_numpy(kept).to(device if name == "pins" else "cpu")
    if facts.get("whole") is not None:
        rest["whole"] = _unpack_whole(facts["whole"], arrays, device)
    for name in ("slots", "memory"):
        rest[name] = _tensors(arrays, name, device)
    return State(positions=torch.from_numpy(arrays["state.positions"]).to(device), **rest)


def _tensors(arrays: dict[str, np.ndarray], group: str, device: torch.device) -> dict[str, torch.Tensor]:
    """The arrays of one group, by their own names; 0-dimensional ones stay on the CPU, where torch keeps counters."""
    made = {}
    for name, array in arrays.items():
        if name.startswith(f"{group}."):
            tensor = torch.from_numpy(array)
            made[name.removeprefix(f"{group}.")] = tensor if tensor.ndim == 0 else tensor.to(device)
    return made


def pack_events(events: list[Event]) -> list[dict[str, Any]]:
    """Events as JSON."""
    return [dataclasses.asdict(event) for event in events]


def unpack_events(facts: list[dict[str, Any]]) -> list[Event]:
    """The events that `pack_events` took apart."""
    return [Event(**fact) for fact in facts]
