"""What is being deleted and does not go."""

from __future__ import annotations

from collections.abc import Iterator

from muster.checks.check import Finding, Harm
from muster.checks.pods.trouble import one_line
from muster.checks.seen import Seen, condition
from muster.snapshot import Object, Ref, ref_of

PATIENCE_S = 30.0
_OWN = {"kubernetes.io/pvc-protection", "kubernetes.io/pv-protection", "foregroundDeletion", "orphan"}


def leaving(seen: Seen) -> Iterator[Finding]:
    """Objects that a finalizer, a user of theirs or a node that is lost keeps from going."""
    for item in seen.snapshot.objects:
        at = item["metadata"].get("deletionTimestamp")
        if item["kind"] in ("Event", "Namespace", "Node") or not at or seen.age(at) < PATIENCE_S:
            continue
        if finding := _stuck(seen, item, str(at)):
            yield finding
    for item in seen.of("Namespace"):
        if (item.get("status") or {}).get("phase") == "Terminating" and seen.age(
            item["metadata"].get("deletionTimestamp")
        ) > PATIENCE_S:
            yield _namespace(seen, item)


def _stuck(seen: Seen, item: Object, at: str) -> Finding | None:
    ref, metadata = ref_of(item), item["metadata"]
    finalizers = [str(one) for one in metadata.get("finalizers") or []]
    foreign = [one for one in finalizers if one not in _OWN]
    if foreign:
        return Finding(
            ref,
            f"is being deleted, and finalizer {', '.join(foreign)} keeps it",
            Harm.NONE,
            at,
            (f"deletion was asked for at {at}",),
        )
    if "kubernetes.io/pvc-protection" in finalizers:
        users = [pod["metadata"]["name"] for pod in seen.of("Pod", ref.namespace) if ref.name in _claims(pod)]
        if users:
            return Finding(ref, f"is being deleted, and pod {users[0]} keeps it in use", Harm.NONE, at)
        return Finding(
            ref, "is being deleted, and its protection (kubernetes.io/pvc-protection) keeps it", Harm.NONE, at
        )
    if finalizers:
        return (
            None
            if ref.kind == "ReplicaSet"
            else Finding(ref, f"is being deleted, and {', '.join(finalizers)} keeps it", Harm.NONE, at, open_cause=True)
        )
    if ref.kind == "Pod":
        node = Ref("Node", "", str((item.get("spec") or {}).get("nodeName") or ""))
        return Finding(ref, f"is being deleted and does not end on node {node.name}", Harm.NONE, at, relies_on=(node,))
    return None


def _claims(pod: Object) -> set[str]:
    volumes = (pod.get("spec") or {}).get("volumes") or []
    return {volume["persistentVolumeClaim"]["claimName"] for volume in volumes if volume.get("persistentVolumeClaim")}


def _namespace(seen: Seen, item: Object) -> Finding:
    name, at = item["metadata"]["name"], str(item["metadata"].get("deletionTimestamp") or "")
    said = [
        one_line(str(condition(item, kind).get("message") or ""))
        for kind in (
            "NamespaceFinalizersRemaining",
            "NamespaceContentRemaining",
            "NamespaceDeletionDiscoveryFailure",
            "NamespaceDeletionContentFailure",
        )
        if condition(item, kind).get("status") == "True"
    ]
    kept = [
        ref_of(one)
        for one in seen.snapshot.objects
        if one["metadata"].get("namespace") == name and one["metadata"].get("finalizers") and one["kind"] != "Event"
    ]
    why = f": {one_line(said[0], 160)}" if said else ""
    return Finding(ref_of(item), f"is being deleted and does not go{why}", Harm.NONE, at, tuple(said), tuple(kept))
