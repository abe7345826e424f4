"""RPO where all that was written is lost: how far back that goes is what the procedure says, unless it cannot be so."""

from __future__ import annotations

import pytest

from muster.verdict import DrillVerdict, Verdict, judge
from muster.verdict.testing import EPOCH, DrillStory

ALL = {f"w-{number}": "lost" for number in range(105)}  # those that were acknowledged before the disruption


def brought_back(ago_s: float) -> DrillVerdict:
    """All writes of a drill struck at 5.2 s are lost; at 11 s its procedure says to which moment data came back."""
    point = {"t": EPOCH + 11.0, "kind": "recovery.point", "procedure": "restore", "ago_s": ago_s}
    events = [*DrillStory(declared={"max_lost_writes": None}, lost=ALL).events(), point]
    return judge(sorted(events, key=lambda event: event["t"]))


def test_the_loss_goes_back_to_the_moment_that_the_procedure_names() -> None:
    entry = brought_back(20.0)
    assert entry.verdict is Verdict.MET, entry.why
    assert entry.rpo.value_s == pytest.approx(14.2, abs=0.2)
    assert entry.rpo.high_s == pytest.approx(15.2, abs=0.2)


def test_where_writes_from_before_that_moment_are_lost_nobody_knows_how_far_back_it_goes() -> None:
    entry = brought_back(8.0)
    assert entry.verdict is Verdict.UNKNOWN
    assert entry.rpo.low_s == pytest.approx(5.2, abs=0.2)
    assert entry.rpo.high_s is None
    assert "all writes were lost, w-0 too, which was acknowledged before the moment" in entry.why
