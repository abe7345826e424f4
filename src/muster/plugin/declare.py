"""From the `drill` marker to a declaration, and what is wrong with it before anything runs."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

from muster.base.errors import MusterError, UsageError
from muster.plugin.repeat import repetition_of
from muster.plugin.run import Run

if TYPE_CHECKING:
    from pathlib import Path

    from muster.objectives import Declaration
    from muster.objectives.wanted import Level
    from muster.steps import Procedure
    from muster.system import SystemDefinition

# What a drill that can be run declares, and of which system: read once, as reading takes a while.
DECLARED = pytest.StashKey["tuple[Declaration, SystemDefinition]"]()
TAKEN = ("", "audit", "summary")
CADENCES = ("monthly", "quarterly", "yearly")
# Whom the fault strikes, and what it brings out: see muster.faults.aim.
AIMED = ("target", "container", "config_map", "surge", "release", "release_env", "time_scale")
KEYS = frozenset(
    (
        *("severity", "cadence", "fault", "load", "recovery", "budget_s", "max_lost_writes", "error_budget"),
        *("overload", "probes", "proves_procedure", "transient", "response_s", "hold_s", "steady_s", "objectives"),
        *("alert", "detection_target_s", "alone", *AIMED),
    )
)

TYPES: dict[str, type | tuple[type, ...]] = {
    "severity": str,
    "fault": str,
    "load": str,
    "objectives": dict,
    "probes": list,
    "alone": bool,
}
TYPES |= {
    "recovery": (str, dict),
    "alert": str,
    "target": str,
    "container": str,
    "config_map": str,
    "surge": (int, float),
    "release": str,
    "release_env": dict,
    "time_scale": (int, float),
}


def is_drill(item: pytest.Item) -> bool:
    """Whether a test is marked as a drill."""
    return item.get_closest_marker("drill") is not None


def has_lost_its_marker(item: pytest.Item) -> bool:
    """Whether a test holds a drill, by muster's own fixtures, and is not marked as one."""
    fixtures = getattr(item, "fixturenames", ())
    return not is_drill(item) and "drill" in fixtures and "managed_system" in fixtures


def drill_name(item: pytest.Item) -> str:
    """The drill's name: the test function's without `test_`, with its parameters' ids."""
    return re.sub(r"[^\w.-]+", "-", item.name.removeprefix("test_")).strip("-")


def marked(item: pytest.Item) -> dict[str, Any]:
    """What the marker says.

    Raises:
        UsageError: an argument that is not known, or none where one is needed.
    """
    marker = item.get_closest_marker("drill")
    assert marker is not None
    if marker.args:
        raise UsageError(f"{item.nodeid}: the drill marker takes named arguments only, such as severity='P1'")
    if unknown := sorted(marker.kwargs.keys() - KEYS):
        raise UsageError(
            f"{item.nodeid}: '{unknown[0]}' is not an argument of the drill marker ({', '.join(sorted(KEYS))})"
        )
    for needed in ("severity", "fault"):
        if needed not in marker.kwargs:
            raise UsageError(f"{item.nodeid}: the drill marker needs '{needed}'")
    for key, kind in TYPES.items():
        value = marker.kwargs.get(key)
        if value is not None and not isinstance(value, kind):
            wanted = " or ".join(one.__name__ for one in kind) if isinstance(kind, tuple) else kind.__name__
            raise UsageError(f"{item.nodeid}: '{key}' of the drill marker must be a {wanted}")
    _check_overload(item, marker.kwargs)
    _check_alert(item, marker.kwargs)
    if (cadence := marker.kwargs.get("cadence")) not in (None, *CADENCES):
        raise UsageError(f"{item.nodeid}: cadence '{cadence}' is not known (there are: {', '.join(CADENCES)})")
    return dict(marker.kwargs)


def _check_overload(item: pytest.Item, said: Mapping[str, Any]) -> None:
    """An overload is proved to be borne by saying what may fail meanwhile, and when nothing may be refused any more."""
    if not said.get("overload"):
        return
    if "error_budget" not in said:
        raise UsageError(
            f"{item.nodeid}: with overload=True the drill marker needs 'error_budget': what may fail meanwhile"
        )
    if "refused_rate" not in (said.get("objectives") or {}):
        raise UsageError(
            f"{item.nodeid}: with overload=True the drill marker needs the objective 'refused_rate': what may still be "
            "refused once service is good again"
        )


def _check_alert(item: pytest.Item, said: Mapping[str, Any]) -> None:
    """A detection is the time until a named alert, held against a target: one without the other says nothing."""
    alert, target = said.get("alert"), said.get("detection_target_s")
    if alert is not None and not alert.strip():
        raise UsageError(f"{item.nodeid}: 'alert' of the drill marker is empty; right would be the name of an alert")
    if alert is not None and target is None:
        raise UsageError(
            f"{item.nodeid}: with alert='{alert}' the drill marker needs 'detection_target_s': "
            "within how many seconds of the injection it must fire"
        )
    if target is not None and alert is None:
        raise UsageError(
            f"{item.nodeid}: with detection_target_s={target!r} the drill marker needs 'alert': "
            "the name of the alert that ends the detection"
        )


def _check_monitoring(said: Mapping[str, Any], system: SystemDefinition) -> None:
    """Somebody must be there to be asked whether the alert fires."""
    from muster.monitoring import check_token

    if said.get("alert") is None:
        return
    if system.monitoring is None:
        raise UsageError(
            f"alert '{said['alert']}' needs 'monitoring' in {system.directory / 'system.yaml'}: where it is asked "
            "which alerts fire, such as 'monitoring: {alertmanager: {url: ...}}'"
        )
    check_token(system.monitoring.server)


