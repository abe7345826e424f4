"""What is left on the terminal of drills that are over: a line each as they end, and the table of all at the end."""

from __future__ import annotations

import os
import re
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from muster.plugin.run import RUN, Run
from muster.plugin.terminal.words import COLOURS, mark, one_line

GAP = 2
MESSAGE_LINES = 3
EVIDENCE = {
    "rehearsal": "rehearsal: proves the procedure and the instrument, not the RTO",
    "cluster": "cluster: measured on a real cluster",
}
HEADER = ("verdict", "drill", "RTO s [low, high]", "budget", "recovered by", "lost")
# What is left out where a terminal is narrow, as each drill's own line has it, one after the other; then the columns
# that give way, and how narrow they may get.
LEFT_OUT: tuple[tuple[str, ...], ...] = ((), ("lost",), ("lost", "budget"), ("lost", "budget", "recovered by"))
GIVES_WAY = (("drill", 12),)


def result_lines(entry: dict[str, Any], width: int, encoding: str | None) -> list[str]:
    """The lines that stay of a drill's panel: verdict, what decided it, and by what it recovered."""
    by = f"; recovered by {entry['recovered_by']}" if entry.get("recovered_by") else ""
    text = f"{mark(entry['verdict'], encoding)} {entry['verdict'].upper()} {entry['name']}: {entry['why']}{by}"
    return _wrapped(one_line(text), width, "  ", "    ")


def summarise(reporter: Any, config: pytest.Config, failures: list[Any]) -> None:
    """The table of the run's drills, then the messages of those that are not met (`failures`: their reports)."""
    run = config.stash[RUN]
    entries = folded(list(run.entries.values()))
    if not entries and not failures:
        _nothing_ran(reporter, config)
        return
    terminal = reporter._tw  # noqa: SLF001 - its width, and its file's encoding
    encoding = getattr(terminal._file, "encoding", None)  # noqa: SLF001
    reporter.section("drills", sep="=")
    for number, line in table([_row(entry, encoding) for entry in entries], terminal.fullwidth):
        if number is None:
            reporter.write_line(line, bold=True)
        else:
            reporter.write_line(line, **_colour(entries[number]["verdict"]))
    _conclusions(reporter, run, terminal.fullwidth)
    for report in failures:
        _explain(reporter, report)
    reporter.write_line("")
    for name, why in run.left_out(run.not_run).items():
        if why != "deselected":
            reporter.write_line(f"not run: {name} ({one_line(why)})", yellow=True)
    for line in _wrapped(f"evidence: {EVIDENCE.get(run.evidence, run.evidence)}", terminal.fullwidth, "", "  "):
        reporter.write_line(line)
    latest = os.path.relpath(run.options.reports / "latest", config.invocation_params.dir)
    reporter.write_line(f"report: {latest}/ (summary.json, pictures); as one page: muster report")


