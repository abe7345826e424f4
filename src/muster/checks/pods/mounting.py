"""Why a pod's volumes are not there: what the kubelet and the attach controller say of them."""

from __future__ import annotations

import re

from muster.checks.pods.absent import missing_object, unnamed_absence
from muster.checks.pods.trouble import Trouble, last_event, namespace_of, one_line
from muster.checks.seen import Seen, event_time
from muster.snapshot import Object, Ref

FRESH_S = 180.0  # the kubelet tries again every two minutes at the latest; a failure of before is past
_VOLUME = re.compile(r'^[\w.-]+(?: \w+)* for volume "([^"]+)" ?:? ?')
_DRIVER = re.compile(r"kubernetes\.io/csi: (?:[\w.]+ failed(?: to [\w ]+)?: )?")
_HELD = re.compile(r"Volume is already (?:used by pod\(s\) (.+)|exclusively attached to one node)")


def unmounted(seen: Seen, pod: Object) -> Trouble | None:
    """What keeps the volumes of a pod that has a node from being mounted; None where nobody says so of late."""
    event = last_event(seen, pod, "FailedMount", "FailedAttachVolume", "FailedMapVolume")
    if event is None or seen.age(event_time(event)) > FRESH_S:
        return None
    message, since = str(event.get("message") or ""), str(event.get("firstTimestamp") or "")
    found = missing_object(seen, pod, message, mounted=True) or unnamed_absence(seen, pod)
    if found is not None and found.cause is not None and found.cause_reason.startswith("is missing"):
        return None if seen.find(found.cause) else found.with_since(since)  # it has come meanwhile
    return (found or _of_volume(seen, pod, message)).with_since(since)


def _of_volume(seen: Seen, pod: Object, message: str) -> Trouble:
    said = one_line(message)
    named = _VOLUME.match(said)
    volume = named[1] if named else ""
    rest = said[named.end() :] if named else said
    relies = _claims(seen, pod, volume)
    if held := _HELD.search(said):
        by = [one.strip() for one in (held[1] or "").split(",") if one.strip()]
        where = tuple(Ref("Node", "", node) for name in by if (node := _node(seen, pod, name)))
        tail = f", by pod(s) {', '.join(by)}" if by else ""
        text = f"a volume cannot be attached: {volume} is in use on another node{tail}"
        return Trouble(text, (said,), relies_on=(*where, *relies), firm=False)
    shown = f"volume {volume}: {_DRIVER.sub('', rest)}" if volume else said
    return Trouble(f"a volume cannot be mounted: {one_line(shown, 160)}", (said,), relies_on=relies)


def _claims(seen: Seen, pod: Object, volume: str) -> tuple[Ref, ...]:
    """The claim that a volume is of: named as in the pod's spec, or as the persistent one that it is bound to."""
    found = list[Ref]()
    for one in (pod.get("spec") or {}).get("volumes") or []:
        if claim := one.get("persistentVolumeClaim"):
            ref = Ref("PersistentVolumeClaim", namespace_of(pod), claim["claimName"])
            bound = ((seen.find(ref) or {}).get("spec") or {}).get("volumeName")
            if not volume or volume in (one["name"], bound):
                found.append(ref)
    return tuple(found)


def _node(seen: Seen, pod: Object, name: str) -> str:
    other = seen.find(Ref("Pod", namespace_of(pod), name.rpartition("/")[2])) or {}
    return str((other.get("spec") or {}).get("nodeName") or "")
