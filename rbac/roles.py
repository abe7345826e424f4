"""From calls to rights, from rights to a Role, and back: pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any, NamedTuple

from muster.base.errors import UsageError
from muster.guardian import FORBIDDEN as FORBIDS
from muster.kube import CHECK, PROCEDURE, RELEASE, Call
from muster.safety.rights import Right

Role = dict[str, Any]
FORBIDDEN = 403
GROUP = "rbac.authorization.k8s.io"
# For what no drill does that goes well, and what is done without where it is not given; no drill insists on them.
RESERVED: dict[Right, str] = {
    Right("update", "configmaps"): "a fault on record is held for longer, a procedure was cut and is ended",
    Right("update", "leases", "coordination.k8s.io"): "the lease of a drill that died is taken over",
    Right("get", "pods", "", "log"): "the last words of what does not start",
    Right("list", "events"): "why something does not start",
    Right("list", "horizontalpodautoscalers", "autoscaling"): "an autoscaler's work is nobody's change of the system",
}
# What stands open to everybody who is known: asking what one may do, and who one is.
_FOR_ALL = ("authorization.k8s.io", "authentication.k8s.io")
_RECORDS = (("configmaps", ""), ("leases", "coordination.k8s.io"))
_KEPT = ("get", "list", "watch", "update", "delete")
_READS = ("get", "list", "watch")
_OVER_WEBSOCKETS = ("exec", "portforward")


# Looked for in a namespace of muster's own, by whoever may look there; nobody must.
FOR_WHOLE_CLUSTERS = frozenset({FORBIDS, "muster-safety"})


def used(calls: Iterable[Call], namespace: str) -> frozenset[Right]:
    """The rights that calls took, beside those that everybody has, and but for what is looked at before a drill: of
    that whoever may not see something is told that it is unknown.

    Raises:
        UsageError: a call was about something outside of the namespace, for which no Role can stand.
    """
    found: set[Right] = set()
    for call in calls:
        if call.path or call.group in _FOR_ALL or call.agent.endswith(f"({CHECK})"):
            continue
        if call.name in FOR_WHOLE_CLUSTERS and call.namespace != namespace:
            continue
        if call.namespace != namespace:
            where = f"namespace '{call.namespace}'" if call.namespace else "the whole cluster"
            raise UsageError(
                f"a call was about {where}, which a Role of namespace '{namespace}' cannot allow: {call.verb} "
                f"{call.resource} {call.name}".rstrip()
            )
        found.add(Right(call.verb, call.resource, call.group, call.subresource))
        if call.subresource in _OVER_WEBSOCKETS:
            found.add(Right("create", call.resource, call.group, call.subresource))
    return frozenset(found)


def refused(calls: Iterable[Call], namespace: str) -> frozenset[Right]:
    """The rights that were wanted and not there."""
    return used((call for call in calls if call.code == FORBIDDEN), namespace)


def by_procedures(calls: Iterable[Call]) -> list[Call]:
    """The calls that a recovery procedure made."""
    return [call for call in calls if call.agent.endswith(f"({PROCEDURE})")]


def by_releases(calls: Iterable[Call]) -> list[Call]:
    """The calls of whoever looks after a release, or takes it back."""
    return [call for call in calls if call.agent.endswith(f"({RELEASE})")]


def by_drills(calls: Iterable[Call]) -> list[Call]:
    """The calls that a drill itself made: its watchers, its fault, its guards."""
    return [call for call in calls if not call.agent.endswith((f"({PROCEDURE})", f"({RELEASE})"))]


def role(name: str, rights: Iterable[Right], why: str) -> Role:
    """A Role that gives these rights: resources that are used alike in one rule."""
    return {
        "apiVersion": f"{GROUP}/v1",
        "kind": "Role",
        "metadata": {"name": name, "annotations": {"muster.dev/for": why}},
        "rules": list(_rules(rights)),
    }


class _Use(NamedTuple):
    verbs: tuple[str, ...]
    group: str
    resource: str


def _rules(rights: Iterable[Right]) -> Iterator[Role]:
    verbs: dict[tuple[str, str], set[str]] = {}
    for right in rights:
        resource = f"{right.resource}/{right.sub}" if right.sub else right.resource
        verbs.setdefault((right.group, resource), set()).add(right.verb)
    uses = sorted(
        (_Use(tuple(sorted(found)), group, resource) for (group, resource), found in verbs.items()),
        key=lambda use: (use.group, use.verbs, use.resource),
    )
    for (group, found), alike in groupby(uses, key=lambda use: (use.group, use.verbs)):
        yield {"apiGroups": [group], "resources": [use.resource for use in alike], "verbs": list(found)}


def of_guardian(drills: Iterable[Right]) -> frozenset[Right]:
    """What a guardian needs for drills that have these rights: their records and leases, what they patch and run.

    A record is undone by reading the fields that the fault changed and patching those that still hold its values, and
    by running in a container what takes back what was done there. A guardian makes a Lease that says that it is there.
    """
    kept = {Right(verb, resource, group) for verb in _KEPT for resource, group in _RECORDS}
    lease = {Right(verb, "leases", "coordination.k8s.io") for verb in ("create", "patch")}
    patched = {right for right in drills if right.verb == "patch" and right.resource != "leases"}
    run = {right for right in drills if right.sub == "exec"}
    looked_at = {Right("get", "pods", "")} if run else set()
    return frozenset(kept | lease | patched | {right._replace(verb="get") for right in patched} | run | looked_at)


def of_readers(all_of_them: Iterable[Right]) -> frozenset[Right]:
    """What whoever only looks needs: what drills and procedures read, without running anything in a pod."""
    return frozenset(right for right in all_of_them if right.verb in _READS and right.sub not in _OVER_WEBSOCKETS)


def rights_in(one: Role) -> frozenset[Right]:
    """The rights that a Role of this form gives."""
    found: set[Right] = set()
    for rule in one["rules"]:
        for group in rule["apiGroups"]:
            for full in rule["resources"]:
                resource, _, sub = full.partition("/")
                found |= {Right(verb, resource, group, sub) for verb in rule["verbs"]}
    return frozenset(found)


def unused(
    one: Role, calls: Iterable[Call], namespace: str, declared: frozenset[Right] = frozenset()
) -> frozenset[Right]:
    """The rights of a Role that no call took, that nobody declared and that are kept for nothing that may yet come."""
    return rights_in(one) - used(calls, namespace) - declared - RESERVED.keys()
