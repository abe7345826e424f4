"""What the service says: whether it answers rightly, whether its agents are all there, whether work goes on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from muster.checks.check import Finding, Harm, Remedy
from muster.checks.seen import Seen, is_ready
from muster.checks.traffic.services import workloads_behind
from muster.snapshot import Ref

STARTING_S = 30.0
UNANSWERED = ("timeout", "empty", "reset")
"""What becomes of requests to a program that takes them and does not answer."""
# Alerts that are meant to fire; what the monitor raised is what the checks find.
MEANT = frozenset({"Watchdog", "InfoInhibitor", "DeadMansSwitch", "Heartbeat", "MonitorHeartbeat", "SystemUnwell"})


def answer(seen: Seen, name: str) -> Mapping[str, Any]:
    """What was heard of a part; empty where it was not asked."""
    found = seen.snapshot.answers.get(name)
    return found if isinstance(found, dict) else {}


def in_trouble(seen: Seen) -> bool:
    """Whether clients are not answered rightly now, by the read or another probe of system.yaml."""
    asked_besides = (said for name, said in seen.snapshot.answers.items() if name.startswith("probe "))
    return bool(answer(seen, "service").get("troubles") or any(said.get("trouble") for said in asked_besides))


def own_service(seen: Seen) -> Ref:
    """The Service by which clients come in."""
    system = seen.system
    return Ref("Service", str(system.get("namespace") or ""), str((system.get("service") or {}).get("name") or ""))


def there(seen: Seen) -> Iterator[Finding]:
    """The Service by which clients come in, where they do not: one that is gone cannot even be asked."""
    service = own_service(seen)
    unasked = any(missing.what == "service" for missing in seen.snapshot.missing)
    if (unasked or answer(seen, "service").get("troubles")) and seen.knows("Service") and seen.find(service) is None:
        yield Finding(service, "is missing, clients come in by it", Harm.WHOLE)


def asked(seen: Seen) -> Iterator[Finding]:
    """The read of system.yaml at the service's own address."""
    said = answer(seen, "service")
    troubles = said.get("troubles") or []
    if not troubles:
        return
    service = own_service(seen)
    every = len(troubles) == said.get("asked")
    how = "does not answer rightly" if every else f"answers wrongly {len(troubles)} of {said.get('asked')} times"
    evidence = (f"read at {said.get('url')}: {troubles[0]}",)
    yield Finding(
        service, f"{how}: {troubles[0]}", Harm.WHOLE if every else Harm.PART, evidence=evidence, open_cause=True
    )


def stopped(seen: Seen) -> Iterator[Finding]:
    """Workloads that clients come in by and that are scaled to 0, while clients are not answered: on purpose it may be,
    and then nobody asks."""
    if not in_trouble(seen):
        return
    for ref in workloads_behind(seen, own_service(seen)):
        spec = (seen.find(ref) or {}).get("spec") or {}
        if spec.get("replicas") == 0:
            yield Finding(ref, "is scaled to 0, and clients come in by it", Harm.WHOLE, remedy=Remedy("full-restart"))


def capacity(seen: Seen) -> Iterator[Finding]:
    """Requests that are refused for want of capacity, as the instances say."""
    documents = answer(seen, "status").get("documents") or []
    named = (seen.system.get("capacity") or {}).get("deployment")
    refused = [float(one.get("refused_per_s") or 0) for one in documents]
    if named and refused and max(refused) > 1:
        ref = Ref("Deployment", str(seen.system["namespace"]), str(named))
        text = f"refuses up to {max(refused):g} requests/s an instance for want of capacity"
        yield Finding(ref, text, Harm.PART, remedy=Remedy("add-capacity"))


def agents(seen: Seen) -> Iterator[Finding]:
    """Agents that are missing although their workers are there."""
    said, told = answer(seen, "status"), seen.system.get("agents")
    if not told or not said.get("incomplete"):
        return
    ref = Ref("Deployment", str(seen.system["namespace"]), str(told["workers"]))
    if any(not is_ready(pod) and seen.made(pod) < STARTING_S for pod in seen.pods_of(ref)):
        return  # workers that begin bring their agents
    counts = [
        f"{key} {value}"
        for key, value in sorted((said.get("documents") or [{}])[0].items())
        if key.startswith("agents")
    ]
    yield Finding(
        ref,
        f"agents are missing: {said['incomplete']}",
        Harm.PART,
        evidence=tuple(counts),
        open_cause=True,
        remedy=Remedy("repair-agent-coordination"),
    )


def workflows(seen: Seen) -> Iterator[Finding]:
    """Work that stands still."""
    said, told = answer(seen, "workflows"), seen.system.get("workflows")
    if told and said.get("stuck"):
        ref = Ref("Workflows", str(seen.system["namespace"]), "stuck")
        workers = Ref("Deployment", ref.namespace, str(told["workers"]))
        text = f"{said['stuck']} stand still in a phase"
        yield Finding(
            ref,
            text,
            Harm.PART,
            evidence=(f"some of them: {', '.join(said['some'])}",),
            relies_on=(workers,),
            remedy=Remedy("reset-workflow-state"),
        )


def probes(seen: Seen) -> Iterator[Finding]:
    """The further probes of system.yaml, where nothing else tells of what they ask."""
    for name, said in sorted(seen.snapshot.answers.items()):
        if name.startswith("probe ") and said.get("trouble"):
            about = own_service(seen)
            yield Finding(
                Ref("Probe", about.namespace, name.removeprefix("probe ")),
                f"is not as system.yaml expects: {said['trouble']}",
                Harm.PART,
                relies_on=(about, Ref("Workflows", about.namespace, "stuck"), *_workers(seen)),
            )


def _workers(seen: Seen) -> Iterator[Ref]:
    for part in ("agents", "workflows"):
        if told := seen.system.get(part):
            yield Ref("Deployment", str(seen.system["namespace"]), str(told["workers"]))


def alerts(seen: Seen) -> Iterator[Finding]:
    """Alerts that fire."""
    for one in answer(seen, "monitoring").get("firing") or []:
        if one["name"] in MEANT or one.get("severity") == "none":
            continue
        yield Finding(
            Ref("Alert", str(seen.system.get("namespace") or ""), one["name"]),
            "fires",
            Harm.PART,
            str(one.get("since") or ""),
            relies_on=(own_service(seen),),
        )
