"""What a repeat of a run needs, as plain data: JSON, or a short script."""

from __future__ import annotations

import base64
import itertools
import json
import math
import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from typing import Any

import numba
import numpy as np
import torch

from ne_interactive.data.table import Table
from ne_interactive.engine import store
from ne_interactive.engine.checked import FORMAT, check_recipe
from ne_interactive.engine.packing import FEW, array_of, method_of, pack_array, pack_change, pack_method
from ne_interactive.engine.timeline import Timeline
from ne_interactive.params.errors import DataError
from ne_interactive.params.param import params_of

PACKAGES = ("ne-interactive", "torch", "numpy", "numba", "scipy", "faiss-cpu")


@dataclass(frozen=True)
class Recipe:
    """Method, parameters, seed, versions, fingerprint of X, and every change with its iteration.

    `str(recipe)` is JSON, which `Recipe.read` takes; `python()` is the same as a script. X itself is not in it.
    """

    facts: Mapping[str, Any]

    def __post_init__(self) -> None:
        """Refuse facts that are no recipe: a script is written of them."""
        check_recipe(self.facts)

    def __str__(self) -> str:
        return json.dumps(self.facts, indent=1)

    @classmethod
    def read(cls, text: str) -> Recipe:
        """A recipe from its JSON.

        Raises:
            DataError: if it is none, or one of a later version.
            ParameterError: if a method is not defined here, or a value is outside its limits.
        """
        try:
            facts = json.loads(text)
        except (ValueError, TypeError, RecursionError):
            raise DataError("This is not the JSON of a recipe. Write one with str(run.recipe()).") from None
        return cls(facts)

    def python(self) -> str:
        """A script that repeats the run on X; what cannot be written as Python is "..." in it, and named above."""
        facts = self.facts
        told = [(at, _branch(at, left)) for at, left in facts["branches"]]
        coming = itertools.count(facts["began with"])
        told += [(change["iteration"], _line(change, coming)) for change in facts["changes"]]
        packed = "np." in "".join([*(line for _, line in told), *_members(facts)])
        lines = [
            *(["import base64", "import numpy as np"] if packed else []),
            "import ne_interactive as ne",
            "",
            f"# X: {_table(facts['data'])}",
            *_to_fill_in(facts),
            f"run = ne.Stepper(X, {_call(facts['start'])}{_start(facts)})",
        ]
        if facts["added"]:
            lines[-1:-1] = [f"# added[{i}]: {_table(one)}" for i, one in enumerate(facts["added"])]
        lines += _members(facts)
        if facts["first"] != facts["start"]:
            lines.append(f"run.switch({_call(facts['first'])})")
            lines.append("run.restart()")
        at = 0
        for iteration, line in [
            *sorted(told, key=lambda one: one[0]),
            (facts["iteration"], "Z = run.embedding"),
        ]:
            if iteration > at:
                lines.append(f"run.step({iteration - at})")
                at = iteration
            lines.append(line)
        return "\n".join([*lines, ""])


def recipe_of(core: Timeline) -> Recipe:
    """The recipe of a run as it is now; changes that wait are made first."""
    core.commit()
    positions = core.ensure_start().positions
    facts = {
        "recipe": FORMAT,
        "start": pack_method(core.starter, core.seed),
        "first": pack_method(core.first_method, core.seed),
        "neighbors": core.first_k,
        "widest": core.widest,
        "rough": core.began_roughly,
        "changes": [pack_change(one, core.seed) for one in core.past.changes],
        "branches": [list(one) for one in core.past.branches],
        "iteration": core.iteration,
        "data": _told(core.tables[0]),
        "added": [_told(table) for table in core.tables[1:]],
        "began with": core.first_tables - 1,
        "members": None if core.first_members is None else pack_array(core.first_members.numpy()),
        "embedding": store.digest(positions),
        "made with": circumstances(),
    }
    return Recipe(facts)


