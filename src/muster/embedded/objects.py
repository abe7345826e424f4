"""Small readers of Kubernetes objects, which are plain dicts of JSON values in this package."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from muster.base.clock import utc

Object = dict[str, Any]


class Key(NamedTuple):
    """Where an object is: `namespace` is empty for objects of the cluster."""

    namespace: str
    name: str


def key_of(obj: Object) -> Key:
    meta = obj["metadata"]
    return Key(meta.get("namespace") or "", meta["name"])


def labels_of(obj: Object) -> dict[str, str]:
    return obj["metadata"].get("labels") or {}


def timestamp(at: datetime | None = None) -> str:
    """A time as `metav1.Time` has it: whole seconds, UTC. Default: now."""
    return (at or utc()).strftime("%Y-%m-%dT%H:%M:%SZ")


def micro_timestamp() -> str:
    """The time as `metav1.MicroTime` has it."""
    return utc().strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def timestamp_in(seconds: float) -> str:
    """The time `seconds` from now as `metav1.Time`."""
    return timestamp(utc() + timedelta(seconds=seconds))


def parse_timestamp(text: str) -> datetime:
    """The aware time that a `metav1.Time` or `MicroTime` says."""
    return datetime.fromisoformat(text)


def age_seconds(text: str) -> float:
    """Seconds since the time that `text` says."""
    return (utc() - parse_timestamp(text)).total_seconds()


def legible(text: str) -> str:
    """A text that may hold bytes of a file name or a variable, as UTF-8 that an object can hold."""
    return text.encode(errors="surrogateescape").decode(errors="replace")


def controller_of(obj: Object) -> Object | None:
    """The owner reference marked `controller`, if there is one."""
    for owner in obj["metadata"].get("ownerReferences") or ():
        if owner.get("controller"):
            return owner  # type: ignore[no-any-return]
    return None


def is_owned_by(obj: Object, uid: str) -> bool:
    """Whether the object's controller has this uid."""
    owner = controller_of(obj)
    return owner is not None and owner.get("uid") == uid


def owner_reference(owner: Object) -> Object:
    """The owner reference with which a controller marks what it makes."""
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def condition(obj: Object, kind: str) -> Object | None:
    """The condition of this type in `status.conditions`, if there is one."""
    for found in (obj.get("status") or {}).get("conditions") or ():
        if found.get("type") == kind:
            return found  # type: ignore[no-any-return]
    return None


def is_condition_true(obj: Object, kind: str) -> bool:
    found = condition(obj, kind)
    return found is not None and found.get("status") == "True"


def is_terminating(obj: Object) -> bool:
    return bool(obj["metadata"].get("deletionTimestamp"))


def is_finished(pod: Object) -> bool:
    """Whether a pod ran to its end and will not run again."""
    return (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")
