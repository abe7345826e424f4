"""The checks that an object must pass, type by type. Each returns what is wrong as causes of a 422."""

from __future__ import annotations

import re
from collections.abc import Callable

from muster.embedded import resources as r
from muster.embedded import selectors
from muster.embedded.access.accounts import NAME_ANNOTATION, SECRET_TYPE
from muster.embedded.admission.names import bad_value, cause, check_labels, required
from muster.embedded.admission.pod_validation import check_pod_spec
from muster.embedded.admission.role_validation import check_binding, check_role
from muster.embedded.admission.structural import check_custom
from muster.embedded.admission.values import check_address, check_port, check_selector, check_share, unsupported
from muster.embedded.objects import Object
from muster.embedded.resources import Resource
from muster.embedded.status import Cause

_DATA_KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}")
_PROTOCOLS = ("TCP", "UDP", "SCTP")
_PATH_TYPES = ("Exact", "ImplementationSpecific", "Prefix")


def _pod(obj: Object) -> list[Cause]:
    return check_pod_spec(obj.get("spec") or {}, "spec")


def _workload(obj: Object) -> list[Cause]:
    """Deployments, ReplicaSets and StatefulSets: selector, template, replicas."""
    spec = obj.get("spec") or {}
    causes: list[Cause] = []
    selector = spec.get("selector")
    template = spec.get("template") or {}
    labels = (template.get("metadata") or {}).get("labels") or {}
    if not selector:
        causes.append(required("spec.selector"))
    elif wrong := check_selector(selector, "spec.selector"):
        causes += wrong
    elif not selectors.from_object(selector)(labels):
        shown = "{" + ",".join(f'"{key}":"{value}"' for key, value in sorted(labels.items())) + "}"
        message = f"Invalid value: {shown}: `selector` does not match template `labels`"
        causes.append(cause("Invalid", "spec.template.metadata.labels", message))
    if spec.get("replicas", 1) < 0:
        causes.append(bad_value("spec.replicas", spec["replicas"], "must be greater than or equal to 0"))
    causes += check_labels(labels, "spec.template.metadata.labels")
    pod_spec = dict(template.get("spec") or {})
    claims = [{"name": (claim.get("metadata") or {}).get("name")} for claim in spec.get("volumeClaimTemplates") or ()]
    pod_spec["volumes"] = [*(pod_spec.get("volumes") or ()), *claims]
    if pod_spec.get("restartPolicy", "Always") != "Always":
        causes.append(unsupported("spec.template.spec.restartPolicy", pod_spec["restartPolicy"], ("Always",)))
    return causes + check_pod_spec(pod_spec, "spec.template.spec")


def _deployment(obj: Object) -> list[Cause]:
    causes = _workload(obj)
    strategy = obj["spec"]["strategy"]
    kinds = ("Recreate", "RollingUpdate")
    if strategy["type"] not in kinds:
        return [*causes, unsupported("spec.strategy.type", strategy["type"], kinds)]
    rolling = strategy.get("rollingUpdate")
    field = "spec.strategy.rollingUpdate"
    for name in ("maxUnavailable", "maxSurge"):
        causes += check_share((rolling or {}).get(name), f"{field}.{name}")
    if rolling and strategy["type"] == "Recreate":
        message = "Forbidden: may not be specified when strategy `type` is 'Recreate'"
        return [*causes, cause("Forbidden", field, message)]
    if rolling and all(str(rolling[name]).rstrip("%") == "0" for name in ("maxSurge", "maxUnavailable")):
        causes.append(bad_value(f"{field}.maxUnavailable", 0, "may not be 0 when `maxSurge` is 0"))
    return causes


def _statefulset(obj: Object) -> list[Cause]:
    rolling = obj["spec"]["updateStrategy"].get("rollingUpdate") or {}
    return _workload(obj) + check_share(
        rolling.get("maxUnavailable"), "spec.updateStrategy.rollingUpdate.maxUnavailable"
    )


def _budget(obj: Object) -> list[Cause]:
    spec = obj.get("spec") or {}
    causes = check_selector(spec.get("selector") or {}, "spec.selector")
    for name in ("minAvailable", "maxUnavailable"):
        causes += check_share(spec.get(name), f"spec.{name}")
    if "minAvailable" in spec and "maxUnavailable" in spec:
        message = "minAvailable and maxUnavailable cannot be both set"
        causes.append(bad_value("spec", "", message))
    return causes


def _job(obj: Object) -> list[Cause]:
    spec = obj["spec"]["template"]["spec"]
    causes = check_pod_spec(spec, "spec.template.spec")
    causes += check_selector(obj["spec"].get("selector") or {}, "spec.selector")
    if spec.get("restartPolicy") == "Always":
        causes.append(unsupported("spec.template.spec.restartPolicy", "Always", ("OnFailure", "Never")))
    return causes


def _service(obj: Object) -> list[Cause]:
    spec = obj.get("spec") or {}
    ports = spec.get("ports") or []
    causes: list[Cause] = []
    if not ports and spec.get("clusterIP") != "None" and spec["type"] != "ExternalName":
        causes.append(required("spec.ports"))
    for i, port in enumerate(ports):
        causes += check_port(port.get("port"), f"spec.ports[{i}].port")
        if len(ports) > 1 and not port.get("name"):
            causes.append(required(f"spec.ports[{i}].name"))
        if port.get("protocol") not in _PROTOCOLS:
            causes.append(unsupported(f"spec.ports[{i}].protocol", port.get("protocol"), _PROTOCOLS))
    kinds = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
    if spec["type"] not in kinds:
        causes.append(unsupported("spec.type", spec["type"], kinds))
    return causes


