"""The checks of `muster.checks`, each as one of its category: what it finds, what it could not see, or that the system
has nothing of what it looks at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from muster.checks.check import Check, Finding
from muster.checks.registry import checks
from muster.checks.run import run_checks
from muster.readiness.result import Checked, Result, finding, fine, not_applicable, unknown
from muster.readiness.subject import NOT_HELD, Subject, unheard
from muster.snapshot.cluster import KINDS

MOST_EVIDENCE = 4
ROLLBACK = "rollback path"
# A fault in force, or a procedure that was left, is in the way of going back, whatever drills prove.
PLACED = {"faults": ROLLBACK, "procedures": ROLLBACK}
# Checks that look at objects of one kind: where the system has none there is nothing to look at.
OF_A_KIND = {
    "jobs": "Job",
    "cron-jobs": "CronJob",
    "autoscalers": "HorizontalPodAutoscaler",
    "budgets": "PodDisruptionBudget",
    "policies": "NetworkPolicy",
    "ingresses": "Ingress",
    "claims": "PersistentVolumeClaim",
}
# Checks of what system.yaml may leave out, by the key under which a snapshot tells of it.
OF_A_PART = {
    "replication": "database",
    "database-service": "database",
    "database-room": "database",
    "agents": "agents",
    "workflows": "workflows",
    "capacity": "capacity",
    "configuration": "configuration",
}
# And of answers that there are only where system.yaml, or the cluster, has somebody to ask.
OF_AN_ANSWER = {
    "alerts": ("monitoring", "system.yaml names no monitoring"),
    "levels": ("service levels", "system.yaml names no service levels that a Prometheus knows of"),
}
_KINDS = {kind.name for kind in KINDS}


def registered(subject: Subject) -> Iterator[tuple[str, Checked]]:
    """Each check with its category.

    Raises:
        UsageError: an offered check cannot be loaded.
    """
    for check in checks(subject.snapshot.system):
        yield PLACED.get(check.name, check.category), Checked(check.name, _result(subject, check))


def _result(subject: Subject, check: Check) -> Result:
    if reason := _nothing_to_see(subject, check):
        return not_applicable(reason)
    if check.name == "alerts" and (why := subject.declared.get("monitoring_unset")):
        return unknown(str(why))
    if lacking := _unseen(subject, check):
        return unheard(lacking)
    said = run_checks(subject.seen, [check])
    if said.findings:
        return _found(said.findings)
    if said.unknown:
        first, more = said.unknown[0], len(said.unknown) - 1
        what = "" if first.what == f"check {check.name}" else f"{first.what}: "
        return unknown(f"{what}{first.why}{f' (and {more} more)' if more else ''}")
    return fine(check.summary)


def _found(findings: tuple[Finding, ...]) -> Result:
    first, more = findings[0], len(findings) - 1
    says = f"{first.ref}: {first.reason}" + (f" (and {more} more)" if more else "")
    others = [f"{one.ref}: {one.reason}" for one in findings[1:]]
    shown = [*others, *first.evidence][:MOST_EVIDENCE]
    remedy = first.remedy
    arguments = "".join(f" {name}={value}" for name, value in remedy.arguments.items()) if remedy else ""
    return finding(says, *shown, mend=f"muster recover {remedy.name}{arguments}" if remedy else "muster diagnose")


def _nothing_to_see(subject: Subject, check: Check) -> str:
    """Why there is nothing for a check to look at; empty where there is something, or nobody knows."""
    seen, told, answers = subject.seen, subject.snapshot.system, subject.snapshot.answers
    missing = {one.what for one in subject.snapshot.missing}
    kind = OF_A_KIND.get(check.name, "")
    if kind and not seen.of(kind) and (seen.knows(kind) or subject.unserved(kind)):
        return f"there is no {kind}"
    if (part := OF_A_PART.get(check.name)) and told and not told.get(part):
        return f"system.yaml says nothing of it ({part})"
    if check.name == "usage" and "metrics" not in answers and not missing & {*check.needs}:
        return "the cluster serves no metrics"
    if check.name == "probes" and told and not any(name.startswith("probe ") for name in {*answers, *missing}):
        return "system.yaml names no further probes"
    if check.name in OF_AN_ANSWER and told:
        part, why = OF_AN_ANSWER[check.name]
        return (
            "" if part in answers or part in missing or not _is_declared_absent(subject.declared, check.name) else why
        )
    return ""


def _is_declared_absent(declared: Mapping[str, object], check: str) -> bool:
    """Whether it is known that there is nobody to ask; a snapshot that does not say so knows nothing of it."""
    return bool(declared) and (check == "levels" or not declared.get("monitoring"))


def _unseen(subject: Subject, check: Check) -> str:
    """What a check needs and the snapshot lacks, one phrase; empty where it lacks nothing."""
    missing = {one.what: one.why for one in subject.snapshot.missing}
    for need in check.needs:
        if need in missing:
            return f"{need} was not seen ({missing[need]})"
        if need in _KINDS:
            there = subject.seen.knows(need) or bool(subject.seen.of(need)) or subject.unserved(need)
        else:
            there = need in subject.snapshot.answers or need.startswith("metrics of ")
        if not there:
            return f"{need} was not seen ({NOT_HELD})"
    return ""
