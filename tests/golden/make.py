"""Write the golden messages that both ends of the wire are tested with: `python tests/golden/make.py`.

`frames.json` holds {"protocol", "messages"}; each message has a `name`, its `content` as sent, the `buffers` as
[offset, length] in `frames.bin`, and for a frame the `positions` it stands for, with the `tolerance` for each axis
(0: exact).
"""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from ne_interactive.quality.hover import HoverTable
from ne_interactive.quality.labels import read_labels
from ne_interactive.quality.pictures import Pixels
from ne_interactive.widget.labels import codes, legend
from ne_interactive.widget.settings import live_controls
from ne_interactive.widget.wire import PROTOCOL, frame_message, plain, status_message

HERE = Path(__file__).parent
CLOUDS = {
    "square": [[0, 0], [1, 0], [0, 1], [1, 1], [0.5, 0.25]],
    "wide and far off": [[1000.5, -2e-3], [1001.5, 3e-3], [1003.25, 0], [1000.75, 1e-3]],
    "on a line": [[-3, 2.5], [4, 2.5], [0, 2.5]],
    "all in one place": [[1.25, -7.5]] * 4,
    "one point": [[3, 4]],
    "three dimensions": [[0, 1, 2], [1, -1, 2.5], [0.25, 0, -4], [0.5, 0.5, 100]],
    "flat in three dimensions": [[1, 7, -2], [2, 7, 3], [4, 7, 0.5]],
    "taken over": [[0.5, 1.25], [-0.75, 0.25], [2, -1]],
    "start of a run": [[1e-4, -2e-4], [-1.5e-4, 5e-5], [3e-5, 1e-4]],
}


def golden_run(**changes: Any) -> Any:
    """Give what the messages read of a run."""
    facts = {
        "n": 5,
        "iteration": 50,
        "state": "running",
        "message": "",
        "error": None,
        "speed": 24.5,
        "loss": 1.75,
        "params": {"exaggeration": 12.0, "perplexity": 30.0, "n_negatives": 5, "rule": "auto"},
        "following": {"exaggeration": True, "lr": False},
        "work": {"perplexity": ("finding neighbours", 0.4)},
        "events": [SimpleNamespace(iteration=40, kind="tune", detail={"changes": {"lr": [200.0, 50.0]}})],
    }
    return SimpleNamespace(**facts | changes)


def build() -> tuple[dict[str, Any], bytes]:
    """Give the content of the two files."""
    messages: list[dict[str, Any]] = []
    blob = bytearray()

    def add(name: str, content: dict[str, Any], buffers: Any = (), **more: Any) -> None:
        places = []
        for buffer in buffers:
            places.append([len(blob), len(bytes(buffer))])
            blob.extend(buffer)
        messages.append({"name": name, "content": content, "buffers": places} | more)

    for seq, (name, points) in enumerate(CLOUDS.items(), 1):
        Z = np.array(points, np.float32)
        for key in (False, True):
            frame = SimpleNamespace(
                iteration=seq * 10,
                embedding=Z,
                loss=1.5,
                params=golden_run().params,
                seconds=0.25,
                state="running",
                scale=0.25 if name == "taken over" else 1.0,
            )
            content, buffers = frame_message(frame, golden_run(), seq, key=key)
            tolerance = [0.0] * content["c"] if key else [step / 2 for step in content["sc"]]
            add(f"{name}, {content['q']}", content, buffers, positions=Z.tolist(), tolerance=tolerance)
    rest = SimpleNamespace(
        iteration=0,
        embedding=np.zeros((2, 2), np.float32),
        loss=float("nan"),
        params={},
        seconds=0.0,
        state="paused",
        scale=1.0,
    )
    run = golden_run(speed=float("nan"), following={}, message="recalibrating perplexity")
    content, buffers = frame_message(rest, run, 99, key=True)
    add("before the first step", content, buffers, positions=[[0.0, 0.0]] * 2, tolerance=[0.0, 0.0])
    _add_answers(add)
    return {"protocol": PROTOCOL, "messages": messages}, bytes(blob)


def _add_answers(add: Any) -> None:
    add("status", status_message(golden_run()))
    failed = golden_run(state="failed", error=ArithmeticError("not finite at <b>7</b>"), loss=float("inf"))
    add("status of a failed run", status_message(failed))
    add("set", {"k": "set", "id": 3, "ok": True, "value": 4.0})
    error = "TSNE.exaggeration must lie in [0, 100]; got -1."
    add("set refused", {"k": "set", "id": 4, "ok": False, "error": error, "value": 12.0})
    add("refused", {"k": "refused", "of": "do", "id": None, "error": "action must be one of play, pause."})
    run = golden_run(
        describe=lambda: [
            {"name": "exaggeration", "live": True, "low": 0.0, "high": float("inf"), "axis": ["push", "pull"]}
        ],
        method=SimpleNamespace(exaggeration="auto"),
    )
    add("controls", {"k": "controls", "controls": live_controls(run)})
    table = HoverTable({"name": ["<i>a</i>", "b"], "price": [1.5, None]}, 2)
    images = Pixels(np.arange(12, dtype=np.uint8).reshape(2, 2, 3) * 20, 2)
    hover = {"k": "hover", "id": 8, "point": 1, "rows": table.rows(1)}
    add("hover", hover | {"image": images.picture(1)[0]}, [images.picture(1)[1]])
    add("held", {"k": "held", "id": 9, "ok": False, "error": "xy must lie in the unit disk."})
    add("pins", {"k": "pins"}, [memoryview(np.array([1, 3], "<u4").tobytes())])
    add("hover without image", hover | {"image": None})
    for name, labels in {
        "categories": ["b10", "b9", None, "b9"],
        "numbers": [0.5, float("nan"), 2.5, 1.5],
        "no labels": None,
    }.items():
        read = read_labels(labels, 4)
        add(name, plain({"legend": legend(read)}), [codes(read)])


def main() -> None:
    """Write both files."""
    content, blob = build()
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    (HERE / "frames.json").write_text(text + "\n", encoding="utf-8")
    (HERE / "frames.bin").write_bytes(blob)


if __name__ == "__main__":
    main()
