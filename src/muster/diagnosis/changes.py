"""What was changed of late, and by whom: evidence of a cause."""

from __future__ import annotations

from collections.abc import Iterator

from muster.checks.check import Finding
from muster.checks.pods.absent import uses
from muster.checks.seen import PLATFORM, Seen
from muster.diagnosis.graph import FORMLESS
from muster.snapshot import Object, Ref

RECENT_S = 86400.0


def recent_changes(seen: Seen, finding: Finding) -> tuple[str, ...]:
    """What was changed of a finding's object, and of what configures it, within a day before, the latest first."""
    found = list(_changes(seen, finding.ref))
    for used in _configuring(seen, finding.ref):
        found += _changes(seen, used)
    return tuple(text for _, text in sorted(set(found), reverse=True))[:3]


def _configuring(seen: Seen, ref: Ref) -> list[Ref]:
    try:
        return [used for pod in seen.pods_of(ref)[:1] for used in uses(pod) if used.kind in ("ConfigMap", "Secret")]
    except FORMLESS:
        return []


def _changes(seen: Seen, ref: Ref) -> Iterator[tuple[str, str]]:
    item = seen.find(ref)
    if item is None:
        return
    made = str(item["metadata"].get("creationTimestamp") or "")
    for entry in item["metadata"].get("managedFields") or []:
        at, who = str(entry.get("time") or ""), str(entry.get("manager") or "?")
        if entry.get("subresource") == "status" or who.startswith(PLATFORM) or not at or at <= made:
            continue
        if seen.age(at) < RECENT_S:
            scaled = entry.get("subresource") == "scale"
            yield at, f"{ref} was {'scaled' if scaled else 'changed'} at {at} by {who}{_what(entry)}"
    if ref.kind == "Deployment":
        yield from _rollout(seen, ref)


def _what(entry: Object) -> str:
    fields = [str(one) for one in entry.get("fields") or [] if not str(one).startswith("metadata")]
    return f" ({', '.join(fields[:3])})" if fields else ""


def _rollout(seen: Seen, ref: Ref) -> Iterator[tuple[str, str]]:
    owned = [item for item in seen.of("ReplicaSet", ref.namespace) if seen.owner(item) == ref]
    if len(owned) < 2:
        return
    top = max(owned, key=revision)
    at = str(top["metadata"].get("creationTimestamp") or "")
    if at and seen.age(at) < RECENT_S:
        yield at, f"{ref} was rolled out anew at {at} (revision {revision(top)})"


def revision(item: Object) -> int:
    """The revision that a ReplicaSet is of."""
    return int((item["metadata"].get("annotations") or {}).get("deployment.kubernetes.io/revision") or 0)
