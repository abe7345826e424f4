"""How late this process was."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster.base.clock import SYSTEM_CLOCK, now
from muster.probes.prober.lateness import WORTH_NOTING_S, Lateness

STRETCHES = st.lists(st.tuples(st.integers(0, 100), st.integers(1, 30)), max_size=8)


@pytest.mark.usefixtures("either_loop")
def test_a_loop_that_was_held_up_is_known_at_once_and_afterwards() -> None:
    async def hold_up() -> tuple[float, float, float, float]:
        lateness, start = Lateness(), now()
        turn = asyncio.create_task(lateness.sleep_until(start + 0.01))
        await asyncio.sleep(0)
        SYSTEM_CLOCK.sleep(0.2)
        at_once = lateness.within(start, now())
        late_s = await turn
        return at_once, late_s, lateness.within(start, now()), lateness.within(start, start + 0.1)

    at_once, late_s, afterwards, part = asyncio.run(hold_up())
    assert at_once >= 0.18
    assert afterwards >= at_once
    assert late_s >= afterwards - 0.001
    assert 0.08 <= part <= 0.0901


@pytest.mark.usefixtures("either_loop")
def test_nobody_is_woken_early() -> None:
    async def wake() -> list[float]:
        lateness = Lateness()
        return [await lateness.sleep_until(now() + step / 3000) for step in range(20)]

    assert min(asyncio.run(wake())) >= 0


def test_a_loop_that_wakes_early_again_and_again_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    sleep = asyncio.sleep

    async def wake_early(delay: float) -> None:
        await sleep(delay / 3)

    monkeypatch.setattr(asyncio, "sleep", wake_early)
    assert asyncio.run(Lateness().sleep_until(now() + 0.05)) >= 0


@pytest.mark.usefixtures("either_loop")
def test_a_moment_long_past_is_late_but_counts_only_once() -> None:
    async def catch_up() -> tuple[float, float]:
        lateness, start = Lateness(), now()
        late_s = await lateness.sleep_until(start - 100)
        return late_s, lateness.within(start - 100, start)

    late_s, counted = asyncio.run(catch_up())
    assert late_s >= 100
    assert counted == 0


@given(STRETCHES, st.integers(0, 100), st.integers(1, 50))
def test_no_moment_counts_twice(stretches: list[tuple[int, int]], start: int, length: int) -> None:
    lateness = Lateness()
    for since, lasting in stretches:
        lateness.note(since, since + lasting)
    covered = {moment for since, lasting in stretches for moment in range(since, since + lasting)}
    assert lateness.within(start, start + length) == pytest.approx(len(covered & set(range(start, start + length))))


def test_what_is_not_worth_noting_is_not_noted() -> None:
    lateness = Lateness()
    lateness.note(1.0, 1.0 + WORTH_NOTING_S / 2)
    assert lateness.within(0, 10) == 0
