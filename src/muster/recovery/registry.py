"""The procedures that there are: muster's own, those of packages that offer some, and commands that system.yaml names.

A package offers a procedure by an entry point of the group `muster.recovery` that names its class.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoints, entry_points

from muster.base.errors import UsageError
from muster.recovery.add_capacity import AddCapacity, ReleaseCapacity
from muster.recovery.command import of_system
from muster.recovery.full_restart import FullRestart
from muster.recovery.promote_standby import PromoteStandby
from muster.recovery.repair_agent_coordination import RepairAgentCoordination
from muster.recovery.repair_crashed_pods import RepairCrashedPods
from muster.recovery.repair_database_connection import RepairDatabaseConnection
from muster.recovery.reset_workflows import ResetWorkflows
from muster.recovery.restart_service import RestartService
from muster.recovery.restore_configuration import RestoreConfiguration
from muster.steps import Procedure
from muster.system import SystemDefinition

GROUP = "muster.recovery"


def procedures(system: SystemDefinition | None = None) -> list[Procedure]:
    """Every procedure, sorted by name; those that a system.yaml names only where its system is given.

    Raises:
        UsageError: two have the same name, or an offered one cannot be loaded.
    """
    found: dict[str, Procedure] = {}
    own: list[Procedure] = [
        AddCapacity(),
        PromoteStandby(),
        ReleaseCapacity(),
        RepairCrashedPods(),
        FullRestart(),
        ResetWorkflows(),
        RestoreConfiguration(),
        RestartService(),
        RepairDatabaseConnection(),
        RepairAgentCoordination(),
    ]
    for procedure in [*own, *_offered(), *(of_system(system) if system is not None else [])]:
        if procedure.name in found:
            raise UsageError(f"recovery procedure '{procedure.name}' exists twice; rename one of them")
        found[procedure.name] = procedure
    return [found[name] for name in sorted(found)]


def find_procedure(name: str, system: SystemDefinition | None = None) -> Procedure:
    """The procedure of that name.

    Raises:
        UsageError: there is none; the message lists those that there are.
    """
    known = procedures(system)
    for procedure in known:
        if procedure.name == name:
            return procedure
    there = ", ".join(procedure.name for procedure in known)
    raise UsageError(f"recovery procedure '{name}' not known (there are: {there})")


def _offered() -> list[Procedure]:
    offered: list[Procedure] = []
    for point in _points():
        try:
            offered.append(point.load()())
        except (ImportError, AttributeError, TypeError) as error:
            raise UsageError(f"recovery procedure '{point.name}' ({point.value}) cannot be loaded: {error}") from error
    return offered


@cache
def _points() -> EntryPoints:
    """What is installed: looked for once, as that reads the metadata of every package there is."""
    return entry_points(group=GROUP)
