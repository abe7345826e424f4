"""Environment, command and arguments of a container: image, Services, manifest, and nothing of this process's own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from muster.embedded.node.images import Image
from muster.embedded.node.sources import MissingSourceError, Sources, read_field
from muster.embedded.objects import Object

_REFERENCE = re.compile(r"\$(?:\$|\(([^()$]+)\))")
_NAME = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*")


def expand(text: str, values: Mapping[str, str]) -> str:
    """Replace `$(NAME)` by its value, `$$` by `$`; an unknown name stays as it is written."""

    def replace(match: re.Match[str]) -> str:
        name = match[1]
        if name is None:
            return "$"
        return values.get(name, match[0])

    return _REFERENCE.sub(replace, text)


def service_variables(services: Iterable[Object]) -> dict[str, str]:
    """What a pod is told of the Services that exist when it starts, those without an address left out."""
    found: dict[str, str] = {}
    for service in services:
        spec = service.get("spec") or {}
        address, ports = spec.get("clusterIP"), spec.get("ports") or []
        if address in (None, "", "None") or not ports:
            continue
        name = service["metadata"]["name"].upper().replace("-", "_")
        found[f"{name}_SERVICE_HOST"] = address
        found[f"{name}_SERVICE_PORT"] = str(ports[0]["port"])
        found[f"{name}_PORT"] = f"tcp://{address}:{ports[0]['port']}"
        for port in ports:
            if port.get("name"):
                found[f"{name}_SERVICE_PORT_{port['name'].upper().replace('-', '_')}"] = str(port["port"])
            protocol = port.get("protocol", "TCP")
            prefix = f"{name}_PORT_{port['port']}_{protocol}"
            found[prefix] = f"{protocol.lower()}://{address}:{port['port']}"
            found[f"{prefix}_PROTO"] = protocol.lower()
            found[f"{prefix}_PORT"] = str(port["port"])
            found[f"{prefix}_ADDR"] = address
    return found


def build(
    pod: Object, container: Object, image: Image, *, services: Mapping[str, str], sources: Sources, run_id: str
) -> dict[str, str]:
    """All variables of a container. Bytes that are no UTF-8 are kept, see `launcher.Command`.

    Raises:
        MissingSourceError: a ConfigMap, Secret or key that is not optional is not there.
    """
    values = {**image.environment(), "HOSTNAME": hostname(pod), "MUSTER_RUN_ID": run_id, **services}
    for entry in container.get("envFrom") or ():
        values |= _all_of(entry, sources)
    for entry in container.get("env") or ():
        if "valueFrom" in entry:
            found = _value_from(entry["valueFrom"], pod, container, sources)
            if found is not None:
                values[entry["name"]] = found
        else:
            values[entry["name"]] = expand(entry.get("value") or "", values)
    return values


def command(container: Object, image: Image, values: Mapping[str, str], address: str) -> list[str]:
    """The program and its arguments, references expanded; empty where neither manifest nor image names a program."""
    named, args = ([expand(word, values) for word in container.get(field) or ()] for field in ("command", "args"))
    return image.words(named, args, address)


def hostname(pod: Object) -> str:
    """What the pod calls itself."""
    return str(pod["spec"].get("hostname") or pod["metadata"]["name"])[:63].rstrip("-.")


def _all_of(entry: Object, sources: Sources) -> dict[str, str]:
    content: dict[str, bytes] | None = None
    if ref := entry.get("configMapRef"):
        content = sources.config_map(ref["name"], optional=bool(ref.get("optional")))
    elif ref := entry.get("secretRef"):
        content = sources.secret(ref["name"], optional=bool(ref.get("optional")))
    prefix = entry.get("prefix") or ""
    return {prefix + key: _text(value) for key, value in (content or {}).items() if _NAME.fullmatch(prefix + key)}


def _value_from(source: Object, pod: Object, container: Object, sources: Sources) -> str | None:
    if ref := source.get("fieldRef"):
        return read_field(pod, ref["fieldPath"])
    if ref := source.get("resourceFieldRef"):
        kind, _, name = ref["resource"].partition(".")
        return str(((container.get("resources") or {}).get(kind) or {}).get(name, "0"))
    for field, read, what in (
        ("configMapKeyRef", sources.config_map, "ConfigMap"),
        ("secretKeyRef", sources.secret, "Secret"),
    ):
        if ref := source.get(field):
            content = read(ref["name"], optional=bool(ref.get("optional")))
            if content is not None and ref["key"] in content:
                return _text(content[ref["key"]])
            if not ref.get("optional"):
                place = f"{pod['metadata'].get('namespace')}/{ref['name']}"
                raise MissingSourceError(f"couldn't find key {ref['key']} in {what} {place}")
    return None


def _text(value: bytes) -> str:
    return value.decode(errors="surrogateescape")
