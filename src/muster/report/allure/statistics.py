"""What the load and the probes saw, in figures: one row per stream and window."""

from __future__ import annotations

import csv
import io
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from muster.report.allure.tale import Tale
from muster.verdict.reading.requests import OUTCOMES, Requests
from muster.verdict.reading.windows import percentile

QUANTILES = (0.5, 0.95, 0.99)
COLUMNS = (
    "requests of", "window", "seconds", "requests", "per second", "failed", "failed %", "refused cleanly",
    "P50 ms", "P95 ms", "P99 ms", "max ms", "failures by kind",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch [start, end) of a drill, CLOCK_MONOTONIC seconds."""

    name: str
    start: float
    end: float


def statistics_csv(tale: Tale) -> str:
    """A table for people and spreadsheets; empty where no request was made.

    Latency counts from the intended time over good answers and timeouts, as in verdicts
    (`muster.verdict.reading.windows`).
    """
    table = tale.saved.table
    streams = {f"{source}: {name}": table.only(code) for code, (source, name) in enumerate(table.names)}
    if not streams or tale.record is None:
        return ""
    windows = list(_windows(tale))
    overload = tale.record.declared.overload
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(COLUMNS)
    for name in sorted(streams):
        rows.writerows(_row(name, streams[name], window, overload) for window in windows)
    return text.getvalue()


def _windows(tale: Tale) -> Iterator[Window]:
    """The whole drill, and where there was a fault, before it, during the disruption, and after."""
    yield Window("whole drill", -math.inf, math.inf)
    injected = tale.record.injected if tale.record else None
    if injected is None:
        return
    yield Window("before the fault", -math.inf, injected)
    end = tale.entry.disruption.end_s
    if end is None:
        yield Window("since the fault", injected, math.inf)
        return
    yield Window("until good again", injected, injected + end[1])
    yield Window("after", injected + end[1], math.inf)


def _row(name: str, requests: Requests, window: Window, overload: bool) -> list[str]:
    inside = requests[(requests.intended >= window.start) & (requests.intended < window.end)]
    if not len(inside):
        return [name, window.name, "0", "0"] + [""] * (len(COLUMNS) - 4)
    span = float(inside.intended.max() - inside.intended.min())
    counted = zip(OUTCOMES, np.bincount(inside.outcome, minlength=len(OUTCOMES)).tolist(), strict=True)
    outcomes = Counter({outcome: count for outcome, count in counted if count and outcome != "ok"})
    shed = outcomes.pop("shed", 0) if overload else 0
    failed = sum(outcomes.values())
    timed = np.sort((inside.done - inside.intended)[inside.became("ok", "timeout")])
    latencies = [f"{percentile(timed, q) * 1000:.1f}" if len(timed) else "" for q in QUANTILES]
    return [
        name,
        window.name,
        f"{span:.1f}",
        str(len(inside)),
        f"{len(inside) / span:.1f}" if span > 0 else "",
        str(failed),
        f"{100 * failed / len(inside):.2f}",
        str(shed),
        *latencies,
        f"{timed[-1] * 1000:.1f}" if len(timed) else "",
        ", ".join(f"{kind} {count}" for kind, count in outcomes.most_common()),
    ]
