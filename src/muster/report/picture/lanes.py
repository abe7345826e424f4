"""A strip per probe, the phases of a release, and a bar per step of the recovery."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from muster.report.colours import OF_VERDICT
from muster.report.picture.scale import LEFT, RIGHT, ROW, SIZE, Scale, shortened, width_of
from muster.report.svg import FAINT, HATCHED, INK, LIGHT, Drawing
from muster.verdict import DrillVerdict, Verdict
from muster.verdict.reading.facts import Step
from muster.verdict.reading.record import Record
from muster.verdict.reading.requests import Stream

NAME_LENGTH, STEP_LENGTH, MOST_ROWS = 9, 44, 10
BAR = 18.0
PHASE_SIZE = 18.0
OVER = "end"  # the phase of a release that has ended


@dataclass(frozen=True, slots=True)
class Bar:
    """A step on its row; its words stand at `x`, left of it where `left`."""

    step: Step
    words: str
    row: int
    x: float
    left: bool


def probe_lanes(drawing: Drawing, scale: Scale, record: Record, entry: DrillVerdict, top_y: float) -> float:
    """A strip for each probe, blank where it did not look, hatched where a request was violated; returns the bottom.

    The name of a probe that made the verdict unknown is marked.
    """
    y = top_y
    for stream in record.probes.values():
        blamed = entry.verdict is Verdict.UNKNOWN and _blamed(stream, entry, scale)
        name = shortened(stream.name, NAME_LENGTH)
        words = f"\N{BLACK RIGHT-POINTING TRIANGLE} {name}" if blamed else name
        colour = OF_VERDICT[Verdict.UNKNOWN] if blamed else INK
        drawing.text(LEFT - 10, y + 19, words, anchor="end", size=SIZE, bold=blamed, colour=colour)
        drawing.line(LEFT, y + BAR + 3, RIGHT, y + BAR + 3, FAINT, width=1)
        for begin, end, bad, asked in _stretches(scale, stream):
            hint = f"probe {stream.name}, {begin - scale.zero:+.1f} s: {bad} of {asked} violated"
            width = max(scale.x(end) - scale.x(begin), 1.5)
            drawing.rectangle(scale.x(begin), y + 3, width, BAR, HATCHED if bad else LIGHT, title=hint)
        y += ROW
    return y


def _blamed(stream: Stream, entry: DrillVerdict, scale: Scale) -> bool:
    """Whether an unknown verdict may be due to this probe: a reason names it, or it fell silent."""
    named = any(f"probe {stream.name}" in why.replace("'", "") for why in [entry.why, *entry.reasons])
    return named or bool(stream.silences(scale.zero, scale.end))


def _stretches(scale: Scale, stream: Stream) -> Iterator[tuple[float, float, int, int]]:
    """(begin, end, violated, asked) of buckets that are alike and follow each other; none where nothing was asked."""
    in_order = np.argsort(stream.requests.noticed, kind="stable")
    moments, violated = stream.requests.noticed[in_order], stream.requests.bad[in_order]
    open_: tuple[float, float, int, int] | None = None
    for begin, end in scale.buckets():
        low, high = np.searchsorted(moments, [begin, end])
        inside, bad = int(high - low), int(violated[low:high].sum())
        if open_ and inside and bool(bad) == bool(open_[2]) and abs(open_[1] - begin) < 1e-6:
            open_ = (open_[0], end, open_[2] + bad, open_[3] + inside)
            continue
        if open_:
            yield open_
        open_ = (begin, end, bad, inside) if inside else None
    if open_:
        yield open_


def release_lane(drawing: Drawing, scale: Scale, record: Record, top_y: float) -> float:
    """The phases of the release that the drill brought out, and what became of it; returns the bottom."""
    if not record.release:
        return top_y
    drawing.text(LEFT - 10, top_y + 19, "release", anchor="end", size=SIZE)
    turns = [list(group) for _, group in groupby(record.release, key=lambda at: at.phase)]
    over = turns.pop()[-1].state if turns[-1][0].phase == OVER else ""
    at = [scale.x(turn[0].t) for turn in turns] + [scale.x(record.release[-1].t) if over else RIGHT]
    left = width_of(over, PHASE_SIZE) + 8 > RIGHT - at[-1]  # what became of it stands left of its end
    free = at[-1] - width_of(over, PHASE_SIZE) if left else at[-1]
    for number, (turn, begin, end) in enumerate(zip(turns, at[:-1], at[1:], strict=True)):
        hint = f"release: {turn[0].phase}, {turn[0].t - scale.zero:+.1f} s"
        drawing.rectangle(begin, top_y + 3, max(end - begin, 1.5), BAR, FAINT if number % 2 else LIGHT, title=hint)
        if width_of(turn[0].phase, PHASE_SIZE) + 8 <= min(end, free) - begin:
            drawing.text(begin + 4, top_y + 18, turn[0].phase, size=PHASE_SIZE)
    drawing.text(at[-1] + (-4 if left else 4), top_y + 18, over, size=PHASE_SIZE, anchor="end" if left else "start")
    return top_y + ROW


def place_steps(scale: Scale, record: Record) -> list[Bar]:
    """Rows for the steps that were not skipped, each beneath what it would run into; of many steps the longest."""
    steps = [step for recovery in record.recoveries for step in recovery.steps if step.state != "skipped"]
    shown = sorted(steps, key=_took, reverse=True)[:MOST_ROWS]
    rows: list[float] = []
    bars = []
    for step in sorted(shown, key=lambda step: step.began):
        words = _words(step)
        begin, end, width = scale.x(step.began), scale.x(_end(step, scale)), width_of(words, 20)
        left = end + 10 + width > RIGHT
        x = begin - 10 if left else end + 10
        taken = (x - width, end) if left else (begin, x + width)
        row = next((index for index, until in enumerate(rows) if taken[0] >= until), len(rows))
        rows[row : row + 1] = [taken[1] + 14]
        bars.append(Bar(step, words, row, x, left))
    return bars


def step_lanes(drawing: Drawing, scale: Scale, bars: Sequence[Bar], top_y: float) -> float:
    """The steps as bars over the time that they took; returns the bottom."""
    if not bars:
        return top_y
    drawing.text(LEFT - 10, top_y + 19, "recovery", anchor="end", size=SIZE)
    for bar in bars:
        y, begin, end = top_y + bar.row * ROW + 3, scale.x(bar.step.began), scale.x(_end(bar.step, scale))
        bad = bar.step.state != "done"
        drawing.rectangle(begin, y, max(end - begin, 4), BAR, HATCHED if bad else INK, title=bar.step.detail or "")
        drawing.text(bar.x, y + 16, bar.words, size=20, anchor="end" if bar.left else "start")
    return top_y + (max(bar.row for bar in bars) + 1) * ROW


def _words(step: Step) -> str:
    name = shortened(step.name, STEP_LENGTH)
    if step.ended is None:
        return f"{name} (did not end)"
    return f"{name} {step.ended - step.began:.1f} s{' (failed)' if step.state == 'failed' else ''}"


def _took(step: Step) -> float:
    return float("inf") if step.ended is None else step.ended - step.began


def _end(step: Step, scale: Scale) -> float:
    return scale.end if step.ended is None else step.ended
