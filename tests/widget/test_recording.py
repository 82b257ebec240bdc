"""Recordings: the past within a budget, and a page in which nothing runs but what it was written with."""

import base64
import io
import json
import re
import zlib

import numpy as np
import pytest
from PIL import Image

import ne_interactive as ne
from ne_interactive.params.errors import DataError, ParameterError
from ne_interactive.widget import recording
from ne_interactive.widget.explorer import Explorer
from ne_interactive.widget.page import EXPORT, STATIC, empty_page_size, inert, parts
from ne_interactive.widget.recording import Recording

from .fake import FakeRun

HOSTILE = "</script><script>alert(1)</script><!-- \u2028\u2029 &lt; <img src=x onerror=alert(1)>"


class RecordedRun(FakeRun):
    """A fake run with a past of `count` frames."""

    count = 5

    def moments(self):
        return {10 * i: self.start_positions * np.float32(1 + i) for i in range(self.count)}


def written(path):
    text = path.read_text(encoding="utf-8")
    (record,) = re.findall(r'<script type="application/json" id="ne-record">(.*?)</script>', text, re.DOTALL)
    return text, json.loads(record)


def inflated(text):
    return zlib.decompress(base64.b64decode(text), -15)


def frames_of(record):
    n, c = record["n"], record["c"]
    planes = np.frombuffer(inflated(record["positions"]), np.uint8).reshape(-1, 2, n * c)
    levels = np.cumsum(planes[:, 0] + planes[:, 1].astype(np.uint16) * 256, axis=0, dtype=np.uint16)
    for moment, level in zip(record["moments"], levels, strict=True):
        yield np.array(moment["lo"]) + level.reshape(n, c) * np.array(moment["sc"])


@pytest.mark.parametrize("c", [2, 3])
def test_every_frame_comes_back_to_within_a_level(tmp_path, c):
    run = RecordedRun(c=c)
    run.iterate(20)
    view = Explorer(run)
    _, record = written(view.to_html(tmp_path / "run.html"))
    assert [moment["it"] for moment in record["moments"]] == [0, 10, 20, 30, 40]
    assert [moment["loss"] for moment in record["moments"]] == [None, 2, 2, 2, 2]
    for Z, shown in zip(run.moments().values(), frames_of(record), strict=True):
        np.testing.assert_allclose(shown, Z, atol=np.ptp(Z) / 65535)
    view.close()


def test_what_was_set_is_told_where_it_changes(tmp_path):
    run = ne.Stepper(np.random.default_rng(0).normal(size=(30, 4)), ne.TSNE(perplexity=5, random_state=0))
    run.step(10)
    run.tune(exaggeration=3.0)
    run.step(10)
    run.switch(ne.UMAP(n_neighbors=5, random_state=0))
    run.step(5)
    view = Explorer(run)
    _, record = written(view.to_html(tmp_path / "run.html"))
    moments = {moment["it"]: moment for moment in record["moments"]}
    assert [at for at, moment in moments.items() if "controls" in moment] == [1, 20]
    names = {row["name"]: row["value"] for row in moments[1]["controls"]}
    assert names["exaggeration"] == 12
    assert moments[10]["set"]["exaggeration"] == [3.0, False]
    assert "exaggeration" not in moments[11]["set"]
    assert "min_dist" in {row["name"] for row in moments[20]["controls"]}
    assert [moments[at]["scale"] for at in (19, 20, 21)] == [run.scale_at(at) for at in (19, 20, 21)]
    view.close()


def test_what_is_seen_is_inside_and_controls_come_with_the_frames(tmp_path):
    images = np.arange(6 * 4, dtype=np.uint8).reshape(6, 2, 2)
    view = Explorer(
        RecordedRun(), labels=list("abcabc"), hover={"name": list("uvwxyz")}, images=images, title="T"
    )
    text, record = written(view.to_html(tmp_path / "run.html"))
    assert "<title>T</title>" in text
    assert record["traits"]["_scene"] == view._scene
    assert base64.b64decode(record["bytes"]["_codes"]) == view._codes
    assert record["traits"]["_controls"] == []
    assert not {"_esm", "_css", "_view_name"} & record["traits"].keys()
    assert json.loads(inflated(record["texts"]))[3] == [["name", "x"]]
    assert inflated(record["images"]["data"]) == images.tobytes()
    assert record["images"]["sizes"] == [4] * 6
    view.close()


def test_nothing_given_can_end_a_script_or_become_markup(tmp_path):
    view = Explorer(RecordedRun(), labels=[HOSTILE] * 6, hover={HOSTILE: [HOSTILE] * 6}, title=HOSTILE)
    text, record = written(view.to_html(tmp_path / "run.html"))
    assert text.count("<script") == text.count("</script>") == 3
    assert "<!--" not in text
    assert "<img" not in text
    assert "\u2028" not in text.partition("</title>")[2]
    assert record["traits"]["_scene"]["legend"]["items"][0]["label"] == HOSTILE
    view.close()


def test_json_in_a_script_is_ascii_without_markup():
    assert json.loads(inert([HOSTILE])) == [HOSTILE]
    assert inert([HOSTILE]).isascii()
    assert not set("<>&") & set(inert([HOSTILE]))
    with pytest.raises(ValueError, match="not JSON compliant"):
        inert(float("nan"))


