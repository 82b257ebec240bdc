"""The past of an embedding as a film: GIF by Pillow, MP4 by ffmpeg."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import numpy as np

from ne_interactive.params.errors import MissingPackageError, NEError, ParameterError
from ne_interactive.quality.files import whole
from ne_interactive.quality.labels import read_labels
from ne_interactive.quality.palette import Theme, check_theme
from ne_interactive.quality.raster import Raster, flat, keep_background
from ne_interactive.quality.reel import Reel
from ne_interactive.quality.text import plain_text

SUFFIXES = (".gif", ".mp4")
FPS = {".gif": 15, ".mp4": 30}
HOLD = 1.5  # seconds that the last picture stays
TURN = 0.6  # radians by which three dimensions turn during the film
MAX_SIDE = 4096
SAMPLES = 6  # pictures whose colours a GIF's palette is made from


def save_film(
    path: str | os.PathLike[str],
    frames: Mapping[int, np.ndarray],
    labels: object = None,
    *,
    size: tuple[int, int] = (640, 480),
    seconds: float = 8.0,
    theme: Theme = "light",
    disk: bool = False,
) -> Path:
    """Write frames (n, 2 or 3) by iteration as a film that follows the map as it grows.

    Args:
        path: Ends in .gif or .mp4, which needs the program ffmpeg.
        frames: Positions by iteration; between two of them points move straight.
        labels: One label for each point, which gives it its colour.
        size: Width and height in pixels, 16 to 4096; even numbers for MP4.
        seconds: How long it lasts, 0.5 to 120; the last picture stays for 1.5 seconds more.
        theme: "light" or "dark".
        disk: Draw the unit circle around the points.

    Raises:
        ParameterError: an argument out of bounds, or another ending of the path.
        MissingPackageError: no ffmpeg for MP4.
    """
    path = Path(path)
    kind = path.suffix.lower()
    if kind not in SUFFIXES:
        raise ParameterError(f"a film's path must end in .gif or .mp4; got {plain_text(path.name, 80)!r}.")
    check_theme(theme)
    _check_size(size, kind)
    if isinstance(seconds, bool) or not isinstance(seconds, Real) or not 0.5 <= float(seconds) <= 120:
        raise ParameterError(f"seconds must lie in [0.5, 120]; got {plain_text(seconds, 40)}.")
    reel = Reel(frames)
    raster = Raster(read_labels(labels, reel.n), reel.n, size, theme, disk=disk)
    write = _gif if kind == ".gif" else _mp4
    with whole(path) as file:
        write(file, _Pictures(reel, raster, max(2, round(float(seconds) * FPS[kind])), theme))
    return path


class _Pictures:
    """The pictures of a film, drawn when they are asked for."""

    def __init__(self, reel: Reel, raster: Raster, count: int, theme: Theme) -> None:
        self._reel, self._raster = reel, raster
        self.theme: Theme = theme
        self.size = (raster.width, raster.height)
        self.times = reel.times(count)

    def one(self, place: int) -> np.ndarray:
        """Draw the picture at a place, (height, width, 3) uint8."""
        turn = TURN * place / len(self.times)
        Z = flat(self._reel.at(self.times[place]), turn)
        return self._raster.draw(Z)

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self.one(place) for place in range(len(self.times)))


def _gif(file: Path, pictures: _Pictures) -> None:
    from PIL import Image

    places = np.unique(np.linspace(0, len(pictures.times) - 1, SAMPLES).astype(int))
    sample = Image.fromarray(np.concatenate([pictures.one(place) for place in places.tolist()]))
    palette = sample.quantize(255, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    keep_background(palette, pictures.theme)
    images = (
        Image.fromarray(picture).quantize(palette=palette, dither=Image.Dither.NONE) for picture in pictures
    )
    times = [round(1000 / FPS[".gif"])] * (len(pictures.times) - 1) + [round(1000 * HOLD)]
    next(images).save(
        file, "GIF", save_all=True, append_images=images, duration=times, loop=0, optimize=False, disposal=1
    )


def _mp4(file: Path, pictures: _Pictures) -> None:
    program = shutil.which("ffmpeg")
    if program is None:
        raise MissingPackageError(
            "MP4 is written by the program ffmpeg, which is not on the PATH. Install it (on Debian: apt-get install "
            "ffmpeg), or write a .gif."
        )
    width, height = pictures.size
    command = [program, "-y", "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "rgb24"]
    command += ["-s", f"{width}x{height}", "-r", str(FPS[".mp4"]), "-i", "-", "-an"]
    command += ["-vf", f"tpad=stop_mode=clone:stop_duration={HOLD:g}", "-c:v", "libx264", "-crf", "18"]
    command += ["-pix_fmt", "yuv420p", "-movflags", "+faststart", "-f", "mp4", str(file)]
    with tempfile.TemporaryFile() as complaints:
        with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=complaints) as ffmpeg:
            assert ffmpeg.stdin is not None
            try:
                for picture in pictures:
                    ffmpeg.stdin.write(picture.tobytes())
                ffmpeg.stdin.close()
            except BrokenPipeError:
                pass  # it says why
            except BaseException:
                ffmpeg.kill()
                raise
        if ffmpeg.returncode:
            complaints.seek(0)
            told = plain_text(complaints.read().decode("utf-8", "replace").strip(), 500)
            raise NEError(f"ffmpeg could not write the film: {told}")


def _check_size(size: Any, kind: str) -> None:
    good = (
        isinstance(size, tuple | list)
        and len(size) == 2
        and all(isinstance(side, Integral) and not isinstance(side, bool) for side in size)
        and all(16 <= side <= MAX_SIDE for side in size)
    )
    if not good:
        raise ParameterError(
            f"size must be (width, height) in pixels, each from 16 to {MAX_SIDE}; got {plain_text(size, 40)}."
        )
    if kind == ".mp4" and any(side % 2 for side in size):
        raise ParameterError(f"MP4 needs even numbers of pixels; got {size[0]} x {size[1]}.")
