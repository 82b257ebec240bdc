"""Between a run and its views: what the run does is told to them, what they ask is done to it."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ne_interactive.params.errors import NEError, ParameterError
from ne_interactive.quality.hover import HoverTable
from ne_interactive.quality.pictures import Pixels, Thumbnails
from ne_interactive.quality.text import plain_text
from ne_interactive.widget.branches import Branches
from ne_interactive.widget.exploring import Exploring
from ne_interactive.widget.holding import Holding
from ne_interactive.widget.inbox import Malformed, read_message, request_id
from ne_interactive.widget.members import Entries, Parts
from ne_interactive.widget.moments import curves_message, past_message, quality_message
from ne_interactive.widget.settings import Settings
from ne_interactive.widget.stream import Stream
from ne_interactive.widget.wire import PROTOCOL, status_message
from ne_interactive.widget.worker import Worker


class Desk:
    """Answers the browser and forwards the run's news. Never raises into the kernel.

    Reading a run may wait for the iteration under way, and a step may take as long as finding neighbours. So neither
    happens on the thread that hears the browser, nor on the run's own: one worker talks, another moves the run.
    """

    def __init__(
        self,
        stream: Stream,
        table: HoverTable | Parts | None,
        images: Pixels | Thumbnails | Parts | None,
        exploring: Exploring,
        branches: Branches,
        show: Callable[[Any], None],
    ) -> None:
        """Serve the run of `stream`, one of the `branches`, until `show` is called with another."""
        self.stream = stream
        self.run = stream.run
        self._talker = Worker("ne_interactive-talker")
        self._mover = Worker("ne_interactive-mover")
        self.settings = Settings(stream)
        self._holding = Holding(stream)
        self._table: Any = table
        self._images: Any = images
        self._given = table, images
        self._ids: object = None  # another one whenever the points become others
        self._exploring = exploring
        self._branches = branches
        self._show = show

    def turn_to(self, run: Any) -> None:
        """Serve another run from now on."""
        self.run = self.stream.run = run
        self._exploring.turn_to(run)
        if self.stream.link.open:
            self._talker.post(self._greet, once="greet")

    def follow(self, entries: np.ndarray) -> None:
        """Points have left the run or come to it; `entries` are theirs in the tables."""
        self._ids = self._exploring.entries = entries
        self._table, self._images = (Entries(one, entries) if one else None for one in self._given)

    def regrouped(self) -> None:
        """The views know that the points are others: what they were told by number is told again."""
        if self.stream.link.open:
            self._talker.post(lambda: self._holding.tell(always=True))

    def later(self, job: Callable[[], None]) -> None:
        """Do what takes a while beside everything else, once where it is asked for again meanwhile."""
        self._exploring.later(job)

    def close(self) -> None:
        """Answer nothing any more."""
        self._talker.end()
        self._mover.end()
        self._exploring.close()
        self.stream.close()

    def wait(self, timeout: float | None = None) -> bool:
        """Block until everything asked so far is done; false after `timeout` seconds."""
        return self._mover.wait(timeout) and self._exploring.wait(timeout) and self._talker.wait(timeout)

    def heard(self, what: str) -> None:
        """Tell the views what the run did; called on the thread that did it."""
        if what == "pins":
            self._talker.post(self._holding.tell, once="pins")
        if what == "iteration" or (what == "pins" and self.run.state != "running"):
            self.stream.iterated()
        elif what == "quality":
            if self.stream.link.open:
                self._talker.post(lambda: self.stream.tell(quality_message(self.run)), once="quality")
        elif self.stream.link.open:
            self._talker.post(self._tell_status, once="status")
            if what != "params" and self.run.state != "running":
                self._talker.post(self._tell_rest, once="rest")

    def receive(self, content: object, buffers: Sequence[Any] = ()) -> None:
        """Do what a message asks, or say why not; a message of unknown kind is ignored."""
        try:
            message = read_message(content, self.run.n, buffers)
        except Malformed as error:
            self._refuse(content, str(error))
            return
        if message is None:
            return
        kind = message["k"]
        try:
            getattr(self, f"_on_{kind}")(**{name: value for name, value in message.items() if name != "k"})
        except Malformed as error:
            self._refuse(content, str(error))
        except Exception as error:
            self._refuse(content, f"{type(error).__name__}: {error}")

    def _on_hello(self, view: str, protocol: object) -> None:
        if protocol != PROTOCOL:
            theirs = plain_text(protocol, 20)
            told = f"The page speaks protocol {theirs}, the kernel {PROTOCOL}: reload the page."
            self._talker.post(lambda: self._tell_status(told))
            return
        self.stream.link.hello(view)
        self._talker.post(self._greet, once="greet")

    def _on_bye(self, view: str) -> None:
        self.stream.link.bye(view)

    def _on_visible(self, view: str, visible: bool) -> None:
        if self.stream.link.show(view, visible):
            self._talker.post(self._greet, once="greet")

    def _on_ack(self, view: str, seq: int) -> None:
        self.stream.link.ack(view, seq)
        if self.stream.owes:
            self._talker.post(self.stream.settle, once="settle")

    def _on_set(self, id: int, name: str, value: Any) -> None:
        worker = self._mover if self.settings.slow(name) else self._talker
        if not worker.post(lambda: self._set(id, name, value)):
            raise Malformed("too many changes wait already.")

    def _set(self, id: int, name: str, value: Any) -> None:
        try:
            self.settings.set(name, value)
        except Exception as error:
            self._answer_set(id, name, plain_text(error, 1000))
        else:
            self._answer_set(id, name, None)

    def _answer_set(self, id: int, name: str, error: str | None) -> None:
        answer = {"k": "set", "id": id, "ok": error is None, "value": self.settings.value(name)}
        self.stream.tell(answer if error is None else answer | {"error": error})

    def _on_do(self, action: str) -> None:
        if action == "reset":
            self._talker.post(lambda: self._moved(lambda _run: self.settings.reset()), once="reset")
        else:
            self._mover.post(lambda: self._moved(_ACTIONS[action]), once="step" if action == "step" else "")

    def _moved(self, move: Callable[[Any], object]) -> None:
        try:
            move(self.run)
        except NEError as error:
            self._tell_refused("do", None, error)
        except Exception as error:
            self._tell_refused("do", None, f"{type(error).__name__}: {error}")

    def _on_rewind(self, iteration: int) -> None:
        self._mover.post(lambda: self._moved(lambda run: run.rewind(iteration)), once="rewind")

    def _on_remove(self, id: int, points: np.ndarray) -> None:
        self._regroup("remove", id, lambda run: run.remove(points))

    def _on_focus(self, id: int, points: np.ndarray) -> None:
        self._regroup("focus", id, lambda run: run.focus(points))

    def _on_unfocus(self, id: int, refined: bool) -> None:
        self._regroup("unfocus", id, lambda run: run.unfocus(refined=refined))

    def _regroup(self, kind: str, id: int, change: Callable[[Any], object]) -> None:
        """Change which points there are, unless they have become others meanwhile: then others were meant."""
        run, check = self.run, self._meant()

        def regroup() -> None:
            try:
                check()
                change(run)
            except Exception as error:
                self._tell_refused(kind, id, error)

        self._mover.post(regroup, once=kind)

    def _on_pin(self, id: int, points: np.ndarray) -> None:
        self._hold("pin", id, points)

    def _on_move(self, id: int, points: np.ndarray, places: np.ndarray) -> None:
        self._hold("move", id, points, places)

    def _on_release(self, id: int, points: np.ndarray | None) -> None:
        self._hold("release", id, *(() if points is None else (points,)))

    def _hold(self, kind: str, id: int, *values: np.ndarray) -> None:
        check = self._meant()
        if not self._talker.post(lambda: self._holding.hold(kind, id, check, *values)):
            raise Malformed("too many changes wait already.")

    def _meant(self) -> Callable[[], None]:
        """Give what raises ParameterError once the run or its points are no longer those that are shown now."""
        run, ids = self.run, self._ids

        def check() -> None:
            if run is not self.run or ids is not self._ids:
                raise ParameterError("The points have become others meanwhile; select again.")

        return check

    def _on_mark(self, name: str, iteration: int | None) -> None:
        self._mover.post(lambda: self._moved(lambda run: run.mark(name, iteration)))

    def _on_branch(self, iteration: int) -> None:
        self._mover.post(lambda: self._moved(self._branch(iteration)), once="branch")

    def _branch(self, iteration: int) -> Callable[[Any], None]:
        return lambda run: self._show(self._branches.grow(run, iteration).run)

    def _on_turn(self, branch: int) -> None:
        if branch >= len(self._branches):
            raise Malformed(f"There are {len(self._branches)} branches; got {branch}.")
        self._mover.post(lambda: self._moved(lambda run: self._show(self._branches[branch].run)))

    def _on_look(self, id: int, iteration: int) -> None:
        self._talker.post(lambda: self.stream.tell(*past_message(self.run, id, iteration)))

    def _on_script(self, id: int) -> None:
        self._talker.post(lambda: self._tell_script(id))

    def _tell_script(self, id: int) -> None:
        try:
            told = {"text": self.run.recipe().python()}
        except NEError as error:
            told = {"text": "", "error": plain_text(error, 1000)}
        self.stream.tell({"k": "script", "id": id} | told)

    def _on_hover(self, id: int, point: int) -> None:
        rows = self._table.rows(point) if self._table else []
        answer: dict[str, Any] = {"k": "hover", "id": id, "point": point, "rows": rows, "image": None}
        picture = self._images.picture(point) if self._images else None
        if picture is None:
            self.stream.tell(answer)
        else:
            self.stream.tell(answer | {"image": picture[0]}, [memoryview(picture[1])])

    def _on_select(self, id: int, points: np.ndarray) -> None:
        self._exploring.select(id, points)

    def _on_errors(self, id: int, points: np.ndarray) -> None:
        self._exploring.errors(id, points)

    def _on_neighbors(self, id: int, point: int) -> None:
        self._exploring.neighbors(id, point)

    def _on_color(self, name: str) -> None:
        self._exploring.color(name)

    def _on_search(self, id: int, text: str) -> None:
        self._exploring.search(id, text)

    def _greet(self) -> None:
        self.stream.tell({"k": "controls", "controls": self.settings.rows()})
        self._holding.tell(always=True)
        self._tell_status()
        self.stream.tell(curves_message(self.run))
        self.stream.rested()

    def _tell_rest(self) -> None:
        if self.run.state != "running":
            self.stream.rested()

    def _tell_status(self, message: str | None = None) -> None:
        places = {"branches": self._branches.told(), "branch": self._branches.place(self.run) or 0}
        self.stream.tell(self.settings.told(status_message(self.run, message)) | places)

    def _refuse(self, content: Any, error: str) -> None:
        kind, id = content.get("k"), request_id(content)
        if kind == "set" and id is not None:
            name = content.get("name")
            told = plain_text(error, 1000)
            self._talker.post(lambda: self._answer_set(id, name if isinstance(name, str) else "", told))
        else:
            self._tell_refused(kind, id, error)

    def _tell_refused(self, kind: str, id: int | None, error: object) -> None:
        self.stream.tell({"k": "refused", "of": kind, "id": id, "error": plain_text(error, 1000)})


def _step(run: Any) -> None:
    run.pause()
    run.step(1)


_ACTIONS: dict[str, Callable[[Any], object]] = {
    "play": lambda run: run.resume(),
    "pause": lambda run: run.pause(),
    "step": _step,
    "restart": lambda run: run.restart(),
}
