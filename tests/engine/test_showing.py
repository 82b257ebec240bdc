"""What a run gives to keep and to share."""

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import ne_interactive as ne

LABELS = ["a", "b"] * 30


@pytest.fixture(scope="module")
def run():
    X = np.random.default_rng(0).normal(size=(60, 5)).astype(np.float32)
    run = ne.Stepper(X, ne.TSNE(perplexity=5, random_state=0))
    run.step(12)
    return run


def test_a_figure_is_the_present_map(run):
    figure = run.figure(LABELS, hover={"row": range(60)}, title="now", theme="dark")
    np.testing.assert_array_equal(figure.data[0].x, run.embedding[::2, 0])
    assert figure.data[1].hovertext[0] == "row: 1"
    assert figure.layout.title.text == "now"
    with pytest.raises(ne.DataError, match="60 points; got 3"):
        run.figure([1, 2, 3])


def test_an_animation_ends_with_the_present_map(run):
    figure = run.animation(LABELS)
    assert [frame.name for frame in figure.frames] == [str(at) for at in range(1, 13)]
    np.testing.assert_array_equal(figure.frames[-1].data[0].x, run.embedding[::2, 0])


def test_a_film_is_written_where_it_was_asked(run, tmp_path):
    path = run.save_animation(tmp_path / "run.gif", LABELS, size=(64, 48), seconds=0.5)
    with Image.open(path) as film:
        assert film.size == (64, 48)
        assert film.n_frames > 1


def test_a_run_that_keeps_no_frames_shows_its_present_one():
    X = np.random.default_rng(0).normal(size=(30, 4))
    run = ne.Stepper(X, ne.TSNE(perplexity=5, random_state=0), history=0)
    run.step(3)
    assert list(run.moments()) == [3]
    assert len(run.animation().frames) == 1


def test_a_hyperbolic_map_lies_in_its_disk():
    X = np.random.default_rng(0).normal(size=(30, 4))
    run = ne.Stepper(X, ne.COSNE(perplexity=5, random_state=0))
    run.step(2)
    assert run.figure().layout.shapes[0].type == "circle"
    assert run.animation().layout.shapes[0].type == "circle"


def test_plotly_and_pillow_are_imported_only_when_a_picture_is_made():
    code = (
        "import sys, numpy, ne_interactive as ne; ne.Stepper(numpy.random.rand(200, 3)).step(1);"
        "print([name for name in ('plotly', 'PIL') if name in sys.modules])"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert shown.stdout.strip() == "[]"


def test_moments_are_of_the_points_that_there_are_now():
    X = np.random.default_rng(0).normal(size=(60, 5)).astype(np.float32)
    run = ne.Stepper(X, ne.TSNE(perplexity=5, random_state=0))
    run.step(3)
    before = run.history[2]
    keep = np.setdiff1d(np.arange(len(X)), [0, 4])
    run.remove([0, 4])
    run.step(2)
    assert list(run.moments()) == [1, 2, 3, 4, 5]
    assert np.array_equal(run.moments()[2], before[keep])
    run.add(X[:2])  # as many as at the beginning, but others
    run.step(2)
    assert list(run.moments()) == [6, 7]
    run.focus(np.arange(20))
    run.step(2)
    assert list(run.moments()) == list(range(1, 10))
    assert np.array_equal(run.moments()[2], before[keep][:20])
    run.unfocus()
    run.step(1)
    assert list(run.moments()) == [6, 7, 10]
    run.rewind(4)
    assert list(run.moments()) == [1, 2, 3, 4]