def folded(entries: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The entries with those repetitions of a drill that are met made one, which has `times` and no figures.

    What they come to is told below the table; 59 rows that all say "met" would hide the one that does not.
    """
    found: dict[str, dict[str, Any]] = {}
    for entry in entries:
        repetition = entry.get("repetition")
        if repetition is None or entry["verdict"] != "met":
            found[entry["name"]] = entry
            continue
        key = f"{repetition['of']} met"
        times = found.get(key, {}).get("times", 0) + 1
        found[key] = {**entry, "times": times} if times == 1 else {**found[key], "times": times}
    return list(found.values())


def _conclusions(reporter: Any, run: Run, width: int) -> None:
    """What the repetitions of each drill prove, and what became slower than it ever was."""
    from muster.verdict.many.repeated import evidence_lines

    if run.summary is None:
        return
    for repeat in run.summary.model.repeats:
        reporter.write_line("")
        # A claim that was asked for is what the run stands or falls by.
        claim = repeat.success.verdict
        colour = {} if claim is None else _colour(claim)
        unproved = [] if claim in (None, "met") else [f"claim not proved: {claim}, and so is the run at best"]
        for number, text in enumerate([*evidence_lines(repeat), *unproved]):
            for line in _wrapped(text, width, "  " if number else "", "  "):
                reporter.write_line(line, **({} if number else {"bold": True, **colour}))
    slower = [change.why for change in run.summary.model.changes if change.regression]
    for line in [line for text in slower for line in _wrapped(text, width, "", "  ")]:
        reporter.write_line(line, yellow=True)


def _nothing_ran(reporter: Any, config: pytest.Config) -> None:
    """Say that a run of drills concluded nothing, lest it be taken for a quiet success."""
    run = config.stash[RUN]
    if run.summary is None or run.problems or config.option.collectonly:
        return
    reporter.section("drills", sep="=")
    reporter.write_line("no drill came to its end: the run's verdict is unknown", yellow=True)


def table(rows: Sequence[tuple[str, ...]], width: int) -> Iterator[tuple[int | None, str]]:
    """(row number, line) of a table no wider than `width` if that can be had; the header's number is None.

    A cell that is too long goes on in the next line.
    """
    columns = _fitted(rows, width - 1)
    for number, row in enumerate([HEADER, *rows]):
        cells = [_broken(row[column], room) for column, room in columns.items()]
        for line in range(max(map(len, cells))):
            here = [cell[line] if line < len(cell) else "" for cell in cells]
            padded = [text.ljust(room) for text, room in zip(here, columns.values(), strict=True)]
            yield (number - 1 if number else None), (" " * GAP).join(padded).rstrip()


def _fitted(rows: Sequence[tuple[str, ...]], width: int) -> dict[int, int]:
    """How wide each column is that is shown, by its number."""
    columns: dict[int, int] = {}
    for left_out in LEFT_OUT:
        shown = {column: name for column, name in enumerate(HEADER) if name not in left_out}
        columns = {column: max(len(row[column]) for row in [HEADER, *rows]) for column in shown}
        if _excess(columns, width) <= 0:
            return columns
    for name, least in GIVES_WAY:
        column = HEADER.index(name)
        columns[column] = max(columns[column] - max(_excess(columns, width), 0), min(least, columns[column]))
    return columns


def _excess(columns: dict[int, int], width: int) -> int:
    return sum(columns.values()) + GAP * (len(columns) - 1) - width


def _broken(cell: str, room: int) -> list[str]:
    """A cell's lines. Names of drills and procedures are broken where their words end."""
    lines = [""]
    for piece in re.findall(r"[^-_ ]*[-_ ]|[^-_ ]+", cell):
        if lines[-1] and len(lines[-1] + piece.rstrip()) > room:
            lines.append("")
        lines[-1] += piece
    return [part for line in lines for part in textwrap.wrap(line, room) or [""]]


def _row(entry: dict[str, Any], encoding: str | None) -> tuple[str, ...]:
    if entry.get("times", 1) > 1:
        name = f"{entry['repetition']['of']}, {entry['times']} times"
        return (f"{mark(entry['verdict'], encoding)} {entry['verdict']}", name, "", "", entry["recovered_by"] or "", "")
    rto, rpo = entry["rto"], entry["rpo"]
    return (
        f"{mark(entry['verdict'], encoding)} {entry['verdict']}",
        entry["name"],
        interval(rto),
        f"{rto['budget_s']:g} s" if rto.get("budget_s") else "",
        entry["recovered_by"] or "",
        f"{rpo['lost_writes']} of {rpo['acknowledged_writes']}" if rpo["verdict"] is not None else "",
    )


def interval(rto: dict[str, Any]) -> str:
    """An RTO in seconds and its interval: `1.74 [1.72, 1.76]`, or what is known of one that never ended."""
    from muster.verdict.conclusion.words import seconds

    if rto["value_s"] is not None:
        high = "..." if rto["high_s"] is None else seconds(rto["high_s"])
        return f"{seconds(rto['value_s'])} [{seconds(rto['low_s'] or 0)}, {high}]"
    return f"> {seconds(rto['low_s'])}" if rto["low_s"] else ""


def _explain(reporter: Any, report: Any) -> None:
    """A report's message, and what was captured while the drill ran."""
    colour, width = _colour(report.muster_entry["verdict"]), reporter._tw.fullwidth  # noqa: SLF001 - its width
    said = str(report.longrepr).splitlines() or [report.nodeid]
    reporter.write_line("")
    # Wrapped here, so that a path stays in one piece; what follows (a traceback) is left as it is.
    for number, text in enumerate(said[:MESSAGE_LINES]):
        for line in _wrapped(text, width, "", "  "):
            reporter.write_line(line, **({"bold": True, **colour} if number == 0 else {}))
    if reporter.config.option.tbstyle == "no":
        return
    for line in said[MESSAGE_LINES:]:
        reporter.write_line(line)
    wanted = reporter.config.option.showcapture
    for name, content in report.sections:
        if wanted == "all" or wanted in name:
            reporter.write_sep("-", name)
            reporter.write_line(content.rstrip("\n"))


def _colour(verdict: str) -> dict[str, bool]:
    return {COLOURS.get(verdict, "yellow"): True}


def _wrapped(text: str, width: int, first: str, further: str) -> list[str]:
    return textwrap.wrap(
        text,
        max(width - 1, 20),
        initial_indent=first,
        subsequent_indent=further,
        break_long_words=False,
        break_on_hyphens=False,
    )
