"""Whatever a browser sends, nothing is raised and nothing in the run changes, unless it is a request in good order."""

import contextlib

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from ne_interactive.widget import inbox
from ne_interactive.widget.explorer import Explorer

from .fake import FakeRun

N = 6
scalars = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.binary(max_size=9)
)
odd = st.sampled_from(
    [-1, N, 2**53, 2**200, float("nan"), float("inf"), "", "x" * 5000, "__proto__", "\ud800"]
)
junk = st.recursive(
    scalars | odd,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
# The kinds that are known, and the fields of any of them, are read off the inbox, so that new ones are tried too.
WORDS = sorted(
    {word for word in inbox.read_message.__code__.co_consts if isinstance(word, str) and word.isidentifier()}
)
buffers = st.lists(st.binary(max_size=40), max_size=3)
messages = junk | st.fixed_dictionaries(
    {"k": st.sampled_from(WORDS) | junk}, optional={word: junk for word in WORDS if word != "k"}
)
# Good words without their fields: these move a run by themselves.
ORDERS = ("play", "pause", "step", "restart", "reset")


@pytest.fixture(scope="module")
def explorer():
    import comm

    from .fake import FakeComm

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(comm, "create_comm", lambda **keys: FakeComm(**keys))
        explorer = Explorer(FakeRun(N), labels=["a", "b"] * 3)
        yield explorer
        explorer.close()


def test_the_words_of_the_inbox_are_found():
    assert {"hello", "set", "hover", "rewind", "view", "point"} <= set(WORDS)


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(content=messages, parts=buffers)
def test_any_message_is_answered_without_an_exception(explorer, content, parts):
    run = explorer.run
    before = (run.iteration, dict(run.params), dict(run.following), run.state)
    explorer._handle_custom_msg(content, parts)
    assert explorer._desk.wait(10)
    assert (run.iteration, dict(run.params), dict(run.following), run.state) == before or in_good_order(
        content
    )


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(content=messages)
def test_what_the_inbox_lets_through_has_known_fields_in_range(content):
    message = None
    with contextlib.suppress(inbox.Malformed):
        message = inbox.read_message(content, N)
    if message is not None:
        assert 0 <= message.get("point", 0) < N
        assert 0 <= message.get("iteration", 0) < 2**53
        assert 0 < len(message.get("view", "v")) <= 64


def in_good_order(content):
    """Tell whether a message asks for what a person may do."""
    return content["k"] in ("set", "rewind") or (content["k"] == "do" and content["action"] in ORDERS)
