import comm
import pytest

from ne_interactive.widget.explorer import Explorer

from .fake import Browser, Clock, FakeComm, FakeRun


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture(autouse=True)
def fake_comm(monkeypatch):
    monkeypatch.setattr(comm, "create_comm", lambda **kwargs: FakeComm(**kwargs))


@pytest.fixture
def run():
    return FakeRun()


@pytest.fixture
def browser(run, clock):
    """An explorer on a run that stands at iteration 0, and a browser that has not said hello yet."""
    explorer = Explorer(run, clock=clock)
    yield Browser(explorer)
    explorer.close()
