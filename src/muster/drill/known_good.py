"""A system that was found steady has a good configuration: it is kept, for the day when it is not."""

from __future__ import annotations

from muster.base.errors import MusterError
from muster.drill.drill import Drill
from muster.recovery.configuration import keep_configuration
from muster.safety import AuditLog


def keep_known_good(drill: Drill) -> dict[str, str]:
    """Keep every configuration that system.yaml names; for each, by its name, what came of it.

    One that cannot be kept is no reason not to drill: what a drill needs of it, it will miss.
    """
    definition, said = drill.state.definition, {}
    audit, why = AuditLog.of_run(drill.directory), f"steady before the drill {drill.declaration.name}"
    for one in definition.operations.configuration:
        try:
            said[one.config_map] = str(
                keep_configuration(drill.state.cluster, definition, one, drill.url, why=why, audit=audit)
            )
        except MusterError as error:
            said[one.config_map] = f"not kept: {error}"
    return said
