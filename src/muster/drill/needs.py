"""Which rights a drill needs in its namespace, of its marker alone: to watch, to strike, to undo and to recover."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from muster.faults.experiments import Experiment
from muster.recovery.needs import database_rights, needs_of
from muster.recovery.registry import find_procedure
from muster.release.needs import needs_to_compare
from muster.release.wanted import TOLD
from muster.safety.limits.radius import LOOKED_AT
from muster.safety.rights import EXEC, Right, rights
from muster.steps import Context, Procedure
from muster.system import SystemDefinition
from muster.system.manifests import read_manifests
from muster.system.relations import OWNERS

WORKLOADS = ("Deployment", "StatefulSet")
# Records of faults and the configurations that are known good; the lease of whoever drills.
KEPT: Mapping[str, str] = MappingProxyType(
    {"ConfigMap": "get list create update delete", "Lease": "get create update patch delete"}
)


# What tells which pods rely on what a procedure changed.
RELATED = rights("list", *OWNERS, "Service", "NetworkPolicy", "ConfigMap")


def rights_of_drill(context: Context, experiment: Experiment, procedure: Procedure | str | None) -> frozenset[Right]:
    """What a drill with this experiment and this recovery procedure, or the one of that name, needs."""
    if isinstance(procedure, str):
        procedure = find_procedure(procedure, context.system)
    found = rights_of_watching(context.system) | LOOKED_AT | experiment.needs
    if experiment.releases and (directory := Path(experiment.environment.get("MUSTER_RELEASE", ""))).is_dir():
        # The Role of a releaser comes on top; of it, a release names what is missing before it begins.
        found |= needs_to_compare(read_manifests(directory, context.namespace, beside={TOLD}))
    for kind, verbs in KEPT.items():
        found |= rights(verbs, kind)
    return found | (needs_of(procedure, context) | RELATED if procedure is not None else frozenset())


def rights_of_watching(system: SystemDefinition) -> frozenset[Right]:
    """What is needed to see whether the system is steady."""
    found = rights("list", "Pod", "EndpointSlice") | rights("get", *WORKLOADS, "ReplicaSet", "Service", "Namespace")
    return found | (EXEC if system.streaming is not None else database_rights(system))
