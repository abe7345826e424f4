"""Pods begin one after the other: the next one when the program of the one before has started."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from muster.embedded.node.pace import GAP_S, MOST_S, WITHOUT_PROGRAM_S, Pace

# Busy until a moment of CLOCK_MONOTONIC, and then asleep.
BUSY = """
import sys, time
until = float(sys.argv[1])
while time.monotonic() < until:
    pass
time.sleep(60)
"""


@contextmanager
def program(*argv: str) -> Iterator[int]:
    """A program of the test's own, and its process id."""
    process = subprocess.Popen([sys.executable, "-I", "-S", "-c", *argv])
    try:
        yield process.pid
    finally:
        process.kill()
        process.wait()


async def second(pid: int | None) -> tuple[float, float]:
    """When the first and the second of two pods had their turn; `pid` is the first one's program."""
    pace = Pace()
    one = await pace.turn(unless=asyncio.Event())
    assert one is not None
    one.pid = pid
    two = await pace.turn(unless=asyncio.Event())
    assert two is not None
    return one.at, two.at


def test_the_next_waits_for_a_program_that_is_busy_starting() -> None:
    until = time.monotonic() + 0.5
    with program(BUSY, str(until)) as pid:
        _, at = asyncio.run(second(pid))
    assert at >= until


def test_a_program_that_never_rests_holds_the_next_up_for_a_while_only() -> None:
    with program(BUSY, str(time.monotonic() + 60)) as pid:
        began, at = asyncio.run(second(pid))
    assert at - began >= MOST_S


def test_one_that_sleeps_has_ended_or_was_never_started_holds_the_next_up_for_a_moment() -> None:
    with program("import time; time.sleep(60)") as asleep:
        time.sleep(0.2)
        ended = subprocess.Popen(["true"])
        ended.wait()
        for pid in (asleep, ended.pid, None):
            waits = [at - began for began, at in (asyncio.run(second(pid)) for _ in range(3))]
            assert min(waits) >= (GAP_S if pid else WITHOUT_PROGRAM_S)
            assert min(waits) < MOST_S, "of three that begin one at least finds the machine at leisure"


def test_turns_are_taken_in_order() -> None:
    async def main() -> list[int]:
        pace, order = Pace(), []

        async def take(number: int) -> None:
            await pace.turn(unless=asyncio.Event())
            order.append(number)

        await asyncio.gather(*(take(number) for number in range(4)))
        return order

    assert asyncio.run(main()) == [0, 1, 2, 3]


def test_who_ends_before_its_turn_does_not_wait_for_it_and_holds_nobody_up() -> None:
    async def main() -> tuple[float, float]:
        pace, ends, never = Pace(), asyncio.Event(), asyncio.Event()
        first = await pace.turn(unless=never)
        waiting = asyncio.create_task(pace.turn(unless=ends))
        await asyncio.sleep(0.02)
        ends.set()
        assert await waiting is None
        assert pace._latest is first, "who did not begin is nobody to wait for"
        third = await pace.turn(unless=never)
        assert first is not None
        assert third is not None
        return first.at, third.at

    began, at = asyncio.run(main())
    assert at - began >= WITHOUT_PROGRAM_S
