"""From a drill's entry in the summary to rows of the tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from muster.history.facts import RunFacts

if TYPE_CHECKING:
    from muster.verdict import DrillVerdict


def run_row(run: RunFacts) -> dict[str, Any]:
    """A run that has begun. Until its end is told its verdict is unknown, so that a crash leaves nothing green."""
    return {
        **{name: getattr(run, name) for name in ("id", "started", "system", "cluster", "evidence")},
        **{name: getattr(run, name) for name in ("muster_version", "git_commit", "seed")},
        "verdict": "unknown",
        "why": "the session has not finished",
    }


def drill_row(run: RunFacts, drill: DrillVerdict, *, at: str) -> dict[str, Any]:
    """A drill, without its objectives; `at` is the time of day of its verdict."""
    rto, rpo, detection = drill.rto, drill.rpo, drill.detection
    # Whoever looked for no write knows of none lost.
    looked = rpo.verdict is not None
    return {
        "run_id": run.id,
        "nodeid": drill.nodeid or drill.name,
        "at": at,
        "name": drill.repetition.of if drill.repetition else drill.name,
        "repetition": drill.repetition.number if drill.repetition else None,
        "repetitions": drill.repetition.total if drill.repetition else None,
        **{name: getattr(drill, name) for name in ("severity", "cadence", "procedure", "why", "recovered_by")},
        "fault": drill.fault.experiment if drill.fault else None,
        "verdict": drill.verdict.value,
        **{f"rto_{name}": getattr(rto, name) for name in ("value_s", "low_s", "high_s", "since_injection_s")},
        **{f"rto_{name}": getattr(rto, name) for name in ("target_s", "budget_s", "verdict")},
        **{f"rpo_{name}": getattr(rpo, name) for name in ("value_s", "high_s", "target_s", "verdict")},
        "lost_writes": rpo.lost_writes if looked else None,
        "max_lost_writes": rpo.max_lost_writes,
        "acknowledged_writes": rpo.acknowledged_writes if looked else None,
        **{f"detection_{name}": getattr(detection, name) for name in ("value_s", "target_s", "verdict")},
        "timeline": drill.timeline,
        "version": drill.version.key if drill.version else None,
    }


def objective_rows(drill: DrillVerdict, *, drill_id: int) -> list[dict[str, Any]]:
    """The objectives of a drill; the last word counts where one is told twice."""
    keys = ("name", "window", "target", "value", "samples", "verdict")
    rows = {(slo.name, slo.window): {key: getattr(slo, key) for key in keys} for slo in drill.slo}
    return [{"drill_id": drill_id, **row} for row in rows.values()]
