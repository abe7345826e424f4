"""What of a system.yaml checks need: it goes into the snapshot, so that this can be looked at without the file."""

from __future__ import annotations

from typing import Any

from muster.system import SystemDefinition


def told_of(system: SystemDefinition) -> dict[str, Any]:
    """The names and limits of a system; no headers, which may hold secrets."""
    operations, database = system.operations, system.streaming
    told: dict[str, Any] = {
        "name": system.name,
        "namespace": system.namespace,
        "service": {"name": system.service.name, "port": system.service.port},
        "configuration": {
            one.config_map: {"used_by": list(one.used_by), "version": one.version, "error": one.error}
            for one in operations.configuration
        },
        "stages": [list(stage.workloads) for stage in operations.stages],
    }
    if database is not None:
        told["database"] = {
            "service": database.service,
            "instances": list(database.instances),
            "max_replication_lag_s": database.max_replication_lag_s,
            "selector_key": database.selector_key,
        }
    elif system.database is not None:
        told["database"] = {"kind": type(system.database).__name__}
    if system.checks:
        told["checks"] = {
            name: {
                "way": one.way,
                **one.model_dump(include={"summary", "severity", "category"}),
                "thresholds": [list(level) for level in one.thresholds()],
            }
            for name, one in system.checks.items()
        }
    if operations.capacity is not None:
        told["capacity"] = {
            "deployment": operations.capacity.deployment,
            "max_replicas": operations.capacity.max_replicas,
        }
    if operations.agents is not None:
        told["agents"] = {"workers": operations.agents.workers, "whole": dict(operations.agents.whole)}
    if operations.workflows is not None:
        told["workflows"] = {"workers": operations.workflows.workers}
    return told
