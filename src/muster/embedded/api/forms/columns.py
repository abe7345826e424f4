"""The columns of each type's table, as the real API server prints them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from muster.embedded import resources as r
from muster.embedded import selectors
from muster.embedded.api.forms.ages import age, age_of, human_duration
from muster.embedded.api.forms.pod_columns import pod_ready, pod_restarts, pod_status
from muster.embedded.objects import Object, age_seconds, condition, is_condition_true
from muster.embedded.resources import Resource

NONE = "<none>"


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its title, what a cell of it says, and 1 as priority where only `-o wide` shows it."""

    name: str
    cell: Callable[[Object], Any]
    type: str = "string"
    priority: int = 0


def _at(*path: str, default: Any = NONE) -> Callable[[Object], Any]:
    """A cell that shows the value at a path."""

    def cell(obj: Object) -> Any:
        found: Any = obj
        for step in path:
            found = found.get(step) if isinstance(found, dict) else None
        return default if found in (None, "") else found

    return cell


def _number(*path: str) -> Callable[[Object], Any]:
    return _at(*path, default=0)


def _names(field: str) -> Callable[[Object], str]:
    """Names or images of the containers of a workload's template."""

    def cell(obj: Object) -> str:
        containers = obj["spec"].get("template", obj).get("spec", {}).get("containers") or ()
        return ",".join(container.get(field, "") for container in containers)

    return cell


def _condition(kind: str) -> Callable[[Object], str]:
    """A cell that shows the status of a condition."""

    def cell(obj: Object) -> str:
        return str((condition(obj, kind) or {}).get("status", ""))

    return cell


def _gateway_addresses(gateway: Object) -> str:
    return ",".join(address.get("value") or "" for address in (gateway.get("status") or {}).get("addresses") or ())


def _route_hostnames(route: Object) -> str:
    names = route["spec"].get("hostnames")
    return orjson.dumps(names).decode() if names else ""


def _selector(obj: Object) -> str:
    return selectors.to_text(obj["spec"].get("selector")) or NONE


def _ready(obj: Object) -> str:
    return f"{(obj.get('status') or {}).get('readyReplicas', 0)}/{obj['spec'].get('replicas', 0)}"


def _external_ip(service: Object) -> str:
    if service["spec"]["type"] == "ExternalName":
        return str(service["spec"].get("externalName", NONE))
    if service["spec"]["type"] == "LoadBalancer":
        return "<pending>"
    return ",".join(service["spec"].get("externalIPs") or ()) or NONE


def _service_ports(service: Object) -> str:
    ports = service["spec"].get("ports") or ()
    return ",".join(_service_port(port) for port in ports) or NONE


def _service_port(port: Object) -> str:
    node_port = f":{port['nodePort']}" if port.get("nodePort") else ""
    return f"{port['port']}{node_port}/{port['protocol']}"


def _service_selector(service: Object) -> str:
    return ",".join(f"{k}={v}" for k, v in sorted((service["spec"].get("selector") or {}).items())) or NONE


def _data_count(obj: Object) -> int:
    return len(obj.get("data") or {}) + len(obj.get("binaryData") or {})


def _node_status(node: Object) -> str:
    conditions = (node.get("status") or {}).get("conditions") or ()
    ready = next((c.get("status") for c in conditions if c.get("type") == "Ready"), "Unknown")
    text = {"True": "Ready", "False": "NotReady"}.get(str(ready), "Unknown")
    return text + (",SchedulingDisabled" if (node.get("spec") or {}).get("unschedulable") else "")


def _node_roles(node: Object) -> str:
    prefix = "node-role.kubernetes.io/"
    roles = sorted(key.removeprefix(prefix) for key in node["metadata"].get("labels") or {} if key.startswith(prefix))
    return ",".join(roles) or NONE


def _node_address(node: Object) -> str:
    addresses = (node.get("status") or {}).get("addresses") or ()
    return next((a.get("address", NONE) for a in addresses if a.get("type") == "InternalIP"), NONE)


def _event_seen(event: Object) -> str:
    seen = event.get("lastTimestamp") or event.get("eventTime") or event["metadata"].get("creationTimestamp")
    return age(seen) if seen else "<unknown>"


def _event_first_seen(event: Object) -> str:
    return age(event["firstTimestamp"]) if event.get("firstTimestamp") else ""


def _event_object(event: Object) -> str:
    about = event.get("involvedObject") or {}
    return f"{about.get('kind', '').lower()}/{about.get('name', '')}"


def _event_source(event: Object) -> str:
    source = event.get("source") or {}
    parts = (source.get("component") or event.get("reportingComponent", ""), source.get("host", ""))
    return ", ".join(part for part in parts if part)


def _claim_status(claim: Object) -> Any:
    if claim["metadata"].get("deletionTimestamp"):
        return "Terminating"
    return (claim.get("status") or {}).get("phase", "")


