"""A release over time, as SVG that goes with the page: traffic by version, failed requests and P95 of both versions.

The old version is a thin line, the new one a thick one, so that nothing is told by colour alone. Where a phase begins
is a line from top to bottom with its name; what was decided otherwise than to go on is a mark below, and says beside
the pointer why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from itertools import pairwise

from muster.released import LookFacts
from muster.released.facts import SideFacts
from muster.scorecard.content import ReleaseStory

WIDTH, HEIGHT = 640.0, 346.0
LEFT, RIGHT = 62.0, 12.0
GAP_S = 120.0  # of the clock without a look, after which a line is not drawn on
LEAST_WIDTH = 56.0  # of a phase that has its name above it
MOST_POINTS = 300  # of a line: more are not seen
MARKS = {"hold": "M-4 -4h3v8h-3zM1 -4h3v8h-3z", "promote": "M-4 4l4 -8l4 8z", "roll back": "M-4 -4l8 8m0 -8l-8 8"}
MARKS_Y = HEIGHT - 34
LEAST_TOP = {"failed": 0.01, "P95": 0.1}


@dataclass(frozen=True)
class _Band:
    """A part of the picture: from which y to which, and what its upper edge stands for."""

    name: str
    top: float
    bottom: float
    most: float
    words: str

    def y(self, value: float) -> float:
        """Where a value lies; what is more than the upper edge lies on it."""
        return self.bottom - min(value / self.most, 1.0) * (self.bottom - self.top)


def release_chart(story: ReleaseStory, identity: str) -> str:
    """The picture of a release of which at least one look was kept; `identity` is unique in the page."""
    looks = thinned(story.looks)
    times = [_time(look) for look in looks]
    first, span = times[0], max(times[-1] - times[0], 1.0)

    def x(look: LookFacts) -> float:
        return LEFT + (_time(look) - first) / span * (WIDTH - LEFT - RIGHT)

    errors = max([LEAST_TOP["failed"], *_known(looks, lambda side: side.errors)])
    slow = max([LEAST_TOP["P95"], *_known(looks, lambda side: side.p95_s)])
    bands = (
        _Band("traffic", 24, 94, 1.0, "100 %"),
        _Band("failed", 120, 190, errors, f"{errors * 100:.3g} %"),
        _Band("P95", 216, 286, slow, f"{slow * 1000:.0f} ms"),
    )
    parts = [
        *(part for band in bands for part in _frame(band)),
        *_phases(looks, x),
        *_traffic(looks, x, bands[0]),
        *_lines(looks, x, bands[1], lambda side: side.errors),
        *_lines(looks, x, bands[2], lambda side: side.p95_s),
        *_decisions(looks, x),
        *_axis(looks),
    ]
    head = f'<svg viewBox="0 0 {WIDTH:g} {HEIGHT:g}" role="img" aria-labelledby="{identity}" class="chart release">'
    return f'{head}<title id="{identity}">{escape(story.said)}</title>{"".join(parts)}</svg>'


def thinned(looks: Sequence[LookFacts]) -> list[LookFacts]:
    """As many looks as a line needs at the most; where a phase begins or ends, or something else is decided than
    before, none is left out."""
    step = len(looks) // MOST_POINTS + 1
    if step == 1:
        return list(looks)
    kept = {0, len(looks) - 1, *range(0, len(looks), step)}
    for number, (one, other) in enumerate(pairwise(looks)):
        if (one.phase, one.decision) != (other.phase, other.decision):
            kept |= {number, number + 1}
    return [looks[number] for number in sorted(kept)]


def _time(look: LookFacts) -> float:
    return datetime.fromisoformat(look.at).timestamp()


def _known(looks: Sequence[LookFacts], figure: Callable[[SideFacts], float | None]) -> list[float]:
    return [value for look in looks for side in (look.stable, look.canary) if (value := figure(side)) is not None]


def _frame(band: _Band) -> Iterator[str]:
    for y, words in ((band.top, band.words), (band.bottom, "0")):
        yield f'<line class="grid" x1="{LEFT:g}" y1="{y:g}" x2="{WIDTH - RIGHT:g}" y2="{y:g}"/>'
        yield _beside(y, words)
    yield _beside((band.top + band.bottom) / 2, band.name)


def _beside(y: float, words: str) -> str:
    """Words on the left of the picture."""
    return f'<text class="tick" x="{LEFT - 6:g}" y="{y + 4:g}" text-anchor="end">{words}</text>'


def _phases(looks: Sequence[LookFacts], x: Callable[[LookFacts], float]) -> Iterator[str]:
    begun = [look for number, look in enumerate(looks) if not number or look.phase != looks[number - 1].phase]
    ends = [*(x(look) for look in begun[1:]), WIDTH - RIGHT]
    for look, end in zip(begun, ends, strict=True):
        at = x(look)
        yield f'<line class="phase" x1="{at:.1f}" y1="10" x2="{at:.1f}" y2="{MARKS_Y + 8:g}"/>'
        if end - at >= LEAST_WIDTH:
            yield f'<text class="tick" x="{at + 4:.1f}" y="18">{escape(look.phase)}</text>'


def _traffic(looks: Sequence[LookFacts], x: Callable[[LookFacts], float], band: _Band) -> Iterator[str]:
    """The new version's share, in steps: the area below is its, that above the old version's."""
    line = f"M{x(looks[0]):.1f} {band.bottom:g}"
    for look in looks:
        line += f"H{x(look):.1f}V{band.y(look.share):.1f}"
    title = "share of traffic of the new version"
    yield f'<path class="share" d="{line}H{WIDTH - RIGHT:g}V{band.bottom:g}z"><title>{title}</title></path>'


def _lines(
    looks: Sequence[LookFacts],
    x: Callable[[LookFacts], float],
    band: _Band,
    figure: Callable[[SideFacts], float | None],
) -> Iterator[str]:
    for name, words in (("stable", "old"), ("canary", "new")):
        line, before = "", None
        for look in looks:
            value = figure(getattr(look, name))
            if value is None:
                before = None
                continue
            goes_on = before is not None and before.phase == look.phase and _time(look) - _time(before) <= GAP_S
            line += f"{'L' if goes_on else 'M'}{x(look):.1f} {band.y(value):.1f}" + ("" if goes_on else "h0.1")
            before = look
        if line:
            yield f'<path class="line {name}" d="{line}"><title>{band.name}, {words} version</title></path>'


def _decisions(looks: Sequence[LookFacts], x: Callable[[LookFacts], float]) -> Iterator[str]:
    """A mark where what is decided becomes another; that it goes on is none."""
    before = ""
    for look in looks:
        if look.decision != before and look.decision in MARKS:
            title = f"{look.at[11:19]} {look.decision} in {look.phase}: {look.why}"
            place = f"translate({x(look):.1f} {MARKS_Y:g})"
            yield (
                f'<g class="decision" transform="{place}"><path d="{MARKS[look.decision]}"/>'
                f"<title>{escape(title)}</title></g>"
            )
        before = look.decision


def _axis(looks: Sequence[LookFacts]) -> Iterator[str]:
    for look, anchor, at in ((looks[0], "start", LEFT), (looks[-1], "end", WIDTH - RIGHT)):
        yield f'<text class="tick" x="{at:g}" y="{HEIGHT - 6:g}" text-anchor="{anchor}">{look.at[11:19]}</text>'
    yield _beside(MARKS_Y, "decided")
