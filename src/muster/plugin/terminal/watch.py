"""The hooks with which muster shows drills beside what pytest shows. Registered where there is a terminal or a log to
write to: in the controller, or the only process."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import ExitStack
from typing import Any

import pytest
from _pytest.terminal import TerminalReporter

from muster.plugin.declare import is_drill
from muster.plugin.harmless import notices
from muster.plugin.run import RUN
from muster.plugin.terminal.follow import Follower, LineView, PanelView, View
from muster.plugin.terminal.held import HeldBack
from muster.plugin.terminal.notes import Notes
from muster.plugin.terminal.screen import Screen
from muster.plugin.terminal.table import result_lines, summarise
from muster.plugin.terminal.words import COLOURS


class Watch:
    """Shows the drills of a session."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._stack = ExitStack()
        self._follower: Follower | None = None
        self._lines_follow = False
        self._held_back = HeldBack()
        config.pluginmanager.register(self._held_back, "muster-held-back")

    @property
    def _reporter(self) -> Any:
        """Pytest's terminal reporter, or None (`-p no:terminal`)."""
        return self._config.pluginmanager.get_plugin("terminalreporter")

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        """Follow the drills for as long as tests run, however that ends."""
        with self._stack:
            if self._wanted(session):
                self._start()
            return (yield)

    def _wanted(self, session: pytest.Session) -> bool:
        drills = self._config.stash[RUN].collected or self._distributes()
        return bool(self._reporter and drills and not session.config.option.collectonly)

    def _distributes(self) -> bool:
        """Whether xdist workers run the drills."""
        return bool(self._config.pluginmanager.get_plugin("dsession"))

    def _start(self) -> None:
        reporter = self._reporter
        terminal = reporter._tw  # noqa: SLF001 - pytest has no other way to stand between it and its file
        screen = Screen(terminal._file, terminal.width_of_current_line)  # noqa: SLF001
        self._stack.callback(self._stop, screen)
        terminal._file = screen  # noqa: SLF001
        if view := self._view(reporter, screen):
            self._follower = self._stack.enter_context(Follower(self._config.stash[RUN].directory, view))

    def _stop(self, screen: Screen) -> None:
        screen.close()
        self._reporter._tw._file = screen.file  # noqa: SLF001
        self._follower = None
        Notes(self._config.stash[RUN].directory).remove()

    def _view(self, reporter: Any, screen: Screen) -> View | None:
        encoding = getattr(screen.file, "encoding", None) or "utf-8"
        # A panel only where nobody else writes to the terminal: pytest captures descriptors, and writes itself plainly.
        alone = self._config.getoption("capture") == "fd" and type(reporter) is TerminalReporter
        if reporter.isatty and alone and os.environ.get("TERM", "dumb") != "dumb":
            return PanelView(screen, colour=reporter.hasmarkup, unicode=encoding.lower().startswith("utf"))
        return LineView(screen) if self._config.get_verbosity() >= 0 else None

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Have lines about a drill begin below what pytest writes of it, and pytest know."""
        self._lines_follow = is_drill(item) and self._follower is not None and self._follower.leaves_lines
        return (yield)

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logstart(self) -> None:
        if self._lines_follow:
            self._reporter.ensure_newline()

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """A drill ended: its panel gives way to what stays of it."""
        if self._follower is not None:
            self._follower.finished(nodeid)
        self._report_result(nodeid)

    def _report_result(self, nodeid: str) -> None:
        reporter = self._reporter
        entry = self._config.stash[RUN].entries.get(nodeid)
        if reporter is None or entry is None or self._config.get_verbosity() < -1:
            return
        terminal = reporter._tw  # noqa: SLF001 - its width, and its file's encoding
        reporter.ensure_newline()
        if terminal.width_of_current_line:  # of a letter, which pytest does not count as something begun
            reporter.line("")
        for line in result_lines(entry, terminal.fullwidth, getattr(terminal._file, "encoding", None)):  # noqa: SLF001
            reporter.write_line(line, **{COLOURS.get(entry["verdict"], "yellow"): True})

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        if self._follower is not None:
            self._follower.lost(node.gateway.id)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """The table of drills, after pytest's own failures and before its short summary."""
        with notices():
            summarise(terminalreporter, self._config, self._held_back.give_back(terminalreporter))
            for line in self._config.stash[RUN].told:
                terminalreporter.write_line(line)
            self._tell_anchor(terminalreporter)

    def _tell_anchor(self, terminalreporter: Any) -> None:
        """Say how long the audit log is: who keeps this output can tell later whether its end is missing."""
        from muster.safety.audit import AuditLog

        run = self._config.stash[RUN]
        if run.entries and (anchor := AuditLog(run.audit_log).anchor()):
            terminalreporter.write_line(
                f"audit log: {anchor.entries}:{anchor.head[:16]} (muster audit verify --anchor)"
            )
