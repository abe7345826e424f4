"""The drill step by step: each phase, what was done and seen in it, and the verdict in its parts."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from allure_commons.model2 import Status, TestStepResult

from muster.base.timeline import Event
from muster.report.allure.tale import Tale
from muster.verdict import DrillVerdict, Verdict
from muster.verdict.conclusion.words import lost_line, rpo_line, rto_line, slo_line
from muster.verdict.reading.facts import Fault, Recovery, Step

PHASES = {
    "load": "load",
    "steady": "steady state",
    "inject": "fault",
    "landed": "fault landed",
    "recover": "recovery",
    "good": "service good again",
    "undo": "fault undone",
    "after": "load stopped",
    "judge": "judged",
}
# Allure's words for how a step ended.
STATES = {"done": Status.PASSED, "skipped": Status.SKIPPED, "failed": Status.FAILED, "began": Status.BROKEN}
VERDICTS = {Verdict.MET: Status.PASSED, Verdict.MISSED: Status.FAILED, Verdict.UNKNOWN: Status.BROKEN}


def steps_of(tale: Tale) -> list[TestStepResult]:
    """The phases in their order, what belongs to each nested in it; the verdict's parts come last."""
    marks = [event for event in tale.events if event["kind"] == "phase"]
    ends = [*(b["t"] for _, b in pairwise(marks)), tale.ended] if marks else []
    steps = [_phase(tale, mark, end) for mark, end in zip(marks, ends, strict=True)]
    return [*steps, verdict_step(tale)]


def _phase(tale: Tale, mark: Event, end: float) -> TestStepResult:
    """One phase from its mark to the next one's."""
    start, phase, detail = float(mark["t"]), str(mark.get("phase")), str(mark.get("detail") or "")
    name = PHASES.get(phase, phase)
    step = _step(tale, f"{name}: {detail}" if detail else name, start, end)
    inside = [event for event in tale.events if start <= event["t"] < end or event["t"] == end == tale.ended]
    step.steps = [*_seen(tale, inside), *_recoveries(tale, start, end)]
    step.steps.sort(key=lambda inner: inner.start)
    if any(inner.status in (Status.FAILED, Status.BROKEN) for inner in step.steps):
        step.status = Status.BROKEN
    return step


def _seen(tale: Tale, inside: list[Event]) -> Iterator[TestStepResult]:
    """What was noticed within a phase."""
    landed = _first_looks(tale)
    for event in inside:
        kind, t = event["kind"], float(event["t"])
        if kind in ("steady", "good"):
            yield _moment(tale, t, _told(kind, event), Status.PASSED if event.get("ok") else Status.BROKEN)
            for name, text in dict(event.get("checks") or {}).items():
                yield _moment(tale, t, f"{name}: {text}")
        elif kind == "fault.sent":
            yield _moment(tale, t, f"injected: {event.get('activity')}")
        elif kind == "fault.effect" and t in landed:
            yield _moment(tale, t, f"landed, as seen from outside: {event.get('evidence')}")
        elif kind == "fault.undone":
            yield from (_moment(tale, t, f"undone: {text}") for text in event.get("undone") or [])
            yield from (_moment(tale, t, f"left as it is: {text}") for text in event.get("left") or [])
        elif kind == "pod":
            yield _moment(tale, t, f"pod {event.get('pod')}: {event.get('change')}")


def _told(kind: str, event: Event) -> str:
    name = "steady" if kind == "steady" else "good again, and it held"
    return name if event.get("ok") else f"not {name}: {event.get('why')}"


def _first_looks(tale: Tale) -> set[float]:
    """When each fault's effect was seen for the first time."""
    faults: list[Fault] = tale.record.faults if tale.record else []
    return {next((look.t for look in fault.effects if look.observed), -1.0) for fault in faults}


def _recoveries(tale: Tale, start: float, end: float) -> Iterator[TestStepResult]:
    """The steps of the recovery procedures that began within [start, end)."""
    recoveries: list[Recovery] = tale.record.recoveries if tale.record else []
    for recovery in recoveries:
        if start <= recovery.began < end:
            yield from (_recovery_step(tale, step) for step in recovery.steps)
            if recovery.why:
                yield _moment(tale, recovery.ended or end, f"stopped: {recovery.why}", Status.FAILED)


def _recovery_step(tale: Tale, step: Step) -> TestStepResult:
    ended = tale.ended if step.ended is None else step.ended
    # What was done, and not that it was, tells a reader something.
    name = f"{step.name}: {step.detail}" if step.detail else step.name
    return _step(tale, name, step.began, ended, STATES.get(step.state, Status.BROKEN))


def verdict_step(tale: Tale) -> TestStepResult:
    """The verdict and its parts; an objective that was not required is shown as skipped."""
    entry = tale.entry
    step = _moment(tale, tale.ended, f"verdict: {entry.verdict} ({entry.why})", VERDICTS[entry.verdict])
    step.steps = [
        _moment(tale, tale.ended, words, Status.SKIPPED if verdict is None else VERDICTS[verdict])
        for words, verdict in verdict_parts(entry)
    ]
    return step


def verdict_parts(entry: DrillVerdict) -> Iterator[tuple[str, Verdict | None]]:
    """Each objective in words with its verdict, None where it was not required."""
    yield rto_line(entry.rto), entry.rto.verdict
    if entry.rpo.acknowledged_writes or entry.rpo.verdict is not None:
        yield lost_line(entry), entry.rpo.lost_verdict
        yield rpo_line(entry), entry.rpo.target_verdict
    for slo in entry.slo:
        yield slo_line(slo), slo.verdict
    if entry.recovered_by:
        yield f"recovered by {entry.recovered_by}", None


def _moment(tale: Tale, t: float, name: str, status: str = Status.PASSED) -> TestStepResult:
    return _step(tale, name, t, t, status)


def _step(tale: Tale, name: str, start: float, end: float, status: str = Status.PASSED) -> TestStepResult:
    return TestStepResult(name=name, status=status, start=tale.epoch_ms(start), stop=tale.epoch_ms(max(start, end)))
