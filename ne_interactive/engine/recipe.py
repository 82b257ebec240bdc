"""What a repeat of a run needs, as plain data: JSON, or a short script."""

from __future__ import annotations

import base64
import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from typing import Any

import numba
import numpy as np
import torch

from ne_interactive.engine import store
from ne_interactive.engine.past import Change
from ne_interactive.engine.timeline import Timeline
from ne_interactive.params.errors import DataError
from ne_interactive.params.param import params_of

FORMAT = 1
PACKAGES = ("ne-interactive", "torch", "numpy", "numba", "scipy", "faiss-cpu")


@dataclass(frozen=True)
class Recipe:
    """Method, parameters, seed, versions, fingerprint of X, and every change with its iteration.

    `str(recipe)` is JSON, which `Recipe.read` takes; `python()` is the same as a script. X itself is not in it.
    """

    facts: Mapping[str, Any]

    def __str__(self) -> str:
        return json.dumps(self.facts, indent=1)

    @classmethod
    def read(cls, text: str) -> Recipe:
        """A recipe from its JSON.

        Raises:
            DataError: if it is none, or one of a later version.
        """
        try:
            facts = json.loads(text)
            made = facts["recipe"]
        except (ValueError, TypeError, KeyError):
            raise DataError("This is not the JSON of a recipe. Write one with str(run.recipe()).") from None
        if made != FORMAT:
            raise DataError(
                f"The recipe has format {made}; this version reads format {FORMAT}. Install the version that wrote it."
            )
        return cls(facts)

    def python(self) -> str:
        """A script that repeats the run on X, where its parameters can be written as Python."""
        facts = self.facts
        n, d = facts["data"]["shape"]
        lines = [
            "import ne_interactive as ne",
            "",
            f"# X: the table of {n} rows and {d} columns with the fingerprint {facts['data']['fingerprint']}",
            f"run = ne.Stepper(X, {_call(facts['start'])}{', rough=True' if facts['rough'] else ''})",
        ]
        if facts["first"] != facts["start"]:
            lines.append(f"run.switch({_call(facts['first'])})")
            lines.append("run.restart()")
        at = 0
        for change in facts["changes"]:
            if change["iteration"] > at:
                lines.append(f"run.step({change['iteration'] - at})")
                at = change["iteration"]
            lines.append(_line(change))
        if facts["iteration"] > at:
            lines.append(f"run.step({facts['iteration'] - at})")
        return "\n".join([*lines, "Z = run.embedding", ""])


def recipe_of(core: Timeline) -> Recipe:
    """The recipe of a run as it is now; changes that wait are made first."""
    core.commit()
    positions = core.ensure_start().positions
    rows = core.rows
    facts = {
        "recipe": FORMAT,
        "start": _method(core.starter, core.seed),
        "first": _method(core.first_method, core.seed),
        "neighbors": core.first_k,
        "rough": core.began_roughly,
        "changes": [_change(one, core.seed) for one in core.past.changes],
        "iteration": core.iteration,
        "data": {"shape": [rows.n, rows.d], "fingerprint": rows.fingerprint()},
        "embedding": store.digest(positions),
        "made with": circumstances(),
    }
    return Recipe(facts)


def circumstances() -> dict[str, str]:
    """What a repeat bit for bit may depend on beside the recipe."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name).partition("+")[0]
        except metadata.PackageNotFoundError:
            continue
    found["python"] = platform.python_version()
    found["platform"] = f"{platform.system()} {platform.machine()}"
    return found | {"threads": f"{numba.get_num_threads()} and {torch.get_num_threads()}"}


def method_of(facts: Mapping[str, Any]) -> Any:
    """The method that a recipe names."""
    arrays = {
        name: np.frombuffer(base64.b64decode(one["bytes"]), one["dtype"]).reshape(one["shape"]).copy()
        for name, one in facts["arrays"].items()
    }
    return store.unpack_method(dict(facts), arrays)


def change_of(facts: Mapping[str, Any]) -> Change:
    """A change as a recipe tells it."""
    method = method_of(facts["method"]) if facts.get("method") else None
    k = facts["neighbors"]
    return Change(facts["iteration"], facts["kind"], facts["values"], facts["digest"], k, method=method)


def _method(method: Any, seed: int) -> dict[str, Any]:
    facts, arrays = store.pack_method(method, seed)
    packed = {
        name: {
            "dtype": array.dtype.str,
            "shape": list(array.shape),
            "bytes": base64.b64encode(np.ascontiguousarray(array).tobytes()).decode(),
        }
        for name, array in arrays.items()
    }
    return facts | {"arrays": packed}


def _change(change: Change, seed: int) -> dict[str, Any]:
    facts = {"iteration": change.iteration, "kind": change.kind, "values": dict(change.values)}
    facts |= {"digest": change.digest, "neighbors": change.k}
    return facts | ({"method": _method(change.method, seed)} if change.method else {})


def _call(facts: Mapping[str, Any]) -> str:
    """A method as Python, with what differs from its defaults."""
    method = method_of(facts)
    given = []
    for name, declared in params_of(method).items():
        value = getattr(method, name)
        plain = value is None or isinstance(value, str | int | float | bool)
        usual = plain and repr(value) == repr(declared.default)
        if name == "random_state" or not usual:
            given.append(f"{name}={value!r}" if plain else f"{name}=...")
    return f"ne.{facts['class']}({', '.join(given)})"


def _line(change: Mapping[str, Any]) -> str:
    values = change["values"]
    match change["kind"]:
        case "neighbours":
            return "run.refine()"
        case "max_iter":
            return f"run.max_iter = {values['max_iter']}"
        case "mark":
            return f"run.mark({values['mark']!r})"
        case "switch":
            return f"run.switch({_call(change['method'])})"
        case _:
            return f"run.tune({', '.join(f'{name}={value!r}' for name, value in values.items())})"
