"""A real kernel: frames come out of the optimiser's thread while it is idle, and messages from a browser go in."""

import contextlib
import queue
import time

import pytest

jupyter_client = pytest.importorskip("jupyter_client.manager", reason="needs the notebook extra")

CELL = """
import numpy as np
from ne_interactive.methods.tsne import TSNE
from ne_interactive.widget.opening import explore
w = explore(np.random.default_rng(0).normal(size=(20_000, 5)), TSNE(random_state=0, perplexity=10))
w
"""


@pytest.fixture(scope="module")
def client():
    manager, client = jupyter_client.start_new_kernel(kernel_name="python3")
    yield client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def listen(client, seconds, enough):
    """Collect messages until one is enough."""
    got = []
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with contextlib.suppress(queue.Empty):
            got.append(client.get_iopub_msg(timeout=0.2))
            if enough(got[-1]):
                return got
    seen = [message["msg_type"] for message in got]
    raise AssertionError(f"waited {seconds} s in vain, got {seen[-20:]}")


def custom(message):
    data = message["content"].get("data", {}) if message["msg_type"] == "comm_msg" else {}
    return data.get("content", {}) if data.get("method") == "custom" else {}


def say(client, comm_id, **content):
    data = {"method": "custom", "content": content}
    client.shell_channel.send(client.session.msg("comm_msg", {"comm_id": comm_id, "data": data}))


def test_frames_are_sent_and_answers_come_while_the_run_goes_on(client):
    asked = client.execute(CELL)
    shown = listen(client, 90, lambda message: message["content"].get("execution_state") == "idle")
    while client.get_shell_msg(timeout=30)["parent_header"]["msg_id"] != asked:
        pass  # answers to what a slow start made the client ask twice
    assert not [message["content"] for message in shown if message["msg_type"] in ("error", "stream")]
    (result,) = [message["content"]["data"] for message in shown if message["msg_type"] == "execute_result"]
    assert result["text/plain"] == "Explorer(TSNE, n=20000)"
    model = result["application/vnd.jupyter.widget-view+json"]["model_id"]
    assert not any(custom(message).get("k") == "frame" for message in shown)

    say(client, model, k="hello", protocol=1, view="test")
    for i in range(4):  # frames come while no cell runs
        (*_, message) = listen(client, 60, lambda message: custom(message).get("k") == "frame")
        frame = custom(message)
        assert len(message["buffers"][0]) == 20_000 * (8 if frame["q"] == "f32" else 4)
        assert frame["seq"] == i + 1
        say(client, model, k="ack", seq=frame["seq"], view="test")
    say(client, model, k="set", id=1, name="exaggeration", value=3.0)
    got = listen(client, 30, lambda message: custom(message).get("k") == "set")
    assert custom(got[-1]) == {"k": "set", "id": 1, "ok": True, "value": 3.0}
    say(client, model, k="do", action="pause")
    listen(
        client,
        30,
        lambda message: custom(message).get("state") == "paused" and custom(message).get("q") == "f32",
    )
    say(client, model, k="nonsense")
    say(client, model, k="do", action="explode")
    got = listen(client, 30, lambda message: custom(message).get("k") == "refused")
    assert not [message["content"] for message in got if message["msg_type"] in ("error", "stream")]
