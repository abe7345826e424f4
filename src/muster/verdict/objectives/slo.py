"""Objectives of the load before, during and after the disruption.

Before: from the steady state that the drill saw (its `steady_s` included) to the injection. During: from the injection
to the end of the disruption. After: from there until the load stopped. Before and after, targets apply to the window
as it stands. During, failed requests are charged to the drill's error budget and the entries of objectives that count
failures are for information only; other objectives are judged during a disruption where the drill says so.

An objective with too few samples (1/(1 - target), see `Objective.samples_needed`) is unknown, good or bad.

A service level with a period has two more kinds of entries, see `muster.verdict.objectives.service_level`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Self

import numpy as np

from muster.objectives import Objective, Unmeasured
from muster.objectives.objective import LONGEST_NAME
from muster.verdict.disruption.measure import Disruption
from muster.verdict.disruption.watching import fell_short, late_s, not_sent, under_rate
from muster.verdict.entry import SloEntry
from muster.verdict.objectives.service_level import Spans, burn_entries, cost_entries, whole_number
from muster.verdict.reading.occurrences import Occurrences
from muster.verdict.reading.record import Record
from muster.verdict.reading.requests import Seconds
from muster.verdict.reading.windows import LoadWindows, percentile
from muster.verdict.verdicts import Verdict

Span = tuple[float, float]
ROUNDING = 2.0  # requests: a steady rate puts one more or less between any two moments


def spans(record: Record, disruption: Disruption) -> Spans:
    """The windows of a drill."""
    injected = record.injected
    before = during = after = drill = None
    last = record.windows.last_before(math.inf)
    stopped = min(last, math.inf if record.load_stopped is None else record.load_stopped[0])
    if record.steady is not None and record.steady[1] and injected is not None:
        before = (record.steady[0] - record.declared.steady_s, injected)
    if injected is not None:
        end = disruption.watched_until if disruption.end is None else disruption.end.at
        during = (injected, max(end, injected))
        drill = (injected, max(stopped, injected))
    if disruption.end is not None:
        after = (disruption.end.at, max(stopped, disruption.end.at))
    return Spans(before, during, after, drill)


def judge_slo(record: Record, disruption: Disruption, *, required: bool) -> list[SloEntry]:
    """One entry for each objective and window, and those of error budgets and burn rates."""
    windows, over = spans(record, disruption), disruption.end is not None
    entries: list[SloEntry] = []
    for objective in record.declared.objectives:
        looked = _Looked.at(record, objective)
        entries += [
            _judge(objective, window, windows, _Looked.at(record, objective, window), required=required)
            for window in objective.windows
        ]
        if looked.seen is not None:
            entries += cost_entries(objective, windows, looked.seen, over=over, required=required)
            entries += burn_entries(objective, windows, looked.seen, required=required)
    for entry in entries:
        _check_rate(entry, windows.named(entry.window), record)
    budget = record.declared.error_budget
    if budget is not None:
        entries.append(_judge_budget(budget, windows.during, record, over=over, required=required))
    return entries + [_unmeasured(one) for one in record.declared.unmeasured]


@dataclass(frozen=True, slots=True)
class _Looked:
    """What one objective is about: the load's requests, or some of them, and those counted where it is on a ratio."""

    record: Record
    load: LoadWindows
    seen: Occurrences | None

    @classmethod
    def at(cls, record: Record, objective: Objective, window: str = "") -> Self:
        load = record.windows if window != "before" else record.windows_before
        if objective.requests:
            fitting = [any(fnmatchcase(name, pattern) for pattern in objective.requests) for name in record.names]
            load = load.only(np.flatnonzero(fitting).astype(np.uint16))
        return cls(record, load, None if objective.allowed is None else Occurrences.of(load.requests, objective))


def _judge(objective: Objective, window: str, windows: Spans, looked: _Looked, *, required: bool) -> SloEntry:
    span = windows.named(window)
    entry = SloEntry(
        name=objective.name,
        measure=objective.measure,
        window=window,
        target=objective.target,
        at_most=objective.at_most,
        samples_needed=whole_number(objective.samples_needed),
    )
    judged = required and not (window == "during" and objective.counts_failures)
    if span is None or span[1] <= span[0]:
        entry.verdict = Verdict.UNKNOWN if judged else None
        entry.why = f"there was no time {window} the disruption"
        return entry
    value, entry.samples = measure(objective, span, looked.load, looked.seen)
    if objective.measure == "goodput" and value is not None and not objective.requests:
        value += _good_probes(looked.record, span) / (span[1] - span[0])
    entry.value = None if value is None else round(value, 6)
    if judged:
        entry.verdict, entry.why = _verdict(objective, value, entry.samples)
        if entry.verdict is Verdict.MET and (open_ := _given_up(objective, span, looked.load)):
            entry.verdict, entry.why = Verdict.UNKNOWN, open_
        if entry.verdict is Verdict.MISSED and (open_ := _generators_own(objective, span, looked, value)):
            entry.verdict, entry.why = Verdict.UNKNOWN, open_
    elif required:
        entry.why = "charged to the error budget"
    return entry


