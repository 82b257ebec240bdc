"""Six widgets on one page: six runs move, share one context, and each answers to its own controls."""

import numpy as np
import pytest

from ne_interactive.engine.stepper import Stepper
from ne_interactive.methods.tsne import TSNE
from ne_interactive.widget.explorer import Explorer

from .bridge import Bridge, without_kernel


@pytest.fixture
def bridges(open_host):
    host = open_host(viewport={"width": 1000, "height": 1400})
    X = np.random.default_rng(0).normal(size=(60, 5))
    with without_kernel():
        explorers = [
            Explorer(Stepper(X, TSNE(perplexity=5, random_state=seed)), height=180) for seed in range(6)
        ]
    half = "display: inline-block; width: 480px; vertical-align: top"
    bridges = [Bridge(host, explorer, half) for explorer in explorers]
    for explorer in explorers:
        explorer.run.max_speed = 20
        explorer.run.start()
    yield bridges
    for explorer in explorers:
        explorer.close()
        explorer.run.stop()


def test_six_runs_move_on_one_page_and_each_is_steered_alone(bridges):
    host = bridges[0].host

    def pump(condition, what):
        def turn():
            for bridge in bridges:
                bridge.pump()
            return condition()

        bridges[0].until(turn, what, 40)

    for bridge in bridges:
        bridge.view.scroll_into_view_if_needed()
        pump(lambda bridge=bridge: int(bridge.view.get_attribute("data-frames") or 0) > 2, "each view moves")
    assert [bridge.view.get_attribute("data-renderer") for bridge in bridges] == ["webgl2"] * 6
    assert host.page.evaluate("globalThis[Symbol.for('ne_interactive@1')].users.size") == 6
    for wanted, bridge in enumerate(bridges, start=2):
        box = bridge.view.get_by_label("exaggeration value", exact=True)
        box.fill(str(wanted))
        box.press("Enter")
    runs = [bridge.explorer.run for bridge in bridges]
    pump(
        lambda: [run.params["exaggeration"] for run in runs] == [2, 3, 4, 5, 6, 7], "each takes its own value"
    )
    bridges[2].view.get_by_role("button", name="Pause", exact=True).click()
    pump(lambda: runs[2].state == "paused", "one is paused")
    assert [run.state for run in runs].count("running") == 5
    pictures = [host.inked(view) for view in range(6)]
    assert all(ink > 0 for ink in pictures)
