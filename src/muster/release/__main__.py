"""A release, or its rollback, in a process of its own: what a drill starts, as an operator would with `muster`.

Prints one JSON object a line: each phase, each decision, and at last the release as it is.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from muster.analysis import Decision, Look
from muster.base.clock import now
from muster.base.errors import MusterError
from muster.base.timeline import Timeline
from muster.kube import PROCEDURE, Cluster, connect
from muster.probes.http.address import service_url
from muster.release.looking_after import LookingAfter
from muster.release.record import Release, find_release
from muster.release.returning import Returned
from muster.release.taking_back import begin_rollback
from muster.release.telling import RollbackEvents
from muster.safety import AuditLog
from muster.steps import Step, StepOutcome
from muster.system import SystemDefinition, read_system
from muster.system.trust import trust

TIMELINE_VARIABLE = "MUSTER_TIMELINE"
FAILED, IMPOSSIBLE = 1, 64


class Printer:
    """Prints what it is told, one JSON object a line."""

    def __init__(self) -> None:
        self.returned: Returned | None = None

    def began(self, step: Step) -> None:
        """A step began: not worth a line."""

    def waits(self, step: Step, what: str) -> None:
        """Say what a step waits for."""
        say(step=step.name, waits=what)

    def ended(self, outcome: StepOutcome) -> None:
        """Say how a step ended."""
        say(step=outcome.name, state=outcome.state, detail=outcome.detail)

    def phase(self, release: Release) -> None:
        """Say that a phase begins."""
        say(phase=release.phase)

    def decided(self, decision: Decision, _look: Look) -> None:
        """Say what a look showed."""
        say(decision=str(decision.action), why=decision.why, left_s=round(decision.left_s, 1))

    def over(self, release: Release, returned: Returned | None) -> None:
        """Say how it ended."""
        self.returned = returned
        ended(release, returned)


def say(**what: Any) -> None:
    """Print one object."""
    print(json.dumps(what, ensure_ascii=False), flush=True)


def ended(release: Release, returned: Returned | None) -> None:
    """Print the last object."""
    told = release.model_dump(mode="json", include={"id", "state", "phase", "why", "share", "version"})
    say(ended=told, returned=None if returned is None else returned.to_json())


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m muster.release", description="bring out a release, or take it back"
    )
    parser.add_argument("--kubeconfig", type=Path, required=True)
    parser.add_argument("--embedded", action="store_true")
    parser.add_argument("--system", type=Path, required=True)
    parser.add_argument("--reports", type=Path, default=Path("reports"))
    parser.add_argument("--time-scale", type=float, default=1.0)
    parser.add_argument("--rollback", metavar="REASON")
    parser.add_argument("release", nargs="?")
    options = parser.parse_args()
    decided = now()
    try:
        system = read_system(options.system)
        trust(system)
        timeline = Timeline(Path(path)) if (path := os.environ.get(TIMELINE_VARIABLE)) else None
        audit = AuditLog.of_run(options.reports)
        with connect(options.kubeconfig, embedded=options.embedded) as cluster:
            if options.rollback:
                return _rollback(cluster, system, options.rollback, timeline, decided)
            printer = Printer()
            looking = LookingAfter(
                cluster,
                system,
                printer,
                lambda line: say(said=line),
                audit,
                time_scale=options.time_scale,
                timeline=timeline,
            )
            release = looking.run(options.release)
    except MusterError as error:
        say(failed=str(error))
        print(error, file=sys.stderr)
        return IMPOSSIBLE
    return 0 if release is None or release.state == "released" else FAILED


def _rollback(
    connection: Cluster, system: SystemDefinition, why: str, timeline: Timeline | None, decided: float
) -> int:
    events = RollbackEvents(timeline)
    cluster = events.observed(connection.asking_as(PROCEDURE))
    found = find_release(cluster, system.namespace)
    if found is None or found.is_over:
        say(failed="no release is under way")
        return IMPOSSIBLE
    url = service_url(cluster, system)
    returning = begin_rollback(cluster, system, found, why, url, decided=decided, events=events)
    returned = returning.take_back(why)
    ended(returning.release, returned)
    return 0 if returned is None or returned.in_time else FAILED


if __name__ == "__main__":
    sys.exit(main())
