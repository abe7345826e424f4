"""What a Deployment's status says, as a function of its ReplicaSets."""

from __future__ import annotations

from muster.embedded.controllers.pods import without_zeros
from muster.embedded.controllers.rollout import limits
from muster.embedded.objects import Object, age_seconds, condition, timestamp


def count(replicasets: list[Object], field: str) -> int:
    """The sum of one count of the ReplicaSets' status."""
    return sum((rs.get("status") or {}).get(field, 0) for rs in replicasets)


def status_of(deployment: Object, new: Object | None, everything: list[Object]) -> Object:
    """The status to write; conditions carry their times on from the present one."""
    available = count(everything, "availableReplicas")
    total = count(everything, "replicas")
    status = without_zeros(
        {
            "observedGeneration": deployment["metadata"]["generation"],
            "replicas": total,
            "updatedReplicas": count([new] if new else [], "replicas"),
            "readyReplicas": count(everything, "readyReplicas"),
            "availableReplicas": available,
            "unavailableReplicas": max(total - available, 0),
        }
    )
    conditions = [_available(deployment, available)]
    progressing = _progressing(deployment, new, status)
    if progressing:
        conditions.append(progressing)
    failure = condition(new, "ReplicaFailure") if new else None
    if failure:
        conditions.append({**failure, "lastUpdateTime": failure["lastTransitionTime"]})
    status["conditions"] = [_dated(deployment, found) for found in conditions]
    return status


def is_complete(deployment: Object, status: Object) -> bool:
    """Whether the rollout is through: all pods new, all available, no old one left."""
    wanted = deployment["spec"]["replicas"]
    fields = ("updatedReplicas", "replicas", "availableReplicas")
    return all(status.get(field, 0) == wanted for field in fields)


def _available(deployment: Object, available: int) -> Object:
    needed = deployment["spec"]["replicas"] - limits(deployment).unavailable
    if available >= needed:
        reason, text = "MinimumReplicasAvailable", "Deployment has minimum availability."
    else:
        reason, text = "MinimumReplicasUnavailable", "Deployment does not have minimum availability."
    return {"type": "Available", "status": str(available >= needed), "reason": reason, "message": text}


def _progressing(deployment: Object, new: Object | None, status: Object) -> Object | None:
    """The Progressing condition; None before there is anything to say."""
    present = condition(deployment, "Progressing")
    if deployment["spec"].get("paused"):
        return _condition("Unknown", "DeploymentPaused", "Deployment is paused")
    if new is None:
        return present
    if is_complete(deployment, status):
        text = f'ReplicaSet "{new["metadata"]["name"]}" has successfully progressed.'
        return _condition("True", "NewReplicaSetAvailable", text)
    return _under_way(deployment, new["metadata"]["name"], status)


def _under_way(deployment: Object, name: str, status: Object) -> Object:
    """The Progressing condition while not all pods are as wanted."""
    present = condition(deployment, "Progressing")
    settled = present is not None and present["reason"] in ("NewReplicaSetAvailable", "DeploymentPaused")
    if present is not None and settled and f'"{name}"' in present["message"]:
        return present  # it was through already: pods that fail later are no rollout
    if present is None or settled or _has_moved(deployment, status):
        return _condition("True", "ReplicaSetUpdated", f'ReplicaSet "{name}" is progressing.')
    if age_seconds(present["lastUpdateTime"]) >= deployment["spec"]["progressDeadlineSeconds"]:
        text = f'ReplicaSet "{name}" has timed out progressing.'
        return _condition("False", "ProgressDeadlineExceeded", text)
    return present


def until_deadline(deployment: Object, status: Object) -> float | None:
    """Seconds until the rollout has to be called stuck; None where none is under way."""
    found = next((c for c in status["conditions"] if c["type"] == "Progressing"), None)
    if found is None or found["reason"] not in ("ReplicaSetUpdated", "NewReplicaSetCreated"):
        return None
    left = deployment["spec"]["progressDeadlineSeconds"] - age_seconds(found["lastUpdateTime"])
    return float(max(left, 0)) + 1.0


def _has_moved(deployment: Object, status: Object) -> bool:
    """Whether the rollout came closer to its end since the status was last written."""
    old = deployment.get("status") or {}
    olds_before = old.get("replicas", 0) - old.get("updatedReplicas", 0)
    olds_now = status.get("replicas", 0) - status.get("updatedReplicas", 0)
    grown = any(status.get(f, 0) > old.get(f, 0) for f in ("updatedReplicas", "readyReplicas", "availableReplicas"))
    return grown or olds_now < olds_before


def _condition(status: str, reason: str, message: str) -> Object:
    return {"type": "Progressing", "status": status, "reason": reason, "message": message}


def _dated(deployment: Object, found: Object) -> Object:
    """A condition with its times: when it was last touched, and when its status last changed."""
    if "lastUpdateTime" in found and "lastTransitionTime" in found:
        return found
    present = condition(deployment, found["type"]) or {}
    now = timestamp()
    same = present.get("status") == found["status"]
    unchanged = all(present.get(field) == value for field, value in found.items())
    touched = unchanged and found["reason"] != "ReplicaSetUpdated"
    return {
        **found,
        "lastUpdateTime": present["lastUpdateTime"] if touched else now,
        "lastTransitionTime": present["lastTransitionTime"] if same else now,
    }
