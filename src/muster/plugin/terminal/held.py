"""Keeps drills out of pytest's sections of failures and errors: their messages stand below the table, once."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

NOT_MET = ("failed", "error", "unknown")


class HeldBack:
    """The outermost hook around the summary: takes drills' reports away; `give_back` returns them for what follows."""

    def __init__(self) -> None:
        self._all: dict[str, list[Any]] = {}

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter: Any) -> Generator[None, object, object]:
        stats = terminalreporter.stats
        self._all = {outcome: stats[outcome] for outcome in NOT_MET if outcome in stats}
        for outcome, reports in self._all.items():
            stats[outcome] = [report for report in reports if not is_of_drill(report)]
        return (yield)

    def give_back(self, terminalreporter: Any) -> list[Any]:
        """Put the drills' reports back where pytest looks for them, and return them."""
        terminalreporter.stats.update(self._all)
        return [report for reports in self._all.values() for report in reports if is_of_drill(report)]


def is_of_drill(report: Any) -> bool:
    """Whether a report carries a drill's entry."""
    return hasattr(report, "muster_entry")
