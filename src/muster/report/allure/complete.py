"""Results of drills that could not write their own: the session was killed, or Allure was not told where to write.

What a run's directory holds is told, and no more: a drill that has a timeline and no entry was under way when the
session ended, and is unknown.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import orjson
from allure_commons.model2 import Status, StatusDetails, TestResult
from allure_commons.utils import md5

from muster.report.allure.result import Cause, conclude, decorate, full_name, label
from muster.report.allure.store import Store
from muster.report.allure.tale import Tale, read_tale
from muster.report.cut_short import entry_of_cut_short
from muster.report.summary import DESELECTED, NotRun, SummaryModel
from muster.verdict import DrillVerdict


def complete_results(store: Store, summary: SummaryModel, run: Path, project: Path) -> None:
    """Write the results that are missing in `store`.

    Raises:
        OSError: they cannot be written.
    """
    told = set(_told(store.directory))
    for entry in [*summary.drills, *_cut_short(summary, run, project)]:
        if entry.name not in told:
            store.add(_result(read_tale(entry, run, project), store))
            told.add(entry.name)
    for left_out in summary.not_run:
        if left_out.why != DESELECTED and left_out.name not in told:
            store.add(_left_out(left_out, summary.system))


def _told(results: Path) -> Iterator[str]:
    """The drills that have a result already."""
    for path in results.glob("*-result.json"):
        try:
            labels = orjson.loads(path.read_bytes()).get("labels", [])
        except (OSError, orjson.JSONDecodeError):
            continue
        yield from (label["value"] for label in labels if label["name"] == "drill")


def _cut_short(summary: SummaryModel, run: Path, project: Path) -> Iterator[DrillVerdict]:
    """An entry for each timeline of a drill that never got one."""
    known = {entry.name for entry in summary.drills}
    for path in sorted(run.glob("*.jsonl")):
        if path.stem in known:
            continue
        tale = read_tale(DrillVerdict(name=path.stem), run, project)
        if tale.record is None:  # the audit log is no timeline
            continue
        yield entry_of_cut_short(tale.saved)


def _result(tale: Tale, store: Store) -> TestResult:
    entry = tale.entry
    result = _blank(entry.nodeid or (tale.record.declared.nodeid if tale.record else entry.name), entry.name)
    result.start, result.stop = tale.epoch_ms(tale.began), tale.epoch_ms(tale.ended)
    decorate(result, tale, store, cause=Cause.of(entry))
    conclude(result, entry)
    return result


def _left_out(left_out: NotRun, system: str) -> TestResult:
    """A drill that did not run is no failure of its own, and no success."""
    result = _blank(left_out.name, left_out.name)
    label(result, DrillVerdict(name=left_out.name), system=system, cause=Cause.NOT_RUN)
    result.status = Status.UNKNOWN
    result.statusDetails = StatusDetails(message=f"not run: {left_out.why}")
    return result


def _blank(nodeid: str, name: str) -> TestResult:
    title = nodeid.rsplit("::", 1)[-1] if "::" in nodeid else name
    identity = full_name(nodeid) if "::" in nodeid else name
    # Results of one history are taken for attempts at one test, of which only the last is shown.
    parameters = nodeid.partition("[")[2].removesuffix("]")
    history = md5(identity, parameters) if parameters else md5(identity)
    return TestResult(uuid=str(uuid4()), name=title, fullName=identity, testCaseId=md5(identity), historyId=history)
