"""Whether what a procedure changed can have brought service back.

That service was good after a procedure acted proves little: the platform may have healed just then. So what the
procedure changed must reach what came back. A change reaches a pod that

- is the changed one itself (a command was run in it, it was made, its labels were changed),
- belongs to what was changed (its owners, up to the top), was made in the place of one that was deleted,
- is configured by it, runs on it, or is led to by it (ConfigMap, Secret, Node, Service),
- or asks a Service that leads to such a pod.

Of a workload only what makes pods counts (template, replicas, selector, paused), of a configuration its content, of a
Service where it leads, of anything but pods nothing in its metadata: an annotation brings nothing back. Replicas that
were added reach as many pods as there are more of.

What came back are the pods that became ready since the first such change; where none did, those that serve. If some of
those that clients depend on came back that no change reaches, they came back by themselves, and with them perhaps
service.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from muster.verdict.reading.facts import Change, Relations
from muster.verdict.reading.record import Record

LATE_S = 1.0  # a pod is seen to be ready up to two looks of the watcher later than its Service sees it
WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "Job", "ReplicaSet")  # those at the top first
_MAKES_PODS = ("spec.template", "spec.selector", "spec.paused")
_CONTENT = ("data", "binaryData", "stringData")
# Of a Service what decides whom it leads to, and where.
_LEADS = tuple(
    f"spec.{part}"
    for part in ("selector", "ports", "type", "externalName", "externalIPs", "clusterIP", "publishNotReadyAddresses")
)
_WHOLE = frozenset(("create", "delete", "execute", "ask"))


def unproved(record: Record, procedure: str, well: float) -> str | None:
    """Why it does not show that what a procedure changed brought service back at `well` (CLOCK_MONOTONIC s), in one
    sentence; None where it shows."""
    told = [change for run in record.recoveries if run.procedure == procedure for change in run.changes]
    told = [change for change in told if change.t <= well]
    if not told:
        return f"nothing is known that {procedure!r} changed"
    changes = [change for change in told if can_matter(change)]
    if not changes:
        return f"all that {procedure!r} changed is {_named(told)}, which brings nothing back"
    if not record.relations:
        why = f": {record.unrelated}" if record.unrelated else ""
        return f"it was not seen which pods rely on what {procedure!r} changed{why}"
    return _unreached(record, _Reach.of(record, changes), changes, well)


def can_matter(change: Change) -> bool:
    """Whether a change can have an effect on any pod."""
    kind = change.object.partition("/")[0]
    if change.verb in _WHOLE or change.object.endswith("/*"):
        return True
    if kind in WORKLOADS:
        return change.replicas is not None or _makes_pods_anew(change)
    if kind in ("ConfigMap", "Secret"):
        return any(path.startswith(_CONTENT) for path in change.fields)
    if kind == "Service":
        return any(path.startswith(_LEADS) for path in change.fields)
    if kind == "Pod":
        return any(not path.startswith("metadata.annotations") for path in change.fields)
    return any(not path.startswith("metadata") for path in change.fields)


def _makes_pods_anew(change: Change) -> bool:
    return any(path.startswith(_MAKES_PODS) for path in change.fields)


@dataclass
class _Reach:
    """What pods rely on, put together over the whole drill, and what was changed."""

    changed: set[str]
    replaced: set[str]  # owners of pods that were deleted
    added: dict[str, int]  # workloads of which nothing changed but that there are so many more replicas
    pods: dict[str, Relations] = field(default_factory=dict)
    led_to: dict[str, set[str]] = field(default_factory=dict)  # Service to the pods that it led to at any time

    @classmethod
    def of(cls, record: Record, changes: Iterable[Change]) -> _Reach:
        pods: dict[str, Relations] = {}
        led_to: dict[str, set[str]] = {}
        for one in record.relations:
            before = pods.get(one.pod)
            pods[one.pod] = one if before is None else _joined(before, one)
            for service in one.served_by:
                led_to.setdefault(service, set()).add(one.pod)
        changed, replaced, added = set[str](), set[str](), dict[str, int]()
        for change in changes:
            kind, _, name = change.object.partition("/")
            if kind in WORKLOADS and change.replicas is not None and not _makes_pods_anew(change):
                added[change.object] = added.get(change.object, 0) + max(change.replicas[1] - change.replicas[0], 0)
            elif kind == "Pod" and change.verb == "delete":
                gone = pods.values() if name == "*" else [pods[name]] if name in pods else []
                replaced |= {owner for pod in gone for owner in pod.owners}
            else:
                changed.add(change.object)
        return cls(changed, replaced, added, pods, led_to)

    def reaches(self, pod: str) -> bool:
        """Whether a change reaches a pod, by itself or by what it asks; added replicas aside."""
        seen, ahead = set[str](), [pod]
        while ahead:
            name = ahead.pop()
            if name in seen:
                continue
            seen.add(name)
            if self._touches(name):
                return True
            asked = self.pods[name].asks if name in self.pods else frozenset()
            if asked & self.changed:
                return True
            ahead += [other for service in asked for other in self.led_to.get(service, ())]
        return False

    def _touches(self, name: str) -> bool:
        mine = {f"Pod/{name}"}
        related = self.pods.get(name)
        if related is not None:
            mine |= related.owners | related.uses | related.served_by
        kinds = {one.removesuffix("/*") for one in self.changed if one.endswith("/*")}
        return bool(
            mine & self.changed
            or (related is not None and related.owners & (self.replaced | self._grown))
            or any(one.partition("/")[0] in kinds for one in mine)
        )

    @property
    def _grown(self) -> set[str]:
        return {workload for workload, more in self.added.items() if more}

    def top(self, name: str) -> str:
        """What a pod belongs to, for people: its workload, or itself."""
        related = self.pods.get(name)
        owners = related.owners if related else frozenset[str]()
        for kind in WORKLOADS:
            if found := sorted(one for one in owners if one.startswith(f"{kind}/")):
                return found[0]
        return min(owners, default=f"Pod/{name}")

    def clients_depend_on(self) -> set[str]:
        """The pods that the system's Service leads to, and those that these ask, one after the other."""
        seen, ahead = set[str](), [name for name, related in self.pods.items() if related.serves]
        while ahead:
            name = ahead.pop()
            if name not in seen:
                seen.add(name)
                ahead += [other for service in self.pods[name].asks for other in self.led_to.get(service, ())]
        return seen

    def by_themselves(self, pods: Collection[str]) -> list[str]:
        """Of what came back, the workloads of which so many came back that no change explains it."""
        groups: dict[str, list[str]] = {}
        for name in pods:
            groups.setdefault(self.top(name), []).append(name)
        return sorted(workload for workload, members in groups.items() if not self._explained(workload, members))

    def _explained(self, workload: str, members: list[str]) -> bool:
        if workload in self.added and not {workload} & (self.changed | self.replaced):
            return len(members) <= self.added[workload] or any(self._otherwise(name) for name in members)
        return any(self.reaches(name) for name in members)

    def _otherwise(self, name: str) -> bool:
        """Whether a pod whose workload grew is reached by another change than that."""
        return _Reach(self.changed, self.replaced, {}, self.pods, self.led_to).reaches(name)


