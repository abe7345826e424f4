"""Blast radius: how many pods and workloads of a namespace a fault may hit, held against what is allowed. Pure.

Which of several pods an activity takes is often left to chance. So of each activity it is known which pods it may take,
and how many of these. What counts is the most that can come of all activities together.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from muster.base.errors import RefusedError
from muster.safety.limits.settings import number_of
from muster.safety.limits.sources import Limits
from muster.safety.rights import rights
from muster.system.pods import controller_of, is_ready
from muster.wire.names import KEEP_ONE_READY

Object = dict[str, Any]

WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet")
KEPT = "true"
# What must be allowed to see what a fault may hit, and which limits the namespace sets.
LOOKED_AT = rights("list", "Pod", "ReplicaSet", *WORKLOADS) | rights("get", "ConfigMap")


class Touch(NamedTuple):
    """An object that a fault changes: what is done to it, and how that is undone. `name` is `*` for all of a kind."""

    kind: str
    name: str
    act: str
    undone: str

    @property
    def object(self) -> str:
        """The object as `Kind/name`."""
        return f"{self.kind}/{self.name}"


@dataclass(frozen=True)
class Strike:
    """What one activity of an experiment touches. It hits at most `most` of the pods named; `fixed` where which ones
    is no matter of chance. `enters` where it runs a command inside of them."""

    activity: str
    touches: tuple[Touch, ...] = ()
    pods: frozenset[str] = frozenset()
    most: int = 0
    order: str = ""  # two that pick so many of the same pods in the same order pick the same ones
    enters: bool = False

    @property
    def takes_all(self) -> bool:
        return self.most >= len(self.pods)


@dataclass(frozen=True)
class ClusterState:
    """What stands in a namespace: pods, their workloads and ReplicaSets, and the Services that an experiment names."""

    namespace: str
    objects: tuple[Object, ...]

    def of(self, *kinds: str) -> list[Object]:
        """The objects of some kinds."""
        return [item for item in self.objects if item["kind"] in kinds]

    def find(self, kind: str, name: str) -> Object | None:
        return next((item for item in self.of(kind) if item["metadata"]["name"] == name), None)

    @cached_property
    def pods(self) -> list[Object]:
        """The pods that are not through with their work."""
        return [pod for pod in self.of("Pod") if (pod.get("status") or {}).get("phase") not in {"Succeeded", "Failed"}]

    @cached_property
    def workload_of(self) -> dict[str, str]:
        """The workload of each pod that has one, as `Kind/name`, by the pod's name."""
        found = {}
        for pod in self.pods:
            item = pod
            while (owner := controller_of(item)) is not None:
                found[pod["metadata"]["name"]] = f"{owner['kind']}/{owner['name']}"
                above = self.find(owner["kind"], owner["name"])
                if above is None:
                    break
                item = above
        return found

    def pods_of(self, workload: str) -> frozenset[str]:
        """The names of a workload's pods."""
        return frozenset(name for name, owner in self.workload_of.items() if owner == workload)


class Reach(NamedTuple):
    """How many of a namespace's pods and workloads a fault hits at most."""

    pods: int
    of_pods: int
    workloads: int
    of_workloads: int


def reach(strikes: Sequence[Strike], state: ClusterState) -> Reach:
    """The most that the activities of a fault hit together."""
    hit = {
        state.workload_of[pod] for strike in strikes for pod in strike.pods if strike.most and pod in state.workload_of
    }
    hit |= {touch.object for strike in strikes for touch in strike.touches if touch.kind in WORKLOADS}
    everything = {pod["metadata"]["name"] for pod in state.pods}
    workloads = {f"{item['kind']}/{item['metadata']['name']}" for item in state.of(*WORKLOADS)}
    return Reach(most_hit(strikes, everything), len(everything), len(hit), len(workloads | hit))


def most_hit(strikes: Sequence[Strike], among: Collection[str]) -> int:
    """How many of some pods the activities may hit together."""
    whole = {pod for strike in strikes if strike.takes_all for pod in strike.pods} & set(among)
    picked = {(strike.pods, strike.most, strike.order or strike.activity) for strike in strikes if not strike.takes_all}
    left = [((pods & set(among)) - whole, most) for pods, most, _ in picked]
    together = len(set[str]().union(*(pods for pods, _ in left)))
    return len(whole) + min(together, sum(min(most, len(pods)) for pods, most in left))


