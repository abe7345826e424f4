"""The history as tables on a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from muster.base.sparks import sparks
from muster.history.facts import DrillFacts, ObjectiveFacts
from muster.history.overview import DrillHistory, moment
from muster.history.regression import regression_line
from muster.history.trend import Change, Trend
from muster.history.words import (
    age,
    changes,
    due_line,
    due_words,
    figure,
    repeated_lines,
    success_line,
    unit_of,
)
from muster.verdict.many.repeated import percent

WIDTH = 132  # columns where there is no terminal to ask
NARROW = 120  # columns below which a table goes without what is nice to have
SMALL = 100  # and below which it has only what a person needs at 3 a.m.
SPARKED = 10  # runs in a line of sparks
BAR = 10  # characters
COLOURS = {"met": "green", "missed": "red", "unknown": "yellow"}
_SHORT = {Change.HIGHER: "slower", Change.LOWER: "faster"}
REHEARSAL = "Rehearsal: these timings prove procedure and instrument; only a cluster's prove the RTO."


def terminal() -> Console:
    """Where to print: a terminal in its own width; elsewhere wide enough for every column, and without colour."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=WIDTH)


def show(parts: Iterable[RenderableType]) -> None:
    """Print one below the other."""
    console = terminal()
    for part in parts:
        console.print(part)


def overview(histories: Sequence[DrillHistory], now: datetime) -> Iterator[RenderableType]:
    """A table for each scope, and below it what deserves a sentence."""
    wide = terminal().width >= NARROW
    for scope, group in groupby(histories, key=lambda drill: drill.scope):
        drills = list(group)
        yield Text(f"{scope}\n" if scope else "held nowhere\n", style="bold")
        yield _overview_table(drills, now, wide=wide)
        yield Text()
        yield from map(Text, _below(drills))
        yield Text()


def _overview_table(drills: Sequence[DrillHistory], now: datetime, *, wide: bool) -> Table:
    columns = ["drill", "latest", "RTO", "of", "lost", "lately", "RTO changed", "recovered", "evidence"]
    left_out = [] if wide else ["lately"]
    if terminal().width < SMALL:
        left_out += ["of", "lost", "RTO changed"]  # a change is told below the table as well
    table = _table(*(column for column in columns if column not in left_out))
    for drill in drills:
        cells = dict(zip(columns, _overview_row(drill, now, wide=wide), strict=True))
        table.add_row(*(cell for column, cell in cells.items() if column not in left_out))
    return table


def _below(drills: Sequence[DrillHistory]) -> Iterator[str]:
    for drill in drills:
        yield from changes(drill)
        yield from repeated_lines(drill)
    tried = [drill for drill in drills if drill.success.trials]
    least = min(tried, key=lambda drill: drill.success.bound, default=None)
    if least is not None and least.success.wanted:
        yield f"least evidence: {least.name}, {success_line(least.success)}"
    if drills[0].scope and drills[0].scope.evidence == "rehearsal":
        yield REHEARSAL


def _overview_row(drill: DrillHistory, now: datetime, *, wide: bool) -> list[Text]:
    latest, success = drill.latest, drill.success
    held = f"{age(now - drill.due.latest)}, " if drill.due.latest else ""
    evidence = Text(held + due_words(drill, now), style="red" if drill.due.overdue else "")
    if latest is None:
        return [Text(drill.name), *[Text("")] * 7, evidence]
    rate = f"{success.met}/{success.trials}"
    return [
        Text(drill.name),
        Text(latest.verdict, style=COLOURS.get(latest.verdict, "")),
        Text(interval(latest) if wide else interval(latest).split(" [")[0]),
        Text(limit(latest)),
        Text("" if latest.lost_writes is None else str(latest.lost_writes)),
        Text(sparks([run.rto_value_s for run in drill.runs[-SPARKED:]])),
        _change(drill.rto),
        Text(f"{rate} >{percent(success.bound)}" if success.trials else rate),
        evidence,
    ]


def _change(trend: Trend) -> Text:
    if trend.change is Change.TOO_FEW:
        return Text(f"too few: {trend.runs + 1}", style="dim")
    if trend.change is Change.NONE or trend.by is None:
        return Text("no", style="dim")
    style = "red" if trend.change is Change.HIGHER else "green"
    return Text(f"{_SHORT[trend.change]} {figure(abs(trend.by))} s", style=style)


