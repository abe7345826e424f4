"""Who decides on a load's rate: its stages, its owner, a fault that holds it, and the ceiling above all of them."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from muster.base.dial import LetGo, Turn
from muster.base.errors import UsageError
from muster.load.allowance import Allowance
from muster.load.schedule import Change
from muster.load.stages import Stage, ramp, spike, steady
from muster.load.steering import Steering

HELD = Turn(900, held=True)


def steering(*stages: Stage, rate: float = 100.0, ceiling: float = math.inf, claim: Path | None = None) -> Steering:
    return Steering(rate, stages, start=0.0, allowance=Allowance(claim, ceiling))


def rates(steered: Steering, *moments: float) -> list[float]:
    return [steered.pace.rate_at(moment) for moment in moments]


def test_changes_are_given_once_and_when_their_time_has_come() -> None:
    steered = steering(steady(100, for_s=10), ramp(to=300, over_s=10), steady(50, for_s=1))
    assert steered.due(0.0) == [Change(0.0, 100, 0.0, "steady")]
    assert steered.due(9.9) == []
    assert steered.due(10.0) == [Change(10.0, 300, 10.0, "ramp")]
    assert steered.due(99.0) == [Change(20.0, 50, 0.0, "steady")]
    assert steered.due(999.0) == []


def test_stages_go_on_behind_a_fault_by_the_clock() -> None:
    steered = steering(steady(100, for_s=10), ramp(to=300, over_s=10), steady(50, for_s=60))
    steered.take(HELD, 5.0)
    assert rates(steered, 5, 12, 30) == [900, 900, 900]
    steered.due(15.0)
    steered.take(LetGo(), 15.0 + 1e-9)
    assert rates(steered, 15 + 1e-6, 17.5, 20, 30) == pytest.approx([200, 250, 50, 50], abs=0.01)
    told = steered.due(30.0)
    assert [(change.rate, change.stage) for change in told] == [
        (pytest.approx(200, abs=0.01), "ramp"),  # first the rate that the line has reached
        (300, "ramp"),
        (50, "steady"),
    ]
    assert told[1].over_s == pytest.approx(5.0)


def test_what_the_owner_sets_ends_the_stages() -> None:
    steered = steering(steady(100, for_s=10), spike(500, for_s=10, back_to=100))
    steered.take(Turn(200), 5.0)
    assert rates(steered, 5, 15, 99) == [200, 200, 200]


def test_what_the_owner_sets_while_a_fault_holds_is_where_it_goes_back_to() -> None:
    steered = steering(steady(100, for_s=10), spike(500, for_s=10, back_to=100))
    steered.take(HELD, 2.0)
    steered.take(Turn(200, over_s=10.0), 5.0)
    assert rates(steered, 6) == [900]
    steered.take(LetGo(), 10.0)
    assert rates(steered, 10, 12.5, 15, 99) == pytest.approx([150, 175, 200, 200])


def test_a_change_never_undoes_what_was_told_already() -> None:
    steered = steering(steady(100, for_s=10), steady(200, for_s=10))
    steered.due(10.0)
    steered.take(Turn(300), 9.0)  # a look at the clock that came too early
    [change] = steered.due(11.0)
    assert change.rate == 300
    assert change.at > 10.0


@pytest.mark.parametrize("turn", [Turn(1001), Turn(1001, held=True)])
def test_nobody_turns_it_past_the_ceiling(turn: Turn) -> None:
    steered = steering(ceiling=1000)
    assert steered.take(turn, 1.0) == "1001 requests/s were wanted, system.yaml allows 1000 (max_requests_per_s)"
    assert rates(steered, 2) == [100]


def test_stages_past_the_ceiling_do_not_begin() -> None:
    with pytest.raises(UsageError, match=r"max_requests_per_s: 400"):
        steering(steady(100, for_s=1), spike(500, for_s=1, back_to=100), ceiling=400)


def test_a_turn_counts_with_what_the_drills_other_loads_may_want(tmp_path: Path) -> None:
    first = steering(spike(400, for_s=10, back_to=100), ceiling=1000, claim=tmp_path / "1.claim")
    second = steering(ceiling=1000, claim=tmp_path / "2.claim")
    assert "with the drill's other loads" in second.take(Turn(700), 1.0)
    assert rates(second, 2) == [100]
    assert second.take(Turn(600), 1.0) == ""
    assert "700 requests/s were wanted" in second.take(Turn(700, held=True), 3.0)
    first.settle(11.0)  # its spike is over: it leaves the rest to others
    assert second.take(Turn(900, held=True), 12.0) == ""


def test_a_load_keeps_its_claim_to_what_it_goes_back_to(tmp_path: Path) -> None:
    first = steering(steady(100, for_s=10), spike(400, for_s=10, back_to=100), ceiling=1000, claim=tmp_path / "1.claim")
    first.take(Turn(50, held=True), 1.0)
    first.settle(2.0)
    with pytest.raises(UsageError, match="beside the 400 of the drill's other loads"):
        Allowance(tmp_path / "2.claim", 1000).claim(601)