def _unreached(record: Record, reach: _Reach, changes: list[Change], well: float) -> str | None:
    since = min(change.t for change in changes)
    came = came_back(record, since, well + LATE_S)
    what = _named(changes)
    if not came:
        serving = [name for name, related in reach.pods.items() if related.serves] or list(reach.pods)
        return None if any(reach.reaches(name) for name in serving) else f"nothing that serves relies on {what}"
    if not any(reach.reaches(name) for name in came):
        return f"what came back ({_few(sorted({reach.top(name) for name in came}))}) does not rely on {what}"
    alone = reach.by_themselves(came & reach.clients_depend_on())
    return f"{_few(alone)} came back without anything of {what}" if alone else None


def came_back(record: Record, since: float, until: float) -> set[str]:
    """The pods that became ready in that time, or were ready when they were first seen then."""
    ready: dict[str, bool] = {}
    first = min((state.t for state in record.pods), default=since)
    came = set[str]()
    for state in sorted(record.pods, key=lambda one: one.t):
        turned = state.ready and not ready.get(state.pod, False)
        if turned and since <= state.t <= until and state.t > first:
            came.add(state.pod)
        ready[state.pod] = state.ready
    return came


def _joined(one: Relations, other: Relations) -> Relations:
    return Relations(
        one.pod,
        one.owners | other.owners,
        one.uses | other.uses,
        one.served_by | other.served_by,
        one.asks | other.asks,
        one.serves or other.serves,
    )


def _named(changes: Iterable[Change]) -> str:
    """What was changed, for people: `metadata.annotations.x of Deployment/api`."""
    said = [f"{_few(change.fields)} of {change.object}" if change.fields else change.object for change in changes]
    return _few(list(dict.fromkeys(said)))


def _few(names: Collection[str]) -> str:
    named = list(names)
    return ", ".join(named[:2]) + (f" and {len(named) - 2} more" if len(named) > 2 else "")
