"""What a diagnosis is, and its JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from muster.checks.check import Finding, Remedy, Unknown
from muster.snapshot import Ref

SCHEMA = "muster/diagnosis/v1"


@dataclass(frozen=True)
class Cause:
    """A finding in its place: how severe, what it follows from (places in the diagnosis), and what mends it."""

    finding: Finding
    severity: str
    follows_from: tuple[int, ...]
    evidence: tuple[str, ...]
    remedy: Remedy | None

    @property
    def ref(self) -> Ref:
        return self.finding.ref


@dataclass(frozen=True)
class Diagnosis:
    """Everything found in a snapshot, what explains others first; and what could not be seen."""

    namespace: str
    taken: str
    causes: tuple[Cause, ...]
    unknown: tuple[Unknown, ...]

    @property
    def exit_code(self) -> int:
        """0 no finding, 1 findings, 2 nothing found where something could not be seen."""
        return 1 if self.causes else 2 if self.unknown else 0

    def to_json(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "namespace": self.namespace,
            "taken": self.taken,
            "findings": [_finding(cause) for cause in self.causes],
            "unknown": [{"what": one.what, "why": one.why} for one in self.unknown],
        }


def _finding(cause: Cause) -> dict[str, Any]:
    ref, remedy = cause.ref, cause.remedy
    return {
        "kind": ref.kind,
        "name": ref.name,
        "namespace": ref.namespace or None,
        "severity": cause.severity,
        "reason": cause.finding.reason,
        "since": cause.finding.since or None,
        "evidence": list(cause.evidence),
        "follows_from": list(cause.follows_from),
        "procedure": {"name": remedy.name, "arguments": dict(remedy.arguments)} if remedy else None,
        "check": cause.finding.check,
    }
