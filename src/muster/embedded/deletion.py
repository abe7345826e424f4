"""What deletion means: grace periods of pods, finalizers, preconditions, propagation."""

from __future__ import annotations

from dataclasses import dataclass

from muster.embedded import status
from muster.embedded.objects import Object, is_finished, timestamp_in
from muster.embedded.resources import NAMESPACES, PODS, Resource

FOREGROUND = "foregroundDeletion"
ORPHAN = "orphan"


@dataclass(frozen=True, slots=True)
class DeleteOptions:
    """How to delete. `grace_seconds` None means what the object says; `propagation` None means Background."""

    grace_seconds: int | None = None
    propagation: str | None = None  # Background, Foreground or Orphan
    uid: str | None = None
    resource_version: str | None = None
    dry_run: bool = False

    def check_preconditions(self, resource: Resource, obj: Object) -> None:
        """Raises `StatusError` 409 where the object is not the one that was meant."""
        meta = obj["metadata"]
        for wanted, actual, name in (
            (self.uid, meta["uid"], "UID"),
            (self.resource_version, meta["resourceVersion"], "ResourceVersion"),
        ):
            if wanted is not None and wanted != actual:
                why = f"Precondition failed: {name} in precondition: {wanted}, {name} in object meta: {actual}"
                raise status.conflict(resource, meta["name"], why)


@dataclass(frozen=True, slots=True)
class Deletion:
    """The object as it was left, and whether it is gone."""

    object: Object
    gone: bool


def mark_deleted(resource: Resource, obj: Object, options: DeleteOptions) -> None:
    """Write onto `obj` that it is to go, when, and who has to agree."""
    meta = obj["metadata"]
    grace = _grace_seconds(resource, obj, options)
    earlier = meta.get("deletionGracePeriodSeconds")
    if not meta.get("deletionTimestamp") or (earlier is not None and grace < earlier):
        meta["deletionTimestamp"] = timestamp_in(grace)
        meta["deletionGracePeriodSeconds"] = grace
        if resource.generation:
            meta["generation"] = meta.get("generation", 0) + 1
    finalizers = [name for name in meta.get("finalizers") or () if name not in (FOREGROUND, ORPHAN)]
    if options.propagation == "Foreground":
        finalizers.append(FOREGROUND)
    elif options.propagation == "Orphan":
        finalizers.append(ORPHAN)
    elif options.propagation is None:
        finalizers = list(meta.get("finalizers") or ())
    if finalizers:
        meta["finalizers"] = finalizers
    else:
        meta.pop("finalizers", None)
    if resource is NAMESPACES:
        obj.setdefault("status", {})["phase"] = "Terminating"


def is_deletable(resource: Resource, obj: Object) -> bool:
    """Whether nothing holds an object that was marked: it may be removed."""
    meta = obj["metadata"]
    if not meta.get("deletionTimestamp") or meta.get("finalizers"):
        return False
    if resource is NAMESPACES:
        return not (obj.get("spec") or {}).get("finalizers")
    return not meta.get("deletionGracePeriodSeconds")


def _grace_seconds(resource: Resource, obj: Object, options: DeleteOptions) -> int:
    """Seconds until removal. Only pods have any, and only those that a kubelet has taken on."""
    if resource is not PODS:
        return 0
    spec = obj.get("spec") or {}
    if not spec.get("nodeName") or is_finished(obj):
        return 0
    if options.grace_seconds is not None:
        return max(options.grace_seconds, 0)
    return int(spec.get("terminationGracePeriodSeconds", 30))