def _generators_own(objective: Objective, span: Span, looked: _Looked, value: float | None) -> str | None:
    """Why a figure that looks bad is open: the generator fell short, and without what it may have cost by itself the
    target would be reached. A ratio of failures stands, as what was not sent would not have failed less."""
    short = fell_short(looked.record, [span])
    if not short or value is None:
        return None
    if objective.measure in ("goodput", "throughput"):
        best: float | None = value + not_sent(looked.record, *span) / (span[1] - span[0])
    elif objective.quantile is not None or objective.threshold_s is not None:
        load = looked.load.at_best(late_s(looked.record, *span))
        best, _ = measure(objective, span, load, looked.seen and Occurrences.of(load.requests, objective))
    else:
        return None
    if best is None or not objective.met_by(best):
        return None
    return f"{short[0].what}; without what that may have cost it would be {best:.3g}"


def _given_up(objective: Objective, span: Span, load: LoadWindows) -> str | None:
    """Why a latency that looks good is open: requests that the client gave up before the target was reached may have
    taken longer than it."""
    if objective.quantile is None or objective.measure == "refusal_latency":
        return None
    early = load.given_up(*span)
    early = early[early <= objective.target]
    latencies = load.latencies(*span)
    within = np.count_nonzero(latencies <= objective.target) - len(early)
    if within >= math.ceil(objective.quantile * len(latencies) - 1e-9):
        return None
    return f"{len(early)} requests were given up after {early.min():g} s, before it was known whether they were in time"


def _check_rate(entry: SloEntry, span: Span | None, record: Record) -> None:
    """A load that asked for much less than it was to proves nothing good."""
    if entry.verdict is not Verdict.MET or span is None:
        return
    if short := under_rate(record, [span]):
        entry.verdict, entry.why = Verdict.UNKNOWN, short[0].what


def _verdict(objective: Objective, value: float | None, samples: int) -> tuple[Verdict, str | None]:
    needed = objective.samples_needed
    if math.isinf(needed):
        missed = value is not None and not objective.met_by(value)
        return (Verdict.MISSED if missed else Verdict.UNKNOWN), "no number of samples proves that nothing ever fails"
    if value is None or samples < needed:
        return Verdict.UNKNOWN, f"{samples} samples, {needed:.0f} needed"
    return (Verdict.MET if objective.met_by(value) else Verdict.MISSED), None


def measure(objective: Objective, span: Span, load: LoadWindows, seen: Occurrences | None) -> tuple[float | None, int]:
    """The objective's figure in a window [start, end), and the number of samples that it stands on."""
    if seen is not None:
        bad, samples = seen.ratio(*span)
        return (bad if bad is None or objective.at_most else 1 - bad), samples
    if objective.quantile is not None:
        refusals = objective.measure == "refusal_latency"
        latencies = load.refusal_latencies(*span) if refusals else load.latencies(*span)
        return _percentile(latencies, objective.quantile)
    counts = load.counts(*span)
    answers = counts.good if objective.measure == "goodput" else counts.answered
    return answers / (span[1] - span[0]), counts.asked


def _good_probes(record: Record, span: Span) -> int:
    """How many good answers the prober had: it is a client like others, and takes its share of what is admitted."""
    good = 0
    for name in ("read", "write"):  # others may be exempt
        if name in record.probes:
            asked = record.probes[name].requests
            inside = (asked.intended >= span[0]) & (asked.intended < span[1])
            good += int(np.count_nonzero(inside & ~asked.bad & asked.became("ok")))
    return good


def _percentile(values: Seconds, quantile: float) -> tuple[float | None, int]:
    return (percentile(values, quantile) if len(values) else None), len(values)


def _judge_budget(budget: float, span: Span | None, record: Record, *, over: bool, required: bool) -> SloEntry:
    """Failures during the disruption against what the drill may cost; a disruption that goes on may cost more.

    Requests under way when the fault was sent, and broken by it, count as well. Those that the generator did not send
    while service was out might all have failed: within the budget is what is so with them, too.
    """
    most = None
    entry = SloEntry(name="error_budget", window="during", target=budget, at_most=True, samples_needed=1)
    if span is not None:
        counts, struck = record.windows.counts(*span), len(record.struck_under_way)
        # A task may make several requests, so that the one figure does not always show what the other does.
        unsent = max(record.offered.wanted(*span) - counts.asked - ROUNDING, float(not_sent(record, *span)), 0.0)
        entry.samples = served = counts.served + struck
        as_ratio = isinstance(budget, float) and budget <= 1
        if served:
            failed = counts.failed + struck
            entry.value = round(failed / served, 6) if as_ratio else float(failed)
            most = (failed + unsent) / (served + unsent) if as_ratio else failed + unsent
    if not required:
        return entry
    if entry.value is None:
        entry.verdict, entry.why = Verdict.UNKNOWN, "there was no load during the disruption"
    elif entry.value > budget:
        entry.verdict = Verdict.MISSED
    elif over and most is not None and most > budget:
        entry.verdict, entry.why = Verdict.UNKNOWN, f"{unsent:.0f} requests were not sent that might have failed"
    else:
        entry.verdict = Verdict.MET if over else Verdict.UNKNOWN
        entry.why = None if over else "service was not seen good again"
    return entry


def _unmeasured(one: Unmeasured) -> SloEntry:
    return SloEntry(name=one.name[:LONGEST_NAME], window="drill", target=one.target, why=one.why)
