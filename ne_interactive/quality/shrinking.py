"""Pictures of half the size, for where whole ones would take too much."""

import io
from typing import Any

import numpy as np

FORMATS = {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WEBP"}
LOSSY = 70  # quality, of 100

Picture = tuple[dict[str, Any], bytes]


def halved(picture: Picture | None) -> Picture | None:
    """Give a picture with half as many pixels a side, rounded up: pixels or encoded, as it is.

    One that cannot be decoded is left out, as no browser shows it.
    """
    if picture is None:
        return None
    kind, content = picture
    return _encoded(kind, content) if "type" in kind else _pixels(kind, content)


def longest_side(picture: Picture) -> int:
    """Give the longer side in pixels; 0 if it cannot be decoded."""
    kind, content = picture
    if "type" not in kind:
        return max(kind["w"], kind["h"])
    from PIL import Image

    try:
        with Image.open(io.BytesIO(content)) as image:
            return max(image.size)
    except Exception:  # whatever a broken picture leads to
        return 0


def _pixels(kind: dict[str, Any], content: bytes) -> Picture:
    """Means of four pixels; an odd last row or column counts twice."""
    image = np.frombuffer(content, np.uint8).reshape(kind["h"], kind["w"], kind["c"]).astype(np.uint16)
    image = np.pad(image, ((0, kind["h"] % 2), (0, kind["w"] % 2), (0, 0)), "edge")
    small = (image[::2, ::2] + image[1::2, ::2] + image[::2, 1::2] + image[1::2, 1::2] + 2) // 4
    return kind | {"w": small.shape[1], "h": small.shape[0]}, small.astype(np.uint8).tobytes()


def _encoded(kind: dict[str, Any], content: bytes) -> Picture | None:
    from PIL import Image

    out = io.BytesIO()
    try:
        with Image.open(io.BytesIO(content)) as image:
            width, height = image.size
            image.thumbnail(((width + 1) // 2, (height + 1) // 2))
            image.save(out, FORMATS[kind["type"]], quality=LOSSY, optimize=True)
    except Exception:  # whatever a broken picture leads to
        return None
    return kind, out.getvalue()
