"""Requests per second and latency over time."""

from __future__ import annotations

from collections.abc import Sequence

from muster.report.picture.scale import LEFT, RIGHT, SIZE, Scale, round_up, width_of
from muster.report.svg import BLUE, FAINT, HATCHED, INK, ORANGE, PAPER, SPOTTED, Drawing
from muster.verdict.reading.windows import LoadWindows, percentile

Legend = list[tuple[str, str]]
FEWEST_GOOD = 5  # of fewer good answers a percentile is an accident
CAPTION = 34.0


def rates(drawing: Drawing, scale: Scale, windows: LoadWindows, *, top_y: float, height: float) -> Legend:
    """Stacked bars: good below, cleanly refused above it, failed on top; returns what was filled how."""
    found = [(begin, end, windows.counts(begin, end)) for begin, end in scale.buckets()]
    top = round_up(max([1.0, *(counts.asked / (end - begin) for begin, end, counts in found)]))
    bottom = top_y + height
    for begin, end, counts in found:
        x, width, seconds = scale.x(begin), scale.x(end) - scale.x(begin), end - begin
        shed, failed = counts.shed / seconds, counts.failed / seconds
        good = counts.asked / seconds - shed - failed
        hint = f"{begin - scale.zero:+.1f} s: {good:.0f}/s good, {shed:.0f}/s refused cleanly, {failed:.0f}/s failed"
        y = bottom
        for value, fill in ((good, BLUE), (shed, SPOTTED), (failed, HATCHED)):
            if value > 0:
                y -= height * value / top
                drawing.rectangle(x, y, width - (1 if width > 8 else 0), height * value / top, fill, title=hint)
    value_axis(drawing, top_y, bottom, f"{top:g}/s")
    refused = [(SPOTTED, "refused cleanly")] if any(counts.shed for _, _, counts in found) else []
    return [(BLUE, "good"), *refused, (HATCHED, "failed")]


def latencies(drawing: Drawing, scale: Scale, windows: LoadWindows, *, top_y: float, height: float) -> None:
    """A line of the P95, with gaps where hardly anything was answered."""
    points: list[tuple[float, float | None]] = []
    for begin, end in scale.buckets():
        enough = windows.counts(begin, end).good >= FEWEST_GOOD
        points.append(((begin + end) / 2, percentile(windows.latencies(begin, end), 0.95) if enough else None))
    top = round_up(max([0.001, *(value for _, value in points if value is not None)]))
    bottom = top_y + height
    run: list[tuple[float, float]] = []
    for t, value in [*points, (scale.end, None)]:
        if value is not None:
            run.append((scale.x(t), bottom - height * value / top))
        elif run:
            drawing.path(run, ORANGE)
            run = []
    value_axis(drawing, top_y, bottom, f"{top * 1000:g} ms" if top < 1 else f"{top:g} s")


def time_axis(drawing: Drawing, scale: Scale, *, top_y: float, bottom: float, zero: str) -> None:
    """Faint lines through everything, and seconds below."""
    for tick in scale.ticks():
        x = scale.x(scale.zero + tick)
        drawing.line(x, top_y, x, bottom, FAINT, width=0.7)
        drawing.text(x, bottom + 26, f"{tick:g}", anchor="middle", size=SIZE)
    drawing.text(RIGHT, bottom + 52, f"seconds since the {zero}", anchor="end", size=20)


def value_axis(drawing: Drawing, top_y: float, bottom: float, top: str) -> None:
    """Two lines and two numbers."""
    drawing.line(LEFT, top_y, LEFT, bottom)
    drawing.line(LEFT, bottom, RIGHT, bottom)
    drawing.text(LEFT - 10, top_y + 16, top, anchor="end", size=SIZE)
    drawing.text(LEFT - 10, bottom, "0", anchor="end", size=SIZE)


def caption(drawing: Drawing, top_y: float, words: str, legend: Sequence[tuple[str, str]] = ()) -> None:
    """What a chart shows, on its top edge."""
    x, y = LEFT, top_y - 10
    whole = width_of(words, 20) + sum(width_of(name, 20) + 43 for _, name in legend)
    drawing.rectangle(x - 4, y - 20, whole + 12, 26, PAPER)
    drawing.text(x, y, words, size=20, colour=INK)
    x += width_of(words, 20) + 16
    for fill, name in legend:
        drawing.rectangle(x, y - 16, 20, 18, fill)
        drawing.text(x + 27, y, name, size=20)
        x += 27 + width_of(name, 20) + 16
