"""What the kernel sends today is what the golden files hold, and means what they say."""

import json

import numpy as np
import pytest

from .make import HERE, build

GOLDEN = json.loads((HERE / "frames.json").read_text(encoding="utf-8"))
BLOB = (HERE / "frames.bin").read_bytes()
FRAMES = [message for message in GOLDEN["messages"] if message["content"].get("k") == "frame"]


def test_the_files_are_what_the_script_makes():
    content, blob = build()
    assert json.loads(json.dumps(content, allow_nan=False)) == GOLDEN
    assert blob == BLOB


@pytest.mark.parametrize("message", FRAMES, ids=lambda message: message["name"])
def test_a_frame_reads_back_as_its_positions(message):
    content, ((offset, length),) = message["content"], message["buffers"]
    dtype = {"u16": "<u2", "f32": "<f4"}[content["q"]]
    values = np.frombuffer(BLOB[offset : offset + length], dtype).reshape(content["n"], content["c"])
    Z = np.array(content["lo"]) + values.astype(np.float64) * np.array(content["sc"])
    error = np.abs(Z - np.array(message["positions"]))
    assert (error <= np.array(message["tolerance"]) * (1 + 1e-6)).all()


def test_every_byte_belongs_to_one_message():
    places = [place for message in GOLDEN["messages"] for place in message["buffers"]]
    ends = [0, *[offset + length for offset, length in places]]
    assert [offset for offset, _ in places] == ends[:-1]
    assert ends[-1] == len(BLOB)
