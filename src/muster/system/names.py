"""What the manifests of a system call its parts: workloads, their pods, what configures them, where they store.

Faults and procedures take their names from here, so that none of them is written for one system.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from muster.base.errors import UsageError
from muster.system.definition import SystemDefinition
from muster.system.manifests import WORKLOADS

Object = dict[str, Any]


class Names:
    """The parts of a system as its manifests name them."""

    def __init__(self, objects: Sequence[Object], service: str) -> None:
        """`objects` are the manifests, `service` is the name of the Service that clients ask."""
        self._objects, self._service = objects, service
        self.workloads: list[Object] = [item for item in objects if item["kind"] in WORKLOADS]

    @classmethod
    def of(cls, system: SystemDefinition) -> Names:
        """Those of a system; without a manifest there are none.

        Raises:
            UsageError: a manifest is wrong.
        """
        return cls(system.objects, system.service.name)

    def workload(self, name: str) -> Object:
        """The Deployment or StatefulSet of that name.

        Raises:
            UsageError: there is none; the message lists those that there are.
        """
        found = next((item for item in self.workloads if item["metadata"]["name"] == name), None)
        if found is None:
            there = ", ".join(sorted(item["metadata"]["name"] for item in self.workloads)) or "none"
            raise UsageError(f"workload '{name}' is not in the manifests (there are: {there})")
        return found

    def serving(self) -> list[Object]:
        """The workloads whose pods the system's Service leads to."""
        return self.led_to_by(self._service)

    def led_to_by(self, service: str) -> list[Object]:
        """The workloads whose pods a Service leads to."""
        found = next((o for o in self._objects if (o["kind"], o["metadata"]["name"]) == ("Service", service)), None)
        selector: Mapping[str, str] = ((found or {}).get("spec") or {}).get("selector") or {}
        return [item for item in self.workloads if selector and selector.items() <= pod_labels(item).items()]

    def config_maps(self, workload: Object) -> list[str]:
        """The ConfigMaps of the manifests that a workload's pods use, in the order in which it names them."""
        there = {item["metadata"]["name"] for item in self._objects if item["kind"] == "ConfigMap"}
        return [name for name in dict.fromkeys(_config_maps(_pod_spec(workload))) if name in there]

    def config_keys(self, name: str) -> list[str]:
        """The keys of a ConfigMap of the manifests; none where they do not have it."""
        found = next((o for o in self._objects if (o["kind"], o["metadata"]["name"]) == ("ConfigMap", name)), {})
        return list(found.get("data") or {})


def pod_labels(workload: Object) -> dict[str, str]:
    """The labels that a workload gives its pods."""
    return dict(((workload["spec"].get("template") or {}).get("metadata") or {}).get("labels") or {})


def containers(workload: Object) -> list[Object]:
    """The containers of a workload's pods."""
    return list(_pod_spec(workload).get("containers") or [])


def replicas(workload: Object) -> int:
    """How many pods a workload is to have."""
    said = workload["spec"].get("replicas")
    return 1 if said is None else int(said)


def selector_text(selector: Mapping[str, Any]) -> str:
    """The selector of a workload as a request for a list takes it: `app=web,tier in (a, b)`."""
    parts = [f"{key}={value}" for key, value in (selector.get("matchLabels") or {}).items()]
    for one in selector.get("matchExpressions") or []:
        key, values = one["key"], ", ".join(one.get("values") or [])
        said = {
            "In": f"{key} in ({values})",
            "NotIn": f"{key} notin ({values})",
            "Exists": key,
            "DoesNotExist": f"!{key}",
        }
        parts.append(said[one["operator"]])
    return ",".join(parts)


def in_order(workloads: Iterable[Object], stages: Sequence[Sequence[str]]) -> list[Object]:
    """Workloads in the order of stages, which are lists of names. Those that no stage names come last, and without any
    stage what keeps state comes first."""
    place = {name: number for number, stage in enumerate(stages) for name in stage}
    last = len(stages)
    return sorted(
        workloads, key=lambda item: (place.get(item["metadata"]["name"], last), item["kind"] != "StatefulSet")
    )


def _pod_spec(workload: Object) -> Object:
    return (workload["spec"].get("template") or {}).get("spec") or {}


def _config_maps(pod: Object) -> Iterable[str]:
    for volume in pod.get("volumes") or []:
        if name := (volume.get("configMap") or {}).get("name"):
            yield name
        for source in (volume.get("projected") or {}).get("sources") or []:
            if name := (source.get("configMap") or {}).get("name"):
                yield name
    for container in [*(pod.get("containers") or []), *(pod.get("initContainers") or [])]:
        for source in container.get("envFrom") or []:
            if name := (source.get("configMapRef") or {}).get("name"):
                yield name
        for variable in container.get("env") or []:
            if name := ((variable.get("valueFrom") or {}).get("configMapKeyRef") or {}).get("name"):
                yield name


KINDS = ("Deployment", "StatefulSet")


def parsed(workloads: str) -> list[tuple[str, str]]:
    """Kind and name of each workload.

    Raises:
        UsageError: there is none, or one is not written like that.
    """
    found = []
    for one in workloads.split(","):
        kind, _, name = one.strip().partition("/")
        if kind not in KINDS or not name:
            raise UsageError(f"'{one.strip()}' is no workload; right would be Deployment/NAME or StatefulSet/NAME")
        found.append((kind, name))
    return found
