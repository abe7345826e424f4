"""One drill in one picture: what clients saw each second, how long they waited, and what was done when.

Above: requests of the load per second (of the probes, where there was no load), good ones below failed ones. Middle:
their P95 latency. Vertical lines: fault, landed, the recovery's steps, good again. Below: the RTO with its interval
against budget and target. Times count from the injection, where there was one. Fonts are large enough for a picture
shown at half its width.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from muster.base.errors import MusterError
from muster.base.timeline import Event
from muster.report.svg import BLUE, FAINT, GLYPH, GREEN, INK, ORANGE, PAPER, PURPLE, VERMILLION, Drawing
from muster.verdict import DrillVerdict, Verdict
from muster.verdict.entry import RtoEntry
from muster.verdict.load import LoadWindows, percentile
from muster.verdict.record import Record, read_record
from muster.verdict.words import rto_line

WIDTH, HEIGHT = 1200.0, 760.0
LEFT, RIGHT = 110.0, 1170.0
MARKS_TOP, RATE_TOP, RATE_BOTTOM, LATENCY_TOP, LATENCY_BOTTOM = 92.0, 200.0, 400.0, 430.0, 560.0
BAR_Y = 668.0
ROW = 26.0
MAX_BUCKETS = 240
LABEL_LENGTH = 32
LEAD_S = 10.0
FEWEST_GOOD = 5  # of fewer good answers a percentile is an accident
_COLOURS = {Verdict.MET: GREEN, Verdict.MISSED: VERMILLION, Verdict.UNKNOWN: PURPLE}


@dataclass(frozen=True, slots=True)
class _Scale:
    """Maps seconds since `zero` to the page."""

    start: float
    end: float
    zero: float

    def x(self, t: float) -> float:
        share = (min(max(t, self.start), self.end) - self.start) / (self.end - self.start)
        return LEFT + share * (RIGHT - LEFT)


@dataclass(frozen=True, slots=True)
class _Mark:
    """Something that happened; the dash tells kinds apart without colour."""

    t: float
    label: str
    colour: str
    dash: str = ""


@dataclass(frozen=True, slots=True)
class _Label:
    """Where a mark's words stand; `left` of the line where there is no room on its right."""

    mark: _Mark
    words: str
    x: float
    row: int
    left: bool


def draw(events: Sequence[Event], entry: DrillVerdict) -> str:
    """A self-contained SVG of the drill. A timeline that cannot be understood gives a picture that says so."""
    drawing = Drawing(WIDTH, HEIGHT, f"{entry.name}: {entry.verdict}, {entry.why}")
    _heading(drawing, entry)
    try:
        record = read_record(events)
    except MusterError as error:
        drawing.text(LEFT, RATE_TOP, f"nothing to draw: {error}"[:100])
        return drawing.render()
    requests = record.load.requests or [r for stream in record.probes.values() for r in stream.requests]
    if not requests:
        drawing.text(LEFT, RATE_TOP, "nothing to draw: no request was made")
        return drawing.render()
    windows = LoadWindows(requests, [])
    start, end = windows.requests[0].intended, max(request.intended for request in windows.requests)
    if record.injected is not None:  # how long it took to become steady must not squeeze what matters
        start = max(start, record.injected - LEAD_S)
    scale = _Scale(start, max(end, start + 1), record.injected or start)
    bucket = math.ceil((scale.end - scale.start) / MAX_BUCKETS)
    labels = _place(scale, list(_what_happened(record, entry)))
    shift = ROW * max(0, max((label.row for label in labels), default=0) - 3)
    drawing.move_down(shift)
    _time_axis(drawing, scale, "injection" if record.injected else "first request")
    _rates(drawing, scale, windows, bucket, "load" if record.load.requests else "probes")
    _latencies(drawing, scale, windows, bucket)
    _rto_bar(drawing, entry)
    drawing.move_down(-shift)
    _marks(drawing, labels, LATENCY_BOTTOM + shift)
    drawing.height += shift
    return drawing.render()


def _heading(drawing: Drawing, entry: DrillVerdict) -> None:
    drawing.text(24, 38, f"{entry.verdict.upper()} {entry.name}", size=30, bold=True, colour=_COLOURS[entry.verdict])
    kind = f"{entry.severity or 'no severity'}, evidence: {entry.evidence or 'none'}"
    drawing.text(WIDTH - 24, 38, kind, size=20, anchor="end")
    fits = int((WIDTH - 48) / (20 * GLYPH))
    why = entry.why if len(entry.why) <= fits else entry.why[: fits - 3] + "..."
    drawing.text(24, 70, why, size=20)


