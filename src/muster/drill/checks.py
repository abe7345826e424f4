"""The two questions that a running drill waits on: is the system steady, and is service good again.

Both are asked of the timeline with the functions that judge it later, so that the drill waits for what will count.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from muster.base.clock import now
from muster.base.timeline import Event
from muster.safety import open_records
from muster.verdict.disruption import measure
from muster.verdict.judge import end_floor
from muster.verdict.landed import judge_landed
from muster.verdict.load import BUCKET_S, LoadWindows
from muster.verdict.record import Record, read_record

if TYPE_CHECKING:
    from muster.drill.drill import Drill

NEWEST_S = 0.5  # what was seen longer ago than this is no word about now


class SteadyCheck:
    """Whether the system is steady (MEASURES.md): `trouble` says why not, `checks` what was looked at."""

    def __init__(self, drill: Drill) -> None:
        self._drill = drill
        self.trouble = "nothing was looked at yet"
        self.checks: dict[str, str] = {}

    def holds(self) -> bool:
        """Whether it is; the slower questions are asked only once the requests look well."""
        self.trouble = self._requests() or self._objects() or self._requests() or ""
        return not self.trouble

    def _requests(self) -> str | None:
        self._drill.pump()
        declared = self._drill.declaration
        until = now()
        record = read_record(recent(self._drill.live.events, until - declared.steady_s - 1))
        since = until - declared.steady_s
        for stream in record.required:
            inside = [r for r in stream.requests if r.done >= since]
            if bad := [r for r in inside if r.bad]:
                return f"probe {stream.name}: {bad[-1].outcome} {until - bad[-1].sent:.1f} s ago"
            if not inside or until - inside[-1].done > NEWEST_S + stream.every_s or inside[0].sent > since + NEWEST_S:
                return f"probe {stream.name} has not looked for {declared.steady_s:g} s yet"
        return self._load(record, since, until) if declared.load else None

    def _load(self, record: Record, since: float, until: float) -> str | None:
        objectives = [o for o in self._drill.declaration.objectives if "before" in o.windows]
        windows = LoadWindows(record.load.requests, objectives)
        counts = windows.counts(since, until)
        newest = max((r.done for r in record.load.requests), default=0.0)
        needed = max((o.samples_needed for o in objectives), default=1)
        if record.load_started is None or record.load_started > since:
            return f"the load has not run for {until - since:g} s yet"
        if until - newest > NEWEST_S or counts.asked < needed:
            return f"the load has {counts.asked} answers in {until - since:g} s, {needed:g} are needed"
        if (spoilt := windows.first_spoilt(since, until)) is not None:
            return f"the load missed its objectives {until - spoilt:.1f} s ago"
        self.checks["load"] = f"{counts.asked} requests, {counts.failed} failed in {until - since:g} s"
        return None

    def _objects(self) -> str | None:
        state = self._drill.state
        if unready := state.unready():
            return "; ".join(unready)
        self.checks["replicas"] = "all ready and up to date"
        if state.definition.database is not None:
            if trouble := state.replication_trouble():
                return trouble
            self.checks["replication"] = "one primary, every standby streams synchronously"
        if left := open_records(state.cluster, state.namespace):
            return f"{len(left)} fault(s) not undone yet: {', '.join(r.experiment for r in left)} (muster undo)"
        self.checks["faults"] = "no fault record is open"
        return None


class GoodCheck:
    """Whether service is good again and has held for `hold_s`: `trouble` says why not."""

    def __init__(self, drill: Drill) -> None:
        self._drill = drill
        self.trouble = "nothing was looked at yet"

    def holds(self) -> bool:
        """Whether it is, by the rule that ends a disruption."""
        self._drill.pump()
        events = self._drill.live.events
        hold = self._drill.declaration.hold_s
        if (last := last_violation(events)) is not None and now() - last["done"] < hold:
            self.trouble = f"probe {last['name']}: {last['outcome']} {now() - last['done']:.1f} s ago"
            return False
        if refused := self._refused(events):
            self.trouble = refused
            return False
        record = read_record(recent(events, (self._drill.injected_at or now()) - 1))
        disruption = measure(record, floor=end_floor(record, judge_landed(record)))
        if disruption.end is None:
            self.trouble = f"service has not been good for {hold:g} s yet"
            return False
        self.trouble = ""
        return True

    def _refused(self, events: list[Event]) -> str:
        """Whether more of the load is refused now than may be afterwards. To measure it all each time would cost a
        loaded machine more than the drill does."""
        allowed = [o.target for o in self._drill.declaration.objectives if o.name == "refused_rate"]
        since = now() - BUCKET_S
        newest = itertools.takewhile(lambda event: event["t"] >= since, reversed(events))
        outcomes = [e["outcome"] for e in newest if e["kind"] == "request" and e["source"] == "load"]
        refused = outcomes.count("shed")
        if not allowed or refused <= allowed[0] * len(outcomes):
            return ""
        return f"load: {refused} of {len(outcomes)} requests refused in the last second"


def recent(events: list[Event], since: float) -> list[Event]:
    """The events that a look at the time from `since` on needs: requests from then, all others."""
    return [event for event in events if event["kind"] != "request" or event["done"] >= since]


def last_violation(events: list[Event]) -> Event | None:
    """The last violated request of a probe."""
    for event in reversed(events):
        if event["kind"] == "request" and event["source"] == "probe" and event["outcome"] != "ok":
            return event
    return None
