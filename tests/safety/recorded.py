"""Faults that are on record."""

from __future__ import annotations

from muster.kube import Cluster
from muster.safety import Command, Entry, Held, Part, Record, remember


def on_record(
    cluster: Cluster,
    namespace: str,
    *parts: Entry | Command | Held,
    experiment: str = "flood",
    run: str = "run-1",
    injection: str = "i-1",
    deadline: str = "",
) -> Record:
    """Write the record of a fault with these parts, and make none of them."""
    record = Record(experiment, namespace, run, injection, "2026-01-02T03:04:05Z", deadline=deadline)
    for part in parts:
        record = remember(cluster, record, as_part(part))
    return record


def as_part(part: Entry | Command | Held) -> Part:
    match part:
        case Entry():
            return Part(entry=part)
        case Command():
            return Part(command=part)
        case Held():
            return Part(held=part)
