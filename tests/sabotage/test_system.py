"""A system that loses what it acknowledged, or answers with what is not true, is not met however lively it looks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .holding import Sabotaged


def assert_lost_writes_are_named(sabotaged: Sabotaged, how: str) -> None:
    entry = sabotaged.entry
    assert entry["rpo"]["lost_verdict"] == "missed"
    assert entry["rpo"]["value_s"] > 0
    assert len(entry["lost"]) == entry["rpo"]["lost_writes"] > 0
    assert {lost["how"] for lost in entry["lost"]} == {how}
    # One whose answer is not known may be gone, but not be there as something else.
    counted = {"acknowledged"} if how == "lost" else {"acknowledged", "indeterminate"}
    asked = {write["id"] for write in sabotaged.events("write") if write["outcome"] in counted}
    missed_by_the_load = {lost["id"] for lost in sabotaged.events("load.lost")}
    assert {lost["id"] for lost in entry["lost"]} <= asked | missed_by_the_load


@pytest.mark.sabotage("standby_held_back", drill="db_failure")
def test_writes_that_a_held_back_standby_lacks_are_counted_and_named(sabotaged: Sabotaged) -> None:
    sabotaged.ends("missed", r"\d+ of \d+ acknowledged writes lost")
    assert_lost_writes_are_named(sabotaged, "lost")


@pytest.mark.sabotage("standby_lags", drill="db_failure")
def test_with_a_standby_that_lags_nothing_is_struck(sabotaged: Sabotaged) -> None:
    sabotaged.ends("unknown", r"the system was not steady: standby db-b is \d\.\d s behind")
    assert sabotaged.events("fault.sent") == []


@pytest.mark.sabotage("acknowledges_before_writing", drill="db_failure")
def test_writes_that_were_acknowledged_before_they_were_written_are_counted_and_named(sabotaged: Sabotaged) -> None:
    sabotaged.ends("missed", r"\d+ of \d+ acknowledged writes lost")
    assert_lost_writes_are_named(sabotaged, "lost")


@pytest.mark.sabotage("wrong_content", drill="db_failure")
def test_an_api_that_answers_200_with_wrong_content_is_not_back(sabotaged: Sabotaged) -> None:
    sabotaged.ends("missed", r"RTO (open: service not seen good again in|at least) [\d.]+ s.* > budget 4 s")
    assert_lost_writes_are_named(sabotaged, "altered")
    last = sabotaged.events("request")[-200:]
    assert {event["outcome"] for event in last if event["name"] == "write"} == {"wrong"}
    assert {event["status"] for event in last if event["name"] == "write"} == {200}


@pytest.mark.sabotage("wrong_content_from_the_start", drill="db_failure")
def test_a_system_that_answers_with_wrong_content_from_the_start_is_not_struck(sabotaged: Sabotaged) -> None:
    sabotaged.ends("unknown", "the system was not steady: probe write: wrong")
    assert sabotaged.events("fault.sent") == []
