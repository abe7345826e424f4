"""What happened when: words on top, each with a line through everything below."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count

from muster.report.picture.scale import RIGHT, ROW, SIZE, Scale, shortened, width_of
from muster.report.svg import GREEN, INK, PAPER, VERMILLION, Drawing
from muster.verdict import DrillVerdict
from muster.verdict.reading.record import Record

LABEL_LENGTH = 40


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened; the dash tells kinds apart without colour."""

    t: float
    label: str
    colour: str
    dash: str = ""


@dataclass(frozen=True, slots=True)
class Label:
    """Where a mark's words stand; `left` of the line where there is no room on its right. Row 0 is the topmost."""

    mark: Mark
    words: str
    x: float
    row: int
    left: bool

    @property
    def span(self) -> tuple[float, float]:
        """From where to where the words reach, with a little room."""
        width = width_of(self.words) + 12
        return (self.x - width, self.x) if self.left else (self.x, self.x + width)


def what_happened(record: Record, entry: DrillVerdict) -> Iterator[Mark]:
    """The marks of a drill; none where nothing was injected."""
    injected = record.injected
    if injected is None:
        return
    yield from (Mark(fault.sent, "fault", VERMILLION) for fault in record.faults)
    seen = [look.t for fault in record.faults for look in fault.effects if look.observed][:1]
    yield from (Mark(t, "landed", VERMILLION, "6 4") for t in seen)
    yield from (Mark(recovery.began, recovery.procedure, INK, "2 4") for recovery in record.recoveries)
    if entry.detection.value_s is not None:
        yield Mark(injected + entry.detection.value_s, f"detected by {entry.detection.by}", INK, "10 3 2 3")
    end, clients = entry.disruption.end_s, entry.rto.clients_s
    if entry.rto.clients_well_first and entry.rto.since_injection_s is not None and clients is not None:
        ahead = (entry.rto.value_s or 0.0) - clients
        yield Mark(injected + entry.rto.since_injection_s - ahead, "clients well", GREEN, "6 4")
    if end is not None:
        since = entry.rto.since_injection_s
        good = "good, procedure through" if entry.rto.clients_well_first else "good again"
        yield Mark(injected + (end[1] if since is None else since), good, GREEN)


def place(scale: Scale, marks: Sequence[Mark]) -> list[Label]:
    """A label for each mark, so that no words run into others.

    A line runs from its label down. So a mark stands below all words that lie over its place, and its line cuts none;
    only words that stand left of their own line, for want of room, may cover the lines of others.
    """
    labels: list[Label] = []
    for mark in sorted(marks, key=lambda mark: mark.t):
        name = shortened(mark.label, LABEL_LENGTH)
        words = name if math.isclose(mark.t, scale.zero) else f"{name} {mark.t - scale.zero:+.1f}"
        x = scale.x(mark.t)
        label = Label(mark, words, x, 0, x + width_of(words) > RIGHT)
        row = max((other.row + 1 for other in labels if other.span[0] <= x < other.span[1]), default=0)
        labels.append(replace(label, row=next(free for free in count(row) if not _taken(free, label, labels))))
    return labels


def _taken(row: int, label: Label, placed: Sequence[Label]) -> bool:
    """Whether words of that row are where the label's would be."""
    begin, end = label.span
    return any(other.row == row and other.span[0] < end and begin < other.span[1] for other in placed)


def draw_marks(drawing: Drawing, labels: Sequence[Label], *, top_y: float, bottom: float) -> None:
    """Lines first, words after them."""
    for label in labels:
        top = top_y + ROW * label.row + 4
        drawing.line(label.x, top, label.x, bottom, PAPER, width=4.5)
        drawing.line(label.x, top, label.x, bottom, label.mark.colour, width=3, dash=label.mark.dash)
    for label in labels:
        if label.left:  # lines that run there end at the words, not in them
            drawing.rectangle(label.span[0], top_y + ROW * label.row, label.span[1] - label.span[0] - 4, ROW - 4, PAPER)
        x, anchor = (label.x - 6, "end") if label.left else (label.x + 6, "start")
        drawing.text(x, top_y + ROW * label.row + 20, label.words, anchor=anchor, colour=label.mark.colour, size=SIZE)
