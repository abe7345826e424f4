"""Pods that cannot even be made: a quota, a limit, an account, a policy, a webhook is against it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from muster.base.quantities import amount
from muster.checks.check import Finding, Harm
from muster.checks.pods.trouble import one_line
from muster.checks.seen import Seen, condition, event_time, is_ready
from muster.snapshot import Object, Ref, ref_of

MAKERS = ("ReplicaSet", "StatefulSet", "DaemonSet", "Job", "ReplicationController")
FRESH_S = 1200.0  # controllers try again at intervals of up to about 16 min
_QUOTA = re.compile(r"exceeded quota: ([^,]+), requested: (.*?), used: (.*?), limited: (.*)$")
_MUST = re.compile(r"failed quota: ([^:]+): must specify (.*)$")
_ACCOUNT = re.compile(r"error looking up service account [^/]*/([^:]+): ")
_SECURITY = re.compile(r'violates PodSecurity "([^"]+)": (.*)$')
_CALLING = re.compile(r'failed calling webhook "([^"]+)": (.*)$')
_DENIED = re.compile(r'admission webhook "([^"]+)" denied the request: (.*)$')
_POLICY = re.compile(r"ValidatingAdmissionPolicy '([^']+)' with binding '[^']+' denied request: (.*)$")
_PRIORITY = re.compile(r"no PriorityClass with name (\S+) was found")
_RUNTIME = re.compile(r'RuntimeClass(?:\.node\.k8s\.io)? "([^"]+)" not found')
_ASKED = re.compile(
    r"^(?:Error creating: |create Pod \S+ in StatefulSet \S+ failed error: )?"
    r'(?:pods? "[^"]*" is (?:forbidden|invalid): )?',
    re.IGNORECASE,
)
_ANY_RANGE = re.compile(
    r"(maximum|minimum) (\S+) usage per (Container|Pod) is ([^,]+), but (limit|request) is ([^,.\]]+)"
)


def making(seen: Seen) -> Iterator[Finding]:
    """Workloads whose pods are refused when they are made, and what refuses them."""
    told = set[tuple[Ref, str]]()
    for kind in MAKERS:
        for item in seen.of(kind):
            refusal = _refusal(seen, item)
            if refusal is None:
                continue
            message, since = refusal
            workload = seen.workload(item)
            for finding in _findings(seen, item, workload, message, since):
                if (finding.ref, finding.reason) not in told:
                    told.add((finding.ref, finding.reason))
                    yield finding


def is_refused(seen: Seen, workload: Ref) -> bool:
    """Whether a workload's pods are refused when they are made."""
    return any(
        _refusal(seen, item) is not None
        for kind in MAKERS
        for item in seen.of(kind, workload.namespace)
        if seen.workload(item) == workload
    )


def _refusal(seen: Seen, item: Object) -> tuple[str, str] | None:
    """What a controller was answered when it made pods last, and since when; None where it has what it wants."""
    spec, status = item.get("spec") or {}, item.get("status") or {}
    wanted = (
        int(spec.get("replicas", 1)) if "replicas" in spec or item["kind"] in ("ReplicaSet", "StatefulSet") else None
    )
    if item["kind"] == "DaemonSet":
        wanted = int(status.get("desiredNumberScheduled") or 0)
        there = int(status.get("currentNumberScheduled") or 0)
    else:
        there = int(status.get("replicas") or 0)
    if wanted is not None and there >= wanted:
        return None
    if item["kind"] == "Job" and (condition(item, "Complete") or condition(item, "Failed") or status.get("active")):
        return None
    failing = condition(item, "ReplicaFailure")
    if failing.get("status") == "True" and failing.get("message"):
        return str(failing["message"]), str(failing.get("lastTransitionTime") or "")
    events = seen.events(ref_of(item), "FailedCreate")
    if events and seen.age(event_time(events[-1])) < FRESH_S:
        return str(events[-1].get("message") or ""), str(events[0].get("firstTimestamp") or "")
    return None


