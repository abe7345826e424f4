"""Where a part of the harness is dead, stuck or late nothing is believed: the drill is unknown, and says which part."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .holding import Sabotaged


@pytest.mark.sabotage("control", drill="db_failure")
def test_the_same_drill_is_met_where_nothing_is_sabotaged(sabotaged: Sabotaged) -> None:
    sabotaged.ends("met", "RTO ")


@pytest.mark.sabotage("prober_dies", drill="db_failure")
def test_a_prober_that_dies_is_unknown(sabotaged: Sabotaged) -> None:
    sabotaged.ends("unknown", r"read was silent for \d")


@pytest.mark.sabotage("prober_hangs", drill="db_failure")
def test_a_prober_that_hangs_is_unknown(sabotaged: Sabotaged) -> None:
    sabotaged.ends("unknown", r"read was silent for \d")


@pytest.mark.sabotage("load_never_starts", drill="db_failure")
def test_load_that_never_starts_is_unknown_and_nothing_is_struck(sabotaged: Sabotaged) -> None:
    sabotaged.ends("unknown", "the drill's body ended early: .*load")
    assert sabotaged.events("fault.sent") == []


@pytest.mark.sabotage("load_asks_nothing", drill="db_failure")
def test_load_that_asks_for_nothing_is_unknown_and_nothing_is_struck(sabotaged: Sabotaged) -> None:
    sabotaged.ends("unknown", ".*load")
    assert sabotaged.events("fault.sent") == []


@pytest.mark.sabotage("load_dies", drill="db_failure")
def test_load_that_is_killed_half_way_is_unknown(sabotaged: Sabotaged) -> None:
    sabotaged.ends("unknown", r"load was silent for \d")


@pytest.mark.sabotage("load_hangs", drill="db_failure")
def test_load_that_hangs_is_unknown(sabotaged: Sabotaged) -> None:
    sabotaged.ends("unknown", r"load was silent for \d")


@pytest.mark.sabotage("load_stops_halfway", drill="db_failure")
def test_load_that_ends_half_way_is_unknown(sabotaged: Sabotaged) -> None:
    sabotaged.ends("unknown", r"load was silent for \d")


@pytest.mark.sabotage("wall_clock_stepped", drill="db_failure")
def test_a_step_of_the_wall_clock_is_unknown(sabotaged: Sabotaged) -> None:
    sabotaged.ends("unknown", "the wall clock was stepped by 3600 s")


@pytest.mark.sabotage("harness_suspended", drill="db_failure")
def test_a_harness_that_stood_still_is_unknown(sabotaged: Sabotaged) -> None:
    sabotaged.ends("unknown", r"the harness itself stood still for 1\d\.\d s")


@pytest.mark.sabotage("everything_suspended", drill="db_failure")
def test_a_machine_on_which_everything_stood_still_is_unknown(sabotaged: Sabotaged) -> None:
    sabotaged.ends("unknown", r"the harness itself stood still for 1\d\.\d s")