def test_the_bundle_can_stand_in_a_page():
    view, player, style = parts()
    assert (STATIC / "widget.js").read_text(encoding="utf-8").endswith(EXPORT)
    assert "neView=" in view
    for script in (view, player):
        assert not re.search(r"</script|<!--|^export|\bimport\(", script, re.MULTILINE)
    assert "</style" not in style
    assert "http" not in style
    assert len(player) < 10_000


def test_frames_are_left_out_until_it_fits(tmp_path):
    run = RecordedRun(n=20_000)
    run.count = 30
    view = Explorer(run)
    path = view.to_html(tmp_path / "run.html", max_mb=1)
    assert path.stat().st_size <= 1e6
    _, record = written(path)
    shown = [moment["it"] for moment in record["moments"]]
    assert 3 <= len(shown) < 15
    assert (shown[0], shown[-1]) == (0, 290)
    assert record["of"] == 30
    view.close()


def test_texts_and_images_that_take_too_much_are_left_out_with_a_warning(tmp_path):
    rng = np.random.default_rng(0)
    run = RecordedRun(n=2000)
    texts = [rng.bytes(90).hex() for _ in range(2000)]
    view = Explorer(run, hover=texts, images=rng.integers(0, 255, (2000, 20, 20), np.uint8))
    with pytest.warns(RuntimeWarning) as told:
        path = view.to_html(tmp_path / "run.html", max_mb=0.4)
    assert [str(warning.message).partition(" take")[0] for warning in told] == [
        "The texts under the pointer",
        "The images",
    ]
    assert {warning.filename for warning in told} == {__file__}  # at the line that asked for the file
    _, record = written(path)
    assert "texts" not in record
    assert "images" not in record
    assert path.stat().st_size <= 0.4e6
    view.close()


def test_frames_give_way_to_images_down_to_a_floor(tmp_path, monkeypatch):
    monkeypatch.setattr(recording, "FLOOR", 10)
    rng = np.random.default_rng(0)
    run = RecordedRun(n=2000)
    run.count = 100
    images = rng.integers(0, 255, (2000, 16, 16)).astype(np.uint8)  # 680 kB, more than half
    view = Explorer(run, images=images)
    path = view.to_html(tmp_path / "run.html", max_mb=1)
    assert path.stat().st_size <= 1e6
    _, record = written(path)
    assert inflated(record["images"]["data"]) == images.tobytes()
    assert 10 <= len(record["moments"]) < 30
    view.close()


def encoded(pixels, kind):
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, kind)
    return out.getvalue()


@pytest.mark.parametrize("kind", [None, "PNG", "WEBP", "JPEG"])
def test_images_that_take_too_much_are_made_smaller(tmp_path, kind):
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 255, (400, 40, 32, 3)).astype(np.uint8)
    images = (
        pixels
        if kind is None
        else [None, b"\x89PNG\r\n\x1a\nbroken", *(encoded(one, kind) for one in pixels[2:])]
    )
    view = Explorer(RecordedRun(n=400), images=images)
    with pytest.warns(
        RuntimeWarning, match=r"The images take .* MB and were made smaller, to \d+ % of their sides"
    ):
        path = view.to_html(tmp_path / "run.html", max_mb=0.55 if kind in (None, "PNG") else 0.4)
    assert path.stat().st_size <= 0.55e6
    part = written(path)[1]["images"]
    assert len(part["sizes"]) == 400
    content = inflated(part["data"])
    if kind is None:
        times = 1 if part["kinds"][0]["w"] == 16 else 2
        assert part["kinds"] == [{"w": 32 >> times, "h": 40 >> times, "c": 3}]
        step = 1 << times
        mean = pixels[0, :step, :step, 1].mean()
        assert abs(content[1] - mean) <= 2
    else:
        assert part["sizes"][:2] == [0, 0]
        shown = Image.open(io.BytesIO(content[: part["sizes"][2]]))
        assert shown.format == kind
        assert shown.size in ((16, 20), (8, 10))
    view.close()


def test_one_frame_is_enough_and_less_is_refused(tmp_path):
    run = RecordedRun(n=50_000)
    view = Explorer(run)
    base = empty_page_size() / 1e6
    _, record = written(view.to_html(tmp_path / "run.html", max_mb=base + 0.4))
    assert [moment["it"] for moment in record["moments"]] == [40]
    with pytest.raises(
        DataError, match=r"one frame of 50,000 points and what goes with it take .* MB; got max_mb=0.2"
    ):
        view.to_html(tmp_path / "other.html", max_mb=0.2)
    for bad in (0, "5", float("inf")):
        with pytest.raises(ParameterError, match="max_mb must be a number of MB above 0"):
            view.to_html(tmp_path / "other.html", max_mb=bad)
    with pytest.raises(ParameterError, match="no folder"):
        view.to_html(tmp_path / "nowhere" / "run.html")
    assert [path.name for path in tmp_path.iterdir()] == ["run.html"]
    view.close()


def test_points_without_an_image_have_none():
    made = Recording(1e6, 0, [])
    made.add_images(lambda: [({"type": "image/png"}, b"abc"), None])
    assert made.data["images"]["kinds"] == [{"type": "image/png"}, {}]
    assert made.data["images"]["sizes"] == [3, 0]
