"""What a type's fields are where nobody said."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from muster.embedded import resources as r
from muster.embedded.admission.pods import default_pod, default_pod_spec
from muster.embedded.admission.role_validation import default_binding
from muster.embedded.admission.structural import default_custom
from muster.embedded.objects import Object
from muster.embedded.resources import Resource


def fill(target: Object, **values: Any) -> None:
    """Set fields that are not there."""
    for field, value in values.items():
        target.setdefault(field, value)


def _deployment(obj: Object) -> None:
    spec = obj.setdefault("spec", {})
    fill(spec, replicas=1, revisionHistoryLimit=10, progressDeadlineSeconds=600)
    strategy = spec.setdefault("strategy", {})
    fill(strategy, type="RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        fill(strategy.setdefault("rollingUpdate", {}), maxUnavailable="25%", maxSurge="25%")
    _template(spec)


def _replicaset(obj: Object) -> None:
    spec = obj.setdefault("spec", {})
    fill(spec, replicas=1)
    _template(spec)
    fill(obj.setdefault("status", {}), replicas=0)


def _statefulset(obj: Object) -> None:
    spec = obj.setdefault("spec", {})
    fill(spec, replicas=1, podManagementPolicy="OrderedReady", revisionHistoryLimit=10)
    strategy = spec.setdefault("updateStrategy", {})
    fill(strategy, type="RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        fill(strategy.setdefault("rollingUpdate", {}), partition=0)
    fill(spec.setdefault("persistentVolumeClaimRetentionPolicy", {}), whenDeleted="Retain", whenScaled="Retain")
    for claim in spec.get("volumeClaimTemplates") or ():
        fill(claim, kind="PersistentVolumeClaim", apiVersion="v1")
        _claim(claim)
    _template(spec)
    fill(obj.setdefault("status", {}), replicas=0, availableReplicas=0)


def _job(obj: Object) -> None:
    spec = obj.setdefault("spec", {})
    fill(spec, parallelism=1, completions=1, backoffLimit=6, completionMode="NonIndexed", suspend=False)
    fill(spec, podReplacementPolicy="TerminatingOrFailed")
    _template(spec)
    if "selector" not in spec:
        own = {"controller-uid": obj["metadata"]["uid"], "job-name": obj["metadata"].get("name", "")}
        labels = spec["template"]["metadata"].setdefault("labels", {})
        labels |= {f"batch.kubernetes.io/{key}": value for key, value in own.items()} | own
        spec["selector"] = {"matchLabels": {"batch.kubernetes.io/controller-uid": own["controller-uid"]}}


def _template(spec: Object) -> None:
    template = spec.setdefault("template", {})
    template.setdefault("metadata", {})
    default_pod_spec(template.setdefault("spec", {}))


def _service(obj: Object) -> None:
    spec = obj.setdefault("spec", {})
    fill(spec, type="ClusterIP", sessionAffinity="None")
    if spec["type"] != "ExternalName":
        fill(spec, internalTrafficPolicy="Cluster", ipFamilies=["IPv4"], ipFamilyPolicy="SingleStack")
    for port in spec.get("ports") or ():
        fill(port, protocol="TCP")
        if "port" in port:
            fill(port, targetPort=port["port"])
    fill(obj.setdefault("status", {}), loadBalancer={})


def _secret(obj: Object) -> None:
    fill(obj, type="Opaque")
    for key, value in (obj.pop("stringData", None) or {}).items():
        obj.setdefault("data", {})[key] = base64.b64encode(value.encode()).decode()


def _claim(obj: Object) -> None:
    fill(obj.setdefault("spec", {}), volumeMode="Filesystem")
    fill(obj.setdefault("status", {}), phase="Pending")


def _stored_claim(obj: Object) -> None:
    _claim(obj)
    fill(obj["spec"], storageClassName="standard")


def _namespace(obj: Object) -> None:
    fill(obj.setdefault("spec", {}), finalizers=["kubernetes"])
    fill(obj.setdefault("status", {}), phase="Active")
    if obj["metadata"].get("name"):
        obj["metadata"].setdefault("labels", {})["kubernetes.io/metadata.name"] = obj["metadata"]["name"]


def _endpoint_slice(obj: Object) -> None:
    for port in obj.get("ports") or ():
        fill(port, name="", protocol="TCP")


def _autoscaler(obj: Object) -> None:
    fill(obj.setdefault("spec", {}), minReplicas=1)


DEFAULTS: dict[Resource, Callable[[Object], None]] = {
    r.PODS: default_pod,
    r.DEPLOYMENTS: _deployment,
    r.REPLICASETS: _replicaset,
    r.STATEFULSETS: _statefulset,
    r.JOBS: _job,
    r.SERVICES: _service,
    r.SECRETS: _secret,
    r.PERSISTENTVOLUMECLAIMS: _stored_claim,
    r.NAMESPACES: _namespace,
    r.ENDPOINTSLICES: _endpoint_slice,
    r.HORIZONTALPODAUTOSCALERS: _autoscaler,
    r.ROLEBINDINGS: default_binding,
    r.CLUSTERROLEBINDINGS: default_binding,
    **{found: default_custom(found.kind) for found in r.RESOURCES if found.custom},
}
