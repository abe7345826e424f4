"""What machines read of a drill's report: properties and a one-line message in JUnit XML (`--junitxml`)."""

from __future__ import annotations

from typing import Any

import pytest
from _pytest._code.code import ReprFileLocation, TerminalRepr
from _pytest._io import TerminalWriter


class Told(TerminalRepr):
    """A failure of several lines, whose first is the message that stands in lists."""

    def __init__(self, text: str, path: str, line: int) -> None:
        self._text = text
        self.reprcrash = ReprFileLocation(path, line, text.split("\n", 1)[0])

    def __str__(self) -> str:
        return self._text

    def toterminal(self, tw: TerminalWriter) -> None:
        """Print the whole text."""
        tw.line(self._text)


def properties(entry: dict[str, Any]) -> list[tuple[str, object]]:
    """What a reader of the XML may want to sort by; what was not measured is left out."""
    rto, rpo = entry.get("rto", {}), entry.get("rpo", {})
    told = {
        "verdict": entry["verdict"],
        "repetition": f"{repeated['number']} of {repeated['total']}" if (repeated := entry.get("repetition")) else None,
        "severity": entry.get("severity"),
        "evidence": entry.get("evidence"),
        "rto_s": rto.get("value_s"),
        "rto_low_s": rto.get("low_s"),
        "rto_high_s": rto.get("high_s"),
        "rto_budget_s": rto.get("budget_s"),
        "rto_target_s": rto.get("target_s"),
        "lost_writes": rpo.get("lost_writes") if rpo.get("verdict") else None,
        "recovered_by": entry.get("recovered_by"),
    }
    return [(name, value) for name, value in told.items() if value is not None]


def tell(item: pytest.Item, report: pytest.TestReport, entry: dict[str, Any]) -> None:
    """Put the properties of a drill's entry into its report; what an earlier phase said is said again."""
    told = properties(entry)
    names = {name for name, _ in told}
    item.user_properties[:] = [*(one for one in item.user_properties if one[0] not in names), *told]
    report.user_properties = list(item.user_properties)


def head_of(report: pytest.TestReport) -> None:
    """Give a drill's failure its first line as a message, in the process that writes the XML.

    Not earlier: pytest-xdist carries text only, and would flatten it.
    """
    if report.failed and isinstance(report.longrepr, str):
        path, line, _ = report.location
        report.longrepr = Told(report.longrepr, path, (line or 0) + 1)
