"""A whole run to and from the arrays and facts that a file holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from ne_interactive.data.arrays import as_rows
from ne_interactive.engine import store
from ne_interactive.engine.packing import array_of, change_of, method_of
from ne_interactive.engine.past import Change
from ne_interactive.engine.recipe import recipe_of
from ne_interactive.engine.timeline import Timeline
from ne_interactive.params.errors import DataError


def pack_run(core: Timeline) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Arrays and facts of a run whose problem is known; changes that wait are made first."""
    core.commit()
    state, problem = core.ensure_start(), core.problem
    assert problem is not None
    assert core.start is not None
    method, method_arrays = store.pack_method(core.method, core.seed)
    facts, slots = store.pack_state(state)
    iterations, losses = core.trace.arrays()
    arrays = method_arrays | slots | store.pack_problem(problem)
    arrays |= {"start": core.start.cpu().numpy(), "trace.iterations": iterations, "trace.losses": losses}
    return arrays, {
        "method": method,
        "recipe": recipe_of(core).facts,
        "state": facts,
        "metric": core.params()["metric"],
        "exact": problem.neighbors is not None and problem.neighbors.exact,
        "events": store.pack_events(core.events),
        "loss": core.loss,
        "seconds": core.seconds,
    }


def take_added(core: Timeline, recipe: Mapping[str, Any], added: Sequence[Any]) -> None:
    """Give a run the tables that were added to the recipe's, and the points that it began with.

    Raises:
        DataError: if they are other tables.
    """
    if len(added) != len(recipe["added"]):
        raise DataError(
            f"{len(recipe['added'])} tables were added to the run; {len(added)} are given. "
            "Pass them as added=[...], in the order in which they came."
        )
    for place, (table, told) in enumerate(zip(added, recipe["added"], strict=True)):
        rows = as_rows(table, device=core.rows.device, min_rows=1)
        if rows.fingerprint() != told["fingerprint"]:
            raise DataError(f"added[{place}] is another table than the one that was added to the run.")
        core.tables.append(rows)
    core.first_tables = 1 + recipe["began with"]
    if recipe["members"] is not None:
        core.first_members = torch.from_numpy(array_of(recipe["members"]))


def changes_of(core: Timeline, recipe: Mapping[str, Any]) -> list[Change]:
    """The changes that a recipe tells, with the tables that they added."""
    tables = iter(core.tables[core.first_tables :])
    changes = [change_of(one) for one in recipe["changes"]]
    return [replace(one, table=next(tables)) if one.kind == "add" else one for one in changes]


def unpack_run(
    core: Timeline, arrays: dict[str, np.ndarray], facts: dict[str, Any], added: Sequence[Any] = ()
) -> None:
    """Put a run made on the same X, to which the same tables were added, where the packed one was.

    Raises:
        DataError: if X or one added is another table.
    """
    data = facts["recipe"]["data"]
    if core.rows.fingerprint() != data["fingerprint"]:
        n, d = data["shape"]
        raise DataError(
            f"The run was saved with another X: a table of {n} rows and {d} columns whose values differ from this "
            f"one's, which has {core.rows.n} rows and {core.rows.d} columns. Load it with the X that it was made from."
        )
    device = core.rows.device
    core.start = torch.from_numpy(arrays["start"]).to(device)
    take_added(core, facts["recipe"], added)
    core.follow(store.unpack_state(facts["state"], arrays, device))
    core.problem = store.unpack_problem(arrays, facts["metric"], facts["exact"], device)
    core.events = store.unpack_events(facts["events"])
    recipe = facts["recipe"]
    core.starter, core.first_method = method_of(recipe["start"]), method_of(recipe["first"])
    core.first_k, core.began_roughly = recipe["neighbors"], recipe["rough"]
    core.widest = recipe["widest"]
    core.stay_rough(core.problem.rough)
    core.past.changes = changes_of(core, recipe)
    core.past.branches = [tuple(one) for one in recipe["branches"]]
    core.trace.iterations = arrays["trace.iterations"].tolist()
    core.trace.losses = arrays["trace.losses"].tolist()
    core.loss, core.seconds = facts["loss"], facts["seconds"]
