"""Credits, trickle, patience and forgetting, on a clock that only the test moves."""

from itertools import pairwise

import pytest

from ne_interactive.widget.link import FORGET_AFTER, FRAME_GAP, MAX_VIEWS, PATIENCE, TRICKLE_GAP, Link


@pytest.fixture
def link(clock):
    link = Link(clock)
    link.hello("a")
    return link


def send(link, clock, seq, wait=1.0):
    clock.now += wait
    assert link.ready()
    link.sent(seq)


def test_nobody_watching_means_no_frames(clock):
    link = Link(clock)
    assert not link.ready()
    link.hello("a")
    assert link.ready()
    link.show("a", False)
    assert not link.ready()
    assert link.open
    assert not link.watched
    assert link.show("a", True)
    assert link.ready()
    link.bye("a")
    assert not link.ready()
    assert not link.open


def test_two_frames_are_on_credit_and_the_third_waits_for_an_acknowledgement(link, clock):
    for seq in (1, 2):
        send(link, clock, seq, wait=0.05)
    clock.now += 0.05
    assert not link.ready()
    link.ack("a", 1)
    assert link.ready()
    link.sent(3)
    clock.now += 0.05
    assert not link.ready()
    link.ack("a", 3)  # the newest stands for those before it
    send(link, clock, 4, wait=0.05)
    send(link, clock, 5, wait=0.05)


def test_frames_are_at_least_a_thirtieth_of_a_second_apart_unless_the_run_rests(link, clock):
    send(link, clock, 1)
    clock.now += FRAME_GAP / 2
    assert not link.ready()
    assert link.ready(at_rest=True)
    clock.now += FRAME_GAP
    assert link.ready()


def test_without_credit_a_trickle_of_two_frames_a_second_goes_on(link, clock):
    send(link, clock, 1)
    send(link, clock, 2)
    times = []
    for _ in range(400):
        clock.now += 0.01
        if link.ready():
            link.sent(len(times) + 3)
            times.append(clock.now)
    gaps = [b - a for a, b in pairwise(times)]
    assert 7 <= len(times) <= 8
    assert min(gaps) >= TRICKLE_GAP - 1e-9


def test_a_link_slower_than_the_trickle_is_not_filled_by_it(link, clock):
    send(link, clock, 1)
    clock.now += 2.0
    link.ack("a", 1)  # two seconds for one frame
    send(link, clock, 2)
    send(link, clock, 3)
    clock.now += 3.9
    assert not link.ready()
    clock.now += 0.2
    assert link.ready()


def test_credit_that_does_not_come_back_is_lost_after_five_seconds_and_a_keyframe_is_due(link, clock):
    send(link, clock, 1, wait=0.1)
    send(link, clock, 2, wait=0.1)
    assert not link.take_lost()
    clock.now += PATIENCE
    assert link.ready()
    assert link.take_lost()
    assert not link.take_lost()
    link.sent(3)
    send(link, clock, 4, wait=0.1)  # full credit again


def test_the_slowest_visible_view_decides(link, clock):
    link.hello("b")
    send(link, clock, 1, wait=0.05)
    send(link, clock, 2, wait=0.05)
    link.ack("a", 2)
    clock.now += 0.05
    assert not link.ready()
    link.show("b", False)
    assert link.ready()


def test_a_view_unheard_of_while_another_answers_is_forgotten(link, clock):
    link.hello("dead")
    for seq in range(1, 60):
        clock.now += 0.5
        if link.ready():
            link.sent(seq)
        link.ack("a", seq)
    send(link, clock, 100, wait=0.05)
    send(link, clock, 101, wait=0.05)
    link.ack("a", 101)
    clock.now += 0.05
    assert link.ready()  # full speed: only "a" counts
    assert set(link._views) == {"a"}


def test_a_view_that_stays_silent_for_ten_minutes_is_forgotten_and_comes_back_with_an_acknowledgement(
    link, clock
):
    sent = 0
    while clock.now < 100 + FORGET_AFTER + 10:
        clock.now += 1.0
        if link.ready():
            sent += 1
            link.sent(sent)
    assert not link.open
    link.ack("a", sent)
    assert link.watched


def test_an_acknowledgement_of_a_frame_never_sent_counts_for_nothing(link, clock):
    send(link, clock, 1, wait=0.05)
    send(link, clock, 2, wait=0.05)
    link.ack("a", 10**9)
    clock.now += 0.05
    assert not link.ready()
    link.ack("stranger", 10**9)
    assert set(link._views) == {"a"}


def test_hello_again_starts_with_full_credit(link, clock):
    send(link, clock, 1, wait=0.05)
    send(link, clock, 2, wait=0.05)
    link.hello("a")
    clock.now += 0.05
    assert link.ready()


def test_no_more_than_64_views_are_kept(clock):
    link = Link(clock)
    for i in range(MAX_VIEWS + 10):
        clock.now += 0.001
        link.hello(str(i))
    assert len(link._views) == MAX_VIEWS
    assert "0" not in link._views
    assert str(MAX_VIEWS + 9) in link._views
