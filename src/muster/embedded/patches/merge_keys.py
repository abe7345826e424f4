"""By which field the elements of a list are told apart, for strategic merge patches and server-side apply.

From the Kubernetes API conventions (`patchMergeKey`, `x-kubernetes-list-map-keys`). Told by the name of the field that
holds the list and, where the same name means different lists, by a field that the elements have.
"""

from __future__ import annotations

from typing import Any

_KEYS: dict[str, tuple[str, ...]] = {
    "containers": ("name",),
    "initContainers": ("name",),
    "ephemeralContainers": ("name",),
    "env": ("name",),
    "volumes": ("name",),
    "volumeMounts": ("mountPath",),
    "volumeDevices": ("devicePath",),
    "imagePullSecrets": ("name",),
    "conditions": ("type",),
    "addresses": ("type",),
    "ownerReferences": ("uid",),
    "hostAliases": ("ip",),
    "topologySpreadConstraints": ("topologyKey",),
    "secrets": ("name",),
    "taints": ("key",),
    "podIPs": ("ip",),
    "resourceClaims": ("name",),
    "listeners": ("name",),
}
_SETS = {"finalizers"}
_PORT_KEYS = ("containerPort", "port")


def merge_key(field: str, *lists: Any) -> str | None:
    """The merge key of the list in `field`, seen in `lists`; None where the list is replaced as a whole."""
    if field == "ports":
        return _port_key(*lists)
    if field == "addresses" and not all(_has(values, "type") for values in lists):
        return None
    keys = _KEYS.get(field)
    return keys[0] if keys else None


def apply_keys(field: str, values: Any) -> tuple[str, ...] | None:
    """The keys by which server-side apply tells the list's elements apart; None for an atomic list."""
    if field == "ports":
        key = _port_key(values)
        return (key, "protocol") if key else None
    if field in ("taints", "addresses", "secrets"):
        return None
    return _KEYS.get(field)


def is_set(field: str) -> bool:
    """Whether the list in `field` is merged as a set of plain values."""
    return field in _SETS


def _port_key(*lists: Any) -> str | None:
    """Containers tell ports apart by `containerPort`, Services by `port`."""
    for key in _PORT_KEYS:
        if any(values and _has(values, key) for values in lists):
            return key
    return None


def _has(values: Any, key: str) -> bool:
    return isinstance(values, list) and all(isinstance(item, dict) and key in item for item in values)
