"""Nodes that cannot run pods, and what is short on them."""

from __future__ import annotations

from collections.abc import Iterator

from muster.base.quantities import amount
from muster.checks.check import Finding, Harm
from muster.checks.pods.trouble import last_event, one_line
from muster.checks.seen import Seen, condition, event_time, finished
from muster.snapshot import Object, ref_of

PRESSURES = {
    "MemoryPressure": "is short of memory",
    "DiskPressure": "is short of disk space",
    "PIDPressure": "is short of process ids",
    "NetworkUnavailable": "has no network",
}
RECENT_S = 900.0
FULL = 0.95


def nodes(seen: Seen) -> Iterator[Finding]:
    """Nodes that are not ready, or under pressure. Those that are cordoned are so on purpose, and conditions that are
    not Kubernetes' own mean what only their makers know."""
    for node in seen.of("Node"):
        ref, ready = ref_of(node), condition(node, "Ready")
        if ready.get("status") in ("False", "Unknown"):
            why = one_line(str(ready.get("message") or ready.get("reason") or ""), 160)
            yield Finding(
                ref,
                f"is not ready: {why}",
                Harm.WHOLE,
                str(ready.get("lastTransitionTime") or ""),
                _carried(seen, node),
            )
            continue
        if finding := _killing(seen, node):
            yield finding
        for kind, text in PRESSURES.items():
            said = condition(node, kind)
            if said.get("status") == "True":
                yield Finding(
                    ref,
                    text,
                    Harm.PART,
                    str(said.get("lastTransitionTime") or ""),
                    (one_line(str(said.get("message") or "")),),
                )


def _killing(seen: Seen, node: Object) -> Finding | None:
    """A node whose kernel has ended processes of late, as none of its memory was left."""
    event = last_event(seen, node, "SystemOOM")
    if event is None or seen.age(event_time(event)) > RECENT_S:
        return None
    said = one_line(str(event.get("message") or ""))
    return Finding(ref_of(node), "has run out of memory and ends processes", Harm.PART, event_time(event), (said,))


def _carried(seen: Seen, node: Object) -> tuple[str, ...]:
    """How many pods are on a node."""
    name = node["metadata"]["name"]
    there = [pod for pod in seen.of("Pod") if (pod.get("spec") or {}).get("nodeName") == name and not finished(pod)]
    return (f"{len(there)} of the pods that were looked at are on it",) if there else ()


def evictions(seen: Seen) -> Iterator[Finding]:
    """Workloads whose pods were driven from their nodes of late."""
    for workload, members in sorted(seen.workloads_with_pods):
        evicted = [pod for pod in members if _was_evicted(seen, pod)]
        if not evicted:
            continue
        latest = max(evicted, key=_ended)
        said = one_line(str((latest.get("status") or {}).get("message") or ""))
        own = "ephemeral local storage usage exceeds" in said or "EmptyDir volume" in said
        low = "low on resource" in said
        short = said.partition(". ")[0].removesuffix(".")
        reason = f"its pods are evicted: {one_line(short, 160)}"
        node = ref_of({"kind": "Node", "metadata": {"name": str((latest.get("spec") or {}).get("nodeName") or "")}})
        ready = any(condition(pod, "Ready").get("status") == "True" for pod in members if not finished(pod))
        evidence = (said, f"{len(evicted)} of its pods were evicted")
        yield Finding(
            workload,
            reason,
            Harm.PART if ready else Harm.WHOLE,
            _ended(latest),
            evidence,
            (node,) if low and not own else (),
        )


def _was_evicted(seen: Seen, pod: Object) -> bool:
    status = pod.get("status") or {}
    return status.get("phase") == "Failed" and status.get("reason") == "Evicted" and seen.age(_ended(pod)) < RECENT_S


def _ended(pod: Object) -> str:
    said = condition(pod, "DisruptionTarget") or condition(pod, "Ready")
    return str(said.get("lastTransitionTime") or (pod.get("status") or {}).get("startTime") or "")


def usage(seen: Seen) -> Iterator[Finding]:
    """Nodes and containers whose use of memory nears what they have, where metrics are served."""
    metrics = seen.snapshot.answers.get("metrics") or {}
    for item in metrics.get("nodes") or []:
        node = seen.find(ref_of({"kind": "Node", "metadata": item["metadata"]}))
        has = ((node or {}).get("status") or {}).get("allocatable") or {}
        used, most = amount((item.get("usage") or {}).get("memory", 0)), amount(has.get("memory", 0))
        if node is not None and most and used / most > FULL:
            yield Finding(ref_of(node), f"uses {used / most:.0%} of its memory", Harm.NONE)
    for item in metrics.get("pods") or []:
        pod = seen.find(ref_of({"kind": "Pod", "metadata": item["metadata"]}))
        if pod is None:
            continue
        for container in item.get("containers") or []:
            limit = next(
                (
                    ((c.get("resources") or {}).get("limits") or {}).get("memory")
                    for c in (pod.get("spec") or {}).get("containers") or []
                    if c["name"] == container["name"]
                ),
                None,
            )
            used = amount((container.get("usage") or {}).get("memory", 0))
            if limit and used / amount(limit) > FULL:
                yield Finding(
                    seen.workload(pod),
                    f"container {container['name']} uses {used / amount(limit):.0%} of its memory limit of {limit}",
                    Harm.NONE,
                    evidence=(f"pod {item['metadata']['name']}",),
                )