def clashes(items: list[pytest.Item]) -> dict[str, str]:
    """Drills whose files in a report would be another's, by node id, with one sentence each."""
    owners = dict.fromkeys(TAKEN, "muster itself")
    found = {}
    for item in filter(is_drill, items):
        owner = owners.setdefault(drill_name(item), item.nodeid)
        if owner != item.nodeid:
            found[item.nodeid] = f"{item.nodeid}: the name '{drill_name(item)}' is taken by {owner}; rename the test"
    return found


def problems_of(items: list[pytest.Item], run: Run) -> dict[str, str]:
    """Why drills cannot be run as declared, by node id, one sentence each."""
    drills = list(filter(is_drill, items))
    if not drills:
        return {}
    from muster.system import read_system

    read = cache(read_system)  # they have it in common, and it takes longer to read than a drill's own files
    found = ((item.nodeid, _problem_with(item, run, read)) for item in drills)
    return {nodeid: problem for nodeid, problem in found if problem is not None}


def _problem_with(item: pytest.Item, run: Run, read: Callable[[Path], SystemDefinition]) -> str | None:
    """Why a drill cannot be run as declared, in one sentence, or None."""
    from muster.faults.aim import Aim
    from muster.faults.effects import check_observable
    from muster.faults.experiments import find_experiment
    from muster.load.profiles import find_profile
    from muster.system import find_system
    from muster.system.headers import resolved

    root = item.config.rootpath
    try:
        said = marked(item)
        system = read(run.options.system or find_system(root))
        item.stash[DECLARED] = (declare(item, run, system), system)
        _check_monitoring(said, system)
        resolved(system.headers)  # a secret that is not set is said before anything is struck
        if run.options.kube_context is not None:
            _check_addresses(system)
        experiment = find_experiment(root / "experiments", said["fault"], system, Aim.of_marker(said))
        check_observable(experiment.effect, system)
        if said.get("load"):
            find_profile(root / "loadtests", said["load"])
        if said.get("recovery"):
            recovery_of(said, system, root)
    except MusterError as error:
        text = str(error)
        return text if text.startswith(item.nodeid) else f"{item.nodeid}: {text}"
    return None


def _check_addresses(system: SystemDefinition) -> None:
    """Check that the environment holds what system.yaml has it say of where the service is.

    Raises:
        UsageError: it does not.
    """
    from muster.system.schema import resolved_address
    from muster.system.trust import authority

    if system.service.url is not None:
        resolved_address(system.service.url, "service.url")
    authority(system)


def declare(item: pytest.Item, run: Run, definition: SystemDefinition) -> Declaration:
    """The declaration of a marked test on the system of a definition."""
    from muster.objectives import Declaration, severity_targets

    said = marked(item)
    targets = severity_targets(said["severity"], definition.promises)
    objectives, unmeasured = objectives_of(said.get("objectives", {}), definition)
    probes = [
        {"name": "read", "every_s": definition.read.every_s, "limit_s": definition.read.limit_s},
    ]
    if (ledger := definition.ledger) is not None:
        probes.append({"name": "write", "every_s": ledger.every_s, "limit_s": ledger.limit_s, "write": True})
    further = [definition.further_probe(name) for name in said.get("probes", ())]
    probes += [{"name": p.name, "every_s": p.every_s, "limit_s": p.limit_s} for p in further]
    passed_on = [*("cadence", "load", "error_budget", "overload", "proves_procedure", "response_s")]
    passed_on += ["hold_s", "steady_s", "alert", "detection_target_s"]
    return Declaration.from_event(
        {
            "name": drill_name(item),
            "nodeid": item.nodeid,
            "severity": said["severity"],
            "fault": said["fault"],
            "system": definition.name,
            "evidence": run.evidence,
            "cluster": run.cluster_name,
            "rto_target_s": targets.rto_s,
            "rto_budget_s": said.get("budget_s"),
            "rpo_target_s": targets.rpo_s,
            "max_lost_writes": said.get("max_lost_writes", 0),
            "probes": probes,
            "read_only": definition.ledger is None,
            "objectives": objectives,
            "unmeasured": unmeasured,
            "repetition": repetition_of(drill_name(item), run.options.repeat),
            **{key: said[key] for key in passed_on if key in said},
            **({"recovery": recovery_name(said["recovery"])} if said.get("recovery") else {}),
        }
    )


def recovery_name(said: str | Mapping[str, Any] | None) -> str | None:
    """The name of a marker's recovery procedure, which may describe one of its own."""
    if not isinstance(said, Mapping):
        return said
    from muster.recovery.command import name_of

    return name_of(said)


def recovery_of(said: Mapping[str, Any], system: SystemDefinition, root: Path) -> Procedure:
    """The recovery procedure of a marker; a command of its own is run in the project's root.

    Raises:
        UsageError: there is none of that name, or the command is not there, or its name is another procedure's.
    """
    from muster.recovery import find_procedure, procedures
    from muster.recovery.command import of_marker

    recovery = said["recovery"]
    if not isinstance(recovery, Mapping):
        return find_procedure(recovery, system)
    own = of_marker(recovery, root)
    if own.name in {procedure.name for procedure in procedures(system)}:
        raise UsageError(
            f"recovery {own.name!r} of the drill marker is a procedure's name; right would be another 'name'"
        )
    return own


def objectives_of(said: dict[str, Any], definition: SystemDefinition) -> tuple[list[Level], list[Level]]:
    """The objectives of a drill, the system's with the marker's, and those that it does not measure."""
    from muster.objectives.wanted import wanted

    levels = definition.objectives
    return wanted(said, error_rate=levels.error_rate, latency_p95_s=levels.latency_p95_s, openslo=definition.openslo)
