"""The effect that the primary of a database is gone."""

from __future__ import annotations

from typing import Any, Literal

from muster.base.errors import RefusedError
from muster.faults.effects.observation import Observation, Scene, Strict
from muster.kube import Cluster
from muster.system.pods import is_ready


class PrimaryGone(Strict):
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


class SeesPrimaryGone:
    def __init__(self, effect: PrimaryGone, scene: Scene) -> None:
        self._effect, self._cluster, self._namespace = effect, scene.cluster, scene.namespace
        self._primary = selected(scene.cluster, scene.namespace, service=effect.service, key=effect.selector_key)
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
