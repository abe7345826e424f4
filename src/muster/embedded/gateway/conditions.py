"""Conditions, as the Gateway API writes them into every status."""

from __future__ import annotations

from typing import NamedTuple

from muster.embedded.objects import Object, timestamp


class Finding(NamedTuple):
    """Whether something holds, with the reason for programs and the one for people."""

    holds: bool
    reason: str
    message: str = ""


def conditions(before: list[Object] | None, generation: int, **findings: Finding) -> list[Object]:
    """Conditions by their names; the time of each is that of its last change."""
    known = {found.get("type"): found for found in before or ()}
    return [_condition(known.get(name), generation, name, finding) for name, finding in findings.items()]


def _condition(before: Object | None, generation: int, name: str, finding: Finding) -> Object:
    status = "True" if finding.holds else "False"
    since = before.get("lastTransitionTime") if before and before.get("status") == status else None
    return {
        "type": name,
        "status": status,
        "observedGeneration": generation,
        "lastTransitionTime": since or timestamp(),
        "reason": finding.reason,
        "message": finding.message,
    }
