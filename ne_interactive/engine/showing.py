"""What a run gives to keep and to share: figures, an animation, a film. Plotly and Pillow are imported when called."""

from __future__ import annotations

import os
from bisect import bisect_left
from pathlib import Path
from typing import Any

import numpy as np

from ne_interactive.engine.judging import Judging
from ne_interactive.quality.palette import Theme


class Showing(Judging):
    """The part of a `Stepper` that makes pictures."""

    def figure(
        self,
        labels: object = None,
        *,
        hover: object = None,
        title: str | None = None,
        point_size: float | None = None,
        theme: Theme = "light",
    ) -> Any:
        """The present map as a Plotly figure, in two or three dimensions.

        Args:
            labels: one for each point, categories or numbers, in the colours of the live view.
            hover: texts for each point: a data frame, a mapping of columns, or one sequence.
            title: above the figure.
            point_size: diameter in pixels; by default smaller the more points there are.
            theme: "light" or "dark".

        Raises:
            DataError: if labels or hover do not fit, or the map has not two or three dimensions.
        """
        from ne_interactive.quality.figures import embedding_figure

        more: dict[str, Any] = {"hover": hover, "title": title, "point_size": point_size}
        return embedding_figure(self.embedding, labels, theme=theme, disk=self._in_disk(), **more)

    def animation(
        self,
        labels: object = None,
        *,
        hover: object = None,
        title: str | None = None,
        theme: Theme = "light",
        max_mb: float = 20.0,
    ) -> Any:
        """The frames of `history` as a Plotly figure with a slider, and a button that plays them; see `figure`.

        Frames are left out, evenly in time, until what is left fits into `max_mb`; never more than 100 are taken.

        Raises:
            DataError: if not even the first and the last frame fit.
        """
        from ne_interactive.quality.animation import animation_figure

        more: dict[str, Any] = {"hover": hover, "title": title, "max_mb": max_mb}
        return animation_figure(self.moments(), labels, theme=theme, disk=self._in_disk(), **more)

    def save_animation(
        self,
        path: str | os.PathLike[str],
        labels: object = None,
        *,
        size: tuple[int, int] = (640, 480),
        seconds: float = 8.0,
        theme: Theme = "light",
    ) -> Path:
        """Write the frames of `history` as a film: to a .gif, or to an .mp4 where the program ffmpeg is installed.

        Args:
            path: where to; the ending decides.
            labels: one for each point, which gives it its colour.
            size: width and height in pixels.
            seconds: how long it lasts, beside the 1.5 seconds for which the last picture stays.
            theme: "light" or "dark".

        Raises:
            ParameterError: if an argument is out of bounds.
            MissingPackageError: if there is no ffmpeg for an .mp4.
        """
        from ne_interactive.quality.film import save_film

        more: dict[str, Any] = {"size": size, "seconds": seconds, "theme": theme}
        return save_film(path, self.moments(), labels, disk=self._in_disk(), **more)

    def loss_figure(self) -> Any:
        """The loss by iteration with the changes made, as a Plotly figure."""
        from ne_interactive.quality.figures import loss_figure

        iterations, losses = self.losses
        return loss_figure(iterations, losses, events=self.events)

    def moments(self) -> dict[int, np.ndarray]:
        """Frames by iteration that belong together: those of `history`, and the present one.

        All are of the points that the run has now, in their order; those in which one of these was missing are left
        out.
        """
        with self._turnstile.visit():
            frames = {at: Z.numpy() for at, Z in self._core.past.frames.items()}
            groups, ids, now = self._core.groups(), self.ids, self.frame()
        since = [at for at, _ in groups]
        places = [_places(ids, among) for _, among in groups]
        told = {}
        for at, Z in frames.items():
            place = places[
                bisect_left(since, at, lo=1) - 1
            ]  # a frame is of the time before what is changed at it
            if place is not None:
                told[at] = Z[place]
        return told | {now.iteration: now.embedding}

    def scale_at(self, iteration: int) -> float:
        """The `scale` of a frame among `moments`."""
        with self._turnstile.visit():
            return self._core.scale_at(iteration)

    def _in_disk(self) -> bool:
        return self.c == 2 and bool(getattr(type(self.method), "disk", False))


def _places(ids: np.ndarray, among: np.ndarray) -> Any:
    """Where numbers are among others, both ascending: all of them as a slice, None where one is missing."""
    if np.array_equal(ids, among):
        return slice(None)
    places = np.searchsorted(among, ids)
    there = places < len(among)
    return places if there.all() and np.array_equal(among[places], ids) else None
