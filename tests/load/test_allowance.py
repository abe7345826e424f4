"""What the loads of a drill may send together is never more than the ceiling."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster.base.errors import UsageError
from muster.load.allowance import Allowance
from muster.load.gate import PART_S, Gate, NotSentError


def allowances(directory: Path, number: int, ceiling: float = 1000) -> list[Allowance]:
    return [Allowance(directory / f"load-{each}.claim", ceiling) for each in range(number)]


def test_the_last_of_it_goes_to_one_only(tmp_path: Path) -> None:
    together = Barrier(20)

    def claim(allowance: Allowance) -> bool:
        together.wait(20)
        try:
            allowance.claim(200)
        except UsageError:
            return False
        return True

    with ThreadPoolExecutor(20) as threads:
        for attempt in range(20):
            directory = tmp_path / str(attempt)
            directory.mkdir()
            assert list(threads.map(claim, allowances(directory, 20))).count(True) == 5


def test_what_is_refused_leaves_the_claim_as_it_was(tmp_path: Path) -> None:
    first, second = allowances(tmp_path, 2)
    first.claim(600)
    second.claim(300)
    with pytest.raises(UsageError, match=r"a load of 500 requests/s beside the 600 of the drill's other loads is more"):
        second.claim(500)
    first.claim(700)
    with pytest.raises(UsageError):
        first.claim(701)


def test_what_is_released_is_free_again(tmp_path: Path) -> None:
    first, second = allowances(tmp_path, 2)
    first.claim(1000)
    first.release()
    first.release()
    second.claim(1000)


def test_a_claim_may_be_raised_without_lowering_it(tmp_path: Path) -> None:
    first, second = allowances(tmp_path, 2)
    first.claim(500)
    first.claim_at_least(300)
    with pytest.raises(UsageError, match="beside the 500"):
        second.claim(501)
    first.claim_at_least(800)
    with pytest.raises(UsageError, match="beside the 800"):
        second.claim(201)


def test_the_limits_of_all_loads_add_up_to_the_ceiling(tmp_path: Path) -> None:
    several = allowances(tmp_path, 3)
    for allowance, rate in zip(several, (500, 100, 50), strict=True):
        allowance.claim(rate)
    limits = [allowance.limit() for allowance in several]
    assert sum(limits) == pytest.approx(1000)
    assert limits == sorted(limits, reverse=True)
    assert all(limit >= rate for limit, rate in zip(limits, (500, 100, 50), strict=True))


def test_a_load_by_itself_has_all_of_it() -> None:
    alone = Allowance(None, 1000)
    alone.claim(1000)
    assert alone.limit() == 1000
    assert Allowance(None, math.inf).limit() == math.inf
    with pytest.raises(UsageError):
        alone.claim(1001)


@given(limit=st.floats(0.5, 300), waits=st.lists(st.floats(0, 0.3), max_size=400), latest=st.floats(0, 3))
def test_no_second_gets_more_than_the_limit(limit: float, waits: list[float], latest: float) -> None:
    gate, moment, sent = Gate(limit), 1000.0, list[float]()
    for wait in waits:
        moment += wait if wait < 0.2 else 0.0  # many come at once
        try:
            sent.append(gate.slot(moment, latest=moment + latest))
        except NotSentError:
            continue
        assert moment <= sent[-1] <= moment + latest
    assert sent == sorted(sent)
    for start in sent:
        assert sum(start <= other < start + 1 - 1e-6 for other in sent) <= max(limit, 1)
        part = max(math.floor(limit * PART_S), 1)
        assert sum(start <= other < start + part / limit - 1e-6 for other in sent) <= part


def test_what_comes_evenly_below_the_limit_is_never_held_up() -> None:
    gate = Gate(200)
    moments = [number / 190 for number in range(2000)]
    assert [gate.slot(moment, latest=moment + 1) for moment in moments] == moments


def test_a_limit_holds_from_when_it_is_set() -> None:
    gate = Gate(math.inf)
    assert [gate.slot(0.0, latest=1) for _ in range(100)] == [0.0] * 100
    gate.set_limit(10)
    assert [gate.slot(5.0, latest=6) for _ in range(3)] == pytest.approx([5.0, 5.1, 5.2])


def test_what_would_be_too_late_says_why_it_is_not_sent() -> None:
    gate = Gate(1)
    gate.slot(0.0, latest=1)
    with pytest.raises(NotSentError, match="no more than 1 requests/s may be sent"):
        gate.slot(0.0, latest=0.5)
    assert gate.slot(1.0, latest=1.5) == 1.0, "what was refused took no room"
