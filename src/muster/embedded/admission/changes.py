"""The checks of a change: fields that may not be changed once an object exists."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from muster.embedded import resources as r
from muster.embedded.admission.names import bad_value, cause
from muster.embedded.admission.role_validation import check_binding_change
from muster.embedded.objects import Object
from muster.embedded.resources import Resource
from muster.embedded.status import Cause

_POD_CHANGEABLE = (
    "`spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,"
    "`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)
_STATEFULSET_CHANGEABLE = (
    "replicas", "ordinals", "template", "updateStrategy", "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy", "minReadySeconds",
)  # fmt: skip


def _immutable(field: str, value: Any) -> Cause:
    return bad_value(field, json.loads(json.dumps(value)), "field is immutable")


def _data(new: Object, old: Object) -> list[Cause]:
    if not old.get("immutable"):
        return []
    message = "Forbidden: field is immutable when `immutable` is set"
    fields = [name for name in ("data", "binaryData") if new.get(name) != old.get(name)]
    if not new.get("immutable"):
        fields.append("immutable")
    return [cause("Forbidden", name, message) for name in fields]


def _secret(new: Object, old: Object) -> list[Cause]:
    causes = _data(new, old)
    if new.get("type") != old.get("type"):
        causes.append(_immutable("type", new.get("type")))
    return causes


def _selector(new: Object, old: Object) -> list[Cause]:
    if new["spec"].get("selector") != old["spec"].get("selector"):
        return [_immutable("spec.selector", new["spec"].get("selector"))]
    return []


def _statefulset(new: Object, old: Object) -> list[Cause]:
    def fixed(obj: Object) -> Object:
        return {name: value for name, value in obj["spec"].items() if name not in _STATEFULSET_CHANGEABLE}

    if fixed(new) == fixed(old):
        return []
    names = ", ".join(f"'{name}'" for name in _STATEFULSET_CHANGEABLE[:-1])
    message = (
        f"Forbidden: updates to statefulset spec for fields other than {names} and "
        f"'{_STATEFULSET_CHANGEABLE[-1]}' are forbidden"
    )
    return [cause("Forbidden", "spec", message)]


def _pod(new: Object, old: Object) -> list[Cause]:
    def fixed(obj: Object) -> Object:
        spec = {
            name: value
            for name, value in obj["spec"].items()
            if name not in ("activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds")
        }
        for kind in ("containers", "initContainers"):
            if kind in spec:
                spec[kind] = [
                    {name: value for name, value in container.items() if name != "image"} for container in spec[kind]
                ]
        return spec

    if fixed(new) == fixed(old):
        return []
    return [cause("Forbidden", "spec", f"Forbidden: pod updates may not change fields other than {_POD_CHANGEABLE}")]


def _service(new: Object, old: Object) -> list[Cause]:
    was, now = old["spec"].get("clusterIP"), new["spec"].get("clusterIP")
    if was and was != now and new["spec"]["type"] != "ExternalName":
        return [bad_value("spec.clusterIPs[0]", [now], "may not change once set")]
    return []


def _claim(new: Object, old: Object) -> list[Cause]:
    def fixed(obj: Object) -> Object:
        bound = ("resources", "volumeName") if not old["spec"].get("volumeName") else ("resources",)
        return {name: value for name, value in obj["spec"].items() if name not in bound}

    if fixed(new) == fixed(old):
        return []
    message = (
        "Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound "
        "claims"
    )
    return [cause("Forbidden", "spec", message)]


def _gateway_class(new: Object, old: Object) -> list[Cause]:
    name = new["spec"]["controllerName"]
    return [] if name == old["spec"]["controllerName"] else [_immutable("spec.controllerName", name)]


CHANGE_CHECKS: dict[Resource, Callable[[Object, Object], list[Cause]]] = {
    r.CONFIGMAPS: _data,
    r.SECRETS: _secret,
    r.DEPLOYMENTS: _selector,
    r.REPLICASETS: _selector,
    r.STATEFULSETS: _statefulset,
    r.PODS: _pod,
    r.SERVICES: _service,
    r.PERSISTENTVOLUMECLAIMS: _claim,
    r.ROLEBINDINGS: check_binding_change,
    r.CLUSTERROLEBINDINGS: check_binding_change,
    r.GATEWAYCLASSES: _gateway_class,
}
