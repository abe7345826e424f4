"""A backup that nobody ever restored proves nothing, and one that is too old is a missed drill."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .holding import Sabotaged


@pytest.mark.sabotage("never_verified", drill="disaster")
def test_without_a_verified_backup_nothing_is_struck(sabotaged: Sabotaged) -> None:
    said = "the drill's body ended early: no backup of enhancer was ever verified .*, nothing was injected"
    sabotaged.ends("unknown", said)
    assert sabotaged.events("fault.sent") == []


@pytest.mark.sabotage("archive_stopped", drill="disaster")
def test_an_archive_that_stopped_an_hour_ago_is_a_missed_drill(sabotaged: Sabotaged) -> None:
    sabotaged.ends("missed", r"RTO at least|RPO 36\d\d")  # what an hour's loss does to clients may last as well
    assert any("> target 300 s" in reason for reason in sabotaged.entry["reasons"])
    rpo = sabotaged.entry["rpo"]
    assert rpo["target_verdict"] == "missed"
    assert rpo["low_s"] > 3600 - 60
    assert rpo["recovery_point_s"] > 3600 - 60
    assert rpo["lost_writes"] > 0
    assert {lost["how"] for lost in sabotaged.entry["lost"]} == {"lost"}
