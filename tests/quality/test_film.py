"""Films: a GIF that shows the run, an MP4 where there is ffmpeg, and never half a file."""

import os
import stat
import sys

import numpy as np
import pytest
from PIL import Image

from ne_interactive.params.errors import MissingPackageError, NEError, ParameterError
from ne_interactive.quality.film import save_film

SQUARE = np.array([[-1, -1], [1, -1], [-1, 1], [1, 1]], np.float32)
PAST = {0: SQUARE, 10: SQUARE * [[3, 1]]}
SMALL = {"size": (80, 60), "seconds": 0.5}


def pictures(path):
    with Image.open(path) as film:
        for i in range(film.n_frames):
            film.seek(i)
            yield np.asarray(film.convert("RGB"))


def test_a_gif_moves_and_holds_its_last_picture(tmp_path):
    path = save_film(tmp_path / "run.gif", PAST, ["a", "b", "a", "b"], **SMALL)
    shown = list(pictures(path))
    assert 4 <= len(shown) <= 8
    assert shown[0].shape == (60, 80, 3)
    assert all((picture[30, 40] == 255).all() for picture in shown)
    assert (shown[0] != shown[-1]).any()
    assert not list(tmp_path.glob(".*"))
    with Image.open(path) as film:
        assert film.info["loop"] == 0
        film.seek(film.n_frames - 1)
        assert film.info["duration"] == 1500


def test_a_dark_film_of_three_dimensions_turns(tmp_path):
    Z = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
    path = save_film(tmp_path / "run.GIF", {0: Z, 1: Z}, theme="dark", **SMALL)
    shown = list(pictures(path))
    assert (shown[0] != shown[-1]).any(), "it turns although nothing moves"
    assert (shown[0][0, 0] == [0x15, 0x17, 0x1A]).all()


def program(folder, text):
    path = folder / "ffmpeg"
    path.write_text(f"#!{sys.executable}\nimport sys\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def test_an_mp4_is_every_picture_handed_to_ffmpeg(tmp_path, monkeypatch):
    """The program is replaced by one that writes what it got, since not every machine has it."""
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    program(
        tmp_path,
        "open(sys.argv[-1], 'wb').write(' '.join(sys.argv[1:]).encode() + b'|' + sys.stdin.buffer.read())",
    )
    command, _, data = save_film(tmp_path / "run.mp4", PAST, **SMALL).read_bytes().partition(b"|")
    assert len(data) == 15 * 80 * 60 * 3
    assert b"-s 80x60 -r 30 -i -" in command
    first = np.frombuffer(data[: 80 * 60 * 3], np.uint8).reshape(60, 80, 3)
    assert (first[30, 40] == 255).all()
    assert (first != 255).any()


def test_what_ffmpeg_complains_of_is_said_and_the_old_film_stays(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    program(tmp_path, "print('no encoder', file=sys.stderr); sys.exit(3)")
    path = tmp_path / "run.mp4"
    path.write_text("old")
    with pytest.raises(NEError, match="ffmpeg could not write the film: no encoder"):
        save_film(path, PAST, **SMALL)
    assert path.read_text() == "old"
    assert not list(tmp_path.glob(".*"))


def test_without_ffmpeg_it_is_said_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingPackageError, match=r"program ffmpeg, .* or write a \.gif"):
        save_film(tmp_path / "run.mp4", PAST, **SMALL)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"path": "run.avi"}, r"must end in .gif or .mp4; got 'run.avi'"),
        ({"size": (80, 10)}, "each from 16 to 4096; got"),
        ({"size": (80, 61), "path": "run.mp4"}, "even numbers of pixels; got 80 x 61"),
        ({"size": "big"}, "size must be"),
        ({"seconds": 0}, r"seconds must lie in \[0.5, 120\]; got 0"),
        ({"seconds": True}, "seconds must lie"),
        ({"theme": "blue"}, "theme must be"),
        ({"path": "nowhere/run.gif"}, "no folder .*nowhere"),
    ],
)
def test_what_cannot_be_made_is_refused(tmp_path, changes, told):
    name = changes.pop("path", "run.gif")
    with pytest.raises(ParameterError, match=told):
        save_film(tmp_path / name, PAST, **(SMALL | changes))
    assert list(tmp_path.iterdir()) == []
