"""What a drill made on a cluster that is not muster's own: what of it is gone again, and what stays, and why."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from muster.base.errors import MusterError
from muster.base.timeline import Event
from muster.kube import Cluster
from muster.safety.guards import undo_command
from muster.safety.locks import NAME as LEASE
from muster.safety.locks import find_tenure
from muster.safety.procedures import begun_procedures, procedure_record_name
from muster.safety.records import record_name
from muster.wire.names import (
    FAULT_RECORD_LABEL,
    KNOWN_GOOD_LABEL,
    MANAGED_BY_LABEL,
    MANAGED_BY_VALUE,
    PROCEDURE_RECORD_LABEL,
)


@dataclass
class Leavings:
    """What was removed and what is left, a sentence each."""

    removed: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


def look_for_leavings(cluster: Cluster, namespace: str, events: Sequence[Event], holder: str) -> Leavings:
    """What became of what a drill made in a namespace, by its own account (`events`, but requests); `holder` is the one
    of its Lease. What cannot be looked at is told to be left."""
    found = Leavings()
    try:
        kept = cluster.list("ConfigMap", namespace, labels=f"{MANAGED_BY_LABEL}={MANAGED_BY_VALUE}")
        there = {item["metadata"]["name"] for item in kept}
        found.removed += [f"ConfigMap {name}" for name in sorted(set(_made(events)) - there)]
        found.left += [text for item in kept if (text := _why(cluster, namespace, item))]
        tenure = find_tenure(cluster, namespace)
        if tenure is not None and tenure.holder == holder:
            found.left.append(
                f"Lease {LEASE}: it was not given back, and runs out {tenure.duration_s:g} s after its use"
            )
        else:
            found.removed.append(f"Lease {LEASE}")
    except MusterError as error:
        found.left.append(f"what is left cannot be told: {error}")
    _add_writes(found, events)
    return found


def _made(events: Sequence[Event]) -> Iterator[str]:
    """The names of the ConfigMaps that the drill had its faults and procedures on record in."""
    for event in events:
        if event["kind"] == "fault.undone":
            yield record_name(event["experiment"])
        elif event["kind"] == "recovery.began":
            yield procedure_record_name(event["procedure"])


def _why(cluster: Cluster, namespace: str, item: dict[str, Any]) -> str:
    """Why a ConfigMap of muster's is there still; empty for what no drill makes, such as a lever."""
    name, labels = item["metadata"]["name"], item["metadata"]["labels"]
    if FAULT_RECORD_LABEL in labels:
        return f"ConfigMap {name}: its fault may be in force still; undo it: {undo_command(cluster, namespace)}"
    if PROCEDURE_RECORD_LABEL in labels:
        open_ones = [one.told(cluster) for one in begun_procedures(cluster, namespace) if one.name == name]
        return f"ConfigMap {name}: {open_ones[0] if open_ones else 'a procedure was left in its middle'}"
    if KNOWN_GOOD_LABEL in labels:
        words = ["kubectl", "--context", cluster.context, "delete", "configmap", "-n", namespace, name]
        command = shlex.join(words if not cluster.embedded else ["kubectl", *words[3:]])
        return f"ConfigMap {name}: the configuration that restore-configuration goes back to; away with it: {command}"
    return ""


def _add_writes(found: Leavings, events: Sequence[Event]) -> None:
    """What became of what the prober wrote into the service itself."""
    open_ones, removed, left, why = 0, 0, 0, ""
    for event in events:
        if event["kind"] == "write" and event["outcome"] != "refused":
            open_ones += 1
        elif event["kind"] == "cleaned":
            open_ones, removed, left, why = 0, removed + event["removed"], left + event["left"], why or event["why"]
    if removed:
        found.removed.append(f"{removed} writes of the ledger")
    if left:
        found.left.append(f"{left} writes of the ledger: {why}")
    if open_ones:
        found.left.append(
            f"up to {open_ones} writes of the ledger, whose ids begin with 'muster-': system.yaml says no "
            "'ledger.delete' that removes one"
        )
