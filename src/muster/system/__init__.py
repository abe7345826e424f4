"""The system under drill: what `system.yaml` says of it, and what can be asked of it through the cluster.

Belongs here: reading the definition, deploying and resetting the system, its present state. How well it serves is seen
by `muster.probes`.
"""

from muster.system.definition import (
    Database,
    LedgerSpec,
    PythonLedgerSpec,
    ReadProbe,
    Request,
    SystemDefinition,
    find_system,
    read_system,
)
from muster.system.deployment import deploy, remove
from muster.system.state import Standby, SystemState

__all__ = [
    "Database",
    "LedgerSpec",
    "PythonLedgerSpec",
    "ReadProbe",
    "Request",
    "Standby",
    "SystemDefinition",
    "SystemState",
    "deploy",
    "find_system",
    "read_system",
    "remove",
]
