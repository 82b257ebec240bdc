"""A recipe carried out again."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from ne_interactive.engine import store
from ne_interactive.engine.packing import method_of
from ne_interactive.engine.recipe import Recipe, circumstances
from ne_interactive.engine.snapshot import changes_of, take_added
from ne_interactive.engine.stepper import Stepper
from ne_interactive.params.errors import DataError


def replay(X: Any, recipe: Recipe | str, added: Sequence[Any] = ()) -> Stepper:
    """Repeat a run on the same X: the same embedding bit for bit on the same platform with as many threads.

    Args:
        X: the table that the recipe's run was made of.
        recipe: from `run.recipe()`, or its JSON.
        added: the tables that were added to it, in their order.

    Returns:
        The run, paused where the recipe's was. Where something came out otherwise, a warning says what, and what
        differs in versions, platform or threads.

    Raises:
        DataError: if X is another table, or the text no recipe.
        ParameterError: if a method is not defined here, or a value is outside its limits.
    """
    if not isinstance(recipe, Recipe):
        recipe = Recipe.read(recipe)
    facts = recipe.facts
    run = Stepper._kept(X, method_of(facts["start"]))
    if run._core.rows.fingerprint() != facts["data"]["fingerprint"]:
        n, d = facts["data"]["shape"]
        raise DataError(
            f"The recipe is of another X: a table of {n} rows and {d} columns whose values differ from this one's, "
            f"which has {run.n} rows and {run.d} columns. Give the X that the run was made of."
        )
    with run._turnstile.visit():
        core = run._core
        take_added(core, facts, added)
        core.widest = facts["widest"]
        core.begin_on_members(method_of(facts["start"]))
        same = facts["first"] == facts["start"]
        core.first_method = core.starter if same else method_of(facts["first"])
        core.first_k = facts["neighbors"]
        core.begin_anew(facts["rough"])
        core.past.branches = [tuple(one) for one in facts["branches"]]
        changes = changes_of(core, facts)
        core.tables = core.tables[: core.first_tables]  # the others come with their changes
        differs = core.redo(changes, facts["iteration"])
        if store.digest(core.ensure_start().positions) != facts["embedding"]:
            differs.append("the embedding")
    if differs:
        then, now = facts["made with"], circumstances()
        other = [name for name in then | now if then.get(name) != now.get(name)]
        why = (
            "; ".join(f"{name}: {then.get(name)} then, {now.get(name)} now" for name in other)
            or "versions, platform and threads are the same"
        )
        warnings.warn(f"The replay came out otherwise: {', '.join(differs)}. {why}.", stacklevel=2)
    return run
