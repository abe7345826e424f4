"""The whole picture from its parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

import numpy as np

from muster.base.errors import MusterError
from muster.base.timeline import Event
from muster.report.colours import OF_VERDICT
from muster.report.picture.charts import CAPTION, caption, latencies, rates, time_axis
from muster.report.picture.lanes import place_steps, probe_lanes, release_lane, step_lanes
from muster.report.picture.marks import draw_marks, place, what_happened
from muster.report.picture.rto import HEIGHT, rto_bar
from muster.report.picture.scale import ROW, SIZE, WIDTH, Scale, shortened
from muster.report.svg import GLYPH, Drawing
from muster.verdict import DrillVerdict
from muster.verdict.reading.read import read_record
from muster.verdict.reading.record import Record
from muster.verdict.reading.requests import Requests
from muster.verdict.reading.saved import Saved
from muster.verdict.reading.windows import LoadWindows

MARKS_TOP, RATE_HEIGHT, LATENCY_HEIGHT, GAP = 90.0, 170.0, 110.0, 18.0
EMPTY_HEIGHT = 200.0
LATENCY_CAPTION = "P95 latency (a timeout counts as its limit; no line: hardly an answer)"


def draw(told: Saved | Sequence[Event], entry: DrillVerdict) -> str:
    """A self-contained SVG of the drill. A timeline that cannot be understood gives a picture that says so."""
    drawing = Drawing(WIDTH, EMPTY_HEIGHT, f"{entry.name}: {entry.verdict}, {entry.why}")
    _heading(drawing, entry)
    try:
        record = read_record(told)
    except MusterError as error:
        drawing.text(24, 130, shortened(f"nothing to draw: {error}", 95), size=20)
        return drawing.render()
    if not len(_shown(record)):
        drawing.text(24, 130, "nothing to draw: no request was made", size=20)
        return drawing.render()
    _body(drawing, record, entry)
    return drawing.render()


def _body(drawing: Drawing, record: Record, entry: DrillVerdict) -> None:
    """Everything below the heading, one part under the other."""
    requests = _shown(record)
    scale = Scale.of(requests, record.injected)
    windows = LoadWindows(requests, [])
    labels = place(scale, list(what_happened(record, entry)))
    rate_top = MARKS_TOP + ROW * (max((label.row for label in labels), default=-1) + 1) + CAPTION + 6
    latency_top = rate_top + RATE_HEIGHT + CAPTION + GAP
    lanes_top = latency_top + LATENCY_HEIGHT + GAP
    bars = place_steps(scale, record)
    rows = len(record.probes) + bool(record.release) + max((bar.row + 1 for bar in bars), default=0)
    bottom = lanes_top + rows * ROW + 6
    time_axis(drawing, scale, top_y=rate_top, bottom=bottom, zero="injection" if record.injected else "first request")
    legend = rates(drawing, scale, windows, top_y=rate_top, height=RATE_HEIGHT)
    latencies(drawing, scale, windows, top_y=latency_top, height=LATENCY_HEIGHT)
    steps_top = probe_lanes(drawing, scale, record, entry, lanes_top)
    draw_marks(drawing, labels, top_y=MARKS_TOP, bottom=steps_top)
    # After the marks, so that no line runs through words.
    caption(drawing, rate_top, f"requests/s of the {'load' if len(record.load.requests) else 'probes'}", legend)
    caption(drawing, latency_top, LATENCY_CAPTION)
    step_lanes(drawing, scale, bars, release_lane(drawing, scale, record, steps_top))
    rto_bar(drawing, entry, bottom + 66)
    drawing.height = bottom + 66 + HEIGHT


def _shown(record: Record) -> Requests:
    """The requests whose rates and latencies are drawn: the load's, or where there is none those of the probes."""
    if len(record.load.requests):
        return record.load.requests
    probed = [stream.requests for stream in record.probes.values()]
    return Requests(*(np.concatenate([getattr(r, f.name) for r in probed]) for f in fields(Requests)))


def _heading(drawing: Drawing, entry: DrillVerdict) -> None:
    drawing.text(24, 38, f"{entry.verdict.upper()} {entry.name}", size=32, bold=True, colour=OF_VERDICT[entry.verdict])
    kind = f"{entry.severity or 'no severity'}, evidence: {entry.evidence or 'none'}"
    drawing.text(WIDTH - 24, 38, kind, size=SIZE, anchor="end")
    drawing.text(24, 72, shortened(entry.why, int((WIDTH - 48) / (SIZE * GLYPH))), size=SIZE)
