"""What of objects and logs is never kept: secrets, and what only takes room."""

from __future__ import annotations

import re
from typing import Any

from muster.base.masking import MASK, SECRET_NAME, masked
from muster.snapshot.certificates import with_expiry
from muster.snapshot.model import Object

MOST_LINE = 2000  # characters of a log's line
MOST_TEXT = 20_000  # characters of a ConfigMap's entry
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_EVENT_METADATA = ("name", "namespace", "creationTimestamp")
_EVENT = (
    "apiVersion", "kind", "involvedObject", "reason", "type", "count", "firstTimestamp", "lastTimestamp", "eventTime",
    "series",
)  # fmt: skip
# JSON Web Tokens, keys of clouds and of code hosts, PEM: secrets that no name stands before.
_BARE = re.compile(
    r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bgh[pousr]_\w{20,}|\bxox[abpr]-[\w-]{10,}"
)


def clean_line(line: str) -> str:
    """A line of a log as it may be kept."""
    return _BARE.sub(MASK, masked(str(line)[:MOST_LINE])).encode("utf-8", "backslashreplace").decode()


def clean(item: Object) -> Object:
    """An object as it may be kept: a Secret only by its keys, other values masked where their names sound like a
    secret's, and of managedFields only who wrote what when.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: it is no object.
    """
    if item["kind"] == "Event":
        return _event(item)
    kept = {**item, "metadata": _metadata(item["metadata"])}
    match item["kind"]:
        case "Secret":
            kept = with_expiry(item, kept)
            kept["data"] = dict.fromkeys(sorted({*(item.get("data") or {}), *(item.get("stringData") or {})}), MASK)
            kept.pop("stringData", None)
        case "ConfigMap":
            kept["data"] = {key: _entry(key, str(value)) for key, value in (item.get("data") or {}).items()}
            kept["binaryData"] = dict.fromkeys(item.get("binaryData") or {}, MASK)
    _clean_containers(kept)
    return kept


def _event(item: Object) -> Object:
    """An event, of which a cluster has more than of all else, with what tells of something only. No value of a secret
    stands in one, but names do: 'volume "token" : secret "x" not found'."""
    metadata = {key: item["metadata"][key] for key in _EVENT_METADATA if key in item["metadata"]}
    kept = {key: item[key] for key in _EVENT if item.get(key) is not None}
    return {**kept, "metadata": metadata, "message": str(item.get("message") or "")[:MOST_LINE]}


def _entry(name: str, value: str) -> str:
    if SECRET_NAME.search(name):
        return MASK
    return _BARE.sub(MASK, masked(value[:MOST_TEXT]))


def _metadata(metadata: dict[str, Any]) -> dict[str, Any]:
    kept = dict(metadata)
    annotations = {k: masked(str(v)) for k, v in (metadata.get("annotations") or {}).items() if k != _LAST_APPLIED}
    if annotations:
        kept["annotations"] = annotations
    else:
        kept.pop("annotations", None)
    if metadata.get("managedFields"):
        kept["managedFields"] = [_written(entry) for entry in metadata["managedFields"]]
    return kept


def _written(entry: dict[str, Any]) -> dict[str, Any]:
    """Who wrote which parts of an object when: the parts by the first two levels of their paths."""
    fields = entry.get("fieldsV1") or {}
    paths = entry.get("fields") or sorted(
        f"{first[2:]}.{second[2:]}" if second else first[2:]
        for first, inner in fields.items()
        if first.startswith("f:")
        for second in ([key for key in inner if key.startswith("f:")] or [""])
    )
    known = {key: entry[key] for key in ("manager", "operation", "time", "subresource") if entry.get(key)}
    return {**known, "fields": paths}


def _clean_containers(kept: Object) -> None:
    """Clean the containers of a kept object's pods, without touching the object that it was made of."""
    way = {"Pod": ("spec",), "CronJob": ("spec", "jobTemplate", "spec", "template", "spec")}.get(
        kept["kind"], ("spec", "template", "spec")
    )
    inner: dict[str, Any] = kept
    for key in way:
        if not isinstance(inner.get(key), dict):
            return
        inner[key] = inner = dict(inner[key])
    for key in ("initContainers", "containers", "ephemeralContainers"):
        if inner.get(key):
            inner[key] = [_container(one) for one in inner[key]]


def _container(container: dict[str, Any]) -> dict[str, Any]:
    kept = dict(container)
    if container.get("env"):
        kept["env"] = [_variable(one) for one in container["env"]]
    for key in ("command", "args"):
        if container.get(key):
            kept[key] = [_BARE.sub(MASK, masked(str(word)[:MOST_LINE])) for word in container[key]]
    return kept


def _variable(variable: dict[str, Any]) -> dict[str, Any]:
    value = variable.get("value")
    if not isinstance(value, str) or not value:
        return variable
    if SECRET_NAME.search(str(variable.get("name"))):
        return {**variable, "value": MASK}
    return {**variable, "value": _BARE.sub(MASK, masked(value))}