def _told(table: Table) -> dict[str, Any]:
    return {"shape": [table.n, table.d], "fingerprint": table.fingerprint()}


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


def _call(facts: Mapping[str, Any]) -> str:
    """A method as Python, with what differs from its defaults."""
    method = method_of(facts)
    given = []
    for name, declared in params_of(method).items():
        value = getattr(method, name)
        written = _written(value)
        usual = written is not None and repr(value) == repr(declared.default)
        if name == "random_state" or not usual:
            given.append(f"{name}={written or '...'}")
    return f"ne.{facts['class']}({', '.join(given)})"


def _written(value: Any) -> str | None:
    """A value as Python; None for an array, an affinity and the like, which a script has no words for."""
    if isinstance(value, type):  # of torch.optim, where it goes by its name
        return repr(value.__name__)
    if isinstance(value, float) and not math.isfinite(value):
        return f"float('{value}')"
    if value is None or isinstance(value, str | int | float | bool):
        return repr(value)
    if not isinstance(value, Mapping | list | tuple):
        return None
    parts = [_written(part) for part in (value.values() if isinstance(value, Mapping) else value)]
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key!r}: {part}' for key, part in zip(value, known, strict=True))}}}"
    return f"[{', '.join(known)}]" if isinstance(value, list) else f"({''.join(f'{one}, ' for one in known)})"


def _to_fill_in(facts: Mapping[str, Any]) -> list[str]:
    """A line that names the parameters of the run's methods that a script has no words for, if there are any."""
    switched = [change["method"] for change in facts["changes"] if change["kind"] == "switch"]
    names = []
    for packed in (facts["start"], facts["first"], *switched):
        method = method_of(packed)
        parts = [name for name in params_of(method) if _written(getattr(method, name)) is None]
        names += [f"{packed['class']}.{name}" for name in parts]
    told = ", ".join(dict.fromkeys(names))
    return [f"# Fill in what stands as ... here, and is in the JSON: {told}"] if names else []


def _start(facts: Mapping[str, Any]) -> str:
    neighbors = f", neighbors={facts['widest']}" if facts["widest"] else ""
    return neighbors + (", rough=True" if facts["rough"] else "")


def _branch(at: int, left: int) -> str:
    return f"# taken back to here from iteration {left}" if left > at else "# a branch begins here"


def _array(facts: Mapping[str, Any]) -> str:
    """An array as Python."""
    array = array_of(facts)
    if array.size <= FEW:
        return repr(array.tolist())
    text = base64.b64encode(array.tobytes()).decode()
    shape = f".reshape({array.shape})" if array.ndim > 1 else ""
    return f'np.frombuffer(base64.b64decode("{text}"), "{array.dtype.str}"){shape}'


def _table(facts: Mapping[str, Any]) -> str:
    n, d = facts["shape"]
    return f"the table of {n} rows and {d} columns with the fingerprint {facts['fingerprint']}"


def _members(facts: Mapping[str, Any]) -> list[str]:
    """The lines that bring a run to the points that it began with."""
    if facts["members"] is None:
        return []
    used = facts["added"][: facts["began with"]]
    gone = np.ones(sum(one["shape"][0] for one in [facts["data"], *used]), bool)
    gone[array_of(facts["members"])] = False
    lines = [f"run.add(added[{i}])" for i in range(len(used))]
    if gone.any():
        lines.append(f"run.remove({_array(pack_array(np.flatnonzero(gone), FEW))})")
    return [*lines, "run.restart()"]


def _line(change: Mapping[str, Any], coming: Iterator[int]) -> str:
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
        case "add":
            return f"run.add(added[{next(coming)}])"
        case "unfocus":
            return f"run.unfocus({'refined=True' if values['refined'] else ''})"
        case "pin" | "move" | "release" | "remove" | "focus":
            return f"run.{change['kind']}({', '.join(map(_array, values.values()))})"
        case _:
            return f"run.tune({', '.join(f'{name}={value!r}' for name, value in values.items())})"
