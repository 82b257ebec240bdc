"""A picture for each point: pixels, or encoded thumbnails as they are."""

import math
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from ne_interactive.params.errors import DataError
from ne_interactive.quality.text import is_missing

MAX_SIDE = 512
MAX_BYTES = 1 << 20
CHANNELS = {1: "grey", 3: "RGB", 4: "RGBA"}


def read_pictures(images: Any, n: int) -> "Pixels | Thumbnails":
    """Take pictures for `n` points: an array of pixels (see `Pixels`), or a list of encoded ones (see `Thumbnails`).

    Raises:
        DataError: they are neither, or not one for each point.
    """
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(images, pandas.Series):
        images = list(images)
    listed = isinstance(images, Sequence) or (isinstance(images, np.ndarray) and images.dtype.kind in "OS")
    kinds = {type(image) for image in images if not is_missing(image)} if listed else set()
    if kinds & {bytes, bytearray, memoryview}:
        return Thumbnails(list(images), n)
    return Pixels(images, n)


class Pixels:
    """One picture of h x w pixels for each of n points, grey or in colours."""

    def __init__(self, images: Any, n: int) -> None:
        """Take grey pictures (n, h, w), or (n, h*w) if square; RGB (n, h, w, 3) or RGBA (n, h, w, 4).

        uint8 is shown as it is, other numbers are scaled to 0 … 255.

        Raises:
            DataError: another shape or kind, or more than 512 pixels a side.
        """
        if isinstance(images, torch.Tensor):
            images = images.detach().cpu()
            images = (images.float() if images.is_floating_point() else images).numpy()
        array = np.asarray(images)
        if array.dtype.kind not in "buif":
            raise DataError(f"images must hold numbers, or be PNG, JPEG or WebP as bytes; got {array.dtype}.")
        if (
            array.ndim not in (2, 3, 4)
            or len(array) != n
            or (array.ndim == 4 and array.shape[3] not in CHANNELS)
        ):
            raise DataError(
                f"images must have the shape ({n}, h, w), ({n}, h*w), ({n}, h, w, 3) or ({n}, h, w, 4); "
                f"got {array.shape}."
            )
        if array.ndim == 2:
            side = math.isqrt(array.shape[1])
            if side * side != array.shape[1]:
                raise DataError(
                    f"images of {array.shape[1]} pixels are not square: reshape them to ({n}, height, width)."
                )
            array = array.reshape(n, side, side)
        self.height, self.width = array.shape[1:3]
        self.channels = array.shape[-1] if array.ndim == 4 else 1
        if not (1 <= self.height <= MAX_SIDE and 1 <= self.width <= MAX_SIDE):
            raise DataError(
                f"images must have 1 to {MAX_SIDE} pixels a side; got {self.height} x {self.width}."
            )
        self._images = array
        self._low, self._high = (0.0, 255.0) if array.dtype == np.uint8 else _range(array)

    def picture(self, point: int) -> tuple[dict[str, Any], bytes]:
        """Say what it is, and give its h*w*channels bytes, row by row from the top, 255 being the highest value."""
        image = np.nan_to_num(self._images[point].astype(np.float64), posinf=self._high, neginf=self._low)
        share = (image - self._low) / (self._high - self._low)
        pixels = np.rint(np.clip(share, 0, 1) * 255).astype(np.uint8).tobytes()
        return {"w": self.width, "h": self.height, "c": self.channels}, pixels


class Thumbnails:
    """An encoded picture (PNG, JPEG or WebP) for each of n points; None where there is none."""

    def __init__(self, images: list[Any], n: int) -> None:
        """Check that each is what its first bytes say, and at most 1 MB; nothing is decoded here.

        Raises:
            DataError: one is something else, or there is not one for each point.
        """
        if len(images) != n:
            raise DataError(f"images must have one entry for each of the {n} points; got {len(images)}.")
        self._images = [None if is_missing(image) else image for image in images]
        for point, image in enumerate(self._images):
            if image is None:
                continue
            if not isinstance(image, bytes | bytearray | memoryview):
                raise DataError(
                    f"images must all be bytes, or None; entry {point} is a {type(image).__name__}."
                )
            if kind_of(image) is None:
                raise DataError(
                    f"images must be PNG, JPEG or WebP; entry {point} begins with {bytes(image[:4])!r}."
                )
            if len(image) > MAX_BYTES:
                raise DataError(
                    f"images must have at most {MAX_BYTES:,} bytes; entry {point} has {len(image):,}."
                )

    def picture(self, point: int) -> tuple[dict[str, Any], bytes] | None:
        """Say what it is, and give its bytes; None where there is none."""
        image = self._images[point]
        return None if image is None else ({"type": kind_of(image)}, bytes(image))


def kind_of(image: bytes | bytearray | memoryview) -> str | None:
    """Tell the kind of an encoded picture by its first bytes; None if it is none that a browser need show."""
    head = bytes(image[:12])
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    return "image/webp" if head[:4] == b"RIFF" and head[8:12] == b"WEBP" else None


def _range(array: np.ndarray) -> tuple[float, float]:
    """Let zero stay black where nothing is negative, whatever the brightest pixel."""
    low, high = float(array.min()), float(array.max())
    if not (math.isfinite(low) and math.isfinite(high)):
        finite = array[np.isfinite(array)]
        low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    low = min(low, 0.0)
    return low, high if high > low else low + 1.0
