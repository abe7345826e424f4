"""A drill's RTO against its budget over time, as SVG that goes with the page: colours are the page's own.

What proves an RTO on a cluster is a filled square, a rehearsal a hollow circle; a run that is not met is a cross, and
one without an RTO stands on the upper edge. So nothing is told by colour alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import datetime
from html import escape

from muster.scorecard.content import Drill, Point

WIDTH, HEIGHT = 640.0, 200.0
LEFT, RIGHT, TOP, BOTTOM = 52.0, 12.0, 16.0, 28.0
SIZE = 4.0  # of a mark, from its middle
EXPLAINED = 40  # the latest points that say beside the pointer what they are; of those that are not met each
STEPS = (1, 2, 5)


def chart(drill: Drill, identity: str) -> str:
    """The picture of a drill with at least one run; `identity` is unique in the page."""
    frame = _Frame(drill.shown, drill.budget_s)
    parts = [*_grid(frame), *_budget(frame, drill), *_marks(frame, drill.shown)]
    head = f'<svg viewBox="0 0 {WIDTH:g} {HEIGHT:g}" role="img" aria-labelledby="{identity}" class="chart">'
    return f'{head}<title id="{identity}">{escape(drill.said)}</title>{"".join(parts)}</svg>'


class _Frame:
    """Where what lies: the time from left to right, seconds from the bottom up."""

    def __init__(self, points: Sequence[Point], budget_s: float | None) -> None:
        times = [_time(point) for point in points]
        self.first, self.last = min(times), max(times)
        known = [point.rto_s for point in points if point.rto_s is not None]
        self.step = _step(max([*known, budget_s or 0.0, 1e-3]))
        self.top_s = self.step * math.ceil(max([*known, budget_s or 0.0, 1e-3]) * 1.05 / self.step)

    def x(self, point: Point) -> float:
        """Where its time lies; a lone run stands in the middle."""
        span = self.last - self.first
        share = (_time(point) - self.first) / span if span else 0.5
        return LEFT + SIZE + share * (WIDTH - LEFT - RIGHT - 2 * SIZE)

    def y(self, seconds: float) -> float:
        return HEIGHT - BOTTOM - min(seconds / self.top_s, 1.0) * (HEIGHT - TOP - BOTTOM)


def _time(point: Point) -> float:
    return datetime.fromisoformat(point.at).timestamp()


def _step(most: float) -> float:
    """The distance of three to six lines up to `most`: 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(most / 3))
    return next((factor * power for factor in STEPS if most / (factor * power) <= 6), 10 * power)


def _grid(frame: _Frame) -> Iterator[str]:
    for number in range(round(frame.top_s / frame.step) + 1):
        seconds = number * frame.step
        y = frame.y(seconds)
        yield f'<line class="grid" x1="{LEFT:g}" y1="{y:.1f}" x2="{WIDTH - RIGHT:g}" y2="{y:.1f}"/>'
        yield f'<text class="tick" x="{LEFT - 6:g}" y="{y + 4:.1f}" text-anchor="end">{seconds:g} s</text>'
    for moment, anchor, x in ((frame.first, "start", LEFT), (frame.last, "end", WIDTH - RIGHT)):
        day = f"{datetime.fromtimestamp(moment).astimezone():%Y-%m-%d}"
        yield f'<text class="tick" x="{x:g}" y="{HEIGHT - 8:g}" text-anchor="{anchor}">{day}</text>'


def _budget(frame: _Frame, drill: Drill) -> Iterator[str]:
    if drill.budget_s is None:
        return
    y = frame.y(drill.budget_s)
    yield f'<line class="budget" x1="{LEFT:g}" y1="{y:.1f}" x2="{WIDTH - RIGHT:g}" y2="{y:.1f}"/>'
    yield f'<text class="tick" x="{LEFT + 4:g}" y="{y - 4:.1f}">budget {drill.budget_s:g} s</text>'


def _marks(frame: _Frame, points: Sequence[Point]) -> Iterator[str]:
    for number, point in enumerate(points):
        x, y = frame.x(point), TOP - 6 if point.rto_s is None else frame.y(point.rto_s)
        explained = point.verdict != "met" or number >= len(points) - EXPLAINED
        title = f"<title>{escape(_said(point))}</title>" if explained else ""
        yield f'<g class="{point.evidence} {point.verdict}">{_mark(point, x, y)}{title}</g>'


def _mark(point: Point, x: float, y: float) -> str:
    if point.verdict != "met":
        one, other = f"M{x - SIZE:.1f} {y - SIZE:.1f}l8 8", "m0 -8l-8 8"
        boxed = f"M{x - 6:.1f} {y - 6:.1f}h12v12h-12z" if point.evidence == "cluster" else ""
        return f'<path d="{boxed}{one}{other}"/>'
    if point.evidence == "cluster":
        return f'<rect x="{x - SIZE:.1f}" y="{y - SIZE:.1f}" width="8" height="8"/>'
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4"/>'


def _said(point: Point) -> str:
    rto = "no RTO" if point.rto_s is None else f"RTO {point.rto_s:.3g} s"
    why = "" if point.verdict == "met" else f": {point.why}"
    return f"{point.at[:16].replace('T', ' ')} UTC, {point.evidence} ({point.cluster}), {point.verdict}, {rto}{why}"
