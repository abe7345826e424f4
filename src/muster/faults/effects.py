"""What an experiment declares as its effect, and how that is observed.

Observed by another path than the injecting call, never by its response (MEASURES.md, Landed). An experiment declares
its effect in its extension `muster`, for example

    effect: {kind: crash-loop, labels: app=api}
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, NamedTuple, Protocol

from pydantic import BaseModel, ConfigDict, Field

from muster.base.errors import ClusterError, RefusedError
from muster.kube import Cluster
from muster.system.pods import is_ready, troubles


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PodsReplaced(_Strict):
    """At least so many of the pods that were there before are gone."""

    kind: Literal["pods-replaced"]
    labels: str
    at_least: Annotated[int, Field(gt=0)] = 1


class CrashLoop(_Strict):
    """A container of the pods so labelled crashes, or cannot start."""

    kind: Literal["crash-loop"]
    labels: str


class Answer(_Strict):
    """A command in a pod that succeeds as long as what it asks is answered."""

    pod: str
    container: str
    command: list[str]


class WorkloadGone(_Strict):
    """A StatefulSet has no pod that is ready, and what it served does not answer a pod beside it."""

    kind: Literal["workload-gone"]
    statefulset: str
    asked: Answer


class AllOf(_Strict):
    """Every one of several effects."""

    kind: Literal["all"]
    of: Annotated[list[Effect], Field(min_length=1)]


Effect = Annotated[PodsReplaced | CrashLoop | WorkloadGone | AllOf, Field(discriminator="kind")]
AllOf.model_rebuild()


class Observation(NamedTuple):
    """Whether an effect is there, and what shows it, in one line for people."""

    observed: bool
    evidence: str


class Observer(Protocol):
    """Looks for one effect. Made before the strike, so that it knows what was there."""

    def look(self) -> Observation:
        """What is to be seen now.

        Raises:
            ClusterError: it cannot be told at the moment.
        """


def build_observer(effect: Effect, cluster: Cluster, namespace: str) -> Observer:
    """The observer of a declared effect; takes stock of what there is before the strike.

    Raises:
        ClusterError: the cluster cannot be asked.
        RefusedError: the effect could not be told from what is there already.
    """
    match effect:
        case PodsReplaced():
            return _PodsReplaced(effect, cluster, namespace)
        case CrashLoop():
            return _CrashLoop(effect, cluster, namespace)
        case WorkloadGone():
            return _WorkloadGone(effect, cluster, namespace)
        case AllOf():
            return _All([build_observer(one, cluster, namespace) for one in effect.of])


class _PodsReplaced:
    def __init__(self, effect: PodsReplaced, cluster: Cluster, namespace: str) -> None:
        self._effect, self._cluster, self._namespace = effect, cluster, namespace
        self._before = {pod["metadata"]["uid"]: pod["metadata"]["name"] for pod in self._pods()}
        if len(self._before) < effect.at_least:
            raise RefusedError(
                f"refused: {len(self._before)} pods are labelled {effect.labels}, the effect needs {effect.at_least}"
            )

    def look(self) -> Observation:
        pods = self._pods()
        present = {pod["metadata"]["uid"] for pod in pods}
        gone = sorted(name for uid, name in self._before.items() if uid not in present)
        ready = sum(is_ready(pod) for pod in pods)
        if len(gone) < self._effect.at_least:
            return Observation(False, f"{len(gone)} of {len(self._before)} pods {self._effect.labels} gone")
        return Observation(True, f"pods {', '.join(gone)} gone, {ready} of {len(pods)} ready now")

    def _pods(self) -> list[dict[str, Any]]:
        return self._cluster.list("Pod", self._namespace, labels=self._effect.labels)


class _CrashLoop:
    def __init__(self, effect: CrashLoop, cluster: Cluster, namespace: str) -> None:
        self._effect, self._cluster, self._namespace = effect, cluster, namespace
        already = self.look()
        if already.observed:
            raise RefusedError(f"refused: {already.evidence}, before anything was injected")

    def look(self) -> Observation:
        pods = self._cluster.list("Pod", self._namespace, labels=self._effect.labels)
        found = [trouble for pod in pods for trouble in troubles(pod)]
        if not found:
            return Observation(False, f"no container of {self._effect.labels} crashes")
        return Observation(True, str(found[0]))


class _WorkloadGone:
    def __init__(self, effect: WorkloadGone, cluster: Cluster, namespace: str) -> None:
        self._effect, self._cluster, self._namespace = effect, cluster, namespace
        if not self._answers():
            raise RefusedError(
                f"refused: '{' '.join(effect.asked.command)}' in pod {effect.asked.pod} fails before any injection"
            )

    def look(self) -> Observation:
        name = self._effect.statefulset
        pods = self._cluster.list("Pod", self._namespace)
        own = [pod for pod in pods if any(o["name"] == name for o in pod["metadata"].get("ownerReferences") or [])]
        ready = [pod["metadata"]["name"] for pod in own if is_ready(pod)]
        if ready:
            return Observation(False, f"pod {ready[0]} of StatefulSet {name} is ready")
        if self._answers():
            return Observation(False, f"StatefulSet {name} has no ready pod, but it still answers")
        return Observation(True, f"StatefulSet {name} has no ready pod and does not answer {self._effect.asked.pod}")

    def _answers(self) -> bool:
        asked = self._effect.asked
        answer = self._cluster.execute(
            asked.pod, self._namespace, asked.command, container=asked.container, timeout=5.0
        )
        return answer.code == 0


class _All:
    def __init__(self, observers: list[Observer]) -> None:
        self._observers = observers

    def look(self) -> Observation:
        seen = [observer.look() for observer in self._observers]
        missing = [one.evidence for one in seen if not one.observed]
        return Observation(not missing, "; ".join(missing or [one.evidence for one in seen]))


__all__ = ["AllOf", "ClusterError", "Effect", "Observation", "Observer", "build_observer"]
