"""The message that a person reads first."""

from __future__ import annotations

import re
from typing import Any

from muster.report import failure_message
from muster.verdict import judge
from muster.verdict.testing import Asking, DrillStory, Outage


def lines(**changes: Any) -> list[str]:
    entry = judge(DrillStory(**changes).events())
    entry.picture = "reports/latest/db_failure.svg"
    return failure_message(entry).splitlines()


def test_a_missed_budget_says_what_where_and_what_was_lost() -> None:
    first, second, third, *_ = lines(declared={"rto_budget_s": 5.0})
    assert re.fullmatch(r"MISSED db_failure: RTO 6\.\d\d s \[6\.\d\d, 6\.\d\d\] > budget 5 s", first)
    assert (
        second
        == "where it went: recovery began +0.8, fence 0.3, promote 5.3, good again +6.6 (s from the first violation)"
    )
    assert third == "writes 470 acknowledged, 0 lost; look at reports/latest/db_failure.svg"


def test_lost_writes_are_named() -> None:
    first, _, third, *_ = lines(lost={"w-80": "lost"})
    assert first == "MISSED db_failure: 1 of 470 acknowledged writes lost (allowed: 0): w-80"
    assert third.startswith("1 of 470 acknowledged writes lost")


def test_an_unknown_verdict_says_what_to_do() -> None:
    first, second, *_ = lines(load=None)
    assert first == "UNKNOWN db_failure: load 'steady' never started"
    assert second.startswith("what to do: see the log of the load generator")


def test_service_that_stayed_down_says_for_how_long() -> None:
    first, second, *_ = lines(outages=[Outage(5.2, 99.0)], declared={"rto_budget_s": 15.0}, good=(25.0, False, "slow"))
    down = r"RTO open: service not seen good again in 24\.\d+ s \(read: refused\)"
    assert re.fullmatch(rf"MISSED db_failure: {down} > budget 15 s", first)
    assert "not good again in 24." in second


def test_a_failed_step_is_called_failed() -> None:
    _, second, *_ = lines(steps=[("promote", 6.3, 11.6, "failed")], recovery_ok=False)
    assert "promote 5.3 (failed)" in second


def test_further_reasons_follow() -> None:
    message = lines(lost={"w-80": "lost"}, outcome="RuntimeError: boom")
    assert "also: the drill's body ended early: RuntimeError: boom" in message


def test_a_met_drill_reads_well_too() -> None:
    assert lines()[0].startswith("MET db_failure: RTO 6.61 s")


def test_service_that_came_back_and_was_not_watched_for_long_enough_says_so_without_contradiction() -> None:
    first, second, *_ = lines(outages=[Outage(5.2, 28.0)], good=(29.0, False, "slow"), declared={"rto_budget_s": 15.0})
    assert re.fullmatch(
        r"MISSED db_failure: RTO at least 22\.\d+ s "
        r"\(good again since then, but not held for 5 s when watching ended\) > budget 15 s",
        first,
    )
    assert "not good again" not in second
    assert re.search(r"24\.\d+ s watched", second)


def test_a_silent_load_is_named_as_what_leaves_the_rto_open() -> None:
    first, *_ = lines(load=Asking("load", 0.02, stop=9.0), declared={"rto_budget_s": 3.0})
    assert "RTO at least 6." in first
    assert "(a stream fell silent, so there is no upper bound) > budget 3 s" in first


def test_an_interrupted_drill_is_no_failure_of_its_body() -> None:
    first, second, *_ = lines(outcome="interrupted (Ctrl-C)")
    assert first == "UNKNOWN db_failure: the drill was interrupted (Ctrl-C)"
    assert second.startswith("what to do: run it again")


def test_what_the_third_line_says_is_not_said_again() -> None:
    message = lines(lost={"w-80": "lost"}, declared={"rto_budget_s": 3.0})
    assert message[2].startswith("1 of 470 acknowledged writes lost (allowed: 0): w-80; look at ")
    assert not any(line.startswith("also: 1 of 470") for line in message)


def test_clean_refusals_of_an_overload_are_counted() -> None:
    shed = Outage(5.2, 11.7, "shed", streams=frozenset({"load"}))
    slow = Outage(5.2, 9.0, "slow", streams=frozenset({"read"}), slow_s=0.8)
    message = lines(outages=[shed, slow], declared={"overload": True, "rto_budget_s": 1.0})
    assert re.search(r"; 3\d\d requests refused cleanly; look at ", message[2])


def test_the_platform_that_healed_is_named() -> None:
    _, second, *_ = lines(recovery=None, steps=[], declared={"recovery": None, "rto_budget_s": 2.0})
    assert second == "where it went: good again +6.5, healed by the platform (s from the first violation)"


def test_a_recovery_that_began_before_clients_felt_anything_says_so() -> None:
    _, second, *_ = lines(outages=[Outage(7.0, 11.7)], declared={"rto_budget_s": 2.0})
    assert second.startswith(
        "where it went: recovery began 1.0 before the disruption, fence 0.3, promote 5.3, good again +4."
    )


def test_writes_that_nobody_judged_are_not_said_to_be_none() -> None:
    *_, third = lines(suspended=(8.0, 3.0))[:3]
    assert third == "writes not judged; look at reports/latest/db_failure.svg"
