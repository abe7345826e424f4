"""Objectives over the last two minutes: error rate, P95 and throughput; stable beside canary where both are there."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from muster.analysis.words import percent
from muster.base.sparks import sparks
from muster.dashboard.picture import Measured, Picture
from muster.dashboard.rates import Rates, cells
from muster.dashboard.sight import Sight
from muster.dashboard.view.text import (
    LABEL,
    MARKS,
    Line,
    Panel,
    Piece,
    age_note,
    cut,
    doubted,
    labelled,
    panel,
    trouble_lines,
    wrapped,
)
from muster.status import Glance

TITLE = "Objectives, last 30 s"
VALUE = 9
LIMIT = 10
MOST_SPARKS = 40


@dataclass(frozen=True)
class _Row:
    label: str
    name: str
    limit: float | None
    said: Callable[[float], str]


def objectives_panel(picture: Picture, now: float, width: int) -> Panel | None:
    """How well clients are served; None where there is no system."""
    if picture.definition is None:
        return None
    sight = picture.measured
    if sight is None:
        return panel(TITLE, _by_the_looks(picture, now, width), width, age_note(picture.glance, now))
    lines = [*trouble_lines(sight, width)]
    if sight.value is not None:
        seen = _measured(picture, sight.value, now, width)
        lines += doubted(seen) if sight.is_old(now) else seen
    return panel(TITLE, lines, width, age_note(sight, now))


def _measured(picture: Picture, measured: Measured, now: float, width: int) -> Iterator[Line]:
    """Rows of figures that pods have counted."""
    release = picture.under_way
    shown = {side: list(points) for side, points in measured.over_time.items()}
    sides = ["stable", "canary"] if release is not None else ["stable"]
    column = (width - LABEL - LIMIT) // len(sides)
    if release is not None:
        names = {"stable": f"stable {release.stable}", "canary": f"canary {release.canary or release.version}"}
        heads = [Piece(f"{names[side][: column - 1]:<{column}}", "dim") for side in sides]
        yield (Piece(" " * LABEL), *heads, Piece("limit", "dim"))
    lacking = {side: why for side in sides if (why := measured.missing.get(side, {}).get("requests"))}
    for row in _rows(picture):
        yield _row(row, {side: shown.get(side, []) for side in sides}, now, (column, width), whole=not lacking)
    if not lacking and all(points and points[-1].requests == 0 for points in (shown.get(side, []) for side in sides)):
        yield (MARKS["unknown"], Piece("no request was counted in the last 30 s"))
    for side, why in lacking.items():
        yield from labelled("unknown", side, f"not all seen: {why}", width)


def _rows(picture: Picture) -> list[_Row]:
    definition, release = picture.definition, picture.under_way
    assert definition is not None
    objectives = definition.objectives
    errors, slow = objectives.error_rate, objectives.latency_p95_s
    if release is not None:  # it is judged by its own limits
        analysis = definition.release.analysis
        errors = analysis.error_rate.limit if analysis.error_rate is not None else errors
        slow = analysis.latency.limit_s if analysis.latency is not None else slow
    return [
        _Row("error rate", "error_rate", errors, percent),
        _Row("P95", "p95_s", slow, _seconds),
        _Row("requests/s", "per_s", None, lambda value: f"{value:,.1f}"),
    ]


def _row(row: _Row, sides: Mapping[str, Sequence[Rates]], now: float, widths: tuple[int, int], *, whole: bool) -> Line:
    """A row: of each side the figure and how it went; `widths` are those of a side and of all, `whole` whether all pods
    were seen."""
    column, width = widths
    values = {side: getattr(points[-1], row.name) if points else None for side, points in sides.items()}
    over = [value for value in values.values() if value is not None and row.limit is not None and value > row.limit]
    unseen = not whole or any(value is None for value in values.values())
    mark = "none" if row.limit is None else "finding" if over else "unknown" if unseen else "fine"
    pieces = [MARKS[mark], Piece(f"{row.label:<{LABEL - 2}}")]
    wide = min(column - VALUE - 2, MOST_SPARKS)
    for side, points in sides.items():
        value = values[side]
        text = "?" if value is None else row.said(value)
        drawn = sparks([_finite(v, row.limit) for v in cells(points, row.name, now, wide)], top=row.limit or 0.0)
        pieces.append(Piece(f"{text:<{VALUE}}", "doubt" if value is None else "plain"))
        pieces.append(Piece(f"{drawn:<{column - VALUE}}"))
    if row.limit is not None:
        pieces.append(Piece(row.said(row.limit), "dim"))
    return cut(pieces, width)


def _by_the_looks(picture: Picture, now: float, width: int) -> Iterator[Line]:
    """What the looks themselves were answered, where no pod tells what it counts."""
    sight: Sight[Glance] = picture.glance
    answer = sight.value.snapshot.answers.get("service") if sight.value is not None else None
    said = "by the looks' own requests: system.yaml names no metrics"
    if answer is None:
        yield from wrapped(f"unknown: the service could not be asked; {said}", width, MARKS["unknown"])
        return
    asked, wrong = answer.get("asked", 0), len(answer.get("troubles") or [])
    stale = sight.is_old(now)
    mark = "unknown" if stale or not asked else "finding" if wrong else "fine"
    yield from labelled(mark, "error rate", f"{wrong} of {asked} requests failed ({said})", width)
    yield from labelled("unknown" if stale else "none", "slowest", _seconds(float(answer.get("slowest_s", 0))), width)
    yield from labelled("unknown", "requests/s", "unknown", width)


def _seconds(value: float) -> str:
    if not math.isfinite(value):
        return "> bounds"
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.2g} s"


def _finite(value: float | None, limit: float | None) -> float | None:
    """A value above every bucket is drawn as high as the chart is: twice the limit."""
    return value if value is None or math.isfinite(value) else 2 * (limit or 1.0)
