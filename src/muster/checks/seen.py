"""A snapshot with what checks ask of it again and again: what belongs to whom, what was said of what, how long ago."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from muster.snapshot import Object, Ref, Snapshot, ref_of

NO_LOG = ("unable to retrieve container logs", "Error from server")
# What controllers write by themselves.
PLATFORM = ("kube-controller-manager", "kubelet", "kube-scheduler", "kube-apiserver", "k3s", "cloud-controller")
_TOP = ("Deployment", "StatefulSet", "DaemonSet", "CronJob")
WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "ReplicaSet", "ReplicationController")


class Seen:
    """One snapshot, indexed. Nothing in it changes."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.now = moment(snapshot.taken)
        self._by_kind: dict[str, list[Object]] = defaultdict(list)
        self._by_ref: dict[Ref, Object] = {}
        for item in sorted(snapshot.objects, key=ref_of):
            self._by_kind[item["kind"]].append(item)
            self._by_ref[ref_of(item)] = item
        self._workloads: dict[Ref, Ref] = {}

    # What there is.

    def of(self, kind: str, namespace: str | None = None) -> list[Object]:
        """The objects of a kind, of one namespace or of all, sorted by name."""
        found = self._by_kind.get(kind, [])
        if namespace is None:
            return found
        return [item for item in found if item["metadata"].get("namespace") == namespace]

    def find(self, ref: Ref) -> Object | None:
        return self._by_ref.get(ref)

    def knows(self, kind: str) -> bool:
        """Whether the absence of an object of this kind says that there is none."""
        return kind in self.snapshot.listed

    def is_part(self, kind: str) -> bool:
        """Whether more objects of this kind are there than the snapshot holds."""
        return any(missing.what == f"rest of {kind}" for missing in self.snapshot.missing)

    @cached_property
    def namespaces(self) -> list[str]:
        return sorted({str(item["metadata"].get("namespace") or "") for item in self.snapshot.objects} - {""})

    # When.

    def age(self, time: str | None) -> float:
        """How many seconds ago something was when the snapshot was taken; 0 where nothing tells."""
        return (self.now - moment(time)).total_seconds() if time else 0.0

    def made(self, item: Object) -> float:
        """How many seconds ago an object was made."""
        return self.age(item["metadata"].get("creationTimestamp"))

    # What was said.

    @cached_property
    def _events(self) -> Mapping[Ref, list[Object]]:
        found: dict[Ref, list[Object]] = defaultdict(list)
        for event in self.of("Event"):
            about = event["involvedObject"]
            space = str(about.get("namespace") or "")
            found[Ref(about["kind"], space, str(about.get("name")))].append(event)
        for events in found.values():
            events.sort(key=lambda event: (event_time(event), str(event.get("message"))))
        return found

    def events(self, ref: Ref, *reasons: str) -> list[Object]:
        """The events about an object, oldest first, of these reasons or of all."""
        found = self._events.get(ref, [])
        if not found and ref.kind in ("Node", "Namespace", "PersistentVolume"):
            found = self._events.get(Ref(ref.kind, "default", ref.name), [])
        return [event for event in found if not reasons or event.get("reason") in reasons]

    @cached_property
    def _logs(self) -> Mapping[tuple[str, str, str, bool], tuple[str, ...]]:
        return {(t.namespace, t.pod, t.container, t.previous): t.lines for t in self.snapshot.logs}

    def log(self, pod: Object, container: str, *, previous: bool = False) -> list[str]:
        """The last lines of a container that say something."""
        metadata = pod["metadata"]
        lines = self._logs.get((metadata.get("namespace", ""), metadata["name"], container, previous), ())
        return [line for line in lines if line.strip() and not line.startswith(NO_LOG)]

    # Whose.

    def owner(self, item: Object) -> Ref | None:
        """The object that manages this one."""
        for owner in item["metadata"].get("ownerReferences") or []:
            if owner.get("controller"):
                return Ref(str(owner["kind"]), str(item["metadata"].get("namespace") or ""), str(owner["name"]))
        return None

    def workload(self, item: Object) -> Ref:
        """What a person would change to change this object: the top of those that manage it, else itself."""
        ref = ref_of(item)
        if ref not in self._workloads:
            self._workloads[ref] = self._top(item)
        return self._workloads[ref]

    def _top(self, item: Object) -> Ref:
        seen = set[Ref]()
        while (owner := self.owner(item)) is not None and owner not in seen:
            seen.add(owner)
            found = self.find(owner)
            if found is None and (owner.kind == "Node" or item["kind"] in _TOP):
                break  # a pod of the node itself; what an operator made, whose own kinds nobody asked for
            if found is None:
                return _above(owner, item)
            item = found
        return ref_of(item)

    @cached_property
    def _pods_of(self) -> Mapping[Ref, list[Object]]:
        found: dict[Ref, list[Object]] = defaultdict(list)
        for pod in self.of("Pod"):
            found[self.workload(pod)].append(pod)
        return found

    def pods_of(self, workload: Ref) -> list[Object]:
        """The pods of a workload, finished ones among them."""
        return self._pods_of.get(workload, [])

    @property
    def workloads_with_pods(self) -> Iterable[tuple[Ref, list[Object]]]:
        return self._pods_of.items()

    def selected(self, namespace: str, selector: Mapping[str, str]) -> list[Object]:
        """The pods that are not finished and bear these labels."""
        return [pod for pod in self._live(namespace) if matches(pod, selector)]

    @cached_property
    def _live_pods(self) -> Mapping[str, list[Object]]:
        found: dict[str, list[Object]] = defaultdict(list)
        for pod in self.of("Pod"):
            if not finished(pod):
                found[pod["metadata"].get("namespace", "")].append(pod)
        return found

    def _live(self, namespace: str) -> list[Object]:
        return self._live_pods.get(namespace, [])

    def templates(self, namespace: str) -> Iterator[tuple[Object, Object]]:
        """Each workload of a namespace that is not managed by another that is there, with the template of its pods."""
        for kind in WORKLOADS:
            for item in self.of(kind, namespace):
                top = self.workload(item)
                if top == ref_of(item) or self.find(top) is None:
                    spec = item.get("spec") or {}
                    if kind == "CronJob":
                        spec = (spec.get("jobTemplate") or {}).get("spec") or {}
                    yield item, spec.get("template") or {}

    @property
    def system(self) -> Mapping[str, Any]:
        return self.snapshot.system


