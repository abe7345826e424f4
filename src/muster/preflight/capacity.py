"""Whether the pods that drills have made besides those that there are find room on the nodes.

Reckoned from requests against what nodes can allocate, as the scheduler does; affinities, selectors, quotas and what an
autoscaler might add are left aside, and a node with a taint that keeps pods away is taken for none. The embedded
cluster counts no requests, and is not asked.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from muster.base.errors import ClusterError
from muster.preflight.finding import Result, failed, fine, unknown
from muster.preflight.subject import Subject
from muster.safety.rights import is_forbidden

Object = dict[str, Any]
_SUFFIXES = {"n": 1e-9, "u": 1e-6, "m": 1e-3, "": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18}
_SUFFIXES |= {f"{unit}i": 1024.0**power for power, unit in enumerate("KMGTPE", start=1)}
_KEEPING_AWAY = ("NoSchedule", "NoExecute")
DEFAULT_SURGE = "25%"


class Room(NamedTuple):
    """CPU in cores, memory in bytes, and pods."""

    cpu: float
    memory: float
    pods: float

    def less(self, other: Room) -> Room:
        """What is left of it."""
        return Room(self.cpu - other.cpu, self.memory - other.memory, self.pods - other.pods)

    def holds(self, other: Room) -> bool:
        """Whether there is room for that."""
        return all(mine >= its - 1e-9 for mine, its in zip(self, other, strict=True))


def capacity(subject: Subject) -> Result:
    """Whether there is room for what rollouts surge by and what add-capacity adds."""
    cluster = subject.there
    wanted = list(_wanted(subject, cluster.list("Deployment", subject.namespace)))
    if not wanted:
        return fine("no drill has pods made besides those that there are")
    try:
        free = free_room(cluster.list("Node"), cluster.list("Pod"))
    except ClusterError as error:
        if is_forbidden(error):
            return unknown(
                "nodes, or the pods of other namespaces, may not be seen, so nobody knows what is free",
                "to be sure, have 'list nodes' and 'list pods' granted by a ClusterRole",
            )
        raise
    without = unplaced(free, [room for _, room in wanted])
    if not without:
        return fine(f"{len(wanted)} further pods find room on {len(free)} nodes, by their requests")
    whose = ", ".join(sorted({name for name, _ in wanted}))
    return failed(
        f"{without} of {len(wanted)} further pods ({whose}) find no room on {len(free)} nodes, by their requests",
        "add nodes, or ask for less: lower requests, maxSurge, or operations.capacity.max_replicas",
        blocks=False,
    )


def _wanted(subject: Subject, deployments: Iterable[Object]) -> Iterator[tuple[str, Room]]:
    """The pods that may have to be made besides those that there are, by their Deployment."""
    adds = subject.system.operations.capacity
    for item in deployments:
        name, spec = item["metadata"]["name"], item["spec"]
        replicas, room = int(spec.get("replicas", 1)), requests_of(spec["template"]["spec"])
        more = surge(spec, replicas)
        if adds is not None and adds.deployment == name:
            more = max(more, adds.max_replicas - replicas)
        for _ in range(more):
            yield name, room


def surge(spec: Object, replicas: int) -> int:
    """How many pods more than it has a Deployment makes while it is rolled out."""
    strategy = spec.get("strategy") or {}
    if strategy.get("type") == "Recreate":
        return 0
    said = (strategy.get("rollingUpdate") or {}).get("maxSurge", DEFAULT_SURGE)
    if isinstance(said, str):
        return math.ceil(replicas * float(said.rstrip("%")) / 100 - 1e-9)
    return int(said)


def requests_of(spec: Object) -> Room:
    """What a pod asks for: of its containers together, or of its greediest init container where that is more."""
    together = [_requested(one) for one in spec.get("containers") or []]
    before = [_requested(one) for one in spec.get("initContainers") or []]
    cpu = max([sum(one.cpu for one in together), *(one.cpu for one in before)])
    memory = max([sum(one.memory for one in together), *(one.memory for one in before)])
    overhead = spec.get("overhead") or {}
    return Room(cpu + quantity(overhead.get("cpu")), memory + quantity(overhead.get("memory")), 1)


def free_room(nodes: Iterable[Object], pods: Iterable[Object]) -> list[Room]:
    """What is free on each node that takes pods."""
    free = {node["metadata"]["name"]: _allocatable(node) for node in nodes if _takes_pods(node)}
    for pod in pods:
        name = (pod.get("spec") or {}).get("nodeName")
        if name in free and (pod.get("status") or {}).get("phase") not in ("Succeeded", "Failed"):
            free[name] = free[name].less(requests_of(pod["spec"]))
    return list(free.values())


def unplaced(free: Iterable[Room], wanted: Iterable[Room]) -> int:
    """How many pods find no room, the greediest placed first, each on the first node that has room for it."""
    nodes, without = list(free), 0
    for pod in sorted(wanted, reverse=True):
        place = next((number for number, node in enumerate(nodes) if node.holds(pod)), None)
        if place is None:
            without += 1
        else:
            nodes[place] = nodes[place].less(pod)
    return without


def quantity(said: Any) -> float:
    """A quantity of Kubernetes, such as 100m, 1.5 or 64Mi, as a number; 0 where none is said."""
    text = str(said or 0).strip()
    number = text.rstrip("numkKMGTPEi")
    try:
        return float(number) * _SUFFIXES[text[len(number) :]]
    except (ValueError, KeyError):  # 1e3, the third form
        return float(text)


def _requested(container: Object) -> Room:
    asked = (container.get("resources") or {}).get("requests") or {}
    return Room(quantity(asked.get("cpu")), quantity(asked.get("memory")), 0)


def _allocatable(node: Object) -> Room:
    said = (node.get("status") or {}).get("allocatable") or {}
    return Room(quantity(said.get("cpu")), quantity(said.get("memory")), quantity(said.get("pods", math.inf)))


def _takes_pods(node: Object) -> bool:
    spec, conditions = node.get("spec") or {}, (node.get("status") or {}).get("conditions") or []
    ready = any(one.get("type") == "Ready" and one.get("status") == "True" for one in conditions)
    tainted = any(taint.get("effect") in _KEEPING_AWAY for taint in spec.get("taints") or [])
    return ready and not tainted and not spec.get("unschedulable")
