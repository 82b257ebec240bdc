"""One panel for several runs: what all of them can set, and a change that all take or none."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ne_interactive.params.errors import ParameterError
from ne_interactive.quality.text import plain_text
from ne_interactive.widget.pane import Pane
from ne_interactive.widget.settings import EVERY, LIMIT, live_controls

PACE = (EVERY.name, LIMIT.name)


def shared_rows(controls: Iterable[Sequence[Mapping[str, Any]]]) -> list[Mapping[str, Any]]:
    """Describe every parameter that some run has, as the first of them has it; the method itself is each run's own."""
    rows: dict[str, Mapping[str, Any]] = {}
    for one in controls:
        for row in one[1:]:
            rows.setdefault(row["name"], row)
    last = [row for name, row in rows.items() if name in PACE]
    return [row for name, row in rows.items() if name not in PACE] + last


def tune_all(views: Sequence[Pane], changes: Mapping[str, Any]) -> None:
    """Change parameters of every run that has them: first all are asked, then all are changed.

    Raises:
        ParameterError: no run has a parameter, or one refuses its value, which is named; then none is changed.
    """
    wanted = {view: _known(view, changes) for view in views if not view.stands}
    for name in changes:
        if not any(name in known for known in wanted.values()):
            raise ParameterError(f"No run has a live parameter {plain_text(name, 40)!r}.")
    for view, known in wanted.items():
        try:
            view.run.check(**{name: value for name, value in known.items() if name not in PACE})
        except ParameterError as error:
            raise ParameterError(f"{view.name}: {error} No run was changed.") from None
    for view, known in wanted.items():
        for name, value in known.items():
            view.desk.settings.set(name, value)


def _known(view: Pane, changes: Mapping[str, Any]) -> dict[str, Any]:
    own = {row["name"] for row in live_controls(view.run)} | set(PACE)
    return {name: value for name, value in changes.items() if name in own}
