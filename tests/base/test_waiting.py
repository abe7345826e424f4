"""Waiting is bounded and says what it waited for."""

import pytest

from muster.base.clock import VirtualClock
from muster.base.errors import TimeoutExceededError
from muster.base.waiting import wait_for


def test_returns_what_was_found_as_soon_as_it_is_there() -> None:
    clock = VirtualClock()
    begun = clock.now()
    assert (
        wait_for(lambda: clock.now() - begun >= 3 and "there", within=10, reason="it", every=1, clock=clock) == "there"
    )
    assert clock.now() - begun == pytest.approx(3)


def test_the_error_names_the_reason_and_what_was_seen_last() -> None:
    with pytest.raises(TimeoutExceededError, match=r"waited 2 s for the moon; last seen: clouds"):
        wait_for(lambda: False, within=2, reason="the moon", every=1, clock=VirtualClock(), latest=lambda: "clouds")


def test_looks_once_more_after_a_slow_look_has_used_up_the_time() -> None:
    clock = VirtualClock()
    looks = []

    def slow() -> bool:
        looks.append(clock.now())
        clock.sleep(5)
        return len(looks) == 2

    assert wait_for(slow, within=3, reason="a slow look", clock=clock)