def runs(drill: DrillHistory, shown: Sequence[DrillFacts], now: datetime) -> RenderableType:
    """One drill in one scope, run by run, the newest last."""
    columns = ["when (UTC)", "of N", "verdict", "RTO", "", "of", "RPO", "lost", "recovered by", "commit", "why"]
    left_out = ["", "of", "RPO", "commit", "why"] if terminal().width < SMALL else []
    if SMALL <= terminal().width < NARROW:
        left_out = ["", "RPO", "commit"]
    if not any(run.repetitions for run in shown):
        left_out.append("of N")
    table = _table(*(column for column in columns if column not in left_out))
    for run in shown:
        cells = (
            Text(moment(run.at).strftime("%Y-%m-%d %H:%M")),
            Text(f"{run.repetition}/{run.repetitions}" if run.repetitions else ""),
            Text(run.verdict, style=COLOURS.get(run.verdict, "")),
            Text(interval(run)),
            Text(bar(run)),
            Text(limit(run)),
            Text("" if run.rpo_value_s is None else f"{figure(run.rpo_value_s)} s"),
            Text(lost(run)),
            Text(run.recovered_by or ""),
            Text((run.git_commit or "")[:12]),
            Text("" if run.verdict == "met" else run.why),
        )
        table.add_row(*(cell for column, cell in zip(columns, cells, strict=True) if column not in left_out))
    earlier = len(drill.runs) - len(shown)
    lines = [f"{earlier} earlier runs are not shown (--last N)"] if earlier > 0 else []
    lines += [success_line(drill.success), *repeated_lines(drill), due_line(drill, now), *changes(drill)]
    if not drill.regression.found:
        lines.append(regression_line(drill.regression))
    return Group(Text(f"{drill.name}: {drill.scope}", style="bold"), table, *map(Text, lines))


def objectives(drill: DrillHistory, told: dict[int, list[ObjectiveFacts]]) -> RenderableType:
    """The objectives of the latest run against their targets, and what they were before."""
    table = _table("objective", "window", "latest", "target", "verdict", "median before", "lately")
    latest = told.get(drill.runs[-1].id, [])
    for one in latest:
        judged = drill.objectives.get((one.name, one.window))
        series = [
            next((o.value for o in told.get(run.id, ()) if (o.name, o.window) == (one.name, one.window)), None)
            for run in drill.runs[-SPARKED:]
        ]
        table.add_row(
            Text(one.name),
            Text(one.window),
            Text(_with_unit(one.name, one.value)),
            Text(_with_unit(one.name, one.target)),
            Text(one.verdict or "", style=COLOURS.get(one.verdict or "", "")),
            Text(_with_unit(one.name, judged.trend.median if judged else None)),
            Text(sparks(series)),
        )
    return table if latest else Text("no objectives of the load were judged")


def _with_unit(objective: str, value: float | None) -> str:
    return "" if value is None else figure(value) + unit_of(objective)


def interval(run: DrillFacts) -> str:
    """`1.74 s [1.72, 1.76]`, or what is known of an RTO that never ended."""
    if run.rto_value_s is None:
        return f"> {figure(run.rto_low_s)} s" if run.rto_low_s else ""
    high = "?" if run.rto_high_s is None else f"{run.rto_high_s:.2f}"
    return f"{run.rto_value_s:.2f} s [{run.rto_low_s or 0:.2f}, {high}]"


def limit(run: DrillFacts) -> str:
    """The drill's budget, or where it has none its severity's target."""
    value = run.rto_budget_s if run.rto_budget_s is not None else run.rto_target_s
    return "" if value is None else f"{value:g} s"


def lost(run: DrillFacts) -> str:
    """Lost writes of acknowledged ones."""
    return "" if run.lost_writes is None else f"{run.lost_writes} of {run.acknowledged_writes}"


def bar(run: DrillFacts) -> str:
    """The RTO as a part of the budget, or of the target where there is none; `!` where it is passed."""
    whole = run.rto_budget_s or run.rto_target_s
    value = run.rto_value_s if run.rto_value_s is not None else run.rto_low_s
    if not whole or value is None:
        return ""
    if value > whole:
        return "█" * BAR + "!"
    filled = round(value / whole * BAR)
    return "█" * filled + "─" * (BAR - filled)


def _table(*columns: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold underline")
    for column in columns:
        table.add_column(column, no_wrap=True)
    return table
