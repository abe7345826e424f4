"""Runs that never took place, for tests of reports and for `make bench`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import orjson

from muster.report.allure import note_run
from muster.report.picture import draw
from muster.report.summary import Summary
from muster.verdict import DrillVerdict, judge
from muster.verdict.testing import Asking, DrillStory, Outage

# Stories by name, as changes of a `DrillStory`; what becomes of each stands in its name.
STORIES: dict[str, dict[str, Any]] = {
    "met": {},
    "missed_budget": {"declared": {"rto_budget_s": 5.0}},
    "missed_lost_writes": {"lost": {"w-80": "lost"}},
    "unknown_no_load": {"load": None},
    "unknown_not_landed": {"effects": [(5.0, False), (5.4, False)]},
    "overloaded": {
        "declared": {"overload": True, "severity": "P3", "load": "surge"},
        "load": Asking("load", 0.005),
        "outages": [Outage(8.0, 22.0, "shed", frozenset({"load"}), 0.5), Outage(5.2, 6.2)],
    },
}


def told_run(directory: Path, stories: Mapping[str, Mapping[str, Any]], *, finished: bool = True) -> list[DrillVerdict]:
    """Write a run's directory as a session leaves it: summary, timelines, pictures; no results of Allure's.

    With `finished` false it is left as by a session that was killed, and its last drill never got an entry.
    """
    directory.mkdir(parents=True)
    note_run(
        directory, directory.parent.parent, {"system": "enhancer", "cluster": "embedded", "commit": "0123456789ab"}
    )
    summary = Summary(directory, system="enhancer", cluster="embedded", evidence="rehearsal")
    entries = [_told_drill(directory, name, changes) for name, changes in stories.items()]
    for entry in entries if finished else entries[:-1]:
        summary.update(entry)
    if finished:
        summary.finish()
    link = directory.parent / "latest"
    link.unlink(missing_ok=True)
    link.symlink_to(directory.name)
    return entries


def _told_drill(directory: Path, name: str, changes: Mapping[str, Any]) -> DrillVerdict:
    """One drill's timeline and picture, and its verdict."""
    declared = {"nodeid": f"drills/test_{name}.py::test_{name}", **changes.get("declared", {}), "name": name}
    events = DrillStory(**{**changes, "declared": declared}).events()
    (directory / f"{name}.jsonl").write_bytes(b"".join(_lines(events)))
    entry = judge(events)
    entry.timeline, entry.picture = f"reports/latest/{name}.jsonl", f"reports/latest/{name}.svg"
    (directory / f"{name}.svg").write_text(draw(events, entry))
    return entry


def _lines(events: Iterable[Mapping[str, Any]]) -> Iterable[bytes]:
    return (orjson.dumps(event) + b"\n" for event in events)
