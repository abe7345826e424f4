"""A release that a drill brings out, as whoever stands beside it sees it: `release.wait(...)`, `release.kill()`."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from muster.base.errors import MusterError, TimeoutExceededError
from muster.base.lifeline import descendants
from muster.base.process import Child
from muster.base.timeline import TIMELINE_VARIABLE, Event, Tail
from muster.base.waiting import wait_for
from muster.drill.drill import Drill, UnprovableError
from muster.faults.releasing import BROUGHT_OUT
from muster.release.record import PhaseName, Release, State, find_release
from muster.release.returning import Returned
from muster.safety.audit import AUDIT_VARIABLE, AuditLog
from muster.safety.rollouts import releasing_command, rolling_back

WITHIN_S = 300.0
EVERY_S = 0.1


@dataclass
class ReleaseView:
    """The release that the drill's fault brings out. What is asked of it by hand is asked as an operator does, by a
    process of its own."""

    _drill: Drill
    _asked: list[Child] = field(default_factory=list)
    _told: dict[str, Any] = field(default_factory=dict)

    @property
    def now(self) -> Release:
        """The release, as its record tells.

        Raises:
            UnprovableError: the drill has brought out none.
            ClusterError: the cluster does not answer.
        """
        found = find_release(self._drill.state.cluster, self._drill.state.namespace)
        if found is None or found.id != self._brought_out()["id"]:
            raise UnprovableError("there is no record of the release that the drill brought out")
        return found

    @property
    def rollback(self) -> Returned | None:
        """How its way back went, as the timeline tells; None where there was none, or it did not come to its end."""
        found = next((one for event in reversed(self._events()) if (one := event.get("returned"))), None)
        return None if found is None else Returned(**found)

    @property
    def phases(self) -> list[str]:
        """The phases that it came to, each once, in their order."""
        return list(dict.fromkeys(event["phase"] for event in self._events()))

    @property
    def decisions(self) -> list[str]:
        """What looks at it decided, each where it differs from the one before: `go on`, `hold`, `promote`, ..."""
        return [said for event in self._events() if (said := event.get("decision"))]

    def failed(self) -> list[str]:
        """The requests of the load and of probes that were not answered rightly since it was brought out, a line each.
        Clean refusals are among them."""
        began = self._drill.injected_at or 0.0
        return [
            f"{event['name']}: {event['outcome']} {event['status'] or ''} ({event['why']})"
            for event in Tail(self._drill.timeline_path).each()
            if event["kind"] == "request" and event["outcome"] != "ok" and event["done"] >= began
        ]

    def wait(self, phase: PhaseName, state: State = "baking", *, within: float = WITHIN_S) -> Release:
        """Wait until it is in that state of a phase, within so many seconds.

        Raises:
            UnprovableError: it does not come to that; where it has ended instead the message says why.
        """
        return self._until(lambda at: (at.phase, at.state) == (phase, state), f"{state} at phase {phase}", within)

    def wait_in(self, phase: PhaseName, *, within: float = WITHIN_S) -> Release:
        """Wait until it is in a phase, in whatever state. Raises likewise."""
        return self._until(lambda at: at.phase == phase, f"at phase {phase}", within)

    def wait_over(self, within: float = WITHIN_S) -> Release:
        """Wait until it has ended, well or not, or is frozen. Raises likewise."""
        return self._until(lambda at: at.is_over or at.state == "frozen", "over", within)

    def kill(self) -> None:
        """Kill whoever looks after it, with SIGKILL.

        Raises:
            UnprovableError: nobody does any more.
        """
        found = descendants(self._asked[-1].pid if self._asked else int(self._brought_out()["by"]))
        if not found:
            raise UnprovableError("nobody looks after the release any more, so nobody can be killed")
        os.kill(found[0], signal.SIGKILL)

    def go_on(self) -> None:
        """Have somebody else go on with it, as by `muster deploy --continue`; returns at once."""
        self._start()

    def roll_back(self, why: str, *, within: float = WITHIN_S) -> Returned:
        """Take it back by hand, whoever looks after it, as by `muster rollback`; how that went.

        Raises:
            UnprovableError: it did not come to its end within so many seconds; the message says why.
        """
        return self.rolling_back(why, within=within)()

    def rolling_back(self, why: str, *, within: float = WITHIN_S) -> Callable[[], Returned]:
        """The same, begun now; what is returned waits for its end."""
        self._drill.enter("recover", "rollback")
        child = self._start(*rolling_back(why, str(self._brought_out()["id"])))

        def ended() -> Returned:
            wait_for(lambda: child.poll() is not None, within=within, every=EVERY_S, reason="the rollback")
            found = self.rollback
            if found is None:
                raise UnprovableError(f"the release was not rolled back: it is {self.now.state}, {self.now.why}")
            return found

        return ended

    def _events(self) -> list[Event]:
        """What the timeline tells of it."""
        self._drill.pump()
        return [event for event in self._drill.live.events if event["kind"] == "release"]

    def _until(self, reached: Callable[[Release], bool], what: str, within: float) -> Release:
        drill, latest = self._drill, ""

        def look() -> Release | None:
            nonlocal latest
            drill.pump()
            try:
                at = self.now
            except MusterError as error:  # the cluster may be in trouble for a while: that is what is rehearsed
                latest = str(error)
                return None
            latest = f"it is {at.state} at phase {at.phase}{f': {at.why}' if at.why else ''}"
            if not reached(at) and at.is_over:
                raise UnprovableError(f"the release was to be {what}, and {latest}")
            return at if reached(at) else None

        self._brought_out()  # where there is none, nothing is waited for
        drill.enter("release", what)
        try:
            reason = f"the release to be {what}"
            found = wait_for(look, within=within, every=EVERY_S, reason=reason, latest=lambda: latest)
        except TimeoutExceededError as error:
            raise UnprovableError(str(error)) from error
        return found

    def _brought_out(self) -> dict[str, Any]:
        injection = self._drill.prepared
        self._told = self._told or dict((injection and injection.told(BROUGHT_OUT)) or {})
        if not self._told:
            raise UnprovableError("the drill's fault brings out no release; right would be an experiment that does")
        return self._told

    def _start(self, *more: str) -> Child:
        drill, system = self._drill, self._drill.state.definition
        command = releasing_command(drill.kubeconfig, system.path, embedded=drill.state.cluster.embedded)
        environment = {
            TIMELINE_VARIABLE: str(drill.timeline_path.absolute()),
            AUDIT_VARIABLE: str(AuditLog.of_run(drill.directory).path.absolute()),
        }
        with (drill.work / "release.jsonl").open("ab") as output:
            child = Child([*command, "--url", drill.url, *more], env=environment, stdout=output, stderr=output)
        drill.end_with(child.stop)
        self._asked += [] if more else [child]
        return child