def _findings(seen: Seen, item: Object, workload: Ref, message: str, since: str) -> Iterator[Finding]:
    said, space = one_line(message, 600), workload.namespace
    ready = [pod for pod in seen.pods_of(workload) if is_ready(pod)]
    wanted = int((item.get("spec") or {}).get("replicas", 1) or 0)
    harm = Harm.PART if ready or workload.kind in ("Job", "CronJob") else Harm.WHOLE
    have = f"{len(ready)} of {wanted} pods are ready"

    def itself(reason: str, *relies_on: Ref) -> Finding:
        return Finding(workload, reason, harm, since, (said, have), relies_on)

    def other(kind: str, name: str, reason: str, space: str = space) -> tuple[Finding, Ref]:
        ref = Ref(kind, space, name)
        return Finding(ref, reason, harm, since, (said,)), ref

    if found := _QUOTA.search(said):
        name, requested, used, limited = found.groups()
        cause, ref = other("ResourceQuota", name, f"{_full(requested, used, limited)}, {workload} cannot make its pods")
        yield cause
        yield itself(f"its pods exceed the quota {name}", ref)
    elif found := _MUST.search(said):
        yield itself(f"sets no {found[2].partition(' for: ')[0].replace(',', ', ')}, which quota {found[1]} demands")
    elif found := _ACCOUNT.search(said):
        cause, ref = other("ServiceAccount", found[1], f"is missing, {workload} needs it")
        yield cause
        yield itself(f"its pods cannot be made: {ref} is missing", ref)
    elif found := _SECURITY.search(said):
        yield itself(f"its pods violate PodSecurity {found[1]}: {one_line(found[2], 160)}")
    elif found := _CALLING.search(said):
        yield from _webhook(seen, workload, found[1], found[2], other=other, itself=itself)
    elif found := _DENIED.search(said):
        yield itself(f"admission webhook {found[1]} refuses its pods: {one_line(found[2], 160)}")
    elif found := _POLICY.search(said):
        yield itself(f"admission policy {found[1]} refuses its pods: {one_line(found[2], 160)}")
    elif found := _PRIORITY.search(said):
        cause, ref = other("PriorityClass", found[1], f"is missing, {workload} needs it", "")
        yield cause
        yield itself(f"its pods cannot be made: {ref} is missing", ref)
    elif found := _RUNTIME.search(said):
        cause, ref = other("RuntimeClass", found[1], f"is missing, {workload} needs it", "")
        yield cause
        yield itself(f"its pods cannot be made: {ref} is missing", ref)
    elif found := _ANY_RANGE.search(said):
        which, resource, per, bound, _, asked = found.groups()
        ranges = [one["metadata"]["name"] for one in seen.of("LimitRange", space)]
        by = f"LimitRange {ranges[0]}" if len(ranges) == 1 else "the LimitRange of the namespace"
        more = "more" if which == "maximum" else "less"
        yield itself(f"asks for {more} {resource} ({asked}) than {by} allows a {per.lower()} ({bound})")
    else:
        short = _ASKED.sub("", said)
        yield itself(f"its pods cannot be made: {one_line(short, 160)}")


def _webhook(seen, workload, name, why, *, other, itself) -> Iterator[Finding]:  # type: ignore[no-untyped-def]
    for kind in ("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"):
        for item in seen.of(kind):
            if any(hook.get("name") == name for hook in item.get("webhooks") or []):
                cause, ref = other(
                    kind,
                    item["metadata"]["name"],
                    f"its webhook {name} does not answer, so {workload} gets no pods",
                    "",
                )
                yield cause
                yield itself(f"admission webhook {name} does not answer, so its pods cannot be made", ref)
                return
    yield itself(f"admission webhook {name} does not answer, so its pods cannot be made: {one_line(why, 120)}")


def _full(requested: str, used: str, limited: str) -> str:
    """What of a quota lets no more be made, as `is used up (pods: 2 of 2)`."""

    def pairs(text: str) -> dict[str, str]:
        return dict(part.split("=", 1) for part in text.split(",") if "=" in part)

    wanted, uses, limits = pairs(requested), pairs(used), pairs(limited)
    shown = ", ".join(f"{key}: {uses.get(key, '?')} of {limits.get(key, '?')}" for key in wanted) or limited
    if any(amount(uses.get(key, 0)) >= amount(limits.get(key, 0)) for key in wanted):
        return f"is used up ({shown})"
    return f"has too little left ({shown}, {', '.join(wanted.values())} wanted)"
