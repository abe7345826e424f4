"""Values that a pod takes from elsewhere: ConfigMaps, Secrets, and fields of the pod itself."""

from __future__ import annotations

import base64
import re
from typing import Any

from muster.base.errors import MusterError
from muster.embedded.objects import Object
from muster.embedded.resources import CONFIGMAPS, SECRETS, Resource
from muster.embedded.store import Store

_SUBSCRIPT = re.compile(r"metadata\.(labels|annotations)\['(.+)'\]")


class MissingSourceError(MusterError):
    """A ConfigMap, Secret or key that is not optional does not exist (yet)."""


def read_field(pod: Object, path: str) -> str:
    """The value of a downward API `fieldRef`; empty for a field that has no value.

    Raises:
        MissingSourceError: pods have no such field to refer to.
    """
    if match := _SUBSCRIPT.fullmatch(path):
        return str((pod["metadata"].get(match[1]) or {}).get(match[2], ""))
    if path in ("metadata.labels", "metadata.annotations"):
        values = pod["metadata"].get(path.partition(".")[2]) or {}
        return "\n".join(f'{key}="{value}"' for key, value in sorted(values.items()))
    if path == "status.podIPs":
        path = "status.podIP"
    found: Any = pod
    for part in path.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    if found is None and path.partition(".")[0] not in ("metadata", "spec", "status"):
        raise MissingSourceError(f"pods have no field '{path}'")
    return "" if found is None else str(found)


class Sources:
    """The ConfigMaps and Secrets of one namespace."""

    def __init__(self, store: Store, namespace: str) -> None:
        self._store = store
        self._namespace = namespace

    def config_map(self, name: str, *, optional: bool) -> dict[str, bytes] | None:
        """The ConfigMap's content; None if it is optional and not there. Raises `MissingSourceError`."""
        obj = self._find(CONFIGMAPS, name, optional=optional)
        if obj is None:
            return None
        plain = {key: value.encode() for key, value in (obj.get("data") or {}).items()}
        return plain | {key: base64.b64decode(value) for key, value in (obj.get("binaryData") or {}).items()}

    def secret(self, name: str, *, optional: bool) -> dict[str, bytes] | None:
        """The Secret's content; None if it is optional and not there. Raises `MissingSourceError`."""
        obj = self._find(SECRETS, name, optional=optional)
        return obj and {key: base64.b64decode(value) for key, value in (obj.get("data") or {}).items()}

    def _find(self, resource: Resource, name: str, *, optional: bool) -> Object | None:
        found = self._store.find(resource, self._namespace, name)
        if found is None and not optional:
            raise MissingSourceError(f'{resource.singular} "{name}" not found')
        return found
