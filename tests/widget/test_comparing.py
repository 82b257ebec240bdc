"""Maps side by side: what is refused, what all of them share, and what stays each run's own."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

import ne_interactive as ne
from ne_interactive.params.errors import DataError, ParameterError
from ne_interactive.widget.opening import compare
from ne_interactive.widget.page import empty_page_size

from ..hostile import TEXTS
from .test_recording import frames_of, written


@pytest.fixture(scope="module")
def X():
    return np.random.default_rng(0).normal(size=(80, 6)).astype(np.float32)


@pytest.fixture(scope="module")
def Z():
    return np.random.default_rng(1).normal(size=(80, 2)).astype(np.float32)


@pytest.fixture
def run(X):
    run = ne.Stepper(X, ne.TSNE(perplexity=8, random_state=0))
    run.step(3)
    yield run
    run.stop()


@pytest.fixture
def opened():
    made = []
    yield lambda *args, **keys: made.append(compare(*args, **{"start": False} | keys)) or made[-1]
    for comparison in made:
        comparison.close()


def say(comparison, content, *buffers):
    data = {"method": "custom", "content": content}
    comparison.comm.handle_msg({"content": {"data": data}, "buffers": list(buffers)})
    for view in comparison.views:
        assert view.desk.wait(20)
    assert comparison._worker.wait(20)


def told(comparison, kind):
    out, comparison.comm.out = comparison.comm.out, []
    return [content for content, _ in out if content["k"] == kind]


def mirrored(Z):
    turn = np.array([[np.cos(2), np.sin(2)], [np.sin(2), -np.cos(2)]])
    return 3 * Z @ turn + [40, -7]


WRONG = [
    (lambda run, Z: [Z], ParameterError, "2 to 6 maps can be compared; got 1"),
    (lambda run, Z: [Z] * 7, ParameterError, "got 7"),
    (lambda run, Z: run, ParameterError, "must be a list of 2 to 6"),
    (lambda run, Z: [run, run], ParameterError, "there twice"),
    (lambda run, Z: [run, Z[:5]], DataError, "'TSNE' has 80 and 'array' 5"),
    (lambda run, Z: [run, Z[:1]], DataError, "The map 'array'"),
    (lambda run, Z: [run, np.full((80, 2), np.nan)], DataError, "The map 'array': .*finite"),
    (lambda run, Z: [run, np.zeros((80, 6))], DataError, "must have 2 or 3 columns.*got 6"),
    (lambda run, Z: [run, "umap"], DataError, "The map 'array'"),
    (lambda run, Z: [run, None], DataError, "The map 'array'"),
]


@pytest.mark.parametrize(("maps", "error", "words"), WRONG)
def test_what_cannot_be_compared_is_refused_before_anything_is_started(run, Z, maps, error, words):
    with pytest.raises(error, match=words):
        compare(maps(run, Z))
    assert run.state == "paused"


def test_settings_are_checked_and_can_be_observed(opened, run, Z):
    with pytest.raises(
        ParameterError, match=r"difference must be one of None, 'lines', 'ghost'; got 'arrows'"
    ):
        compare([run, Z], difference="arrows")
    comparison = opened([run, Z], difference="ghost")
    seen = []
    comparison.observe(lambda change: seen.append(change["new"]), ["difference", "linked", "controls"])
    for name, value in (("difference", "lines"), ("linked", False), ("controls", "shared")):
        say(comparison, {"k": "arrange", "name": name, "value": value})
        assert getattr(comparison, name) == value
        assert comparison._arranged[name] == value
    assert seen == ["lines", False, "shared"]
    for name, value in (
        ("difference", "x" * 900),
        ("linked", 1),
        ("controls", None),
        ("_esm", "x"),
        (None, []),
    ):
        say(comparison, {"k": "arrange", "name": name, "value": value})
    assert (comparison.difference, comparison.linked, comparison.controls) == ("lines", False, "shared")
    assert comparison._esm != "x"


def test_runs_points_and_names(opened, run, Z, X):
    fork = run.fork()
    comparison = opened([run, fork, Z, ne.explore(run.fork(), start=False), Z + 1])
    assert [view.name for view in comparison.views] == ["TSNE 1", "TSNE 2", "array 1", "TSNE 3", "array 2"]
    assert comparison.runs[:2] == [run, fork]
    assert repr(comparison) == "Comparison(TSNE 1, TSNE 2, array 1, TSNE 3, array 2, n=80)"
    hostile = opened(dict.fromkeys(TEXTS[:6], Z))
    assert len({view.name for view in hostile.views}) == 6


def test_methods_are_run_on_the_same_data_and_end_with_the_comparison(X):
    comparison = compare(X, {"few": ne.TSNE(perplexity=4), "many": ne.TSNE(perplexity=20)})
    assert [view.name for view in comparison.views] == ["few", "many"]
    runs = comparison.runs
    assert [run.params["perplexity"] for run in runs] == [4, 20]
    assert all(run.state == "running" for run in runs)
    comparison.pause()
    assert all(run.state == "paused" for run in runs)
    comparison.resume()
    comparison.close()
    assert all(run.state == "stopped" for run in runs)


def test_runs_that_were_given_go_on_after_the_comparison_is_closed(run, Z):
    comparison = compare([run, Z])
    comparison.close()
    assert run.state == "running"
    before = len(comparison.comm.out) if comparison.comm else 0
    run.pause()
    run.step(1)
    assert (len(comparison.comm.out) if comparison.comm else 0) == before


def test_each_map_is_sent_only_what_is_its_own(opened, run, Z):
    comparison = opened({"a": run, "b": run.fork(), "c": Z})
    for place in range(3):
        say(comparison, {"k": "hello", "view": "v", "protocol": 1, "view_of": place})
    frames = told(comparison, "frame")
    assert sorted({frame["view_of"] for frame in frames}) == [0, 1, 2]
    comparison.runs[1].step(2)
    say(comparison, {"k": "ack", "view": "v", "seq": 1, "view_of": 1})
    frames = told(comparison, "frame")
    assert {frame["view_of"] for frame in frames} == {1}
    assert frames[-1]["it"] == 5
    say(comparison, {"k": "do", "action": "play", "view_of": 1})
    assert [run.state for run in comparison.runs] == ["paused", "running"]
    comparison.pause()


def test_a_view_that_is_closed_or_hidden_costs_no_frame(opened, run, Z):
    comparison = opened([run, Z])
    say(comparison, {"k": "hello", "view": "v", "protocol": 1, "view_of": 0})
    say(comparison, {"k": "visible", "view": "v", "visible": False, "view_of": 0})
    told(comparison, "frame")
    run.step(3)
    say(comparison, {"k": "nothing"})
    assert told(comparison, "frame") == []


def test_the_selection_is_one_for_all_and_goes_both_ways(opened, run, Z):
    comparison = opened([run, Z])
    seen = []
    comparison.observe(lambda change: seen.append(change["new"].tolist()), "selection")
    say(comparison, {"k": "select", "id": 7, "view_of": 1}, np.array([2, 5], "<u4").tobytes())
    assert comparison.selection.tolist() == [2, 5]
    assert [answer["view_of"] for answer in told(comparison, "selected")] == [1]
    comparison.selection = [1]
    assert np.frombuffer(comparison._selection, "<u4").tolist() == [1]
    assert seen == [[2, 5], [1]]
    with pytest.raises(ParameterError):
        comparison.selection = [80]


def test_a_shared_change_reaches_every_run_that_has_the_parameter_or_none(opened, run, X, Z):
    other = ne.Stepper(X, ne.UMAP(n_neighbors=5))
    comparison = opened({"t-SNE": run, "UMAP": other, "given": Z})
    names = [row["name"] for row in comparison._shared]
    assert len(names) == len(set(names))
    assert {"perplexity", "min_dist", "exaggeration"} <= set(names)
    assert "method" not in names
    comparison.tune(min_dist=0.3, perplexity=9)
    assert (other.params["min_dist"], run.params["perplexity"]) == (0.3, 9)
    shared = [
        row["name"] for row in comparison._shared if row["name"] in other.params and row["name"] in run.params
    ]
    assert "repulsion_strength" in shared
    say(comparison, {"k": "set", "id": 3, "name": "repulsion_strength", "value": 2.0})
    assert [one.params["repulsion_strength"] for one in (run, other)] == [2, 2]
    assert told(comparison, "set")[-1] == {"k": "set", "id": 3, "ok": True, "value": 2.0}
    say(comparison, {"k": "set", "id": 4, "name": "repulsion_strength", "value": -1})
    answer = told(comparison, "set")[-1]
    assert not answer["ok"]
    assert answer["error"].startswith("t-SNE: TSNE.repulsion_strength must lie in")
    assert answer["error"].endswith("No run was changed.")
    # one would take it, the other not: none takes it
    before = [one.params["repulsion_strength"] for one in (run, other)]
    with pytest.raises(ParameterError, match=r"UMAP: .*No run was changed"):
        comparison.tune(repulsion_strength=3.0, min_dist=-1)
    assert [one.params["repulsion_strength"] for one in (run, other)] == before
    with pytest.raises(ParameterError, match="No run has a live parameter 'nonsense'"):
        comparison.tune(nonsense=1)
    say(comparison, {"k": "set", "id": 5, "name": ["x"], "value": {}})
    assert not told(comparison, "set")[-1]["ok"]


def test_what_would_change_the_points_or_the_run_is_refused(opened, run, Z):
    comparison = opened([run, Z])
    for kind, more in (("remove", [np.array([1], "<u4").tobytes()]), ("branch", []), ("turn", [])):
        say(comparison, {"k": kind, "id": 1, "iteration": 0, "branch": 0, "view_of": 0}, *more)
        assert "view of its own" in told(comparison, "refused")[0]["error"]
    assert run.n == 80
    say(comparison, {"k": "pin", "id": 2, "view_of": 1}, np.array([1], "<u4").tobytes())
    assert "cannot be moved" in told(comparison, "held")[0]["error"]


@pytest.mark.parametrize(
    "content",
    [
        None,
        [],
        "x",
        {},
        {"k": "hello"},
        {"k": "do", "action": "pause", "view_of": 99},
        {"k": "do", "view_of": True},
        {"k": "do", "view_of": -1},
        {"k": "do", "view_of": "0"},
        {"k": "do", "view_of": 0},
        {"k": [], "view_of": 0},
    ],
)
def test_messages_that_mean_nothing_do_nothing(opened, run, Z, content):
    comparison = opened([run, Z])
    say(comparison, content)
    assert run.state == "paused"


def test_a_run_whose_points_change_is_shown_no_longer_and_says_why(opened, run, Z):
    comparison = opened([run, Z])
    say(comparison, {"k": "hello", "view": "v", "protocol": 1, "view_of": 0})
    run.remove([3])
    assert "compare() it again" in told(comparison, "status")[-1]["error"]
    run.step(2)
    assert told(comparison, "frame") == []
    with pytest.raises(DataError, match="79"):
        compare([run, Z])
    with pytest.raises(DataError, match="points have left"):
        compare(
            [run, run.fork().__class__(np.zeros((79, 3)) + np.arange(79)[:, None], ne.TSNE(perplexity=5))]
        )


def test_maps_are_laid_over_the_first(opened, Z):
    comparison = opened({"here": Z, "turned over": mirrored(Z), "solid": np.c_[Z, Z[:, 0]]})
    maps = comparison.aligned()
    np.testing.assert_allclose(maps["turned over"], Z, atol=1e-4)
    assert maps["solid"].shape == (80, 3)


def test_moved_tells_how_much_of_each_neighbourhood_is_another(opened, Z):
    other = mirrored(Z)
    other[0] = [1e3, 1e3]
    comparison = opened({"here": Z, "turned over": mirrored(Z), "one away": other})
    assert comparison.moved("turned over", 5).max() == 0
    moved = comparison.moved(2, 5)
    assert moved.shape == (80,)
    assert moved[0] > 0
    assert comparison._scene["colors"]["names"] == ["moved on turned over", "moved on one away", "one colour"]
    comparison.color_by("moved on one away")
    assert np.allclose(shares(comparison), comparison.moved(2), atol=1e-4)
    assert (comparison._scene["legend"]["low"], comparison._scene["legend"]["high"]) == (0, 1)
    comparison.color_by("moved", moved)  # as a column of one's own
    assert np.allclose(shares(comparison), moved / moved.max(), atol=1e-4)
    for wrong in ("nowhere", 3, True, None):
        with pytest.raises(ParameterError, match="There is no map"):
            comparison.moved(wrong)


def shares(comparison):
    return np.frombuffer(comparison._codes, "<u2") / 65534


def test_what_moved_is_chosen_in_the_browser_and_measured_again(opened, run, Z):
    comparison = opened([run, Z], labels=["a", "b"] * 40)
    assert comparison._scene["colors"]["names"] == ["labels", "moved", "one colour"]
    say(comparison, {"k": "color", "name": "moved", "view_of": 1})
    assert comparison._scene["colors"]["name"] == "moved"
    assert np.allclose(shares(comparison), comparison.moved(), atol=1e-4)
    before = shares(comparison)
    run.step(60)
    assert comparison._moving.wait(20)
    assert np.array_equal(shares(comparison), before)  # nobody looks
    say(comparison, {"k": "hello", "view": "v", "protocol": 1, "view_of": 0})
    comparison._moving._next = 0.0
    run.step(1)
    assert comparison._moving.wait(20)
    assert np.allclose(shares(comparison), comparison.moved(), atol=1e-4)
    assert not np.array_equal(shares(comparison), before)
    comparison._moving._next = float("inf")  # it took long: not before the run stands
    run.start()
    run.pause()
    assert comparison._moving.wait(20)
    assert np.allclose(shares(comparison), comparison.moved(), atol=1e-4)
    comparison.color_by("labels")
    assert comparison._scene["legend"]["kind"] == "category"


def test_neighbours_in_the_data_are_known_of_arrays_too_where_there_is_a_run(opened, run, Z):
    comparison = opened([Z, run])
    say(comparison, {"k": "neighbors", "id": 1, "point": 4, "view_of": 0})
    answer = told(comparison, "neighbors")[0]
    assert (answer["view_of"], answer["note"]) == (0, "")
    alone = opened([Z, Z + 1])
    say(alone, {"k": "neighbors", "id": 1, "point": 4, "view_of": 0})
    assert "made elsewhere" in told(alone, "neighbors")[0]["note"]


def test_another_method_in_one_run_is_told_to_the_shared_panel(opened, run, Z):
    comparison = opened([run, Z])
    assert "min_dist" not in [row["name"] for row in comparison._shared]
    run.switch(ne.UMAP(n_neighbors=5))
    assert "min_dist" in [row["name"] for row in comparison._shared]
    assert comparison._views[0]["scene"]["method"] == "UMAP"


def test_hover_texts_and_search_are_those_of_the_points(opened, run, Z):
    comparison = opened([run, Z], hover={"name": [f"row {i}" for i in range(80)]}, labels=["a", "b"] * 40)
    say(comparison, {"k": "hover", "id": 1, "point": 3, "view_of": 1})
    assert told(comparison, "hover")[0]["rows"] == [["name", "row 3"]]
    say(comparison, {"k": "search", "id": 2, "text": "row 7", "view_of": 1})
    assert told(comparison, "found")[0]["view_of"] == 1
    with pytest.raises(DataError, match="labels"):
        compare([run, Z], labels=[1])


def test_a_recording_holds_the_past_of_all_maps_and_nothing_twice(opened, run, Z, tmp_path):
    other = run.fork()
    other.step(4)
    comparison = opened({"here": run, "there": other, "given": Z}, hover=range(80))
    _, record = written(comparison.to_html(tmp_path / "maps.html"))
    its = [[moment["it"] for moment in one["moments"]] for one in record["maps"]]
    assert its == [[1, 2, 3], list(range(1, 8)), [0]]
    for one, shown in zip(comparison.views, record["maps"], strict=True):
        *_, last = frames_of(shown)
        np.testing.assert_allclose(last, one.run.embedding, atol=np.ptp(one.run.embedding) / 65535)
    assert [view["controls"] for view in record["traits"]["_views"]] == [[], [], []]
    assert "texts" in record
    with (
        pytest.warns(RuntimeWarning, match="texts under the pointer"),
        pytest.raises(DataError, match="one frame of 80 points"),
    ):
        comparison.to_html(tmp_path / "no.html", max_mb=empty_page_size() / 1e6 + 0.005)
    assert not (tmp_path / "no.html").exists()


def test_a_picture_of_all_maps_is_kept_for_hosts_without_widgets(opened, run, X, Z):
    comparison = opened({"here": run, "<b>elsewhere</b>": Z, "solid": np.c_[Z, Z[:, 0]], "more": Z + 1})
    data, _ = comparison._repr_mimebundle_()
    picture = base64.b64decode(data["image/png"])
    assert len(picture) <= 60_000
    assert Image.open(io.BytesIO(picture)).size == (640, 608)
    assert "application/vnd.jupyter.widget-view+json" in data
    unbegun = opened([ne.Stepper(X, ne.TSNE(perplexity=5)), Z])
    assert "image/png" not in unbegun._repr_mimebundle_()[0]


def test_the_figure_has_a_map_beside_the_other_each_laid_over_the_first(opened, run, Z):
    solid = np.c_[Z, Z[:, 0]]
    maps = {"here": Z, "<b>turned</b>": mirrored(Z), "solid": solid, "run": run, "turned too": solid[:, ::-1]}
    comparison = opened(maps, labels=["a", "b"] * 40, hover=[f"<i>{i}" for i in range(80)])
    figure = comparison.figure(title="<b>maps</b>", theme="dark")
    assert len(figure.data) == 10
    first, second = figure.data[:2], figure.data[2:4]
    for here, there in zip(first, second, strict=True):
        np.testing.assert_allclose(here.x, there.x, atol=1e-3)
        np.testing.assert_allclose(here.y, there.y, atol=1e-3)
        assert (here.xaxis, there.xaxis) == ("x", "x2")
        assert here.legendgroup == there.legendgroup
        assert (here.showlegend, there.showlegend) == (True, False)
    assert figure.layout.xaxis2.matches == "x"
    assert figure.layout.yaxis3.matches == "y"
    np.testing.assert_allclose(figure.data[8].z, figure.data[4].z, atol=1e-3)
    assert [trace.scene for trace in (figure.data[4], figure.data[8])] == ["scene", "scene2"]
    names = [note.text for note in figure.layout.annotations]
    assert names == ["here", "&lt;b&gt;turned&lt;/b&gt;", "solid", "run", "turned too"]
    assert figure.data[0].hovertext[1] == "&lt;i&gt;2"
    comparison.color_by("moved on solid")
    bars = [trace.marker.showscale for trace in comparison.figure().data]
    assert bars == [None, False, False, False, False]
    with pytest.raises(ParameterError, match="theme"):
        comparison.figure(theme="blue")
