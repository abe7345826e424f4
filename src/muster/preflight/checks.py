"""Which checks there are, in the order in which they are told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

from muster.preflight import allowed, capacity, judging, programs, service, watching
from muster.preflight.finding import Result
from muster.preflight.subject import Subject


class Check(NamedTuple):
    """A small function that looks at one thing, within `limit_s` seconds. `asks` says what it needs: nothing beside the
    project's files (`project`), any cluster (`cluster`), or one of the user's own (`own`)."""

    name: str
    look: Callable[[Subject], Result]
    asks: Literal["project", "cluster", "own"]
    limit_s: float = 8.0


# Whose failure one would want to hear of first comes first.
CHECKS = (
    Check("versions", programs.versions, "project"),
    Check("embedded cluster", programs.embedded, "project"),
    Check("own commands", programs.commands, "project"),
    Check("objectives", judging.judged, "project"),
    Check("cluster", allowed.answers, "cluster"),
    Check("target", allowed.target, "cluster"),
    Check("levers", allowed.levers, "cluster"),
    Check("records", allowed.records, "cluster"),
    Check("lease", allowed.lease, "cluster"),
    Check("rights", allowed.rights, "cluster"),
    Check("guard", allowed.guard, "own"),
    Check("address", service.address, "cluster"),
    Check("probes", service.probes, "cluster"),
    Check("ledger", service.ledger, "cluster"),
    Check("databases", service.databases, "cluster"),
    Check("capacity", capacity.capacity, "own"),
    Check("alerts", watching.alerts, "project"),
    Check("stop conditions", watching.conditions, "project"),
)
NO_CLUSTER = Check("cluster", allowed.absent, "project")
# What a session on the embedded cluster is looked at for: nothing of it leaves this process.
COSTLESS = (Check("versions", programs.versions, "project"), Check("objectives", judging.steady, "project"))


def checks_for(subject: Subject) -> tuple[Check, ...]:
    """The checks that can be made of a subject; where there is no cluster, one that says so."""
    if subject.cluster is None:
        return (*(check for check in CHECKS if check.asks == "project"), NO_CLUSTER)
    return tuple(check for check in CHECKS if check.asks != "own" or not subject.cluster.embedded)
