"""How often something is asked after a drill."""

from __future__ import annotations

import asyncio

from muster.base.clock import now
from muster.probes.ledger.pace import Pace


def took(turns: int, rate: float, *, answered: bool) -> float:
    async def ask() -> float:
        pace, start = Pace(rate), now()
        for _ in range(turns):
            await pace.turn()
            pace.heard(answered=answered)
        return now() - start

    return asyncio.run(ask())


def test_turns_come_at_the_rate_and_not_in_bursts() -> None:
    assert took(20, 200, answered=True) >= 19 / 200


def test_while_nobody_answers_they_come_ever_less_often() -> None:
    assert took(20, 200, answered=False) >= (1 + 2 + 3 + 4 + 5 + 6 + 7 + 8 + 9 + 9 * 10) / 200


def test_who_waited_is_not_owed_the_turns_that_were_missed() -> None:
    async def ask() -> float:
        pace = Pace(100)
        await pace.turn()
        await asyncio.sleep(0.1)
        start = now()
        for _ in range(5):
            await pace.turn()
        return now() - start

    assert asyncio.run(ask()) >= 4 / 100
