"""A whole run to and from the arrays and facts that a file holds."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from ne_interactive.engine import store
from ne_interactive.engine.packing import change_of, method_of
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
        "fingerprint": core.rows.fingerprint(),
        "shape": [core.rows.n, core.rows.d],
        "events": store.pack_events(core.events),
        "loss": core.loss,
        "seconds": core.seconds,
    }


def unpack_run(core: Timeline, arrays: dict[str, np.ndarray], facts: dict[str, Any]) -> None:
    """Put a run made on the same X where the packed one was.

    Raises:
        DataError: if X is another table.
    """
    if core.rows.fingerprint() != facts["fingerprint"]:
        n, d = facts["shape"]
        raise DataError(
            f"The run was saved with another X: a table of {n} rows and {d} columns whose values differ from this "
            f"one's, which has {core.rows.n} rows and {core.rows.d} columns. Load it with the X that it was made from."
        )
    device = core.rows.device
    core.start = torch.from_numpy(arrays["start"]).to(device)
    core.state = store.unpack_state(facts["state"], arrays, device)
    core.problem = store.unpack_problem(arrays, facts["metric"], facts["exact"], device)
    core.events = store.unpack_events(facts["events"])
    recipe = facts["recipe"]
    core.starter, core.first_method = method_of(recipe["start"]), method_of(recipe["first"])
    core.first_k, core.began_roughly = recipe["neighbors"], recipe["rough"]
    core.stay_rough(core.problem.rough)
    core.past.changes = [change_of(one) for one in recipe["changes"]]
    core.past.branches = [tuple(one) for one in recipe["branches"]]
    core.trace.iterations = arrays["trace.iterations"].tolist()
    core.trace.losses = arrays["trace.losses"].tolist()
    core.loss, core.seconds = facts["loss"], facts["seconds"]
