"""The checks of the spec of a pod or of a template."""

from __future__ import annotations

from typing import Any

from muster.embedded.admission.names import bad_value, cause, is_label, required
from muster.embedded.admission.values import check_named_port, check_port, unsupported
from muster.embedded.objects import Object
from muster.embedded.status import Cause


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
        causes.append(unsupported(f"{path}.restartPolicy", spec.get("restartPolicy"), policies))
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
        causes += check_port(port.get("containerPort"), f"{path}.ports[{i}].containerPort")
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
                causes += check_named_port(probe[handler].get("port"), f"{path}.{kind}.{handler}.port")
        if "exec" in probe and not probe["exec"].get("command"):
            causes.append(required(f"{path}.{kind}.exec.command"))
        if kind != "readinessProbe" and probe.get("successThreshold", 1) != 1:
            causes.append(bad_value(f"{path}.{kind}.successThreshold", probe["successThreshold"], "must be 1"))
    return causes
