"""Pods that do not run or serve, told of the workload whose template made them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from muster.checks.check import Finding, Harm
from muster.checks.pods.containers import pod_trouble
from muster.checks.pods.scheduling import unscheduled
from muster.checks.pods.trouble import Trouble, statuses
from muster.checks.pods.words import telling
from muster.checks.seen import Seen, condition, finished, is_ready, labels
from muster.snapshot import Object, Ref, ref_of

ONCE = ("Job", "CronJob")  # whose work waits, and serves nobody meanwhile
MANY_RESTARTS = 3  # of a Job's container: before that it is retried, as it is meant to be
ENDED_S = 3600.0  # a pod that failed longer ago is a trace
UNDER_WAY = ("ReplicaSetUpdated", "NewReplicaSetCreated", "FoundNewReplicaSet", "DeploymentResumed")


@dataclass(frozen=True)
class Hit:
    """What is wrong with one pod of a workload."""

    pod: Object
    trouble: Trouble


def pods(seen: Seen) -> Iterator[Finding]:
    """Workloads whose pods do not run or serve, and what is missing for them."""
    absent: dict[tuple[Ref, str], list[tuple[Ref, Finding]]] = defaultdict(list)
    for workload, members in sorted(seen.workloads_with_pods):
        hits = [Hit(pod, trouble) for pod in members if (trouble := trouble_of(seen, workload, pod))]
        if not hits:
            continue
        chosen = _chosen(hits)
        finding = _finding(seen, workload, members, hits, chosen)
        yield finding
        if chosen.cause is not None:
            absent[chosen.cause, chosen.cause_reason].append((workload, finding))
    for (cause, reason), found in absent.items():
        yield _missing(cause, reason, found)


def trouble_of(seen: Seen, workload: Ref, pod: Object) -> Trouble | None:
    """What is wrong with a pod, where that is more than a passing state of a workload of its kind."""
    if "deletionTimestamp" in pod["metadata"]:
        return None  # on its way out; what keeps it is another check's
    if finished(pod):
        return _ended(seen, workload, pod)
    trouble = unscheduled(seen, pod) or pod_trouble(seen, pod)
    if trouble is None:
        return None
    if workload.kind in ONCE and (not trouble.firm or _is_retried(pod, trouble)):
        return None
    if not trouble.firm and _under_way(seen, workload):
        return None
    return trouble


def _ended(seen: Seen, workload: Ref, pod: Object) -> Trouble | None:
    """A pod of its own that failed; others are made again, or are a Job's."""
    status = pod.get("status") or {}
    if workload != ref_of(pod) or status.get("phase") != "Failed":
        return None
    ended = [(s["name"], (s.get("state") or {}).get("terminated") or {}) for s in statuses(pod)]
    at = max((str(one.get("finishedAt") or "") for _, one in ended), default="")
    if at and seen.age(at) > ENDED_S:
        return None
    for name, one in ended:
        if one.get("exitCode"):
            line = telling(seen.log(pod, name)) or telling(str(one.get("message") or "").splitlines())
            return Trouble(
                f"container {name} exits with {one['exitCode']}{f': {line}' if line else ''}", since=at, open_cause=True
            )
    why = str(status.get("message") or status.get("reason") or "nothing tells why")
    return Trouble(f"failed: {' '.join(why.split())[:160]}", since=at)


def _is_retried(pod: Object, trouble: Trouble) -> bool:
    """Whether a Job's container crashed no oftener than retries are for."""
    restarts = max((int(s.get("restartCount") or 0) for s in statuses(pod)), default=0)
    return trouble.open_cause and restarts < MANY_RESTARTS


def _under_way(seen: Seen, workload: Ref) -> bool:
    """Whether a pod belongs to the new revision of a rollout that is within its time, while others serve."""
    found = seen.find(workload)
    if workload.kind != "Deployment" or found is None:
        return False
    progressing = condition(found, "Progressing")
    if progressing.get("status") != "True" or progressing.get("reason") not in UNDER_WAY:
        return False
    return condition(found, "Available").get("status") == "True"


def _chosen(hits: Sequence[Hit]) -> Trouble:
    """What stands for all: that of most pods, the one that something explains before others."""
    counts = Counter(hit.trouble.reason for hit in hits)
    return max(
        hits, key=lambda hit: (counts[hit.trouble.reason], hit.trouble.cause is not None, hit.trouble.reason)
    ).trouble


