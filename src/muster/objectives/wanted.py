"""The objectives of one drill: the system's, changed and added to by what the drill itself says."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from muster.base.errors import UsageError
from muster.objectives.openslo import read_openslo

Level = dict[str, Any]


def wanted(
    said: Mapping[str, Any], *, error_rate: float, latency_p95_s: float, openslo: Path | None
) -> tuple[list[Level], list[Level]]:
    """The fields `objectives` and `unmeasured` of a declaration.

    `said` is what the drill says: a name with a target, a dictionary of what is otherwise than in the system's, or None
    for a service level of the file that this drill is not held to. `openslo` is that file.

    Raises:
        UsageError: the file is wrong, or something is left out that cannot be.
    """
    levels: dict[str, Level] = {
        "error_rate": {"name": "error_rate", "target": error_rate},
        "latency_p95": {"name": "latency_p95", "target": latency_p95_s},
    }
    unmeasured: dict[str, Level] = {}
    if openslo is not None:
        of_file = read_openslo(openslo)
        for objective in of_file.objectives:
            if objective.name in levels:
                raise UsageError(f"{openslo}: service level '{objective.name}' has the name of one of system.yaml's")
            levels[objective.name] = objective.model_dump(mode="json")
        unmeasured = {one.name: one.model_dump(mode="json") for one in of_file.unmeasured}
    for name, level in said.items():
        if level is None:
            if name in unmeasured:
                continue
            if "source" not in levels.get(name, {}):
                there = ", ".join(known for known, fields in levels.items() if "source" in fields) or "none"
                raise UsageError(
                    f"objective '{name}' cannot be left out: it is no service level of a file (there are: {there})"
                )
            why = "this drill leaves it out"
            unmeasured[name] = {"name": name, "target": levels.pop(name)["target"], "why": why}
        else:
            changes = dict(level) if isinstance(level, Mapping) else {"target": level}
            levels[name] = {**levels.get(name, {"name": name}), **changes}
            unmeasured.pop(name, None)
    return list(levels.values()), list(unmeasured.values())
