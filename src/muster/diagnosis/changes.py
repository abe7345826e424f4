"""What was changed of late, and by whom: evidence of a cause."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from muster.checks.check import Finding
from muster.checks.pods.absent import uses
from muster.checks.seen import PLATFORM, Seen, moment
from muster.diagnosis.graph import FORMLESS
from muster.snapshot import Object, Ref

RECENT_S = 86400.0
APART_S = 5.0  # times of objects have seconds, and those who write them clocks of their own
MOST = 3


def recent_changes(seen: Seen, finding: Finding) -> tuple[str, ...]:
    """What was changed of a finding's object, and of what configures it, within a day: first what may have led to it,
    the latest first, then what was changed after it began."""
    found = set(_changes(seen, finding.ref))
    for used in _configuring(seen, finding.ref):
        found |= set(_changes(seen, used))
    begun = (moment(finding.since) if finding.since else seen.now) + timedelta(seconds=APART_S)
    before = [text for at, text in sorted(found, reverse=True) if moment(at) <= begun]
    after = [f"{text}, after it began" for at, text in sorted(found, reverse=True) if moment(at) > begun]
    return tuple([*before, *after][:MOST])


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
