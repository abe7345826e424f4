"""Who undid a fault is on the timeline for people; what is judged of the service does not hang on it."""

from __future__ import annotations

from muster.verdict import judge
from muster.verdict.testing import DrillStory


def test_a_drill_whose_fault_was_undone_from_its_record_is_met_still() -> None:
    events = DrillStory().events()
    kept = [event for event in events if event["kind"] != "fault.undone"]
    undone = {"kind": "fault.undone", "experiment": "db-failure", "undone": ["x"], "left": [], "by": "record"}
    after = max(event["t"] for event in kept if event["kind"] == "good")
    assert judge([*kept, {**undone, "t": after + 0.1}]).verdict == judge(events).verdict == "met"
