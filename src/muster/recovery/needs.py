"""Which rights a recovery procedure needs, as it declares them itself.

A procedure has a method `needs(context)` that returns what it may have to do; one without declares nothing, and what it
lacks shows in the step that uses it.
"""

from __future__ import annotations

from muster.safety.rights import EXEC, Right, rights
from muster.steps import Context, Entitled, Procedure
from muster.steps.on_record import ON_RECORD
from muster.system import SystemDefinition
from muster.system.databases.cloudnativepg import CLUSTERS
from muster.system.databases.declared import CloudNativePgDatabase, Database

# To find a workload by its name, to see its pods and whether it is rolled out.
WORKLOADS = rights("get list", "Deployment", "StatefulSet") | rights("list", "ReplicaSet", "Pod")
RESTART = rights("patch", "Deployment", "StatefulSet") | rights("delete", "Pod")
# Read as well: what was changed is told with what it was before.
SCALE = rights("get patch", "Deployment", "StatefulSet", sub="scale")
# To ask instances of a database, and where its Service leads to.
DATABASE = rights("list", "Pod", "EndpointSlice") | rights("get", "ConfigMap", "Service") | EXEC


def database_rights(system: SystemDefinition) -> frozenset[Right]:
    """What asking the system's database takes; nothing where that is asked at an address, or by a command."""
    match system.database:
        case Database():
            return DATABASE
        case CloudNativePgDatabase():
            return frozenset({Right("get", CLUSTERS.plural, CLUSTERS.api.partition("/")[0])})
    return frozenset()


def promotion_rights(system: SystemDefinition) -> frozenset[Right]:
    """What it takes to have a standby promoted by the tool that looks after the database."""
    asked = database_rights(system)
    if isinstance(system.database, CloudNativePgDatabase):
        asked |= {Right("patch", CLUSTERS.plural, CLUSTERS.api.partition("/")[0], "status")}
    return asked


def needs_of(procedure: Procedure, context: Context) -> frozenset[Right]:
    """What a procedure declares and what keeping it on record takes; nothing where it declares nothing."""
    return ON_RECORD.union(procedure.needs(context)) if isinstance(procedure, Entitled) else frozenset()