def _finding(seen: Seen, workload: Ref, members: Sequence[Object], hits: Sequence[Hit], chosen: Trouble) -> Finding:
    live = [pod for pod in members if not finished(pod)]
    ready = [pod for pod in live if is_ready(pod)]
    wanted = _wanted(seen, workload, len(live))
    reason, old_serves = _told_of_rollout(seen, workload, hits, ready, chosen)
    others = [hit for hit in hits if hit.trouble.reason != chosen.reason]
    same = [hit.pod["metadata"]["name"] for hit in hits if hit.trouble.reason == chosen.reason]
    evidence = [*chosen.evidence]
    if workload.kind != "Pod":
        evidence.append(f"{len(ready)} of {wanted} pods are ready; so it is with {_names(same)}")
    evidence += [f"pod {hit.pod['metadata']['name']}: {hit.trouble.reason}" for hit in others[:3]]
    serves = bool(ready) and (old_serves or len(ready) > 0)
    since = min((hit.trouble.since for hit in hits if hit.trouble.since), default="")
    return Finding(
        ref=workload,
        reason=reason,
        harm=Harm.PART if serves or workload.kind in ONCE else Harm.WHOLE,
        since=since,
        evidence=tuple(evidence),
        relies_on=(*((chosen.cause,) if chosen.cause else ()), *chosen.relies_on),
        open_cause=chosen.open_cause,
    )


def _names(names: Sequence[str]) -> str:
    shown = ", ".join(sorted(names)[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"


def _wanted(seen: Seen, workload: Ref, there: int) -> int:
    found = seen.find(workload)
    if found is None:
        return there
    if workload.kind == "DaemonSet":
        return int((found.get("status") or {}).get("desiredNumberScheduled") or there)
    return int((found.get("spec") or {}).get("replicas", there) or there)


def _told_of_rollout(
    seen: Seen, workload: Ref, hits: Sequence[Hit], ready: Sequence[Object], chosen: Trouble
) -> tuple[str, bool]:
    """The reason, as that of a rollout where only pods of the newest revision are hit and older ones serve."""
    newest, kind = _newest(seen, workload)
    if not newest:
        return chosen.reason, False
    hit = {_revision(one.pod, kind) for one in hits}
    serving = {_revision(pod, kind) for pod in ready}
    if hit != {newest} or not serving or newest in serving:
        return chosen.reason, False
    reason = chosen.reason
    if reason.startswith("its "):
        told = f"the new revision's {reason.removeprefix('its ')}"
    elif reason.startswith(("container", "readiness", "liveness", "startup", "init container")):
        told = f"the new revision's {reason}"
    else:
        told = f"the new revision {reason}"
    return f"rollout is stuck: {told}; the old one serves", True


def _revision(pod: Object, kind: str) -> str:
    return str(labels(pod).get(kind) or "")


def _newest(seen: Seen, workload: Ref) -> tuple[str, str]:
    """The mark of the newest revision's pods, and the label that bears it."""
    if workload.kind == "Deployment":
        owned = [item for item in seen.of("ReplicaSet", workload.namespace) if seen.owner(item) == workload]
        if len(owned) < 2:
            return "", ""
        top = max(
            owned,
            key=lambda item: int(
                (item["metadata"].get("annotations") or {}).get("deployment.kubernetes.io/revision") or 0
            ),
        )
        return str(labels(top).get("pod-template-hash") or ""), "pod-template-hash"
    found = seen.find(workload)
    if workload.kind in ("StatefulSet", "DaemonSet") and found is not None:
        status = found.get("status") or {}
        update, current = status.get("updateRevision"), status.get("currentRevision")
        if update and update != current:
            return str(update), "controller-revision-hash"
    return "", ""


def _missing(cause: Ref, reason: str, found: Sequence[tuple[Ref, Finding]]) -> Finding:
    """What workloads cannot do without and is not as they need it."""
    names = [str(workload) for workload, _ in found]
    text = reason.format(workload=" and ".join(names[:2]) + (f" and {len(names) - 2} more" if len(names) > 2 else ""))
    if len(names) > 1:
        text = text.removesuffix("s it") + " it"
    first = found[0][1]
    return Finding(
        ref=cause,
        reason=text,
        harm=max(one.harm for _, one in found),
        since=min((one.since for _, one in found if one.since), default=""),
        evidence=first.evidence[:1],
    )
