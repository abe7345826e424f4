"""Whether it was the system that answered."""

from __future__ import annotations

from muster.verdict.reading.record import Record
from muster.verdict.reasons import Reason


def check_origin(record: Record) -> list[Reason]:
    """Where clients were led elsewhere than to the system's own workloads: good answers are then no word about it."""
    told = [(t, names) for t, names in record.foreign if names]
    if not told:
        return []
    t, names = told[0]
    since = t - (record.injected or t)
    what = f"clients were led to {', '.join(names)}, which is none of the system's"
    return [
        Reason(
            f"{what}, from {since:+.1f} s of the injection on",
            "lead the Service to the system again, or name in its manifests what may stand in for it",
        )
    ]
