"""Objectives of the load before, during and after the disruption.

Before: from the steady state that the drill saw (its `steady_s` included) to the injection. During: from the injection
to the end of the disruption. After: from there until the load stopped. Before and after, targets apply to the window
as it stands. During, failed requests are charged to the drill's error budget and the entries of `error_rate` and
`availability` are for information only; other objectives are judged during a disruption where the drill says so.

An objective with too few samples (1/(1 - target), see `Objective.samples_needed`) is unknown, good or bad.
"""

from __future__ import annotations

import math

from muster.objectives import Objective
from muster.objectives.objective import LATENCY_QUANTILE, REFUSAL_QUANTILE
from muster.verdict.alive import under_rate
from muster.verdict.disruption import Disruption
from muster.verdict.entry import SloEntry
from muster.verdict.load import LoadWindows, percentile
from muster.verdict.record import Record
from muster.verdict.verdicts import Verdict

Span = tuple[float, float]


def spans(record: Record, disruption: Disruption) -> dict[str, Span | None]:
    """The windows by name, in CLOCK_MONOTONIC seconds; None where there was no such time."""
    injected = record.injected
    before = None
    if record.steady is not None and record.steady[1] and injected is not None:
        before = (record.steady[0] - record.declared.steady_s, injected)
    during = after = None
    if injected is not None:
        end = disruption.watched_until if disruption.end is None else disruption.end.at
        during = (injected, max(end, injected))
    if disruption.end is not None:
        last = max((request.intended for request in record.load.requests), default=-math.inf)
        stopped = math.inf if record.load_stopped is None else record.load_stopped[0]
        after = (disruption.end.at, max(min(last, stopped), disruption.end.at))
    return {"before": before, "during": during, "after": after}


def judge_slo(record: Record, disruption: Disruption, *, required: bool) -> list[SloEntry]:
    """One entry for each objective and window, and one for the error budget."""
    load = record.windows
    windows = spans(record, disruption)
    entries = [
        _judge(objective, window, windows[window], load, record, required=required)
        for objective in record.declared.objectives
        for window in objective.windows
    ]
    budget = record.declared.error_budget
    if budget is not None:
        over = disruption.end is not None
        entries.append(_judge_budget(budget, windows["during"], load, over=over, required=required))
    return entries


def _judge(
    objective: Objective, window: str, span: Span | None, load: LoadWindows, record: Record, *, required: bool
) -> SloEntry:
    entry = SloEntry(name=objective.name, window=window, target=objective.target)
    judged = required and not (window == "during" and objective.counts_failures)
    if span is None or span[1] <= span[0]:
        entry.verdict = Verdict.UNKNOWN if judged else None
        entry.why = f"there was no time {window} the disruption"
        return entry
    value, entry.samples = measure(objective, span, load)
    if objective.name == "goodput" and value is not None:
        value += _good_probes(record, span) / (span[1] - span[0])
    entry.value = None if value is None else round(value, 6)
    if not judged:
        entry.why = "charged to the error budget" if required else None
        return entry
    entry.verdict, entry.why = _verdict(objective, value, entry.samples)
    if entry.verdict is Verdict.MET and (short := under_rate(record, [span])):
        entry.verdict, entry.why = Verdict.UNKNOWN, short[0].what
    return entry


def _verdict(objective: Objective, value: float | None, samples: int) -> tuple[Verdict, str | None]:
    needed = objective.samples_needed
    if math.isinf(needed):
        missed = value is not None and not objective.met_by(value)
        return (Verdict.MISSED if missed else Verdict.UNKNOWN), "no number of samples proves that nothing ever fails"
    if value is None or samples < needed:
        return Verdict.UNKNOWN, f"{samples} samples, {needed:.0f} needed"
    return (Verdict.MET if objective.met_by(value) else Verdict.MISSED), None


def measure(objective: Objective, span: Span, load: LoadWindows) -> tuple[float | None, int]:
    """The objective's figure in a window [start, end), and the number of samples that it stands on."""
    counts = load.counts(*span)
    if objective.name == "latency_p95":
        return _percentile(load.latencies(*span), LATENCY_QUANTILE)
    if objective.name == "refusal_latency":
        return _percentile(load.refusal_latencies(*span), REFUSAL_QUANTILE)
    if objective.name == "refused_rate":
        return (counts.refused / counts.asked if counts.asked else None), counts.asked
    if objective.name in ("goodput", "throughput"):
        answers = counts.good if objective.name == "goodput" else counts.answered
        return answers / (span[1] - span[0]), counts.asked
    if not counts.served:
        return None, 0
    failed = counts.failed / counts.served
    return (failed if objective.name == "error_rate" else 1 - failed), counts.served


def _good_probes(record: Record, span: Span) -> int:
    """How many good answers the prober had: it is a client like others, and takes its share of what is admitted."""
    probes = [record.probes[name] for name in ("read", "write") if name in record.probes]  # others may be exempt
    return sum(not r.bad and r.outcome == "ok" and span[0] <= r.intended < span[1] for s in probes for r in s.requests)


def _percentile(values: list[float], quantile: float) -> tuple[float | None, int]:
    return (percentile(values, quantile) if values else None), len(values)


def _judge_budget(budget: float, span: Span | None, load: LoadWindows, *, over: bool, required: bool) -> SloEntry:
    """Failures during the disruption against what the drill may cost; a disruption that goes on may cost more."""
    entry = SloEntry(name="error_budget", window="during", target=budget)
    if span is not None:
        counts = load.counts(*span)
        entry.samples = counts.served
        as_ratio = isinstance(budget, float) and budget <= 1
        if counts.served:
            entry.value = round(counts.failed / counts.served, 6) if as_ratio else float(counts.failed)
    if not required:
        return entry
    if entry.value is None:
        entry.verdict, entry.why = Verdict.UNKNOWN, "there was no load during the disruption"
    elif entry.value > budget:
        entry.verdict = Verdict.MISSED
    else:
        entry.verdict = Verdict.MET if over else Verdict.UNKNOWN
        entry.why = None if over else "service was not seen good again"
    return entry
