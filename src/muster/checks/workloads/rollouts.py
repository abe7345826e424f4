"""Rollouts and sets that do not come forward, where no pod says why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from muster.checks.check import Finding, Harm
from muster.checks.pods.trouble import one_line
from muster.checks.seen import Seen, condition, is_ready
from muster.snapshot import Object, ref_of

LEFT_S = 3600.0  # a rollout that is paused for so long was forgotten


def rollouts(seen: Seen) -> Iterator[Finding]:
    """Deployments past their progress deadline, and those that somebody paused half way and left."""
    for item in seen.of("Deployment"):
        said = condition(item, "Progressing")
        if paused := _left(seen, item, said):
            yield paused
        if said.get("status") != "False" or said.get("reason") != "ProgressDeadlineExceeded":
            continue
        spec, status = item.get("spec") or {}, item.get("status") or {}
        if spec.get("paused") or not spec.get("replicas", 1):
            continue
        serving = int(status.get("availableReplicas") or 0)
        deadline = spec.get("progressDeadlineSeconds", 600)
        tail = f"; {serving} of {spec.get('replicas', 1)} pods serve" if serving else ""
        yield Finding(
            ref_of(item),
            f"rollout is stuck: no progress within {deadline} s{tail}",
            Harm.PART if serving else Harm.WHOLE,
            str(said.get("lastTransitionTime") or ""),
            (one_line(str(said.get("message") or "")),),
            open_cause=True,
        )


def _left(seen: Seen, item: Object, said: Mapping[str, Any]) -> Finding | None:
    """A rollout that is paused between two revisions, and has been for long."""
    status, at = item.get("status") or {}, str(said.get("lastTransitionTime") or "")
    there, new = int(status.get("replicas") or 0), int(status.get("updatedReplicas") or 0)
    if said.get("reason") != "DeploymentPaused" or not 0 < new < there or not at or seen.age(at) < LEFT_S:
        return None
    text = f"its rollout is paused half way: {new} of {there} pods are of the new revision"
    return Finding(ref_of(item), text, Harm.NONE, at, ("go on with it: kubectl rollout resume",))


def budgets(seen: Seen) -> Iterator[Finding]:
    """Disruption budgets that cannot work, or that keep a node from being drained."""
    for item in seen.of("PodDisruptionBudget"):
        ref = ref_of(item)
        said = condition(item, "DisruptionAllowed")
        if said.get("reason") == "SyncFailed":
            yield Finding(
                ref,
                f"cannot be worked out: {one_line(str(said.get('message')), 160)}",
                Harm.NONE,
                str(said.get("lastTransitionTime") or ""),
            )
            continue
        status = item.get("status") or {}
        selector = ((item.get("spec") or {}).get("selector") or {}).get("matchLabels") or {}
        if status.get("disruptionsAllowed") or not selector:
            continue
        held = [pod for pod in seen.selected(ref.namespace, selector) if is_ready(pod) and _on_cordoned(seen, pod)]
        if held:
            node = held[0]["spec"]["nodeName"]
            names = ", ".join(pod["metadata"]["name"] for pod in held[:3])
            yield Finding(
                ref,
                f"lets no pod be evicted, so node {node} cannot be drained",
                Harm.NONE,
                evidence=(f"{names} stay on {node}",),
            )


def _on_cordoned(seen: Seen, pod: Object) -> bool:
    name = (pod.get("spec") or {}).get("nodeName")
    return any(
        node["metadata"]["name"] == name and (node.get("spec") or {}).get("unschedulable") for node in seen.of("Node")
    )
