"""A drill ends when a service outside its scope is harmed, and does not strike while one is ill already."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from muster.base.background import Background
from muster.base.errors import MusterError
from muster.base.timeline import read_timeline
from muster.monitoring.testing import LocalMonitoring

if TYPE_CHECKING:
    from pathlib import Path

    from tests.drill_project import DrillProject

DRILLS = """
import pytest

@pytest.mark.drill(severity="P2", fault="pod-crash", budget_s=120)
def test_harmful(system, inject, objectives):
    with system.ledger():
        system.wait_steady()
        with inject() as fault:
            fault.wait_landed(seconds=20)
            system.wait_good(within=objectives.rto)
    objectives.judge(rto=fault)

@pytest.mark.drill(severity="P2", fault="pod-crash", budget_s=120)
def test_too_late(system, inject, objectives):
    with system.ledger():
        system.wait_steady(within=3)
        with inject() as fault:
            fault.wait_landed(seconds=20)
    objectives.judge(rto=fault)
"""


class Victim(Background):
    """A service beside the one under drill, which begins to err once a fault has landed. A context manager."""

    def __init__(self, server: LocalMonitoring, reports: Path) -> None:
        super().__init__(self._run, name="victim")
        self._server, self._reports = server, reports
        server.answer = (200, "text/plain", "well")

    def _run(self) -> None:
        while not self.pause(0.1):
            if any(event["kind"] == "fault.effect" and event["observed"] for event in self._events()):
                self._server.answer = (503, "text/plain", "ill")
                return

    def _events(self) -> list[dict[str, Any]]:
        for path in self._reports.glob("*/harmful.jsonl"):
            with suppress(MusterError):
                return list(read_timeline(path))
        return []


@pytest.mark.whole_machine
@pytest.mark.long(of="whole drills")
def test_a_neighbour_that_begins_to_err_ends_the_drill_and_keeps_the_next_from_striking(
    drill_project: DrillProject,
) -> None:
    drill_project.write("drills/test_it.py", DRILLS)
    with LocalMonitoring() as server:
        said = f"{{http: '{server.url}/health', error_rate: 10%, over_s: 2}}"
        drill_project.write("safety.yaml", f"schema: muster/safety/v1\nstop_when:\n  - {said}\n")
        with Victim(server, drill_project.root / "reports"):
            session = drill_project.pytest("drills/test_it.py")
    harmful, too_late = drill_project.summary()["drills"]
    assert session.code == pytest.ExitCode.TESTS_FAILED, session.output
    assert harmful["verdict"] == "unknown"
    assert harmful["why"].startswith(f"the drill was stopped: service {server.url}/health: ")
    assert "(answered 503)" in harmful["why"]
    assert "its fault was taken back after " in harmful["why"]
    events = list(read_timeline(drill_project.root / harmful["timeline"]))
    guard = {event["state"]: event for event in events if event["kind"] == "guard"}
    assert guard["tripped"]["rule"] == "service"
    assert guard["undone"]["undone"]
    assert guard["undone"]["left"] == []
    assert too_late["verdict"] == "unknown"
    assert "nothing was injected" in session.output
    assert "by a stop condition: service " in too_late["why"]
    assert too_late["fault"]["landed"] is None
