"""The two questions that a running drill waits on: is the system steady, and is service good again.

Both are asked of the timeline with the functions that judge it later, so that the drill waits for what will count.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING

from muster.base.clock import now
from muster.base.errors import ClusterError
from muster.base.timeline import Event
from muster.drill.work import WorkCheck
from muster.kube import ApiError
from muster.safety import open_records
from muster.safety.guards import undo_command
from muster.system.origin import Origin
from muster.verdict.disruption.landed import judge_landed
from muster.verdict.disruption.measure import measure
from muster.verdict.doubts.steady import too_few, unsteady
from muster.verdict.objectives.detection import unready
from muster.verdict.reading.read import read_record
from muster.verdict.reading.record import Record
from muster.verdict.reading.windows import BUCKET_S, LoadWindows

if TYPE_CHECKING:
    from muster.drill.drill import Drill

SERVER_ERROR = 500  # from here on an HTTP status tells of the server's own trouble
NEWEST_S = 0.5  # what was seen longer ago than this is no word about now


class SteadyCheck:
    """Whether the system is steady (docs/measurement.md, Steady).

    `trouble` says why not, `checks` what was looked at.
    """

    def __init__(self, drill: Drill) -> None:
        self._drill = drill
        self._work = WorkCheck(drill.operated())
        self._origin = Origin(drill.state.cluster, drill.state.definition, drill.state.manifests)
        self.trouble = "nothing was looked at yet"
        self.checks: dict[str, str] = {}

    def holds(self) -> bool:
        """Whether it is; the slower questions are asked only once the requests look well.

        Raises:
            ApiError: the cluster refuses to tell: it will not tell the next time either.
        """
        try:
            self.trouble = self._requests() or self._objects() or self._beside() or self._requests() or ""
        except ClusterError as error:
            if isinstance(error, ApiError) and error.code < SERVER_ERROR:
                raise
            self.trouble = str(error)  # it may answer the next time, and nothing was struck yet
        return not self.trouble

    def _requests(self) -> str | None:
        self._drill.pump()
        declared = self._drill.declaration
        until = now()
        record = read_record(self._drill.live.all(since=until - declared.steady_s - 1))
        since = until - declared.steady_s
        for stream in record.required:
            inside = stream.requests[stream.requests.done >= since]
            hit = inside[unsteady(inside)]
            if len(hit):
                last = hit.at(-1)
                return f"probe {stream.name}: {last.outcome} {until - last.sent:.1f} s ago"
            late = not len(inside) or until - float(inside.done[-1]) > NEWEST_S + stream.every_s
            if late or float(inside.sent[0]) > since + NEWEST_S:
                return f"probe {stream.name} has not looked for {declared.steady_s:g} s yet"
        if declared.alert is not None and (trouble := unready(record, until)):
            return trouble
        return self._load(record, since, until) if declared.load else None

    def _load(self, record: Record, since: float, until: float) -> str | None:
        objectives = self._drill.declaration.each_second("before")
        windows = LoadWindows(record.load.requests, objectives)
        counts = windows.counts(since, until)
        newest = float(record.load.requests.done.max(initial=0.0))
        needed = max((o.samples_needed for o in objectives), default=1)
        if record.load_started is None or record.load_started > since:
            return f"the load has not run for {until - since:g} s yet"
        if few := too_few(record.offered.wanted(since, until), self._drill.declaration):
            return few
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
            streams = state.definition.streaming is not None
            self.checks["replication"] = f"one primary, every standby {'streams synchronously' if streams else 'well'}"
        if left := open_records(state.cluster, state.namespace):
            names, command = (
                ", ".join(record.experiment for record in left),
                undo_command(state.cluster, state.namespace),
            )
            return f"{len(left)} fault(s) not undone yet: {names} ({command})"
        self.checks["faults"] = "no fault record is open"
        if another := self._another():
            return another
        self.checks["identity"] = "Services, images, templates and replicas are those that were found first"
        if standing_still := self._work.trouble():
            return standing_still
        operations = state.definition.operations
        if operations.workflows is not None or operations.agents is not None:
            self.checks["work"] = "nothing is stuck, and those who do it are all there"
        return None

    def _beside(self) -> str:
        """What is not well beside the system, by the stop conditions."""
        guardian = self._drill.guardian
        if unwell := guardian.unwell():
            return f"by a stop condition: {unwell}"
        if guardian.seen:
            self.checks["stop conditions"] = "; ".join(guardian.seen)
        return ""

    def _another(self) -> str:
        """What shows that this is not the system that was deployed, or that somebody else answers for it."""
        state = self._drill.state
        if foreign := self._origin.foreign():
            return (
                f"Service {state.definition.service.name} leads to {', '.join(foreign)}, which is none of the system's"
            )
        return "; ".join(f"it is not the system that was found first: {text}" for text in state.strayed()[:2])


class GoodCheck:
    """Whether service is good again and has held for `hold_s`: `trouble` says why not.

    It is waited for for `within` seconds from the first violation after the injection, as the RTO counts: a fault that
    takes its time to land takes nothing from that. While there is none, from when the check was made.
    """

    def __init__(self, drill: Drill, within: float) -> None:
        self._drill = drill
        self._may_take = within + drill.declaration.hold_s  # the hold itself is not charged
        self._made = now()
        self._disrupted: float | None = None
        self.trouble = "nothing was looked at yet"

    @property
    def at_most_s(self) -> float:
        """What waiting can take in all, in seconds: a first violation may come as late as the limit without one."""
        return 2 * self._may_take

    def decided(self) -> str | None:
        """`good`, or `late` where the time is over, or None while that is still open."""
        if self.holds():
            return "good"
        if self._disrupted is None and self._drill.injected_at is not None:
            self._disrupted = first_violation(self._drill.live.requests, self._drill.injected_at)
        since = self._made if self._disrupted is None else self._disrupted
        return "late" if now() >= since + self._may_take else None

    def holds(self) -> bool:
        """Whether it is, by the rule that ends a disruption."""
        self._drill.pump()
        live = self._drill.live
        hold = self._drill.declaration.hold_s
        if (last := last_violation(live.requests)) is not None and now() - last["done"] < hold:
            self.trouble = f"probe {last['name']}: {last['outcome']} {now() - last['done']:.1f} s ago"
            return False
        if refused := self._refused(live.requests):
            self.trouble = refused
            return False
        record = read_record(live.all(since=(self._drill.injected_at or now()) - 1))
        disruption = measure(record, effect=judge_landed(record).observed)
        if disruption.end is None:
            self.trouble = f"service has not been good for {hold:g} s yet"
            return False
        self.trouble = ""
        return True

    def _refused(self, requests: Sequence[Event]) -> str:
        """Whether more of the load is refused now than may be afterwards. To measure it all each time would cost a
        loaded machine more than the drill does."""
        allowed = [o.target for o in self._drill.declaration.objectives if o.measure == "refused_rate"]
        since = now() - BUCKET_S
        newest = itertools.takewhile(lambda event: event["t"] >= since, reversed(requests))
        outcomes = [request["outcome"] for request in newest if request["source"] == "load"]
        refused = outcomes.count("shed")
        if not allowed or refused <= allowed[0] * len(outcomes):
            return ""
        return f"load: {refused} of {len(outcomes)} requests refused in the last second"


def first_violation(requests: Sequence[Event], since: float) -> float | None:
    """When the first request that was not answered rightly, of the load or of a probe, was done after `since`
    (CLOCK_MONOTONIC seconds); None where there was none."""
    bad = (event["done"] for event in requests if event["done"] >= since and event["outcome"] != "ok")
    return next(bad, None)


def last_violation(requests: Sequence[Event]) -> Event | None:
    """The last violated request of a probe."""
    of_probes = (request for request in reversed(requests) if request["source"] == "probe")
    return next((request for request in of_probes if request["outcome"] != "ok"), None)