def written(item: Object) -> str:
    """When somebody wrote an object last; when it was made, where nothing tells."""
    metadata = item["metadata"]
    times = [
        str(entry.get("time") or "")
        for entry in metadata.get("managedFields") or []
        if entry.get("subresource") != "status" and not str(entry.get("manager") or "").startswith(PLATFORM)
    ]
    return max([*times, str(metadata.get("creationTimestamp") or "")])


def moment(time: str | None) -> datetime:
    """A time of an object (RFC 3339); long ago where it is none."""
    try:
        found = datetime.fromisoformat(str(time))
    except ValueError:
        return datetime(1970, 1, 1, tzinfo=UTC)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def event_time(event: Object) -> str:
    """When an event happened last."""
    series = event.get("series") or {}
    return str(
        series.get("lastObservedTime")
        or event.get("lastTimestamp")
        or event.get("eventTime")
        or event["metadata"].get("creationTimestamp")
        or ""
    )


def first_time(event: Object) -> str:
    """When an event happened first."""
    return str(event.get("firstTimestamp") or event.get("eventTime") or event_time(event))


def times(event: Object) -> int:
    """How often an event happened."""
    return int(event.get("count") or (event.get("series") or {}).get("count") or 1)


def labels(item: Object) -> Mapping[str, str]:
    return item["metadata"].get("labels") or {}


def matches(item: Object, selector: Mapping[str, str]) -> bool:
    """Whether an object bears all these labels; no labels select nothing."""
    return bool(selector) and selector.items() <= labels(item).items()


def finished(pod: Object) -> bool:
    return (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")


def condition(item: Object, kind: str) -> Mapping[str, Any]:
    """A condition of an object by its type; empty where it has none."""
    for one in (item.get("status") or {}).get("conditions") or []:
        if one.get("type") == kind:
            return one  # type: ignore[no-any-return]
    return {}


def is_ready(pod: Object) -> bool:
    """Whether a pod serves: ready, and not on its way out."""
    return condition(pod, "Ready").get("status") == "True" and "deletionTimestamp" not in pod["metadata"]


def containers_of(spec: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """All containers of a pod's spec, those that only prepare among them."""
    for key in ("initContainers", "containers"):
        yield from spec.get(key) or []


def _above(owner: Ref, item: Object) -> Ref:
    """The owner of a manager that the snapshot lacks, as far as names tell: a ReplicaSet made for a Deployment is named
    after it and the hash in its pods' labels."""
    mark = labels(item).get("pod-template-hash")
    if owner.kind == "ReplicaSet" and mark and owner.name.endswith(f"-{mark}"):
        return Ref("Deployment", owner.namespace, owner.name.removesuffix(f"-{mark}"))
    return owner
