"""Running checks on a snapshot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from muster.checks.check import Check, Finding, Unknown
from muster.checks.seen import Seen

LACKS = "it lacks"  # how it begins why a check that lacks a part of the snapshot is unknown


class Said(NamedTuple):
    """What checks found, and what they could not see."""

    findings: tuple[Finding, ...]
    unknown: tuple[Unknown, ...]


def run_checks(seen: Seen, chosen: Sequence[Check]) -> Said:
    """Run checks. One that lacks a part of the snapshot, or raises, is unknown; the others go on."""
    findings, unknown = list[Finding](), list[Unknown]()
    missing = {missing.what: missing.why for missing in seen.snapshot.missing}
    for check in chosen:
        lacking = [f"{need} ({missing[need]})" for need in check.needs if need in missing]
        if lacking:
            unknown.append(Unknown(f"check {check.name}", f"{LACKS} {', '.join(lacking)}"))
            continue
        try:
            said = list(check.look(seen))
        except Exception as error:  # noqa: BLE001 - an object that no check has met yet, or a check of somebody else's
            why = f"{type(error).__name__}: {error}".splitlines()[0][:200]
            unknown.append(Unknown(f"check {check.name}", f"it failed with {why}"))
            continue
        findings += [replace(one, check=check.name) for one in said if isinstance(one, Finding)]
        unknown += [one for one in said if isinstance(one, Unknown)]
    return Said(tuple(findings), tuple(unknown))