def _access_modes(claim: Object) -> str:
    short = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}
    modes = (claim.get("status") or {}).get("accessModes") or ()
    return ",".join(short.get(mode, mode) for mode in modes)


def _addresses(endpoints: Object) -> str:
    found = [
        f"{address.get('ip', '')}:{port.get('port', 0)}"
        for subset in endpoints.get("subsets") or ()
        for port in subset.get("ports") or ()
        for address in subset.get("addresses") or ()
    ]
    more = f" + {len(found) - 3} more..." if len(found) > 3 else ""
    return ",".join(found[:3]) + more or NONE


def _slice_ports(endpoint_slice: Object) -> str:
    return ",".join(str(port.get("port")) for port in endpoint_slice.get("ports") or ()) or "<unset>"


def _slice_addresses(endpoint_slice: Object) -> str:
    found = [address for e in endpoint_slice.get("endpoints") or () for address in e.get("addresses") or ()]
    more = f" + {len(found) - 3} more..." if len(found) > 3 else ""
    return ",".join(found[:3]) + more or "<unset>"


def _allowed_disruptions(budget: Object) -> Any:
    return (budget.get("status") or {}).get("disruptionsAllowed", 0)


def _job_status(job: Object) -> str:
    for kind, text in (("Complete", "Complete"), ("Failed", "Failed")):
        if is_condition_true(job, kind):
            return text
    return "Suspended" if job["spec"].get("suspend") else "Running"


def _job_completions(job: Object) -> str:
    return f"{(job.get('status') or {}).get('succeeded', 0)}/{job['spec'].get('completions', 1)}"


def _job_duration(job: Object) -> str:
    status = job.get("status") or {}
    if not status.get("startTime"):
        return ""
    ended = status.get("completionTime")
    return human_duration(age_seconds(status["startTime"]) - (age_seconds(ended) if ended else 0))


def _role(binding: Object) -> str:
    return f"{binding['roleRef']['kind']}/{binding['roleRef']['name']}"


def _subjects(kind: str) -> Callable[[Object], str]:
    """The subjects of one kind of a binding."""

    def cell(binding: Object) -> str:
        found = [subject for subject in binding.get("subjects") or () if subject.get("kind") == kind]
        if kind == "ServiceAccount":
            return ", ".join(f"{subject.get('namespace', '')}/{subject['name']}" for subject in found)
        return ", ".join(subject["name"] for subject in found)

    return cell


name_column = Column("Name", lambda obj: obj["metadata"]["name"])
age_column = Column("Age", age_of)
_CREATED = Column("Created At", _at("metadata", "creationTimestamp"))
_BINDING = (
    name_column,
    Column("Role", _role),
    age_column,
    Column("Users", _subjects("User"), priority=1),
    Column("Groups", _subjects("Group"), priority=1),
    Column("ServiceAccounts", _subjects("ServiceAccount"), priority=1),
)


def _ingress_hosts(ingress: Object) -> str:
    hosts = [rule["host"] for rule in ingress["spec"].get("rules") or () if rule.get("host")]
    return ",".join(hosts) or "*"


def _ingress_ports(ingress: Object) -> str:
    return "80, 443" if ingress["spec"].get("tls") else "80"


def _scale_target(autoscaler: Object) -> str:
    target = autoscaler["spec"].get("scaleTargetRef") or {}
    return f"{target.get('kind', '')}/{target.get('name', '')}"


_CONTAINERS = Column("Containers", _names("name"), priority=1)
_IMAGES = Column("Images", _names("image"), priority=1)
_SELECTOR = Column("Selector", _selector, priority=1)

