"""Faults that are on record."""

from __future__ import annotations

from muster.kube import Cluster
from muster.safety import Part, Record, remember


def on_record(
    cluster: Cluster,
    namespace: str,
    *parts: Part,
    experiment: str = "flood",
    run: str = "run-1",
    injection: str = "i-1",
    deadline: str = "",
) -> Record:
    """Write the record of a fault with these parts, and make none of them."""
    record = Record(experiment, namespace, run, injection, "2026-01-02T03:04:05Z", deadline=deadline)
    for part in parts:
        record = remember(cluster, record, part)
    return record
