"""From a snapshot and what is on record to the report: a pure function."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import NamedTuple

from muster.checks.check import CATEGORIES
from muster.readiness import budget, evidence, rollback, standing
from muster.readiness.registered import registered
from muster.readiness.result import Category, Checked, Readiness, Result, unknown
from muster.readiness.subject import NotHeardError, Subject, unheard
from muster.system.version import SystemVersion

CLUSTER, WORKLOADS, DATABASE, SETTINGS, ALERTING, ROLLBACK, EVIDENCE, BUDGET = CATEGORIES


class Check(NamedTuple):
    """A look at one thing that a release needs, beside what `muster.checks` looks at."""

    name: str
    category: str
    look: Callable[[Subject], Result]


CHECKS = (
    Check("cluster", CLUSTER, standing.answers),
    Check("seen", CLUSTER, standing.whole),
    Check("rights", CLUSTER, standing.rights),
    Check("rolled-out", WORKLOADS, standing.rolled_out),
    Check("backup", DATABASE, rollback.backup),
    Check("known", SETTINGS, standing.known),
    Check("release", SETTINGS, standing.brought),
    Check("known-good", SETTINGS, standing.kept_good),
    Check("monitoring", ALERTING, standing.alerting),
    Check("channels", ALERTING, standing.channels),
    Check("under-way", ROLLBACK, rollback.under_way),
    Check("revisions", ROLLBACK, rollback.revisions),
    Check("images", ROLLBACK, rollback.images),
    Check("traffic", ROLLBACK, rollback.traffic),
    Check("room", ROLLBACK, rollback.room),
    Check("quota", ROLLBACK, rollback.quota),
    Check("disruption", ROLLBACK, rollback.disruption),
    Check("tried-backup", ROLLBACK, rollback.tried_backup),
    Check("budget-left", BUDGET, budget.left),
    Check("judged", BUDGET, budget.judged),
)


def assess(subject: Subject) -> Readiness:
    """Whether a system is ready for a release.

    Raises:
        UsageError: an offered check cannot be loaded.
    """
    found: dict[str, list[Checked]] = defaultdict(list)
    for check in CHECKS:
        found[check.category].append(Checked(check.name, _looked(check, subject)))
    for category, checked in registered(subject):
        found[category].append(checked)
    found[EVIDENCE] += evidence.drills(subject)
    version = subject.version
    return Readiness(
        system=str(subject.snapshot.system.get("name") or ""),
        namespace=subject.namespace,
        context=subject.snapshot.context,
        taken=subject.snapshot.taken,
        evidence=subject.evidence,
        release=subject.release,
        version=version if isinstance(version, SystemVersion) else None,
        categories=tuple(Category(name, tuple(found[name])) for name in CATEGORIES),
    )


def _looked(check: Check, subject: Subject) -> Result:
    """What a check says; one that lacks a part of the snapshot, or breaks, is unknown, and the others go on."""
    try:
        return check.look(subject)
    except NotHeardError as error:
        return unheard(str(error))
    except Exception as error:  # noqa: BLE001 - an object, or an answer, that no check has met yet
        return unknown(f"it failed with {type(error).__name__}: {error}".splitlines()[0][:200])
