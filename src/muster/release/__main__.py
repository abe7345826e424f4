"""A release, or its rollback, in a process of its own: what a drill starts, as an operator would with `muster`.

Prints one JSON object a line: each phase, each decision, and at last the release as it is. A drill's timeline
(MUSTER_TIMELINE) is told of phases, of decisions that change, and of a rollback.
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
from muster.base.process import NOTHING_LEFT
from muster.base.timeline import TIMELINE_VARIABLE, Timeline
from muster.kube import RELEASE, Cluster, connect
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

FAILED, IMPOSSIBLE = 1, 64


class Printer:
    """Prints what it is told, one JSON object a line, and tells a drill's timeline of what matters there."""

    def __init__(self, timeline: Timeline | None = None) -> None:
        self._timeline = timeline
        self._phase = self._decided = ""

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
        self._phase, self._decided = release.phase, ""
        tell(self._timeline, release)

    def decided(self, decision: Decision, _look: Look) -> None:
        """Say what a look showed."""
        said = str(decision.action)
        say(decision=said, why=decision.why, left_s=round(decision.left_s, 1))
        if said != self._decided and self._timeline is not None:
            self._timeline.append("release", state="baking", phase=self._phase, decision=said, why=decision.why)
        self._decided = said

    def over(self, release: Release, returned: Returned | None) -> None:
        """Say how it ended."""
        ended(release, returned)
        tell(self._timeline, release, returned)


def say(**what: Any) -> None:
    """Print one object."""
    print(json.dumps(what, ensure_ascii=False), flush=True)


def tell(timeline: Timeline | None, release: Release, returned: Returned | None = None) -> None:
    """Tell a drill's timeline how far a release is."""
    if timeline is not None:
        timeline.append(
            "release",
            state=release.state,
            phase=release.phase,
            share=release.share.possible,
            why=release.why,
            returned=None if returned is None else returned.to_json(),
        )


def ended(release: Release, returned: Returned | None) -> None:
    """Print the last object."""
    told = release.model_dump(mode="json", include={"id", "state", "phase", "why", "cause", "share", "version"})
    say(ended=told, returned=None if returned is None else returned.to_json())


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m muster.release", description="bring out a release, or take it back"
    )
    parser.add_argument("--kubeconfig", type=Path, required=True, help="a kubeconfig with a single context")
    parser.add_argument("--embedded", action="store_true", help="it is an embedded cluster's")
    parser.add_argument("--system", type=Path, required=True, help="the path of system.yaml")
    parser.add_argument("--url", default="", help="where clients reach the system, where that is not to be found out")
    parser.add_argument("--reports", type=Path, default=Path("reports"), help="where the audit log lies")
    parser.add_argument("--time-scale", type=float, default=1.0, help="bakes are so many times shorter")
    parser.add_argument("--id", default="", help="the id of the release that begins")
    parser.add_argument("--rollback", metavar="REASON", help="take back the release that is under way")
    parser.add_argument("--only", default="", metavar="ID", help="take back this one, and no other")
    parser.add_argument("release", nargs="?", help="what is released; without it the one under way is gone on with")
    options = parser.parse_args()
    decided = now()
    try:
        system = read_system(options.system)
        trust(system)
        timeline = Timeline(Path(path)) if (path := os.environ.get(TIMELINE_VARIABLE)) else None
        audit = AuditLog.of_run(options.reports)
        with connect(options.kubeconfig, embedded=options.embedded) as cluster:
            if options.rollback:
                return _rollback(cluster, system, options, timeline, audit, decided=decided)
            looking = LookingAfter(
                cluster,
                system,
                Printer(timeline),
                lambda line: say(said=line),
                audit,
                time_scale=options.time_scale,
                timeline=timeline,
                url=options.url,
                id_=options.id,
            )
            release = looking.run(options.release)
    except MusterError as error:
        say(failed=str(error))
        print(error, file=sys.stderr)
        return IMPOSSIBLE
    return 0 if release is None or release.state == "released" else FAILED


def _rollback(
    connection: Cluster,
    system: SystemDefinition,
    options: argparse.Namespace,
    timeline: Timeline | None,
    audit: AuditLog,
    *,
    decided: float,
) -> int:
    events = RollbackEvents(timeline)
    cluster = events.observed(connection.asking_as(RELEASE))
    found = find_release(cluster, system.namespace)
    if found is None or found.is_over or options.only not in {"", found.id}:
        say(failed="no release is under way" if not options.only else f"release {options.only} is not under way")
        return NOTHING_LEFT if options.only else IMPOSSIBLE
    why, target = options.rollback, f"{cluster.context}/{system.namespace}"
    audit.record("rollback", target=target, outcome="begun", why=why, release=found.id)
    url = options.url or service_url(cluster, system)
    returning = begin_rollback(cluster, system, found, why, url, decided=decided, events=events)
    try:
        returned = returning.take_back(why)
    except MusterError as error:
        audit.record("rollback", target=target, outcome="failed", why=str(error))
        raise
    audit.record("rollback", target=target, outcome="done", release=found.id)
    ended(returning.release, returned)
    tell(timeline, returning.release, returned)
    return 0 if returned is None or returned.in_time else FAILED


if __name__ == "__main__":
    sys.exit(main())
