"""Pictures for the card under the pointer."""

import numpy as np
import pandas as pd
import pytest
import torch

from ne_interactive.params.errors import DataError
from ne_interactive.quality.pictures import Pixels, Thumbnails, read_pictures

PNG, JPEG = b"\x89PNG\r\n\x1a\n1234", b"\xff\xd8\xff1234"
WEBP = b"RIFF\x04\0\0\0WEBP1234"


def test_bytes_are_shown_as_they_are():
    images = np.random.default_rng(0).integers(0, 99, (4, 3, 5)).astype(np.uint8)
    view = Pixels(images, 4)
    assert (view.width, view.height) == (5, 3)
    assert view.picture(2) == ({"w": 5, "h": 3, "c": 1}, images[2].tobytes())


@pytest.mark.parametrize(
    ("images", "pixels"),
    [
        (np.array([[0, 4, 8, 16], [16, 0, 0, 0]], float), [0, 64, 128, 255]),
        (np.array([[-1, 0, 1, 1], [0, 0, 0, 0]], np.float32), [0, 128, 255, 255]),
        (np.array([[0, np.nan, np.inf, 2], [0, 0, 0, 0]]), [0, 0, 255, 255]),
        (np.zeros((2, 4)), [0, 0, 0, 0]),
        (np.array([[False, True, True, False]] * 2), [0, 255, 255, 0]),
        (torch.tensor([[0.0, 0.5, 1.0, 1.0], [0, 0, 0, 0]]), [0, 128, 255, 255]),
        ([[0, 1, 2, 4], [0, 0, 0, 0]], [0, 64, 128, 255]),
    ],
)
def test_other_numbers_are_scaled(images, pixels):
    view = Pixels(images, 2)
    assert (view.width, view.height) == (2, 2)
    assert list(view.picture(0)[1]) == pixels


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((2, 4)), r"shape \(3, h, w\), \(3, h\*w\).*got \(2, 4\)"),
        (np.zeros(3), r"got \(3,\)"),
        (np.zeros((3, 5)), r"5 pixels are not square: reshape them to \(3, height, width\)"),
        (np.zeros((3, 600, 2)), "1 to 512 pixels a side; got 600 x 2"),
        (np.zeros((3, 0)), "1 to 512 pixels a side"),
        (np.array([["a"] * 4] * 3), "must hold numbers"),
        (np.zeros((3, 4), complex), "must hold numbers"),
        (np.zeros((3, 2, 2, 2)), r"\(3, h, w, 4\); got \(3, 2, 2, 2\)"),
        ("abc", "must hold numbers"),
    ],
)
def test_what_is_no_image_is_refused(images, message):
    with pytest.raises(DataError, match=message):
        Pixels(images, 3)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_pictures_in_colours(channels):
    images = np.arange(2 * 3 * 2 * channels, dtype=np.uint8).reshape(2, 3, 2, channels)
    info, pixels = read_pictures(images, 2).picture(1)
    assert info == {"w": 2, "h": 3, "c": channels}
    assert pixels == images[1].tobytes()


def test_a_tensor_of_bytes_is_shown_as_it_is():
    images = torch.tensor([[0, 7, 9, 1]] * 2, dtype=torch.uint8)
    assert list(read_pictures(images, 2).picture(0)[1]) == [0, 7, 9, 1]


@pytest.mark.parametrize(
    "images",
    [
        [PNG, JPEG, None, WEBP],
        (PNG, bytearray(JPEG), float("nan"), memoryview(WEBP)),
        pd.Series([PNG, JPEG, None, WEBP], index=[3, 2, 1, 0]),
        np.array([PNG, JPEG, None, WEBP], dtype=object),
    ],
)
def test_encoded_pictures_are_given_as_they_are(images):
    view = read_pictures(images, 4)
    assert isinstance(view, Thumbnails)
    assert [view.picture(point) for point in range(4)] == [
        ({"type": "image/png"}, PNG),
        ({"type": "image/jpeg"}, JPEG),
        None,
        ({"type": "image/webp"}, WEBP),
    ]


@pytest.mark.parametrize(
    ("images", "message"),
    [
        ([PNG, b"<svg xmlns='x'/>"], r"PNG, JPEG or WebP; entry 1 begins with b'<svg'"),
        ([PNG, b"RIFF1234WAVE"], "entry 1 begins with b'RIFF'"),
        ([PNG, b""], "entry 1"),
        ([PNG, "text"], "must all be bytes, or None; entry 1 is a str"),
        ([PNG], "one entry for each of the 2 points; got 1"),
        ([PNG, PNG + bytes(1 << 20)], "at most 1,048,576 bytes; entry 1 has"),
    ],
)
def test_what_is_no_picture_that_a_browser_need_show_is_refused(images, message):
    with pytest.raises(DataError, match=message):
        read_pictures(images, 2)
