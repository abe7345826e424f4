"""Claims that are not bound, or whose volume is gone."""

from __future__ import annotations

import re
from collections.abc import Iterator

from muster.checks.check import Finding, Harm
from muster.checks.pods.absent import needs
from muster.checks.pods.trouble import last_event, one_line
from muster.checks.seen import Seen, condition
from muster.snapshot import Object, Ref, ref_of

PATIENCE_S = 45.0
_CLASS = re.compile(r'storageclass(?:\.storage\.k8s\.io)? "([^"]+)" not found')
_PROVISIONER = re.compile(r"external provisioner '([^']+)'")


def claims(seen: Seen) -> Iterator[Finding]:
    """PersistentVolumeClaims that get no volume."""
    for claim in seen.of("PersistentVolumeClaim"):
        ref, phase = ref_of(claim), (claim.get("status") or {}).get("phase")
        if "deletionTimestamp" in claim["metadata"]:
            continue
        since = str(claim["metadata"].get("creationTimestamp") or "")
        used = [pod for pod in seen.of("Pod", ref.namespace) if any(need.ref == ref for need in needs(pod))]
        harm = Harm.WHOLE if used else Harm.NONE
        if phase == "Lost":
            yield Finding(ref, "its volume is gone", harm, since)
        elif phase == "Pending" and (said := _why(seen, claim, used)):
            reason, evidence = said
            yield Finding(ref, reason, harm, since, evidence)


def _why(seen: Seen, claim: Object, used: list[Object]) -> tuple[str, tuple[str, ...]] | None:
    spec = claim.get("spec") or {}
    name = spec.get("storageClassName")
    event = last_event(
        seen,
        claim,
        "ProvisioningFailed",
        "FailedBinding",
        "ExternalProvisioning",
        "WaitForPodScheduled",
        "WaitForFirstConsumer",
        "VolumeMismatch",
        "VolumeResizeFailed",
    )
    said = one_line(str((event or {}).get("message") or ""))
    if found := _CLASS.search(said):
        return f"storage class {found[1]} does not exist", (said,)
    if (
        name
        and seen.knows("StorageClass")
        and seen.find(Ref("StorageClass", "", name)) is None
        and not spec.get("volumeName")
        and not _volumes(seen, name)
    ):
        return f"storage class {name} does not exist", (said,) if said else ()
    reason = (event or {}).get("reason")
    if reason in ("WaitForFirstConsumer", "WaitForPodScheduled"):
        return None  # it waits for a pod, and that pod says why it is not scheduled
    if "no storage class is set" in said:
        return "names no storage class, and no volume is there that fits", (said,)
    if reason == "ProvisioningFailed":
        return f"cannot be provisioned: {one_line(said, 160)}", (said,)
    if reason == "ExternalProvisioning" and seen.made(claim) > PATIENCE_S:
        found = _PROVISIONER.search(said)
        return f"provisioner {found[1] if found else 'of its class'} makes no volume for it", (said,)
    if reason in ("FailedBinding", "VolumeMismatch"):
        return f"is not bound: {one_line(said, 160)}", (said,)
    if (
        spec.get("volumeName")
        and seen.knows("PersistentVolume")
        and seen.find(Ref("PersistentVolume", "", spec["volumeName"])) is None
    ):
        return f"its volume {spec['volumeName']} does not exist", ()
    waited = any("unbound" in str(condition(pod, "PodScheduled").get("message")) for pod in used)
    if used and (waited or seen.made(claim) > PATIENCE_S):
        return (f"storage class {name} gives it no volume" if name else "is not bound"), ()
    return None


def _volumes(seen: Seen, name: str) -> list[Object]:
    """Volumes of a class that needs no object: claims and volumes may agree on a name of their own."""
    return [
        volume for volume in seen.of("PersistentVolume") if (volume.get("spec") or {}).get("storageClassName") == name
    ]
