"""The rights that drills and procedures say they need, which are asked for before anything is struck or changed."""

from __future__ import annotations

from typing import Any

from muster.drill.needs import rights_of_drill
from muster.faults.aim import NOBODY, Aim
from muster.faults.experiments import find_experiment
from muster.history.plan import Planned
from muster.recovery import find_procedure
from muster.recovery.needs import needs_of
from muster.release.needs import needs_to_compare
from muster.release.wanted import TOLD
from muster.safety.rights import Right, rights
from muster.steps import Context
from muster.system import SystemDefinition
from muster.system.manifests import read_manifests
from rbac.stage import ROOT

RELEASE = "releases/5.2"  # what drills of releases bring out; their defects stand in the environment alone


def of_drill(drill: Planned, system: SystemDefinition) -> frozenset[Right]:
    """What a drill says that it needs, its procedure included."""
    fault = drill.fault or ""
    aim = Aim(release=RELEASE) if is_of_release(drill) else NOBODY
    experiment = find_experiment(ROOT / "experiments", fault, system, aim)
    return rights_of_drill(_context(system), experiment, drill.recovery)


def of_release(drill: Planned, system: SystemDefinition) -> frozenset[Right]:
    """What a drill's release may take beyond the Role of a releaser: to compare its directory with what runs, to look
    for the finest way of sharing traffic, to tell a timeline how many replicas there were. Nothing without one."""
    if not is_of_release(drill):
        return frozenset()
    compared = needs_to_compare(read_manifests(system.directory / RELEASE, system.namespace, beside={TOLD}))
    return compared | rights("list", "VirtualService") | rights("get", "Deployment", sub="scale")


def is_of_release(drill: Planned) -> bool:
    """Whether a drill brings out a release."""
    return (drill.fault or "").startswith("release")


def of_procedure(name: str, system: SystemDefinition) -> frozenset[Right]:
    """What a procedure says that it needs, for whatever it may find."""
    return needs_of(find_procedure(name), _context(system))


def _context(system: SystemDefinition) -> Context:
    """What is needed is said of the definition alone: there is no cluster to be asked."""
    nothing: Any = None
    return Context(nothing, system, system.namespace, None, nothing, "", {})
