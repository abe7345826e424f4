"""What an experiment declares as its effect, and how that is observed.

Observed by another path than the injecting call, never by its response (MEASURES.md, Landed). An experiment declares
its effect in its extension `muster`, for example

    effect: {kind: crash-loop, labels: app=api}
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, NamedTuple, Protocol, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from muster.base.errors import ClusterError, RefusedError
from muster.kube import Cluster
from muster.probes.answers import values_at
from muster.probes.exchange import Answer
from muster.probes.instances import ask_instances, ask_once
from muster.system.definition import Request
from muster.system.pods import is_ready, troubles

LOOKS = 9


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


class PrimaryGone(_Strict):
    """The instance that a Service selected as primary has no ready pod, and does not answer a sibling's pod.

    `labels` are those of all instances' pods, told apart by the label `selector_key`. `command` is run in a sibling's
    `container` and succeeds as long as `{address}`, the primary's, answers.
    """

    kind: Literal["primary-gone"]
    service: str
    selector_key: str
    labels: str
    container: str
    command: list[str]


class Reported(_Strict):
    """What the serving instances say of themselves: the answers to `path` of the system's service hold, at the dotted
    path `field`, what they did not hold before the strike (`changed`), or a number above `more_than`, or something that
    is not empty (`present`). Seen when one of the instances says so, or, `of_all`, none says otherwise.
    """

    kind: Literal["reported"]
    path: Annotated[str, Field(pattern=r"^/")]
    field: str
    changed: bool = False
    more_than: float | None = None
    present: bool = False
    of_all: bool = False

    @model_validator(mode="after")
    def _asks_one_thing(self) -> Self:
        if [self.changed, self.more_than is not None, self.present].count(True) != 1:
            raise ValueError("an effect of kind reported says one of changed: true, more_than: NUMBER, present: true")
        return self


class PodsGone(_Strict):
    """No pod so labelled is left, and nobody answers a GET of `path` at the service's address, not even wrongly."""

    kind: Literal["pods-gone"]
    labels: str
    path: Annotated[str, Field(pattern=r"^/")] = "/"


class AllOf(_Strict):
    """Every one of several effects."""

    kind: Literal["all"]
    of: Annotated[list[Effect], Field(min_length=1)]


Effect = Annotated[PodsReplaced | PodsGone | CrashLoop | PrimaryGone | Reported | AllOf, Field(discriminator="kind")]
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


def build_observer(effect: Effect, cluster: Cluster, namespace: str, url: str) -> Observer:
    """The observer of a declared effect; takes stock of what there is before the strike. `url` is the service's.

    Raises:
        ClusterError: the cluster cannot be asked.
        RefusedError: the effect could not be told from what is there already.
    """
    match effect:
        case PodsReplaced():
            return _PodsReplaced(effect, cluster, namespace)
        case PodsGone():
            return _PodsGone(effect, cluster, namespace, url)
        case CrashLoop():
            return _CrashLoop(effect, cluster, namespace)
        case PrimaryGone():
            return _PrimaryGone(effect, cluster, namespace)
        case Reported():
            return Reporting(effect, url)
        case AllOf():
            return _All([build_observer(one, cluster, namespace, url) for one in effect.of])


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


class _PodsGone:
    def __init__(self, effect: PodsGone, cluster: Cluster, namespace: str, url: str) -> None:
        self._effect, self._cluster, self._namespace, self._url = effect, cluster, namespace, url
        self._before = len(self._pods())
        if not self._before:
            raise RefusedError(f"refused: no pod is labelled {effect.labels}, before anything was injected")
        if (answer := self._ask()).status is None:
            raise RefusedError(f"refused: {url} does not answer before any injection ({answer.why})")

    def look(self) -> Observation:
        if left := self._pods():
            return Observation(False, f"{len(left)} pods {self._effect.labels} are there, {left[0]} for one")
        answer = self._ask()
        if answer.status is not None:
            return Observation(False, f"no pod {self._effect.labels} is left, but the service answers {answer.status}")
        return Observation(True, f"all {self._before} pods {self._effect.labels} gone, the service: {answer.why}")

    def _pods(self) -> list[str]:
        pods = self._cluster.list("Pod", self._namespace, labels=self._effect.labels)
        return [pod["metadata"]["name"] for pod in pods]

    def _ask(self) -> Answer:
        return ask_once(self._url, Request(path=self._effect.path), limit_s=1.0)


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


