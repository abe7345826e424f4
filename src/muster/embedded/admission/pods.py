"""Defaults of pods and of pod templates."""

from __future__ import annotations

from typing import Any

from muster.embedded.objects import Object

_SOURCES_WITH_MODE = ("configMap", "secret", "downwardAPI", "projected")
_PULL_ALWAYS = "Always"


def _fill(target: Object, **values: Any) -> None:
    for field, value in values.items():
        target.setdefault(field, value)


def default_pod_spec(spec: Object) -> None:
    """Complete the spec of a pod or of a template."""
    _fill(
        spec,
        restartPolicy="Always",
        terminationGracePeriodSeconds=30,
        dnsPolicy="ClusterFirst",
        securityContext={},
        schedulerName="default-scheduler",
    )
    if spec.get("serviceAccount") and not spec.get("serviceAccountName"):  # the field's old name
        spec["serviceAccountName"] = spec["serviceAccount"]
    if "serviceAccountName" in spec:
        _fill(spec, serviceAccount=spec["serviceAccountName"])
    for container in (*(spec.get("initContainers") or ()), *(spec.get("containers") or ())):
        _container(container)
    for volume in spec.get("volumes") or ():
        _volume(volume)


def default_pod(pod: Object) -> None:
    """Complete a pod, with what admission plugins add to one."""
    spec = pod.setdefault("spec", {})
    default_pod_spec(spec)
    _fill(
        spec,
        enableServiceLinks=True,
        serviceAccountName="default",
        serviceAccount="default",
        priority=0,
        preemptionPolicy="PreemptLowerPriority",
        tolerations=[
            {"key": f"node.kubernetes.io/{key}", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}
            for key in ("not-ready", "unreachable")
        ],
    )
    status = pod.setdefault("status", {})
    _fill(status, phase="Pending", qosClass=qos_class(spec))


def _container(container: Object) -> None:
    image = container.get("image") or ""
    tag = image.rpartition("/")[2].partition(":")[2]
    _fill(
        container,
        resources={},
        terminationMessagePath="/dev/termination-log",
        terminationMessagePolicy="File",
        imagePullPolicy="IfNotPresent" if "@" in image or tag not in ("", "latest") else _PULL_ALWAYS,
    )
    _requests(container["resources"])
    for port in container.get("ports") or ():
        _fill(port, protocol="TCP")
    for variable in container.get("env") or ():
        reference = (variable.get("valueFrom") or {}).get("fieldRef")
        if reference is not None:
            _fill(reference, apiVersion="v1")
    for kind in ("startupProbe", "readinessProbe", "livenessProbe"):
        if kind in container:
            _probe(container[kind])
    for hook in (container.get("lifecycle") or {}).values():
        if isinstance(hook, dict) and "httpGet" in hook:
            _fill(hook["httpGet"], path="/", scheme="HTTP")


def _requests(resources: Object) -> None:
    """A limit without a request is the request too."""
    limits = resources.get("limits") or {}
    if limits:
        resources["requests"] = {**limits, **(resources.get("requests") or {})}


def _probe(probe: Object) -> None:
    _fill(probe, timeoutSeconds=1, periodSeconds=10, successThreshold=1, failureThreshold=3)
    if "httpGet" in probe:
        _fill(probe["httpGet"], path="/", scheme="HTTP")


def _volume(volume: Object) -> None:
    if set(volume) <= {"name"}:
        volume["emptyDir"] = {}
    for source in _SOURCES_WITH_MODE:
        if source in volume:
            _fill(volume[source], defaultMode=420)


def qos_class(spec: Object) -> str:
    """Guaranteed, Burstable or BestEffort, by what the containers request."""
    demands = [container.get("resources") or {} for container in spec.get("containers") or ()]
    if not any(demand.get("requests") or demand.get("limits") for demand in demands):
        return "BestEffort"
    for demand in demands:
        limits = demand.get("limits") or {}
        if not {"cpu", "memory"} <= set(limits) or demand.get("requests", limits) != limits:
            return "Burstable"
    return "Guaranteed"