def _time_axis(drawing: Drawing, scale: _Scale, zero: str) -> None:
    step = _round_step((scale.end - scale.start) / 10)
    tick = math.ceil((scale.start - scale.zero) / step) * step
    while scale.zero + tick <= scale.end:
        x = scale.x(scale.zero + tick)
        drawing.line(x, RATE_TOP, x, LATENCY_BOTTOM, FAINT, width=0.7)
        drawing.text(x, LATENCY_BOTTOM + 26, f"{tick:g}", anchor="middle")
        tick += step
    drawing.text(RIGHT, LATENCY_BOTTOM + 50, f"seconds since the {zero}", anchor="end", size=18)


def _round_step(raw: float) -> float:
    """The smallest of 1, 2, 5, 10, ... that is no less than `raw`."""
    power = 10.0 ** math.floor(math.log10(max(raw, 1e-3)))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw - 1e-9)


def _buckets(scale: _Scale, bucket: int) -> Iterator[float]:
    """Starts of the buckets, so laid that one begins at the injection."""
    at = scale.zero + math.floor((scale.start - scale.zero) / bucket) * bucket
    while at < scale.end:
        yield at
        at += bucket


def _rates(drawing: Drawing, scale: _Scale, windows: LoadWindows, bucket: int, of: str) -> None:
    found = [(at, windows.counts(at, at + bucket)) for at in _buckets(scale, bucket)]
    top = _round_step(max(max(counts.asked for _, counts in found) / bucket, 1))
    height = RATE_BOTTOM - RATE_TOP
    for at, counts in found:
        x, width = scale.x(at), scale.x(at + bucket) - scale.x(at)
        good, bad = ((counts.asked - counts.failed) / bucket, counts.failed / bucket)
        hint = f"{at - scale.zero:+.0f} s: {good:.0f}/s good, {bad:.0f}/s failed"
        low, high = height * good / top, height * bad / top
        drawing.rectangle(x + 0.5, RATE_BOTTOM - low, width - 1, low, BLUE, title=hint)
        if bad:
            drawing.rectangle(x + 0.5, RATE_BOTTOM - low - high, width - 1, high, "url(#hatch)", title=hint)
    _value_axis(drawing, RATE_TOP, RATE_BOTTOM, top, "/s")
    drawing.rectangle(LEFT, LATENCY_BOTTOM + 36, 18, 18, BLUE)
    drawing.text(LEFT + 24, LATENCY_BOTTOM + 51, f"{of}: good", size=18)
    drawing.rectangle(LEFT + 150, LATENCY_BOTTOM + 36, 18, 18, "url(#hatch)")
    drawing.text(LEFT + 174, LATENCY_BOTTOM + 51, "failed", size=18)
    drawing.line(LEFT + 260, LATENCY_BOTTOM + 45, LEFT + 290, LATENCY_BOTTOM + 45, ORANGE, width=3)
    drawing.text(LEFT + 298, LATENCY_BOTTOM + 51, "P95 latency (a timeout counts as its limit)", size=18)


def _latencies(drawing: Drawing, scale: _Scale, windows: LoadWindows, bucket: int) -> None:
    points: list[tuple[float, float | None]] = []
    for at in _buckets(scale, bucket):
        latencies = windows.latencies(at, at + bucket)
        enough = windows.counts(at, at + bucket).good >= FEWEST_GOOD
        points.append((at + bucket / 2, percentile(latencies, 0.95) if enough else None))
    top = _round_step(max([0.001, *(value for _, value in points if value is not None)]))
    run: list[tuple[float, float]] = []
    for t, value in [*points, (scale.end, None)]:
        if value is not None:
            run.append((scale.x(t), LATENCY_BOTTOM - (LATENCY_BOTTOM - LATENCY_TOP) * value / top))
        elif run:  # hardly an answer, no line
            drawing.path(run, ORANGE)
            run = []
    in_ms = top < 1
    _value_axis(drawing, LATENCY_TOP, LATENCY_BOTTOM, top * 1000 if in_ms else top, " ms" if in_ms else " s")


def _value_axis(drawing: Drawing, top_y: float, bottom_y: float, top: float, unit: str) -> None:
    drawing.line(LEFT, top_y, LEFT, bottom_y)
    drawing.line(LEFT, bottom_y, RIGHT, bottom_y)
    drawing.text(LEFT - 10, top_y + 14, f"{top:g}{unit}", anchor="end")
    drawing.text(LEFT - 10, bottom_y, "0", anchor="end")


