"""Why no node takes a pod, from the scheduler's words and from what nodes there are."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from muster.base.quantities import amount, bytes_text, cores_text
from muster.checks.pods.absent import unnamed_absence
from muster.checks.pods.trouble import Trouble, last_event, namespace_of, one_line
from muster.checks.seen import Seen, condition, labels
from muster.snapshot import Object, Ref

UNSEEN_S = 30.0  # by when a scheduler has looked at a pod
_PART = re.compile(r"(\d+) ([^,]+?(?:\{[^}]*\})?[^,]*)(?:,|\.|$)")
_TAINT = re.compile(r"\{([^:}]+): ?([^}]*)\}")
_CLAIM = re.compile(r'persistentvolumeclaim "([^"]+)" (not found|bound to non-existent|is being deleted)')
_UNUSABLE = {
    "node.kubernetes.io/unschedulable": "cordoned",
    "node.kubernetes.io/not-ready": "not ready",
    "node.kubernetes.io/unreachable": "unreachable",
    "node.kubernetes.io/memory-pressure": "short of memory",
    "node.kubernetes.io/disk-pressure": "short of disk",
    "node.kubernetes.io/pid-pressure": "short of process ids",
    "node.kubernetes.io/network-unavailable": "without network",
}


def unscheduled(seen: Seen, pod: Object) -> Trouble | None:
    """Why a pod has no node."""
    spec = pod.get("spec") or {}
    placed = condition(pod, "PodScheduled")
    if spec.get("nodeName") or placed.get("status") == "True":
        return None
    since = str(placed.get("lastTransitionTime") or pod["metadata"].get("creationTimestamp") or "")
    gates = [gate.get("name") for gate in spec.get("schedulingGates") or []]
    if gates:
        return Trouble(f"is held back by scheduling gate {', '.join(map(str, gates))}", since=since)
    event = last_event(seen, pod, "FailedScheduling")
    message = str(placed.get("message") or (event or {}).get("message") or "")
    if message:
        return _from_words(seen, pod, message).with_since(since)
    if seen.made(pod) < UNSEEN_S:
        return None
    scheduler = str(spec.get("schedulerName") or "default-scheduler")
    if scheduler != "default-scheduler":
        return Trouble(f"waits for scheduler {scheduler}, which does nothing", since=since)
    found = unnamed_absence(seen, pod) or next(_impossible(seen, pod), None)
    return (found or Trouble("is not scheduled, and no scheduler says why")).with_since(since)


def _from_words(seen: Seen, pod: Object, message: str) -> Trouble:
    said, text = one_line(message), message.partition("preemption:")[0]
    space = namespace_of(pod)
    if found := _CLAIM.search(text):
        claim = Ref("PersistentVolumeClaim", space, found[1])
        what = {"not found": "is missing", "is being deleted": "is being deleted"}.get(
            found[2], "is bound to a volume that does not exist"
        )
        return Trouble(f"cannot start: {claim} {what}", (said,), claim, f"{what}, {{workload}} mounts it")
    claims = [
        Ref("PersistentVolumeClaim", space, volume["persistentVolumeClaim"]["claimName"])
        for volume in (pod.get("spec") or {}).get("volumes") or []
        if volume.get("persistentVolumeClaim")
    ]
    if "unbound immediate PersistentVolumeClaims" in text:
        unbound = [claim for claim in claims if _phase(seen, claim) != "Bound"] or claims
        names = ", ".join(claim.name for claim in unbound)
        return Trouble(
            f"waits for PersistentVolumeClaim {names}, which is not bound", (said,), relies_on=tuple(unbound)
        )
    if (claims and "volume node affinity conflict" in text) or "PersistentVolume's node affinity" in text:
        claim = claims[0]
        return Trouble(
            "its volume is on a node that it cannot run on",
            (said,),
            claim,
            "its volume is on a node where {workload} cannot run",
        )
    if "available persistent volumes to bind" in text and claims:
        unbound = [claim for claim in claims if _phase(seen, claim) != "Bound"] or claims
        return Trouble(
            "no volume fits its claim", (said,), unbound[0], "no persistent volume fits it, {workload} mounts it"
        )
    for found_one in (*_impossible(seen, pod), *_reasons(seen, pod, text)):
        return Trouble(
            found_one.reason,
            (said, *found_one.evidence),
            found_one.cause,
            found_one.cause_reason,
            relies_on=found_one.relies_on,
            firm=found_one.firm,
        )
    if "no nodes available" in text or text.startswith("0/0 nodes"):
        return Trouble("no node is there to run it", (said,))
    return Trouble(f"no node takes it: {one_line(text, 160)}", (said,))


def _phase(seen: Seen, claim: Ref) -> str:
    found = seen.find(claim)
    return str((found.get("status") or {}).get("phase")) if found else ""


def _impossible(seen: Seen, pod: Object) -> Iterator[Trouble]:
    """What no node could ever give, full or empty."""
    nodes = seen.of("Node")
    if not nodes:
        return
    spec = pod.get("spec") or {}
    wanted = spec.get("nodeSelector") or {}
    lacking = [
        f"{key}={value}" for key, value in wanted.items() if not any(labels(node).get(key) == value for node in nodes)
    ]
    if lacking:
        yield Trouble(f"no node has {', '.join(lacking)}")
    elif wanted and not any(wanted.items() <= labels(node).items() for node in nodes):
        yield Trouble(f"no node has {' and '.join(f'{k}={v}' for k, v in wanted.items())} together")
    elif (affinity := _affinity(spec)) and not any(_fits(node, affinity) for node in nodes):
        yield Trouble(f"no node has {_shown(affinity)}")
    for resource, value in requests(spec).items():
        most = max(
            (amount(((node.get("status") or {}).get("allocatable") or {}).get(resource, 0)) for node in nodes),
            default=0.0,
        )
        if value > most:
            shown = "them" if resource == "cpu" else "so much"
            yield Trouble(
                f"asks for {_amount(resource, value)}, no node has {shown}",
                (f"the largest node has {_amount(resource, most)}",),
            )


def _reasons(seen: Seen, pod: Object, text: str) -> Iterator[Trouble]:
    """What the scheduler says of the nodes, the most frequent first."""
    spec = pod.get("spec") or {}
    parts = sorted(_PART.findall(text.partition("available:")[2] or text), key=lambda part: -int(part[0]))
    asked = requests(spec)
    for _, what in parts:
        if found := re.search(r"Insufficient (\S+)", what):
            resource = found[1].rstrip(".")
            shown = _amount(resource, asked.get(resource, 0.0))
            yield Trouble(f"asks for {shown}, no node has so much free")
        elif "Too many pods" in what:
            yield Trouble("no node has room for another pod")
        elif "taint" in what:
            yield _tainted(seen, spec, what)
        elif "node affinity" in what or "selector" in what:
            yield Trouble(f"no node has {_shown(_affinity(spec)) or 'what its selector asks for'}")
        elif "anti-affinity" in what:
            yield Trouble("its pods may not share a node (anti-affinity), and no further node is there")
        elif "pod affinity" in what:
            yield Trouble("no node runs the pods that it must run beside (pod affinity)")
        elif "missing required label" in what:
            keys = ", ".join(str(one.get("topologyKey")) for one in spec.get("topologySpreadConstraints") or [])
            yield Trouble(f"no node has the label {keys or 'of its constraint'}, by which its pods are to be spread")
        elif "topology spread" in what:
            yield Trouble("no node keeps its pods spread as it asks (topology spread constraints)")
        elif "free ports" in what:
            ports = sorted(
                {
                    str(p["hostPort"])
                    for c in spec.get("containers") or []
                    for p in c.get("ports") or []
                    if p.get("hostPort")
                }
            )
            yield Trouble(f"host port {', '.join(ports) or 'of it'} is taken on every node")
        elif "unschedulable" in what:
            yield Trouble("every node that could run it is cordoned")
        elif "max volume count" in what:
            yield Trouble("no node can attach another volume")


def _tainted(seen: Seen, spec: Mapping[str, Any], what: str) -> Trouble:
    """The taint that keeps a pod away: as the scheduler names it, else as most nodes have it."""
    found = _TAINT.search(what)
    taints = Counter(
        (str(taint.get("key")), str(taint.get("value") or ""))
        for node in seen.of("Node")
        for taint in (node.get("spec") or {}).get("taints") or []
        if taint.get("effect") != "PreferNoSchedule" and not _tolerated(spec, taint)
    )
    if found is None and not taints:
        return Trouble("it does not tolerate the taints of the nodes")
    key, value = (found[1].strip(), found[2].strip()) if found else max(taints, key=lambda one: (taints[one], one))
    if key in _UNUSABLE:
        nodes = tuple(
            Ref("Node", "", node["metadata"]["name"])
            for node in seen.of("Node")
            if any(taint.get("key") == key for taint in (node.get("spec") or {}).get("taints") or [])
        )
        return Trouble(f"every node that could run it is {_UNUSABLE[key]}", relies_on=nodes)
    shown = f"{key}={value}" if value else key
    return Trouble(f"it does not tolerate taint {shown} of the nodes")


def _tolerated(spec: Mapping[str, Any], taint: Mapping[str, Any]) -> bool:
    """Whether a pod tolerates a taint, as the scheduler judges it."""
    for one in spec.get("tolerations") or []:
        if one.get("effect") and one["effect"] != taint.get("effect"):
            continue
        if one.get("key") and one["key"] != taint.get("key"):
            continue
        if one.get("operator") == "Exists" or (one.get("key") and one.get("value", "") == taint.get("value", "")):
            return True
    return False


def requests(spec: Mapping[str, Any]) -> dict[str, float]:
    """What a pod asks a node for: of all its containers together, or of one that prepares where that is more."""
    total: dict[str, float] = {}
    for container in spec.get("containers") or []:
        for resource, value in _asked(container).items():
            total[resource] = total.get(resource, 0.0) + value
    for container in spec.get("initContainers") or []:
        for resource, value in _asked(container).items():
            total[resource] = max(total.get(resource, 0.0), value)
    return total


def _asked(container: Mapping[str, Any]) -> dict[str, float]:
    resources = container.get("resources") or {}
    asked = {**(resources.get("limits") or {}), **(resources.get("requests") or {})}
    return {resource: amount(value) for resource, value in asked.items()}


def _amount(resource: str, value: float) -> str:
    if resource == "cpu":
        return f"{cores_text(value)} processor{'' if value == 1 else 's'}"
    if resource in ("memory", "ephemeral-storage"):
        return f"{bytes_text(value)} of {resource.replace('-', ' ')}"
    return f"{value:g} {resource}"


def _affinity(spec: Mapping[str, Any]) -> list[dict[str, Any]]:
    node = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    required = node.get("requiredDuringSchedulingIgnoredDuringExecution") or {}
    return list(required.get("nodeSelectorTerms") or [])


def _fits(node: Object, terms: list[dict[str, Any]]) -> bool:
    return any(all(_holds(node, one) for one in term.get("matchExpressions") or []) for term in terms)


def _holds(node: Object, one: Mapping[str, Any]) -> bool:
    has, values = labels(node).get(one["key"]), one.get("values") or []
    match one.get("operator"):
        case "In":
            return has in values
        case "NotIn":
            return has not in values
        case "Exists":
            return has is not None
        case "DoesNotExist":
            return has is None
    return True  # not for us to say


def _shown(terms: list[dict[str, Any]]) -> str:
    def of(one: Mapping[str, Any]) -> str:
        values = one.get("values") or []
        if one.get("operator") == "In":
            return (
                f"{one['key']}={values[0]}" if len(values) == 1 else f"{one['key']} in ({', '.join(map(str, values))})"
            )
        return f"{one['key']} {one.get('operator')} {', '.join(map(str, values))}".strip()

    return " or ".join(" and ".join(of(one) for one in term.get("matchExpressions") or []) for term in terms)
