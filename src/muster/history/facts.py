"""What a history keeps, as plain values. Times are UTC, ISO 8601 to the millisecond with a Z: they sort as text.

Seconds and ratios as in `summary.json`; None where nothing was measured or judged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

CONCLUSIVE = ("met", "missed")


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What is known of a run from its beginning on."""

    id: str
    started: str
    system: str
    cluster: str
    evidence: str
    muster_version: str
    git_commit: str | None = None
    seed: int | None = None


class Scope(NamedTuple):
    """Within what drills may be compared: timings of another cluster or kind of evidence say nothing about these."""

    system: str
    cluster: str
    evidence: str

    def __str__(self) -> str:
        return f"{self.system} on {self.cluster}, evidence: {self.evidence}"


class DrillFacts(NamedTuple):
    """One drill of one run, with what of its run a reader needs. The order of fields is that of the query.

    Where a run repeated its drills (`--repeat`), each repetition is one of these, and all have the drill's name.
    """

    id: int
    run: str
    at: str
    started: str
    finished: str | None
    system: str
    cluster: str
    evidence: str
    muster_version: str
    git_commit: str | None
    seed: int | None
    nodeid: str
    name: str
    severity: str | None
    cadence: str | None
    fault: str | None
    procedure: str | None
    verdict: str
    why: str
    recovered_by: str | None
    rto_value_s: float | None
    rto_low_s: float | None
    rto_high_s: float | None
    rto_since_injection_s: float | None
    rto_target_s: float | None
    rto_budget_s: float | None
    rto_verdict: str | None
    rpo_value_s: float | None
    rpo_high_s: float | None
    rpo_target_s: float | None
    rpo_verdict: str | None
    lost_writes: int | None
    max_lost_writes: int | None
    acknowledged_writes: int | None
    detection_value_s: float | None
    detection_target_s: float | None
    detection_verdict: str | None
    timeline: str | None
    repetition: int | None = None
    repetitions: int | None = None
    version: str | None = None  # the key of the version that was struck; None: nobody kept it

    @property
    def scope(self) -> Scope:
        return Scope(self.system, self.cluster, self.evidence)

    @property
    def conclusive(self) -> bool:
        """Whether the drill proved anything: unknown is no evidence, of neither success nor failure."""
        return self.verdict in CONCLUSIVE


class ObjectiveFacts(NamedTuple):
    """One objective of the load in one window of one drill."""

    drill_id: int
    name: str
    window: str
    target: float
    value: float | None
    samples: int
    verdict: str | None
