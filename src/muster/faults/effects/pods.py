"""Effects on pods: gone, replaced, crashing."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from muster.base.errors import RefusedError
from muster.faults.effects.observation import Observation, Scene, Strict, refuse_if_there
from muster.probes.answers.instances import ask_once
from muster.probes.http.exchange import Answer
from muster.system.definition import Request
from muster.system.names import selector_text
from muster.system.pods import is_ready, troubles


class PodsReplaced(Strict):
    """At least so many of the pods that were there before are gone."""

    kind: Literal["pods-replaced"]
    labels: str
    at_least: Annotated[int, Field(gt=0)] = 1


class CrashLoop(Strict):
    """A container of the pods so labelled crashes, or cannot start."""

    kind: Literal["crash-loop"]
    labels: str


class PodsGone(Strict):
    """No pod so labelled is left, or none of some `workloads` (`Kind/name`, separated by commas), and nobody answers a
    GET of `path` at the service's address, not even wrongly; where `path` is null that is not asked."""

    kind: Literal["pods-gone"]
    labels: str = ""
    workloads: str = ""
    path: Annotated[str, Field(pattern=r"^/")] | None = "/"

    @model_validator(mode="after")
    def _of_somebody(self) -> Self:
        if bool(self.labels) == bool(self.workloads):
            raise ValueError("an effect of kind pods-gone says one of labels: ..., workloads: ...")
        return self

    @property
    def whose(self) -> str:
        """Whose pods they are, for people."""
        return self.labels or self.workloads


class SeesPodsReplaced:
    def __init__(self, effect: PodsReplaced, scene: Scene) -> None:
        self._effect, self._cluster, self._namespace = effect, scene.cluster, scene.namespace
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


class SeesPodsGone:
    def __init__(self, effect: PodsGone, scene: Scene) -> None:
        self._effect, self._cluster, self._namespace, self._url = effect, scene.cluster, scene.namespace, scene.url
        self._selectors = [effect.labels] if effect.labels else [self._selector(one) for one in _each(effect.workloads)]
        self._before = len(self._pods())
        if not self._before:
            none = f"no pod is labelled {effect.labels}" if effect.labels else f"there is no pod of {effect.workloads}"
            raise RefusedError(f"refused: {none}, before anything was injected")
        if effect.path is not None and (answer := self._ask(effect.path)).status is None:
            raise RefusedError(f"refused: {scene.url} does not answer before any injection ({answer.why})")

    def look(self) -> Observation:
        if left := self._pods():
            return Observation(False, f"{len(left)} pods {self._effect.whose} are there, {left[0]} for one")
        if self._effect.path is None:
            return Observation(True, f"all {self._before} pods {self._effect.whose} gone")
        answer = self._ask(self._effect.path)
        if answer.status is not None:
            return Observation(False, f"no pod {self._effect.whose} is left, but the service answers {answer.status}")
        return Observation(True, f"all {self._before} pods {self._effect.whose} gone, the service: {answer.why}")

    def _pods(self) -> list[str]:
        found = [self._cluster.list("Pod", self._namespace, labels=labels) for labels in self._selectors]
        return [pod["metadata"]["name"] for pods in found for pod in pods]

    def _selector(self, workload: str) -> str:
        kind, _, name = workload.partition("/")
        return selector_text(self._cluster.get(kind, name, self._namespace)["spec"]["selector"])

    def _ask(self, path: str) -> Answer:
        return ask_once(self._url, Request(path=path), limit_s=1.0)


class SeesCrashLoop:
    def __init__(self, effect: CrashLoop, scene: Scene) -> None:
        self._effect, self._cluster, self._namespace = effect, scene.cluster, scene.namespace
        refuse_if_there(self)

    def look(self) -> Observation:
        pods = self._cluster.list("Pod", self._namespace, labels=self._effect.labels)
        found = [trouble for pod in pods for trouble in troubles(pod)]
        if not found:
            return Observation(False, f"no container of {self._effect.labels} crashes")
        return Observation(True, str(found[0]))


def _each(workloads: str) -> list[str]:
    return [one.strip() for one in workloads.split(",")]
