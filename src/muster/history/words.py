"""What a history says, in sentences."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from muster.history.overview import DrillHistory, Success
from muster.history.regression import regression_line
from muster.history.trend import EARLIER_NEEDED, Change, Trend
from muster.verdict.many.evidence import CLAIM
from muster.verdict.many.repeated import evidence_lines, percent

MORE_IS_BETTER = ("availability", "goodput", "throughput")
WORTH_TELLING = 0.05  # of an objective's target
_WORDS = {Change.HIGHER: "higher", Change.LOWER: "lower"}
_RTO_WORDS = {Change.HIGHER: "slower", Change.LOWER: "faster"}


def figure(value: float) -> str:
    """Three digits that matter: 0.0123, 7.81, 312."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def unit_of(objective: str) -> str:
    """What an objective's figure is counted in, as it follows the figure; nothing for a ratio."""
    if "latency" in objective:
        return " s"
    return "/s" if objective.startswith(("goodput", "throughput")) else ""


def age(span: timedelta) -> str:
    """A time span at a glance: `40 min`, `5 h`, `12 d`, `14 mo`."""
    hours = span.total_seconds() / 3600
    if hours < 1:
        return f"{hours * 60:.0f} min"
    if hours < 48:
        return f"{hours:.0f} h"
    days = hours / 24
    return f"{days:.0f} d" if days < 100 else f"{days / 30.44:.0f} mo"


def trend_line(trend: Trend, *, unit: str = " s", words: dict[Change, str] | None = None) -> str:
    """`slower by 1.2 s than the 20 earlier runs (median 0.9 s, spread 0.1 s)`."""
    if trend.change is Change.TOO_FEW:
        return f"{trend.change} ({trend.runs} earlier, {EARLIER_NEEDED} needed)"
    assert trend.by is not None
    assert trend.median is not None
    assert trend.spread is not None
    earlier = f"{trend.runs} earlier runs (median {figure(trend.median)}{unit}, spread {figure(trend.spread)}{unit})"
    if trend.change is Change.NONE:
        return f"{trend.change} of the {earlier}"
    return f"{(words or _RTO_WORDS)[trend.change]} by {figure(abs(trend.by))}{unit} than the {earlier}"


def success_line(success: Success) -> str:
    """How many recovered, and how much that proves."""
    if not success.trials:
        return f"no drill came to a verdict ({success.unknown} unknown)"
    unknown = f", {success.unknown} unknown not counted" if success.unknown else ""
    said = f"{success.met} of {success.trials} met{unknown}: more than {percent(success.bound)} recover, 95 % sure"
    more = success.wanted
    return f"{said}; {more} more met in a row would show {percent(CLAIM)}" if more else said


def due_words(drill: DrillHistory, now: datetime) -> str:
    """The same in two or three words, for a table."""
    return due_line(drill, now).removeprefix(f"{drill.due.cadence}, ")


def due_line(drill: DrillHistory, now: datetime) -> str:
    """When the drill's evidence is to be renewed."""
    due = drill.due
    if due.cadence is None:
        return "no cadence"
    if due.at is None:
        return f"{due.cadence}, never " + ("came to a verdict" if drill.runs else "held")
    left = due.at - now
    if left >= timedelta(0):
        return f"{due.cadence}, due in {age(left)}"
    return f"{due.cadence}, {'overdue by' if due.overdue else 'due since'} {age(-left)}"


def repeated_lines(drill: DrillHistory) -> list[str]:
    """What the repetitions of the latest run come to; nothing where it had none."""
    return [] if drill.repeated is None else evidence_lines(drill.repeated)


def changes(drill: DrillHistory) -> Iterator[str]:
    """A line for everything about a drill that changed beyond noise: its RTO either way, an objective for the worse.

    Of an objective only what is a twentieth of its target: with many of them some differ by chance, by next to nothing.
    """
    if drill.regression.found:
        yield f"{drill.name}: {regression_line(drill.regression)}"
    elif drill.rto.change in _RTO_WORDS:
        yield f"{drill.name}: RTO {trend_line(drill.rto)}"
    for (name, window), judged in drill.objectives.items():
        worse = Change.LOWER if name in MORE_IS_BETTER else Change.HIGHER
        by = abs(judged.trend.by or 0.0)
        if judged.trend.change is worse and by > WORTH_TELLING * abs(judged.target):
            yield f"{drill.name}: {name} {window} {trend_line(judged.trend, unit=unit_of(name), words=_WORDS)}"
