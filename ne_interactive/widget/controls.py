"""A run's live parameters as ipywidgets, to be laid out anew and joined with widgets of one's own."""

import threading
import time
from collections.abc import Callable
from typing import Any

import ipywidgets as w

from ne_interactive.params.errors import ParameterError
from ne_interactive.quality.text import plain_text
from ne_interactive.widget.follow import follow
from ne_interactive.widget.parameter import Parameter, close_parts
from ne_interactive.widget.worker import Worker

GAP = 0.25  # seconds between two looks at a run that moves


class Controls(w.VBox):
    """A control for each live parameter of a run, in groups, and buttons that move it; `controls` makes one.

    `c["exaggeration"]` is one control, `c.names` are all of them, `c.groups` the boxes they stand in; `c.play`,
    `c.step`, `c.restart` and `c.status` are the rest. Each is a widget of its own and may be shown anywhere.
    What is changed here, in a cell, in a live view or by a schedule shows everywhere.
    """

    def __init__(self, run: Any) -> None:
        """Make the controls of a run, which is left as it stands."""
        self.run = run
        self._next = -float("inf")
        self._closed = threading.Event()
        self._wanted: dict[str, Any] = {}
        self._lock = threading.Lock()
        self._mover = Worker("ne_interactive-controls")
        self._talker = Worker("ne_interactive-controls-shown")
        self.play = self._button("Play", "play", self._play)
        self.step = self._button("Step", "step-forward", _step)
        self.restart = self._button("Restart", "refresh", lambda run: run.restart())
        self.status = w.Label("")
        self.groups: dict[str, w.VBox] = {}
        self._controls: dict[str, Parameter] = {}
        buttons = w.HBox(
            [self.play, self.step, self.restart, self.status], layout=w.Layout(align_items="center")
        )
        super().__init__([buttons])
        self._arrange()
        self._show()
        self._unlisten = follow(run, self, Controls._heard)

    @property
    def names(self) -> list[str]:
        """The parameters that have a control, in order."""
        return list(self._controls)

    def __getitem__(self, name: str) -> Parameter:
        """The control of one parameter."""
        if name not in self._controls:
            raise KeyError(f"there is no control for {name!r}; there are: {', '.join(self.names)}.")
        return self._controls[name]

    def wait(self, timeout: float | None = None) -> bool:
        """Block until all that was asked for is done and shown; false after `timeout` seconds."""
        return self._mover.wait(timeout) and self._talker.wait(timeout)

    def close(self) -> None:
        """Take all parts away and follow the run no more; the run goes on."""
        if not self._closed.is_set():
            self._closed.set()
            self._unlisten()
            self._mover.end()
            self._talker.end()
            close_parts(self)
        super().close()

    def __repr__(self) -> str:
        """Give the same text for the same run."""
        return f"{type(self).__name__}({type(self.run.method).__name__}, n={self.run.n})"

    # what is shown

    def _arrange(self) -> None:
        """Make the controls of the present method; those that were there before are taken away."""
        rows = [row for row in self.run.describe() if row["live"]]
        first, *old = list(self.children)
        self._controls = {row["name"]: Parameter(row, self._ask) for row in rows}
        members: dict[str, list[Parameter]] = {}
        for row in rows:
            members.setdefault(row.get("group", ""), []).append(self._controls[row["name"]])
        self.groups = {}
        for group, controls in members.items():
            heading = w.Label(group, style={"font_weight": "600"})
            self.groups[group] = w.VBox([heading, *controls] if group and len(members) > 1 else controls)
        self.children = (first, *self.groups.values())
        for box in old:
            close_parts(box)
            box.close()

    def _heard(self, what: str) -> None:
        """Note on the run's thread that there is something new; costs a comparison between two looks."""
        if what == "method":
            self._talker.post(self._arrange, once="arrange")
        moving = self.run.state == "running"
        if not (moving and what in ("iteration", "params") and time.monotonic() < self._next):
            self._talker.post(self._show_in_time, once="show")

    def _show_in_time(self) -> None:
        if not self._closed.wait(max(0.0, self._next - time.monotonic())):
            self._next = time.monotonic() + GAP
            self._show()

    def _show(self) -> None:
        if self._closed.is_set():
            return
        run = self.run
        values, following = run.params, run.following
        with self._lock:
            waiting = set(self._wanted)
        for name, control in list(self._controls.items()):
            if name in values and name not in waiting:
                control.show(values[name], following.get(name, False))
        # a run at rest can go on
        offered = ("Pause", "pause") if run.state == "running" else ("Play", "play")
        self.play.description, self.play.icon = offered
        loss = f" · loss {run.loss:.4g}" if run.loss == run.loss else ""
        self.status.value = f"{run.state} · iteration {run.iteration:,}{loss}"

    # what is asked for

    def _ask(self, name: str, value: Any) -> None:
        """Have a parameter changed, beside the kernel's thread; of many wishes the last one counts."""
        with self._lock:
            self._wanted[name] = value
        self._mover.post(lambda: self._tune(name), once=name)

    def _tune(self, name: str) -> None:
        with self._lock:
            if name not in self._wanted:  # the same as was made a moment ago
                return
            wanted = self._wanted[name]
        error = ""
        try:
            self.run.tune(**{name: wanted})
        except Exception as refused:
            error = plain_text(refused, 1000)
        with self._lock:  # until now the control is the hand's; a newer wish has a turn of its own
            if self._wanted.get(name) is wanted:
                self._wanted.pop(name, None)
        control = self._controls.get(name)
        if control is not None and not self._closed.is_set():
            control.complain(error)
        self._talker.post(self._show, once="at once")

    def _button(self, name: str, icon: str, act: Callable[[Any], object]) -> w.Button:
        button = w.Button(description=name, icon=icon, layout=w.Layout(width="auto"))
        button.on_click(lambda _: self._mover.post(lambda: self._act(act), once=name))
        return button

    def _act(self, act: Callable[[Any], object]) -> None:
        try:
            act(self.run)
        except Exception as error:
            self._talker.wait(1.0)
            self.status.value = plain_text(error, 300)
        else:
            self._talker.post(self._show, once="at once")

    @staticmethod
    def _play(run: Any) -> None:
        if run.state == "running":
            run.pause()
        else:
            run.resume()


def _step(run: Any) -> None:
    run.pause()
    run.step(1)


def controls(run: Any) -> Controls:
    """Make ipywidgets for every live parameter of a run, and buttons that move it.

    Args:
        run: A Stepper, or a live view, whose run is meant.

    Raises:
        ParameterError: something else.
    """
    seen = getattr(run, "run", None)
    run = seen if hasattr(seen, "listen") else run
    if not hasattr(run, "listen"):
        given = type(run).__name__
        raise ParameterError(f"controls are made for a run, a Stepper or a view of one; got {given}.")
    return Controls(run)
