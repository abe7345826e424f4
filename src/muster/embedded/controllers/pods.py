"""What the controllers of pods have in common."""

from __future__ import annotations

import copy

from muster.embedded import selectors
from muster.embedded.objects import (
    Object,
    age_seconds,
    condition,
    controller_of,
    is_condition_true,
    is_finished,
    is_owned_by,
    is_terminating,
    labels_of,
    owner_reference,
)
from muster.embedded.resources import PODS
from muster.embedded.store import Store


def pod_from_template(template: Object, owner: Object) -> Object:
    """A pod as a template wants it, without a name yet."""
    meta = template.get("metadata") or {}
    pod: Object = {
        "metadata": {
            "namespace": owner["metadata"]["namespace"],
            "labels": dict(meta.get("labels") or {}),
            "ownerReferences": [owner_reference(owner)],
        },
        "spec": copy.deepcopy(template["spec"]),
    }
    for field in ("annotations", "finalizers"):
        if meta.get(field):
            pod["metadata"][field] = copy.deepcopy(meta[field])
    return pod


def claim_pods(store: Store, owner: Object) -> list[Object]:
    """The pods of an owner. Those that match its selector and have no controller become its own; strays are let go."""
    meta = owner["metadata"]
    matches = selectors.from_object(owner["spec"].get("selector"))
    mine: list[Object] = []
    for stored in store.scan(PODS, meta["namespace"]):
        pod = stored.shared
        if is_owned_by(pod, meta["uid"]):
            if matches(labels_of(pod)):
                mine.append(stored.copy())
            elif not is_terminating(owner):
                store.update(PODS, _released(stored.copy(), meta["uid"]))
        elif controller_of(pod) is None and matches(labels_of(pod)) and not _is_ending(pod, owner):
            adopted = stored.copy()
            adopted["metadata"].setdefault("ownerReferences", []).append(owner_reference(owner))
            mine.append(store.update(PODS, adopted))
    return mine


def _is_ending(pod: Object, owner: Object) -> bool:
    return is_terminating(pod) or is_terminating(owner) or is_finished(pod)


def _released(pod: Object, uid: str) -> Object:
    references = [r for r in pod["metadata"]["ownerReferences"] if r.get("uid") != uid]
    pod["metadata"]["ownerReferences"] = references
    if not references:
        del pod["metadata"]["ownerReferences"]
    return pod


def is_active(pod: Object) -> bool:
    """Whether the pod counts: not finished, not on its way out."""
    return not is_finished(pod) and not is_terminating(pod)


def is_ready(pod: Object) -> bool:
    return is_condition_true(pod, "Ready")


def ready_for(pod: Object) -> float:
    """For how many seconds the pod has been ready; negative if it is not. Resolution 1 s, as its times have."""
    if not is_ready(pod):
        return -1.0
    since = (condition(pod, "Ready") or {}).get("lastTransitionTime")
    return age_seconds(since) if since else 0.0


def is_available(pod: Object, min_ready_seconds: float) -> bool:
    """Whether the pod has been ready for as long as its owner asks."""
    return is_ready(pod) and (min_ready_seconds <= 0 or ready_for(pod) >= min_ready_seconds)


def until_available(pods: list[Object], min_ready_seconds: float) -> float | None:
    """Seconds until the next ready pod becomes available; None where there is nothing to wait for."""
    waits = [
        min_ready_seconds - ready_for(pod) for pod in pods if is_ready(pod) and not is_available(pod, min_ready_seconds)
    ]
    return min(waits) + 0.05 if waits else None


def without_zeros(status: Object) -> Object:
    """A status as Go encodes it: counts of 0 left out, except `replicas` and what is kept on purpose."""
    return {field: value for field, value in status.items() if value not in (0, None, [], {})}