def _what_happened(record: Record, entry: DrillVerdict) -> Iterator[_Mark]:
    injected = record.injected
    if injected is None:
        return
    yield _Mark(injected, "fault", VERMILLION)
    seen = [look.t for fault in record.faults for look in fault.effects if look.observed][:1]
    yield from (_Mark(t, "landed", VERMILLION, "6 4") for t in seen)
    for recovery in record.recoveries:
        if not recovery.steps:
            yield _Mark(recovery.began, recovery.procedure, INK, "2 4")
        yield from (_Mark(step.began, step.name, INK, "2 4") for step in recovery.steps if step.state != "skipped")
    end = entry.disruption.end_s
    if end is not None:
        since = entry.rto.since_injection_s
        yield _Mark(injected + (end[1] if since is None else since), "good again", GREEN)


def _place(scale: _Scale, marks: Sequence[_Mark]) -> list[_Label]:
    """A label for each mark, in the first row in which it does not run into another."""
    rows: list[float] = []
    labels = []
    for mark in sorted(marks, key=lambda mark: mark.t):
        name = mark.label if len(mark.label) <= LABEL_LENGTH else mark.label[: LABEL_LENGTH - 3] + "..."
        words = name if math.isclose(mark.t, scale.zero) else f"{name} {mark.t - scale.zero:+.1f}"
        x, width = scale.x(mark.t), len(words) * 20 * GLYPH
        left = x + width > RIGHT
        begin = x - width if left else x
        row = next((index for index, taken in enumerate(rows) if begin >= taken), len(rows))
        rows[row : row + 1] = [begin + width + 12]
        labels.append(_Label(mark, words, x, row, left))
    return labels


def _marks(drawing: Drawing, labels: Sequence[_Label], bottom: float) -> None:
    for label in labels:
        top = MARKS_TOP + ROW * label.row + 8
        drawing.line(label.x, top, label.x, bottom, PAPER, width=3.5)
        drawing.line(label.x, top, label.x, bottom, label.mark.colour, width=2.5, dash=label.mark.dash)
    for label in labels:  # after the lines, so that none runs through a word
        x, anchor = (label.x - 4, "end") if label.left else (label.x + 4, "start")
        drawing.text(x, MARKS_TOP + ROW * label.row + 16, label.words, anchor=anchor, colour=label.mark.colour)


def _rto_bar(drawing: Drawing, entry: DrillVerdict) -> None:
    rto = entry.rto
    drawing.text(24, BAR_Y - 14, rto_line(rto), bold=True)
    top = _bar_end(rto)
    unit = (RIGHT - LEFT) / top
    y, height = BAR_Y + 4, 28.0
    drawing.line(LEFT, y + height, RIGHT, y + height)
    drawing.text(LEFT - 10, y + 21, "RTO", anchor="end")
    drawing.text(LEFT, y + height + 28, "0", anchor="middle")
    limits = [("budget", rto.budget_s), ("target", rto.target_s)]
    beyond = ", ".join(f"{name} {limit:g} s" for name, limit in limits if limit is not None and limit > top)
    end = f"{top:g} s" + (f" (beyond: {beyond})" if beyond else "")
    drawing.text(RIGHT, y + height + 28, end, anchor="end")
    length = rto.low_s if rto.value_s is None else rto.value_s
    if length is not None:
        # A short disruption is drawn as short as it was, but not so thin that nobody sees it.
        colour = BLUE if rto.value_s is not None else "url(#hatch)"
        drawing.rectangle(LEFT, y, max(length * unit, 2 if length else 0), height, colour)
    if rto.low_s is not None and rto.high_s is not None:
        drawing.line(LEFT + rto.low_s * unit, y + 14, LEFT + rto.high_s * unit, y + 14, INK, width=5)
    for name, limit in limits:
        if limit is not None and limit <= top:
            x = LEFT + limit * unit
            drawing.line(x, y - 8, x, y + height + 6, PAPER, width=6)
            drawing.line(x, y - 8, x, y + height + 6, INK, width=3, dash="" if name == "target" else "6 4")
            left = x - LEFT > (RIGHT - LEFT) / 4
            drawing.text(x - 8 if left else x + 8, y + 21, f"{name} {limit:g} s", anchor="end" if left else "start")


def _bar_end(rto: RtoEntry) -> float:
    """Seconds at the right end of the RTO's bar: all that was measured, and the budget (else the target), fit in.

    One rule for all drills, so that a bar that looks long was long for what was wanted.
    """
    reached = max(rto.high_s or 0.0, rto.low_s or 0.0, rto.value_s or 0.0)
    limit = rto.target_s if rto.budget_s is None else rto.budget_s
    least = 1.1 * max(reached, limit or 0.0, 0.1)
    power = 10.0 ** math.floor(math.log10(least))
    return next(factor * power for factor in (1.2, 1.5, 2, 2.5, 3, 3.5, 4, 5, 6, 8, 10, 12) if factor * power >= least)