COLUMNS: dict[Resource, tuple[Column, ...]] = {
    r.PODS: (
        name_column,
        Column("Ready", pod_ready),
        Column("Status", pod_status),
        Column("Restarts", pod_restarts),
        age_column,
        Column("IP", _at("status", "podIP"), priority=1),
        Column("Node", _at("spec", "nodeName"), priority=1),
        Column("Nominated Node", _at("status", "nominatedNodeName"), priority=1),
        Column("Readiness Gates", lambda _pod: NONE, priority=1),
    ),
    r.DEPLOYMENTS: (
        name_column,
        Column("Ready", _ready),
        Column("Up-to-date", _number("status", "updatedReplicas"), "integer"),
        Column("Available", _number("status", "availableReplicas"), "integer"),
        age_column, _CONTAINERS, _IMAGES, _SELECTOR,
    ),
    r.REPLICASETS: (
        name_column,
        Column("Desired", _number("spec", "replicas"), "integer"),
        Column("Current", _number("status", "replicas"), "integer"),
        Column("Ready", _number("status", "readyReplicas"), "integer"),
        age_column, _CONTAINERS, _IMAGES, _SELECTOR,
    ),
    r.STATEFULSETS: (name_column, Column("Ready", _ready), age_column, _CONTAINERS, _IMAGES),
    r.SERVICES: (
        name_column,
        Column("Type", _at("spec", "type")),
        Column("Cluster-IP", _at("spec", "clusterIP")),
        Column("External-IP", _external_ip),
        Column("Port(s)", _service_ports),
        age_column,
        Column("Selector", _service_selector, priority=1),
    ),
    r.CONFIGMAPS: (name_column, Column("Data", _data_count, "integer"), age_column),
    r.SECRETS: (name_column, Column("Type", _at("type")), Column("Data", _data_count, "integer"), age_column),
    r.SERVICEACCOUNTS: (name_column, Column("Secrets", lambda _account: 0, "integer"), age_column),
    r.NAMESPACES: (name_column, Column("Status", _at("status", "phase")), age_column),
    r.NODES: (
        name_column,
        Column("Status", _node_status),
        Column("Roles", _node_roles),
        age_column,
        Column("Version", _at("status", "nodeInfo", "kubeletVersion")),
        Column("Internal-IP", _node_address, priority=1),
        Column("External-IP", lambda _node: NONE, priority=1),
        Column("OS-Image", _at("status", "nodeInfo", "osImage"), priority=1),
        Column("Kernel-Version", _at("status", "nodeInfo", "kernelVersion"), priority=1),
        Column("Container-Runtime", _at("status", "nodeInfo", "containerRuntimeVersion"), priority=1),
    ),
    r.EVENTS: (
        Column("Last Seen", _event_seen),
        Column("Type", _at("type", default="")),
        Column("Reason", _at("reason", default="")),
        Column("Object", _event_object),
        Column("Subobject", _at("involvedObject", "fieldPath", default=""), priority=1),
        Column("Source", _event_source, priority=1),
        Column("Message", _at("message", default="")),
        Column("First Seen", _event_first_seen, priority=1),
        Column("Count", _at("count", default=1), "integer", priority=1),
        Column("Name", lambda event: event["metadata"]["name"], priority=1),
    ),
    r.PERSISTENTVOLUMECLAIMS: (
        name_column,
        Column("Status", _claim_status),
        Column("Volume", _at("spec", "volumeName", default="")),
        Column("Capacity", _at("status", "capacity", "storage", default="")),
        Column("Access Modes", _access_modes),
        Column("StorageClass", _at("spec", "storageClassName", default="")),
        Column("VolumeAttributesClass", lambda _claim: "<unset>"),
        age_column,
        Column("VolumeMode", _at("spec", "volumeMode"), priority=1),
    ),
    r.ENDPOINTS: (name_column, Column("Endpoints", _addresses), age_column),
    r.ENDPOINTSLICES: (
        name_column,
        Column("AddressType", _at("addressType")),
        Column("Ports", _slice_ports),
        Column("Endpoints", _slice_addresses),
        age_column,
    ),
    r.LEASES: (name_column, Column("Holder", _at("spec", "holderIdentity", default="")), age_column),
    r.PODDISRUPTIONBUDGETS: (
        name_column,
        Column("Min Available", _at("spec", "minAvailable", default="N/A")),
        Column("Max Unavailable", _at("spec", "maxUnavailable", default="N/A")),
        Column("Allowed Disruptions", _allowed_disruptions, "integer"),
        age_column,
    ),
    r.JOBS: (
        name_column,
        Column("Status", _job_status),
        Column("Completions", _job_completions),
        Column("Duration", _job_duration),
        age_column,
        _CONTAINERS,
        _IMAGES,
    ),
    r.INGRESSES: (
        name_column,
        Column("Class", _at("spec", "ingressClassName")),
        Column("Hosts", _ingress_hosts),
        Column("Address", lambda _ingress: ""),
        Column("Ports", _ingress_ports),
        age_column,
    ),
    r.HORIZONTALPODAUTOSCALERS: (
        name_column,
        Column("Reference", _scale_target),
        Column("Targets", lambda _autoscaler: "<unknown>"),
        Column("MinPods", _at("spec", "minReplicas")),
        Column("MaxPods", _at("spec", "maxReplicas"), "integer"),
        Column("Replicas", _number("status", "currentReplicas"), "integer"),
        age_column,
    ),
    r.GATEWAYCLASSES: (
        name_column,
        Column("Controller", _at("spec", "controllerName", default="")),
        Column("Accepted", _condition("Accepted")),
        age_column,
        Column("Description", _at("spec", "description", default=""), priority=1),
    ),
    r.GATEWAYS: (
        name_column,
        Column("Class", _at("spec", "gatewayClassName", default="")),
        Column("Address", _gateway_addresses),
        Column("Programmed", _condition("Programmed")),
        age_column,
    ),
    r.HTTPROUTES: (name_column, Column("Hostnames", _route_hostnames), age_column),
    r.ROLES: (name_column, _CREATED),
    r.CLUSTERROLES: (name_column, _CREATED),
    r.ROLEBINDINGS: _BINDING,
    r.CLUSTERROLEBINDINGS: _BINDING,
    r.CONTROLLERREVISIONS: (name_column, Column("Revision", _number("revision"), "integer"), age_column),
}  # fmt: skip
