"""Joins an explorer of this process with its view in the page, as a notebook's server does."""

import base64
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import comm
import numpy as np

from ..widget.fake import FakeComm
from .host import Host


@contextmanager
def without_kernel() -> Iterator[None]:
    """Let widgets that are made meanwhile keep what a kernel would send."""
    with patch.object(comm, "create_comm", lambda **keys: FakeComm(**keys)):
        yield


class Bridge:
    """One explorer and one view of it; make the explorer `without_kernel`."""

    def __init__(self, host: Host, explorer: Any, style: str = "") -> None:
        """Mount the view."""
        self.host, self.explorer = host, explorer
        state = {name: value for name, value in explorer.get_state().items() if name.startswith("_")}
        self.model = host.show(
            {name: packed(value) for name, value in state.items() if name != "_esm"}, style
        )
        self.view = host.page.locator(".ne-root").nth(self.model)
        self._heard = 0
        self.explorer.comm.out.clear()
        self.explorer.comm.states.clear()

    def pump(self) -> None:
        """Carry what waits on either side."""
        sent = self.host.page.evaluate(
            "([model, from]) => window.host.models[model].sent.slice(from)", [self.model, self._heard]
        )
        self._heard += len(sent)
        wire = self.explorer.comm
        for message in sent:
            buffers = [
                np.array(message.pop(name), kind).tobytes()
                for name, kind in (("points", "<u4"), ("places", "<f4"))
                if name in message
            ]
            wire.handle_msg(
                {"content": {"data": {"method": "custom", "content": message}}, "buffers": buffers}
            )
        states, wire.states = wire.states, []
        for state in states:
            for name, value in state.items():
                self.host.call("change", self.model, name, packed(value))
        out, wire.out = wire.out, []
        for content, buffers in out:
            texts = [base64.b64encode(buffer).decode() for buffer in buffers]
            self.host.call("receive", self.model, content, texts)

    def until(self, condition: Callable[[], Any], what: str, seconds: float = 15.0) -> None:
        """Pump until `condition` holds."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
            self.pump()
            self.host.page.wait_for_timeout(30)


def packed(value: Any) -> Any:
    """Give bytes in the form that the page unpacks."""
    return {"base64": base64.b64encode(value).decode()} if isinstance(value, bytes | memoryview) else value