class _PrimaryGone:
    def __init__(self, effect: PrimaryGone, cluster: Cluster, namespace: str) -> None:
        self._effect, self._cluster, self._namespace = effect, cluster, namespace
        self._primary = selected(cluster, namespace, service=effect.service, key=effect.selector_key)
        siblings = {name: pod for name, pod in self._ready_pods() if name != self._primary}
        own = [pod for name, pod in self._ready_pods() if name == self._primary]
        if not own or not siblings:
            raise RefusedError(f"refused: primary {self._primary} or every sibling of it is not ready")
        self._sibling = next(iter(siblings.values()))["metadata"]["name"]
        self._command = [part.replace("{address}", own[0]["status"]["podIP"]) for part in effect.command]
        if not self._answers():
            raise RefusedError(
                f"refused: '{' '.join(self._command)}' in pod {self._sibling} fails before any injection"
            )

    def look(self) -> Observation:
        ready = [pod["metadata"]["name"] for name, pod in self._ready_pods() if name == self._primary]
        if ready:
            return Observation(False, f"pod {ready[0]} of primary {self._primary} is ready")
        if self._answers():
            return Observation(False, f"primary {self._primary} has no ready pod, but it still answers")
        return Observation(True, f"primary {self._primary} has no ready pod and does not answer {self._sibling}")

    def _ready_pods(self) -> list[tuple[str, dict[str, Any]]]:
        pods = self._cluster.list("Pod", self._namespace, labels=self._effect.labels)
        return [(pod["metadata"]["labels"].get(self._effect.selector_key, ""), pod) for pod in pods if is_ready(pod)]

    def _answers(self) -> bool:
        answer = self._cluster.execute(
            self._sibling, self._namespace, self._command, container=self._effect.container, timeout=5.0
        )
        return answer.code == 0


def selected(cluster: Cluster, namespace: str, *, service: str, key: str) -> str:
    """Which instance a Service leads to by the label `key` of its selector.

    Raises:
        RefusedError: the selector does not say.
    """
    selector = cluster.get("Service", service, namespace)["spec"].get("selector") or {}
    if key not in selector:
        raise RefusedError(
            f"Service {service} in namespace {namespace} selects no '{key}', so its primary is not known"
        )
    return str(selector[key])


class Reporting:
    """Looks for a `Reported` effect."""

    def __init__(self, effect: Reported, url: str) -> None:
        self._effect, self._url = effect, url
        self._before = self._said()
        if not self._before:
            raise RefusedError(f"refused: no instance tells {effect.field} of {effect.path} before any injection")
        if not effect.changed and (already := self.look()).observed:
            raise RefusedError(f"refused: {already.evidence}, before anything was injected")

    def look(self) -> Observation:
        said, asked = self._said(), f"{self._effect.field} of {self._effect.path}"
        if not said:
            return Observation(False, f"no instance tells {asked}")
        hits = [value for value in said if self._is_it(value)]
        seen = len(hits) == len(said) if self._effect.of_all else bool(hits)
        shown = ", ".join(sorted({_show(value) for value in hits or said})[:3])
        return Observation(seen, f"{asked} is {shown}, by {len(hits or said)} of {len(said)} answers")

    def _said(self) -> list[Any]:
        told = ask_instances(self._url, Request(path=self._effect.path), looks=LOOKS, limit_s=1.0)
        return [value for document in told.documents for value in values_at(document, self._effect.field)]

    def _is_it(self, value: Any) -> bool:
        if self._effect.changed:
            return value not in self._before
        if self._effect.more_than is not None:
            return isinstance(value, int | float) and value > self._effect.more_than
        return bool(value)


def _show(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


class _All:
    def __init__(self, observers: list[Observer]) -> None:
        self._observers = observers

    def look(self) -> Observation:
        seen = [observer.look() for observer in self._observers]
        missing = [one.evidence for one in seen if not one.observed]
        return Observation(not missing, "; ".join(missing or [one.evidence for one in seen]))


__all__ = ["AllOf", "ClusterError", "Effect", "Observation", "Observer", "build_observer", "selected"]
