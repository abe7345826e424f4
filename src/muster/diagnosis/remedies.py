"""Which recovery procedure fits which finding."""

from __future__ import annotations

from collections.abc import Sequence

from muster.checks.check import Remedy
from muster.checks.seen import Seen, is_ready
from muster.checks.system.service import UNANSWERED, own_service
from muster.checks.traffic.services import workloads_behind
from muster.diagnosis.rank import Placed
from muster.snapshot import Ref
from muster.system.pods import has_crashed, troubles


def remedies(seen: Seen, placed: Sequence[Placed]) -> list[Remedy | None]:
    """For each finding what mends it; a fault of a drill takes that of what it broke."""
    found = [_remedy(seen, one, placed) for one in placed]
    for number, one in enumerate(placed):
        if one.finding.ref.kind == "Fault" and found[number] is None:
            found[number] = next(
                (found[other] for other, below in enumerate(placed) if number in below.follows_from and found[other]),
                None,
            )
    return found


def _remedy(seen: Seen, one: Placed, placed: Sequence[Placed]) -> Remedy | None:
    finding, system = one.finding, seen.system
    if finding.remedy is not None or not system or finding.ref.namespace != system.get("namespace"):
        return finding.remedy
    ref = finding.ref
    if finding.check in ("pods", "rollouts") and ref.kind == "Deployment":
        return _of_pods(seen, ref)
    if ref.kind == "ConfigMap" and ref.name in (system.get("configuration") or {}):
        return Remedy("restore-configuration", {"config_map": ref.name})
    if ref.kind == "Service" and ref.name == (system.get("database") or {}).get("service"):
        return Remedy("repair-database-connection")
    if finding.check == "service" and all(placed[above].finding.ref.kind == "Fault" for above in one.follows_from):
        return _of_hanging(seen, finding.reason)
    return None


def _of_hanging(seen: Seen, reason: str) -> Remedy | None:
    """A service that answers nobody is restarted, where nothing explains it and its pods say that they are well."""
    if not any(f": {outcome}: " in reason for outcome in UNANSWERED):
        return None
    behind = [ref for ref in workloads_behind(seen, own_service(seen)) if ref.kind == "Deployment"]
    well = behind and all(is_ready(pod) for ref in behind for pod in seen.pods_of(ref))
    return Remedy("restart-service") if well else None


def _of_pods(seen: Seen, ref: Ref) -> Remedy | None:
    """The change that broke a Deployment is taken back, where there is a revision before it and pods crash or cannot
    start: in nothing else does that procedure find anything to mend."""
    owned = [item for item in seen.of("ReplicaSet", ref.namespace) if seen.owner(item) == ref]
    ill = any(troubles(pod) or has_crashed(pod) for pod in seen.pods_of(ref))
    return Remedy("repair-crashed-pods") if len(owned) > 1 and ill else None
