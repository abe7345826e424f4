"""A review has what is on record, and asks for the rest."""

from __future__ import annotations

from muster.incidents.review import Covering, review

from .made import entry, incident

FOUND = {
    "findings": [
        {
            "kind": "Database",
            "name": "db",
            "reason": "has no primary",
            "follows_from": [],
            "evidence": ["db-a is gone"],
        },
        {"kind": "Service", "name": "api", "reason": "answers 503", "follows_from": [0], "evidence": []},
    ]
}


def test_what_was_found_done_and_rehearsed_stands_there() -> None:
    text = review(
        incident("P1", began=0, opened=60, acknowledged=90, resolved=1200, technical="kim", cause="Database/db"),
        [
            entry("opened", "P1: no primary", 60, **FOUND),
            entry("diagnosis", "P1 Database/db: has no primary", 70, **FOUND),
            entry("recovery", "promote-standby: done (1.3 s)", 100, procedure="promote-standby"),
            entry("note", "a | in a note", 110),
        ],
        [Covering("db_failure", "promote-standby", "met", "2026-03-01T00:00:00Z")],
    )
    assert text.count("- Database/db: has no primary") == 1
    assert "  - db-a is gone" in text
    assert "Service/api" not in text, "what follows is no cause"
    assert "| over after it began | 20.0 min | 15.0 min | **not kept** |" in text
    assert "| seen after it began | 60 s |" in text
    assert "- `promote-standby` is rehearsed by `db_failure`: met at 2026-03-01 00:00:00." in text
    assert "a \\| in a note" in text
    assert "| technical | kim |" in text
    assert "| business | not on record |" in text


def test_what_nobody_rehearses_is_said() -> None:
    text = review(incident(), [entry("recovery", "x: done", procedure="restart-billing")], [])
    assert "No drill that was held rehearses `restart-billing`" in text
    assert "No procedure was run, so no drill covers such an incident of shop" in review(incident(), [], [])


def test_a_drill_is_marked_as_one() -> None:
    assert "**This was a drill** (full_outage)" in review(incident(drill="full_outage"), [], [])
    assert "drill" not in review(incident(), [entry("opened")], []).partition("## Is it")[0]
