"""Quantisation, headers, and text that JSON can carry."""

import json
import math

import numpy as np
import pytest

from ne_interactive.widget.wire import (
    LEVELS,
    frame_message,
    number,
    plain,
    quantize,
    status_message,
)

from .fake import Frame


def back(u, lo, sc):
    return np.asarray(lo) + u.astype(np.float64) * np.asarray(sc)


@pytest.mark.parametrize("scale", [1e-30, 1e-4, 1.0, 1e6, 1e30])
@pytest.mark.parametrize("shift", [0.0, -7.25, 1e3])
def test_positions_come_back_within_half_a_level(scale, shift):
    Z = (np.random.default_rng(3).normal(size=(5000, 2)) * scale + shift).astype(np.float32)
    u, lo, sc = quantize(Z)
    assert u.dtype == np.dtype("<u2")
    assert u.flags.c_contiguous
    error = np.abs(back(u, lo, sc) - Z.astype(np.float64))
    rounding = 2 * np.spacing(np.abs(Z).max().astype(np.float64))
    assert (error <= np.asarray(sc) * 0.5 + rounding).all()


def test_the_bounding_box_is_exact():
    Z = np.array([[-3, 10], [5, 20], [1, 15]], np.float32)
    u, lo, sc = quantize(Z)
    assert lo == [-3, 10]
    assert u.min(axis=0).tolist() == [0, 0]
    assert u.max(axis=0).tolist() == [LEVELS, LEVELS]
    np.testing.assert_allclose(back(u, lo, sc), Z, atol=1e-4)


def test_without_extent_positions_are_exact():
    u, lo, sc = quantize(np.array([[2.5, 1], [2.5, 3]], np.float32))
    assert sc[0] == 0
    assert back(u, lo, sc)[:, 0].tolist() == [2.5, 2.5]
    u, lo, sc = quantize(np.full((4, 2), 1e-3, np.float32))
    assert sc == [0, 0]
    assert not u.any()


def test_largest_floats_keep_a_finite_scale():
    top = np.finfo(np.float32).max
    u, _, sc = quantize(np.array([[-top, 0], [top, 1]], np.float32))
    assert all(map(math.isfinite, sc))
    assert u[:, 0].tolist() == [0, LEVELS]


def test_a_position_that_is_not_finite_goes_to_the_corner():
    u, lo, sc = quantize(np.array([[np.nan, 1], [2, np.inf], [4, 3]], np.float32))
    assert np.isfinite([*lo, *sc]).all()
    assert u[0, 0] == 0
    assert u[1, 1] == 0
    assert u[2].tolist() == [LEVELS, LEVELS]
    u, lo, sc = quantize(np.full((2, 2), np.nan, np.float32))
    assert not u.any()
    assert lo == [0, 0]
    assert sc == [0, 0]


def test_a_frame_has_all_that_it_needs(run):
    run.iterate(3)
    content, (buffer,) = frame_message(run.frame(), run, 7, key=False)
    assert content == {
        "k": "frame", "seq": 7, "it": 3, "n": 6, "c": 2, "q": "u16", "lo": content["lo"], "sc": content["sc"],
        "scale": 1.0, "loss": 1.0, "state": "paused", "speed": 20.0, "seconds": 0.3, "note": "",
        "params": {"exaggeration": 12.0, "perplexity": 30.0, "max_iter": 100},
        "following": {"exaggeration": True}, "work": {},
    }  # fmt: skip
    assert buffer.nbytes == 6 * 2 * 2
    Z = back(np.frombuffer(buffer, "<u2").reshape(-1, 2), content["lo"], content["sc"])
    np.testing.assert_allclose(Z, run.embedding, atol=1e-4)


def test_a_keyframe_is_exact_and_its_loss_may_be_unknown(run):
    content, (buffer,) = frame_message(run.frame(), run, 1, key=True)
    assert content["q"] == "f32"
    assert content["loss"] is None
    np.testing.assert_array_equal(np.frombuffer(buffer, "<f4").reshape(-1, 2), run.embedding)


@pytest.mark.parametrize("key", [False, True])
def test_a_sent_buffer_is_nobody_elses(key, run):
    Z = run.embedding
    frame = Frame(1, Z, 1.0, {}, 0.1, "running")
    _, (buffer,) = frame_message(frame, run, 1, key=key)
    before = bytes(buffer)
    Z[:] = 99
    assert bytes(buffer) == before
    assert buffer.readonly


def test_status_tells_the_error_of_the_run(run):
    run.error, run.state = ArithmeticError("diverged <b>at</b> 7"), "failed"
    status = status_message(run)
    assert status["error"] == "ArithmeticError: diverged <b>at</b> 7"
    assert status["state"] == "failed"
    assert status["loss"] is None
    assert set(status) == {
        "k",
        "state",
        "message",
        "error",
        "it",
        "speed",
        "loss",
        "params",
        "following",
        "work",
        "changes",
        "undo",
    }


def test_plain_gives_only_what_json_can_carry():
    odd = {
        "a": np.float32(1.5),
        "b": float("nan"),
        "c": np.int64(3),
        4: [np.bool_(True), None, object],
        "d": 10**400,
    }
    text = json.dumps(plain(odd), allow_nan=False)
    assert json.loads(text) == {"a": 1.5, "b": None, "c": 3, "4": [True, None, str(object)], "d": None}
    assert number("x") is None
    assert number(float("inf")) is None
    assert number("2") == 2.0
