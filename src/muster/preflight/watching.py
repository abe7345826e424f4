"""The alerts that drills wait for, and the conditions that end them early."""

from __future__ import annotations

from contextlib import ExitStack

from muster.base.clock import now
from muster.base.errors import MusterError
from muster.guardian.looks import lacking, looks_at
from muster.monitoring import open_asking, open_source
from muster.preflight.finding import Result, failed, fine
from muster.preflight.subject import Subject
from muster.safety.limits import Condition


def alerts(subject: Subject) -> Result:
    """Whether the monitoring answers, knows the alerts that drills wait for, and none of them fires already."""
    waiting: dict[str, list[str]] = {}
    for one in subject.drills:
        if one.declared.alert is not None:
            waiting.setdefault(one.declared.alert, []).append(one.nodeid)
    monitoring = subject.system.monitoring
    if not waiting or monitoring is None:
        return fine("no drill waits for an alert")
    if not monitoring.server.is_there:
        why = f"{monitoring.kind} is where {monitoring.server.named} says, which is not set"
        if subject.cluster is None:
            return fine(f"{why}: drills that wait for an alert start their own")
        named = tuple(nodeid for drills in waiting.values() for nodeid in drills)
        return failed(why, "set it to what stands before its '/api'", drills=named, blocks=False)
    for alert, drills in waiting.items():
        try:
            with open_source(monitoring, alert) as source:
                seen = source.look()
        except MusterError as error:
            return failed(str(error), "mend 'monitoring' of system.yaml, or the rule's name", drills=tuple(drills))
        if seen.firing:
            why = f"{source.name}: alert {alert} fires already, so that nobody could tell that a fault set it off"
            return failed(why, "see to its cause, or wait until it is resolved", drills=tuple(drills))
    return fine(f"{monitoring.kind} at {monitoring.server.named} answers, and {', '.join(waiting)} does not fire")


def conditions(subject: Subject) -> Result:
    """Whether the stop conditions can be looked at, and are kept now."""
    found = subject.limits.stop_when
    if not found:
        return fine("no stop condition is named (stop_when in safety.yaml)", "name what drills must not harm")
    if what := lacking(found, subject.system.monitoring):
        return failed(what, "name the monitoring in system.yaml, or leave the condition out")
    if troubles := [f"{condition}: {why}" for condition in found if (why := _trouble(subject, condition))]:
        return failed("; ".join(troubles), "see to the cause: no drill strikes meanwhile", blocks=False)
    return fine(f"kept: {'; '.join(map(str, found))}")


def _trouble(subject: Subject, condition: Condition) -> str:
    """What one look shows, or why it shows nothing."""
    monitoring = subject.system.monitoring
    try:
        with ExitStack() as stack:
            asking = None if monitoring is None else stack.enter_context(open_asking(monitoring))
            looks = looks_at(condition, monitoring, asking, None)
            stack.callback(looks.close)
            looks.look()
            return looks.trouble(now())
    except MusterError as error:
        return f"it cannot be looked at: {error}"