def check_radius(fault: str, strikes: Sequence[Strike], state: ClusterState, limits: Limits) -> None:
    """Let pass a fault that keeps to every limit.

    Raises:
        RefusedError: it may hit more than is allowed, the last ready pod of what must keep one, or the node.
    """
    for refused in radius_refusals(fault, strikes, state, limits):
        raise RefusedError(refused)


def radius_refusals(fault: str, strikes: Sequence[Strike], state: ClusterState, limits: Limits) -> list[str]:
    """Why a fault must not strike, a sentence each."""
    return [
        *_too_much(fault, reach(strikes, state), state.namespace, limits),
        *_last_ones(fault, strikes, state),
        *_reaching_the_node(fault, strikes, state),
    ]


def _too_much(fault: str, found: Reach, namespace: str, limits: Limits) -> Iterator[str]:
    for where, settings, _ in limits.held_at_most:
        for what, hit, total, most in (
            ("pods", found.pods, found.of_pods, settings.at_most.pods),
            ("workloads", found.workloads, found.of_workloads, settings.at_most.workloads),
        ):
            if most is not None and hit > (allowed := number_of(most, total)):
                share = "" if isinstance(most, int) else f", which is {allowed}"
                yield (
                    f"refused: fault '{fault}' may hit {hit} of {total} {what} in namespace '{namespace}', more than "
                    f"{where} allows (at_most.{what}: {most}{share}); right would be one that hits fewer"
                )


def _last_ones(fault: str, strikes: Sequence[Strike], state: ClusterState) -> Iterator[str]:
    ready = {pod["metadata"]["name"] for pod in state.pods if is_ready(pod)}
    for name, pods in _kept(state):
        there = ready & pods
        if there and most_hit(strikes, there) >= len(there):
            yield (
                f"refused: fault '{fault}' may hit the last ready pod of {name} in namespace '{state.namespace}' "
                f"({len(there)} ready), which is marked {KEEP_ONE_READY}; right would be one that leaves one ready"
            )


def _kept(state: ClusterState) -> Iterator[tuple[str, frozenset[str]]]:
    """What must keep a ready pod, with its pods: workloads that are marked so, and the pods of one owner that are."""
    for item in state.of(*WORKLOADS):
        if _is_marked(item):
            name = f"{item['kind']}/{item['metadata']['name']}"
            yield name, state.pods_of(name)
    marked: dict[str, set[str]] = {}
    for pod in state.pods:
        if _is_marked(pod):
            name = pod["metadata"]["name"]
            marked.setdefault(state.workload_of.get(name, f"Pod/{name}"), set()).add(name)
    for name, pods in marked.items():
        yield f"those of {name}" if not name.startswith("Pod/") else name, frozenset(pods)


def _is_marked(item: Object) -> bool:
    metadata = item["metadata"]
    said = {**(metadata.get("labels") or {}), **(metadata.get("annotations") or {})}
    return said.get(KEEP_ONE_READY) == KEPT


def _reaching_the_node(fault: str, strikes: Sequence[Strike], state: ClusterState) -> Iterator[str]:
    why = {pod["metadata"]["name"]: said for pod in state.pods if (said := _on_the_node(pod.get("spec") or {}))}
    for strike in strikes:
        if strike.enters and (hosts := sorted(strike.pods & why.keys())):
            yield (
                f"refused: activity '{strike.activity}' of fault '{fault}' runs a command in pod '{hosts[0]}', which "
                f"has {why[hosts[0]]}, so that it would reach the node; right would be pods without that"
            )


def _on_the_node(spec: Object) -> str:
    """What of a pod's spec lets a command inside of it reach the node."""
    found = [key for key in ("hostNetwork", "hostPID", "hostIPC") if spec.get(key)]
    containers = [one for key in ("initContainers", "containers") for one in spec.get(key) or []]
    if any((one.get("securityContext") or {}).get("privileged") for one in containers):
        found.append("privileged")
    return ", ".join(found)