def _endpoints(obj: Object) -> list[Cause]:
    causes: list[Cause] = []
    for i, subset in enumerate(obj.get("subsets") or ()):
        for field in ("addresses", "notReadyAddresses"):
            for j, address in enumerate(subset.get(field) or ()):
                causes += check_address(address.get("ip"), f"subsets[{i}].{field}[{j}].ip")
        for j, port in enumerate(subset.get("ports") or ()):
            causes += check_port(port.get("port"), f"subsets[{i}].ports[{j}].port")
    return causes


def _endpoint_slice(obj: Object) -> list[Cause]:
    kinds = ("FQDN", "IPv4", "IPv6")
    causes: list[Cause] = []
    if obj.get("addressType") not in kinds:
        causes.append(unsupported("addressType", obj.get("addressType") or "", kinds))
    for i, endpoint in enumerate(obj.get("endpoints") or ()):
        if not endpoint.get("addresses"):
            causes.append(required(f"endpoints[{i}].addresses", "Required value: must contain at least 1 address"))
        if obj.get("addressType") != "FQDN":
            for j, address in enumerate(endpoint.get("addresses") or ()):
                causes += check_address(address, f"endpoints[{i}].addresses[{j}]")
    for i, port in enumerate(obj.get("ports") or ()):
        if "port" in port:
            causes += check_port(port["port"], f"ports[{i}].port")
    return causes


def _data(obj: Object) -> list[Cause]:
    return [
        bad_value(f"{field}[{key}]", key, "a valid config key must consist of alphanumeric characters, '-', '_' or '.'")
        for field in ("data", "binaryData")
        for key in obj.get(field) or {}
        if not _DATA_KEY.fullmatch(key)
    ]


def _secret(obj: Object) -> list[Cause]:
    causes = _data(obj)
    if obj.get("type") == SECRET_TYPE and not (obj["metadata"].get("annotations") or {}).get(NAME_ANNOTATION):
        causes.append(required(f"metadata.annotations[{NAME_ANNOTATION}]"))
    return causes


def _claim(obj: Object) -> list[Cause]:
    spec = obj.get("spec") or {}
    causes: list[Cause] = []
    if not spec.get("accessModes"):
        causes.append(required("spec.accessModes", "Required value: at least 1 access mode is required"))
    if not ((spec.get("resources") or {}).get("requests") or {}).get("storage"):
        causes.append(required("spec.resources[storage]"))
    return causes


def _lease(obj: Object) -> list[Cause]:
    spec = obj.get("spec") or {}
    causes: list[Cause] = []
    if spec.get("leaseDurationSeconds", 1) <= 0:
        causes.append(bad_value("spec.leaseDurationSeconds", spec["leaseDurationSeconds"], "must be greater than 0"))
    if spec.get("leaseTransitions", 0) < 0:
        causes.append(
            bad_value("spec.leaseTransitions", spec["leaseTransitions"], "must be greater than or equal to 0")
        )
    return causes


def _ingress(obj: Object) -> list[Cause]:
    spec = obj.get("spec") or {}
    if not spec.get("defaultBackend") and not spec.get("rules"):
        return [bad_value("spec", {}, "either `defaultBackend` or `rules` must be specified")]
    causes: list[Cause] = []
    for i, rule in enumerate(spec.get("rules") or ()):
        for j, path in enumerate((rule.get("http") or {}).get("paths") or ()):
            if path.get("pathType") not in _PATH_TYPES:
                field = f"spec.rules[{i}].http.paths[{j}].pathType"
                said = path.get("pathType")
                causes.append(unsupported(field, said, _PATH_TYPES) if said else required(field))
    return causes


def _autoscaler(obj: Object) -> list[Cause]:
    spec = obj["spec"]
    target = spec.get("scaleTargetRef") or {}
    causes = [required(f"spec.scaleTargetRef.{key}") for key in ("kind", "name") if not target.get(key)]
    least, most = spec["minReplicas"], spec.get("maxReplicas", 0)
    if least < 1:
        causes.append(bad_value("spec.minReplicas", least, "must be greater than or equal to 1"))
    if most < 1:
        causes.append(bad_value("spec.maxReplicas", most, "must be greater than 0"))
    elif most < least:
        causes.append(bad_value("spec.maxReplicas", most, "must be greater than or equal to `minReplicas`"))
    return causes


CHECKS: dict[Resource, Callable[[Object], list[Cause]]] = {
    r.PODS: _pod,
    r.DEPLOYMENTS: _deployment,
    r.REPLICASETS: _workload,
    r.STATEFULSETS: _statefulset,
    r.PODDISRUPTIONBUDGETS: _budget,
    r.JOBS: _job,
    r.INGRESSES: _ingress,
    r.HORIZONTALPODAUTOSCALERS: _autoscaler,
    r.SERVICES: _service,
    r.ENDPOINTS: _endpoints,
    r.ENDPOINTSLICES: _endpoint_slice,
    r.CONFIGMAPS: _data,
    r.SECRETS: _secret,
    r.PERSISTENTVOLUMECLAIMS: _claim,
    r.LEASES: _lease,
    r.ROLES: check_role(namespaced=True),
    r.CLUSTERROLES: check_role(namespaced=False),
    r.ROLEBINDINGS: check_binding(namespaced=True),
    r.CLUSTERROLEBINDINGS: check_binding(namespaced=False),
    **{found: check_custom(found.kind) for found in r.RESOURCES if found.custom},
}
