"""The checks that an object must pass, type by type. Each returns what is wrong as causes of a 422."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import Any

from muster.embedded import resources as r
from muster.embedded import selectors
from muster.embedded.admission.names import bad_value, cause, check_labels, is_label, required
from muster.embedded.objects import Object
from muster.embedded.resources import Resource
from muster.embedded.status import Cause

_DATA_KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}")
_PROTOCOLS = ("TCP", "UDP", "SCTP")
_PORT_NAME = re.compile(r"(?=.*[a-z])[a-z0-9]([-a-z0-9]{0,13}[a-z0-9])?", re.ASCII)
_PERCENT = re.compile(r"[0-9]+%", re.ASCII)
_PERCENT_RULE = (
    "a valid percent string must be a numeric value followed by an ending '%' (e.g. '1%',  or '93%', regex used for "
    "validation is '[0-9]+%')"
)


def _unsupported(field: str, value: Any, supported: tuple[str, ...]) -> Cause:
    names = ", ".join(f'"{name}"' for name in supported)
    return cause("NotSupported", field, f'Unsupported value: "{value}": supported values: {names}')


def check_pod_spec(spec: Object, path: str) -> list[Cause]:
    """What is wrong with the spec of a pod or of a template."""
    causes: list[Cause] = []
    containers = spec.get("containers") or []
    if not containers:
        causes.append(required(f"{path}.containers"))
    volumes = {volume.get("name") for volume in spec.get("volumes") or ()}
    seen: set[str] = set()
    for kind in ("initContainers", "containers"):
        for i, container in enumerate(spec.get(kind) or ()):
            causes += _check_container(container, f"{path}.{kind}[{i}]", volumes, seen)
    policies = ("Always", "OnFailure", "Never")
    if spec.get("restartPolicy") not in policies:
        causes.append(_unsupported(f"{path}.restartPolicy", spec.get("restartPolicy"), policies))
    return causes


def _check_container(container: Object, path: str, volumes: set[Any], seen: set[str]) -> list[Cause]:
    causes: list[Cause] = []
    name = container.get("name") or ""
    if not name:
        causes.append(required(f"{path}.name"))
    elif not is_label(name):
        causes.append(bad_value(f"{path}.name", name, "a lowercase RFC 1123 label is wanted"))
    elif name in seen:
        causes.append(cause("Duplicate", f"{path}.name", f'Duplicate value: "{name}"'))
    seen.add(name)
    if not container.get("image"):
        causes.append(required(f"{path}.image"))
    for i, port in enumerate(container.get("ports") or ()):
        causes += _check_port(port.get("containerPort"), f"{path}.ports[{i}].containerPort")
    causes += _check_environment(container, f"{path}.env")
    return causes + _check_mounts(container, f"{path}.volumeMounts", volumes) + _check_probes(container, path)


def _check_environment(container: Object, path: str) -> list[Cause]:
    causes: list[Cause] = []
    for i, variable in enumerate(container.get("env") or ()):
        if not variable.get("name"):
            causes.append(required(f"{path}[{i}].name"))
        if variable.get("value") and variable.get("valueFrom"):
            causes.append(bad_value(f"{path}[{i}].valueFrom", "", "may not be specified when `value` is not empty"))
    return causes


def _check_mounts(container: Object, path: str, volumes: set[Any]) -> list[Cause]:
    causes: list[Cause] = []
    for i, mount in enumerate(container.get("volumeMounts") or ()):
        if not mount.get("mountPath"):
            causes.append(required(f"{path}[{i}].mountPath"))
        if mount.get("name") not in volumes:
            causes.append(cause("NotFound", f"{path}[{i}].name", f'Not found: "{mount.get("name")}"'))
    return causes


def _check_probes(container: Object, path: str) -> list[Cause]:
    causes: list[Cause] = []
    for kind in ("startupProbe", "readinessProbe", "livenessProbe"):
        probe = container.get(kind)
        if probe is None:
            continue
        handlers = [name for name in ("exec", "httpGet", "tcpSocket", "grpc") if name in probe]
        if not handlers:
            causes.append(required(f"{path}.{kind}", "Required value: must specify a handler type"))
        if len(handlers) > 1:
            causes.append(
                cause(
                    "Forbidden", f"{path}.{kind}.{handlers[1]}", "Forbidden: may not specify more than 1 handler type"
                )
            )
        for handler in ("httpGet", "tcpSocket", "grpc"):
            if handler in probe:
                causes += _check_named_port(probe[handler].get("port"), f"{path}.{kind}.{handler}.port")
        if "exec" in probe and not probe["exec"].get("command"):
            causes.append(required(f"{path}.{kind}.exec.command"))
        if kind != "readinessProbe" and probe.get("successThreshold", 1) != 1:
            causes.append(bad_value(f"{path}.{kind}.successThreshold", probe["successThreshold"], "must be 1"))
    return causes


def _check_port(port: Any, field: str) -> list[Cause]:
    if port is None:
        return [required(field)]
    if not 1 <= port <= 65535:
        return [bad_value(field, port, "must be between 1 and 65535, inclusive")]
    return []


def check_selector(selector: Object, path: str) -> list[Cause]:
    """What is wrong with a `LabelSelector`."""
    causes = check_labels(selector.get("matchLabels"), f"{path}.matchLabels")
    for i, expression in enumerate(selector.get("matchExpressions") or ()):
        here, values = f"{path}.matchExpressions[{i}]", expression.get("values") or []
        operator = expression.get("operator")
        if operator in ("In", "NotIn") and not values:
            message = "Required value: must be specified when `operator` is 'In' or 'NotIn'"
            causes.append(required(f"{here}.values", message))
        elif operator in ("Exists", "DoesNotExist") and values:
            message = "Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
            causes.append(cause("Forbidden", f"{here}.values", message))
        elif operator not in ("In", "NotIn", "Exists", "DoesNotExist"):
            causes.append(bad_value(f"{here}.operator", operator or "", "not a valid selector operator"))
        causes += check_labels({expression.get("key") or "": ""}, f"{here}.key")
    return causes


def _check_share(value: Any, field: str) -> list[Cause]:
    """A number of pods, or a part of them in percent."""
    if isinstance(value, int) and value < 0:
        return [bad_value(field, value, "must be greater than or equal to 0")]
    if isinstance(value, str) and not _PERCENT.fullmatch(value):
        return [bad_value(field, value, _PERCENT_RULE)]
    return []


def _check_named_port(port: Any, field: str) -> list[Cause]:
    """A port that may be told by its name."""
    if not isinstance(port, str):
        return _check_port(port, field)
    if not _PORT_NAME.fullmatch(port):
        return [bad_value(field, port, "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")]
    return []


def _check_address(address: Any, field: str) -> list[Cause]:
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return [bad_value(field, address or "", "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)")]
    return []


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
        causes.append(_unsupported("spec.template.spec.restartPolicy", pod_spec["restartPolicy"], ("Always",)))
    return causes + check_pod_spec(pod_spec, "spec.template.spec")


def _deployment(obj: Object) -> list[Cause]:
    causes = _workload(obj)
    strategy = obj["spec"]["strategy"]
    kinds = ("Recreate", "RollingUpdate")
    if strategy["type"] not in kinds:
        return [*causes, _unsupported("spec.strategy.type", strategy["type"], kinds)]
    rolling = strategy.get("rollingUpdate")
    field = "spec.strategy.rollingUpdate"
    for name in ("maxUnavailable", "maxSurge"):
        causes += _check_share((rolling or {}).get(name), f"{field}.{name}")
    if rolling and strategy["type"] == "Recreate":
        message = "Forbidden: may not be specified when strategy `type` is 'Recreate'"
        return [*causes, cause("Forbidden", field, message)]
    if rolling and all(str(rolling[name]).rstrip("%") == "0" for name in ("maxSurge", "maxUnavailable")):
        causes.append(bad_value(f"{field}.maxUnavailable", 0, "may not be 0 when `maxSurge` is 0"))
    return causes


def _statefulset(obj: Object) -> list[Cause]:
    rolling = obj["spec"]["updateStrategy"].get("rollingUpdate") or {}
    return _workload(obj) + _check_share(
        rolling.get("maxUnavailable"), "spec.updateStrategy.rollingUpdate.maxUnavailable"
    )


def _budget(obj: Object) -> list[Cause]:
    spec = obj.get("spec") or {}
    causes = check_selector(spec.get("selector") or {}, "spec.selector")
    for name in ("minAvailable", "maxUnavailable"):
        causes += _check_share(spec.get(name), f"spec.{name}")
    if "minAvailable" in spec and "maxUnavailable" in spec:
        message = "minAvailable and maxUnavailable cannot be both set"
        causes.append(bad_value("spec", "", message))
    return causes


def _job(obj: Object) -> list[Cause]:
    spec = obj["spec"]["template"]["spec"]
    causes = check_pod_spec(spec, "spec.template.spec")
    causes += check_selector(obj["spec"].get("selector") or {}, "spec.selector")
    if spec.get("restartPolicy") == "Always":
        causes.append(_unsupported("spec.template.spec.restartPolicy", "Always", ("OnFailure", "Never")))
    return causes


def _service(obj: Object) -> list[Cause]:
    spec = obj.get("spec") or {}
    ports = spec.get("ports") or []
    causes: list[Cause] = []
    if not ports and spec.get("clusterIP") != "None" and spec["type"] != "ExternalName":
        causes.append(required("spec.ports"))
    for i, port in enumerate(ports):
        causes += _check_port(port.get("port"), f"spec.ports[{i}].port")
        if len(ports) > 1 and not port.get("name"):
            causes.append(required(f"spec.ports[{i}].name"))
        if port.get("protocol") not in _PROTOCOLS:
            causes.append(_unsupported(f"spec.ports[{i}].protocol", port.get("protocol"), _PROTOCOLS))
    kinds = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
    if spec["type"] not in kinds:
        causes.append(_unsupported("spec.type", spec["type"], kinds))
    return causes


def _endpoints(obj: Object) -> list[Cause]:
    causes: list[Cause] = []
    for i, subset in enumerate(obj.get("subsets") or ()):
        for field in ("addresses", "notReadyAddresses"):
            for j, address in enumerate(subset.get(field) or ()):
                causes += _check_address(address.get("ip"), f"subsets[{i}].{field}[{j}].ip")
        for j, port in enumerate(subset.get("ports") or ()):
            causes += _check_port(port.get("port"), f"subsets[{i}].ports[{j}].port")
    return causes


def _endpoint_slice(obj: Object) -> list[Cause]:
    kinds = ("FQDN", "IPv4", "IPv6")
    causes: list[Cause] = []
    if obj.get("addressType") not in kinds:
        causes.append(_unsupported("addressType", obj.get("addressType") or "", kinds))
    for i, endpoint in enumerate(obj.get("endpoints") or ()):
        if not endpoint.get("addresses"):
            causes.append(required(f"endpoints[{i}].addresses", "Required value: must contain at least 1 address"))
        if obj.get("addressType") != "FQDN":
            for j, address in enumerate(endpoint.get("addresses") or ()):
                causes += _check_address(address, f"endpoints[{i}].addresses[{j}]")
    for i, port in enumerate(obj.get("ports") or ()):
        if "port" in port:
            causes += _check_port(port["port"], f"ports[{i}].port")
    return causes


def _data(obj: Object) -> list[Cause]:
    return [
        bad_value(f"{field}[{key}]", key, "a valid config key must consist of alphanumeric characters, '-', '_' or '.'")
        for field in ("data", "binaryData")
        for key in obj.get(field) or {}
        if not _DATA_KEY.fullmatch(key)
    ]


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


CHECKS: dict[Resource, Callable[[Object], list[Cause]]] = {
    r.PODS: _pod,
    r.DEPLOYMENTS: _deployment,
    r.REPLICASETS: _workload,
    r.STATEFULSETS: _statefulset,
    r.PODDISRUPTIONBUDGETS: _budget,
    r.JOBS: _job,
    r.SERVICES: _service,
    r.ENDPOINTS: _endpoints,
    r.ENDPOINTSLICES: _endpoint_slice,
    r.CONFIGMAPS: _data,
    r.SECRETS: _data,
    r.PERSISTENTVOLUMECLAIMS: _claim,
    r.LEASES: _lease,
}
