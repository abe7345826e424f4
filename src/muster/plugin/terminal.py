"""What a person sees while drills run and when they are over."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import pytest

from muster.base.clock import now
from muster.plugin.run import RUN

if TYPE_CHECKING:
    from muster.drill.live import Status

TICK_S = 0.5
CLEAR_LINE = "\r\x1b[2K"
WORDS = {
    "deploy": "deploying",
    "load": "starting load",
    "steady": "waiting for a steady state",
    "inject": "injecting",
    "recover": "recovering with",
    "good": "waiting for good service",
    "undo": "undoing",
    "after": "stopping the load",
    "judge": "judging",
}


class Terminal:
    """Follows one drill. On a terminal one line is kept up to date; elsewhere each phase gets a line. In an xdist
    worker nothing is shown: it has no terminal."""

    def __init__(self, config: pytest.Config, drill: str) -> None:
        self._config = config
        self._drill = drill
        self._reporter: Any = config.pluginmanager.get_plugin("terminalreporter")
        if hasattr(config, "workerinput"):
            self._reporter = None
        self._live = bool(self._reporter and self._reporter.isatty)
        self._next_tick = 0.0
        self._began = now()
        self._begun = False

    def phase(self, status: Status, detail: str) -> None:
        """Show that the drill entered a phase."""
        self.note(status.phase, detail)

    def note(self, phase: str, detail: str) -> None:
        """A line that stays: the time since the drill's setting up began, the phase, what there is to say."""
        # The first line leaves what pytest has written of the test alone.
        before = "" if not self._live else CLEAR_LINE if self._begun else "\n"
        self._begun = True
        self._write(f"{before}{self._head()}{WORDS.get(phase, phase)} {detail}".rstrip() + "\n")

    def tick(self, status: Status) -> None:
        """Renew the line that shows where the drill is, on a terminal and not too often."""
        if not self._live or now() < self._next_tick:
            return
        self._next_tick = now() + TICK_S
        line = f"{self._head()}{describe(status)}"
        self._write(CLEAR_LINE + line[: self._reporter._tw.fullwidth - 1])  # noqa: SLF001 - the width that pytest uses

    def _head(self) -> str:
        return f"  {self._drill}  {now() - self._began:6.1f} s  "

    def step(self, title: str) -> AbstractContextManager[object]:
        """A step of the Allure report."""
        import allure

        step: AbstractContextManager[object] = allure.step(title)
        return step

    def _write(self, text: str) -> None:
        if self._reporter is None:
            return
        capture = self._config.pluginmanager.get_plugin("capturemanager")
        if capture is None:
            self._reporter.write(text, flush=True)
            return
        with capture.global_and_fixture_disabled():
            if not self._live:
                self._reporter.ensure_newline()
            self._reporter.write(text, flush=True)


def describe(status: Status) -> str:
    """Where a drill is, in one line; what matters most comes first, for terminals that are narrow."""
    parts = [f"{status.errors_per_s:.0f} errors/s of {status.requests_per_s:.0f} requests/s"]
    if status.since_injection_s is not None:
        budget = f" of {status.budget_s:g} s" if status.budget_s else ""
        parts.insert(0, f"fault +{status.since_injection_s:.1f} s{budget}")
    return "  ".join([*parts, WORDS.get(status.phase, status.phase)])


def summarise(reporter: Any, config: pytest.Config) -> None:
    """The table of all drills of the run, and the messages of those that are not met."""
    run = config.stash[RUN]
    if not run.entries:
        return
    for report in reporter.stats.get("unknown", []):
        reporter.write_sep("_", report.nodeid, yellow=True)
        reporter.line(str(report.longrepr))
    reporter.section("drills", sep="=")
    rows: list[tuple[str, ...]] = [
        ("verdict", "drill", "severity", "RTO", "budget", "recovered by", "acknowledged", "lost")
    ]
    rows += [_row(entry) for entry in run.entries]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for number, row in enumerate(rows):
        text = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        colour = {} if number == 0 else _colour(run.entries[number - 1]["verdict"])
        reporter.write_line(text, bold=number == 0, **colour)
    for entry in run.entries:
        if entry["verdict"] != "met":
            reporter.write_line(f"{entry['name']}: {entry['why']}", **_colour(entry["verdict"]))
    reporter.write_line(f"evidence: {run.evidence}; report: {run.directory}")


def _colour(verdict: str) -> dict[str, bool]:
    return {{"met": "green", "missed": "red"}.get(verdict, "yellow"): True}


def _row(entry: dict[str, Any]) -> tuple[str, ...]:
    rto, rpo = entry["rto"], entry["rpo"]
    judged = rpo["verdict"] is not None
    return (
        entry["verdict"],
        entry["name"],
        entry["severity"] or "",
        interval(rto),
        f"{rto['budget_s']:g} s" if rto.get("budget_s") else "",
        entry["recovered_by"] or "",
        str(rpo["acknowledged_writes"]) if judged else "",
        str(rpo["lost_writes"]) if judged else "",
    )


def interval(rto: dict[str, Any]) -> str:
    """An RTO as a value and its interval: `1.74 s [1.72, 1.76]`, or what is known of one that never ended."""
    if rto["value_s"] is not None:
        high = f"{rto['high_s']:.2f}" if rto["high_s"] is not None else "?"
        return f"{rto['value_s']:.2f} s [{rto['low_s'] or 0:.2f}, {high}]"
    return f"> {rto['low_s']:.1f} s" if rto["low_s"] else ""
