"""What is wrong with one pod."""

from __future__ import annotations

from dataclasses import dataclass, replace

from muster.checks.seen import Seen, condition, containers_of, event_time, is_ready, labels, times
from muster.snapshot import Object, Ref, ref_of

# Configuration that the control plane puts into every namespace, and that recordings may lack.
EVERYWHERE = frozenset({"kube-root-ca.crt", "openshift-service-ca.crt"})


@dataclass(frozen=True)
class Trouble:
    """Why one pod does not run or serve.

    `reason` goes on after the workload's kind and name. Where something else is the cause, `cause` names it, with
    `cause_reason` in place of it. `evidence` are lines as the cluster said them. `firm`: it does not pass by itself, so
    that it counts while a rollout is under way, too. `open_cause`: it may follow from whatever the pod uses.
    """

    reason: str
    evidence: tuple[str, ...] = ()
    cause: Ref | None = None
    cause_reason: str = ""
    since: str = ""
    firm: bool = True
    relies_on: tuple[Ref, ...] = ()
    open_cause: bool = False

    def with_since(self, since: str) -> Trouble:
        return self if self.since else replace(self, since=since)


def namespace_of(pod: Object) -> str:
    return str(pod["metadata"].get("namespace") or "")


def statuses(pod: Object, key: str = "containerStatuses") -> list[Object]:
    return list((pod.get("status") or {}).get(key) or [])


def spec_of(pod: Object, container: str) -> Object:
    """What a pod's spec says of a container; nothing where it has none of that name."""
    return next((one for one in containers_of(pod.get("spec") or {}) if one["name"] == container), {})


def unready_since(pod: Object) -> str:
    """Since when a pod does not serve."""
    ready = condition(pod, "Ready")
    at = ready.get("lastTransitionTime") if ready.get("status") == "False" else None
    return str(at or (pod.get("status") or {}).get("startTime") or pod["metadata"].get("creationTimestamp") or "")


def told(seen: Seen, item: Object, *reasons: str) -> list[str]:
    """What events said of an object, the latest first, each text once and as often as it was said."""
    found: dict[str, int] = {}
    for event in reversed(seen.events(ref_of(item), *reasons)):
        text = one_line(str(event.get("message") or ""))
        found[text] = found.get(text, 0) + times(event)
    return [f"{text} ({count} times)" if count > 1 else text for text, count in found.items()]


def last_said(seen: Seen, item: Object, *reasons: str) -> str:
    """The latest that events said of an object, for these reasons."""
    events = seen.events(ref_of(item), *reasons)
    return one_line(str(events[-1].get("message") or "")) if events else ""


def last_event(seen: Seen, item: Object, *reasons: str) -> Object | None:
    events = seen.events(ref_of(item), *reasons)
    return max(events, key=event_time) if events else None


def one_line(text: str, most: int = 400) -> str:
    """A text on one line, not longer than that."""
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 3]}..."


__all__ = [
    "EVERYWHERE",
    "Trouble",
    "is_ready",
    "labels",
    "last_event",
    "last_said",
    "namespace_of",
    "one_line",
    "spec_of",
    "statuses",
    "told",
    "unready_since",
]
