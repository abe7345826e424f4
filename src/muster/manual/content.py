"""What a manual tells, gathered from the code and a system.yaml. Pure but for the files that system.yaml names.

What a system does not declare is left out: a manual of a system without a database promotes no standby.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, datetime

from muster.checks.check import CATEGORIES, Check
from muster.checks.registry import checks
from muster.checks.system.levels import RULES
from muster.history.cadence import GRACE, PERIODS
from muster.history.plan import Planned
from muster.incidents.escalation import ladder
from muster.incidents.incident import ROLES, Incident, moment
from muster.incidents.indicators import indicators
from muster.objectives.objective import Objective
from muster.objectives.openslo import read_openslo
from muster.objectives.severity import SEVERITIES, SeverityTargets, severity_targets
from muster.recovery import procedures
from muster.steps import Outlined, StepOutline
from muster.steps import Procedure as AnyProcedure
from muster.system import Database, SystemDefinition
from muster.system.databases.declared import CommandDatabase
from muster.system.manifests import read_manifests
from muster.system.names import replicas
from muster.system.own_checks import OwnCheck

DAY_S = 86_400.0
WORKLOADS = ("Deployment", "StatefulSet")
_MONDAY = datetime(2024, 1, 1, 9, tzinfo=UTC)  # any working day: only what lies between two times is told
_SPREAD = {"monthly": 0, "quarterly": 1, "yearly": 2}


@dataclass(frozen=True)
class Grade:
    """A severity and what it promises."""

    name: str
    targets: SeverityTargets


@dataclass(frozen=True)
class Rung:
    """Who is asked next, `after_s` seconds `since` the opening or the beginning; None: after the next working day."""

    severity: str
    role: str
    since: str
    after_s: float | None


@dataclass(frozen=True)
class Wanted:
    """An indicator and its target, None where it has none; `unit` is `s` or `ratio`."""

    name: str
    what: str
    target: float | None
    unit: str
    better: str


@dataclass(frozen=True)
class Held:
    """A drill as planned; its evidence is to be renewed after `renewed_s`, and is overdue after `overdue_s`."""

    name: str
    severity: str | None
    cadence: str | None
    fault: str | None
    procedure: str | None
    budget_s: float | None

    @property
    def renewed_s(self) -> float | None:
        return PERIODS[self.cadence].total_seconds() if self.cadence in PERIODS else None

    @property
    def overdue_s(self) -> float | None:
        return None if self.renewed_s is None else self.renewed_s + GRACE.total_seconds()


@dataclass(frozen=True)
class Looked:
    """A check: what it looks at, and the procedures of this system that may mend what it finds. `own` is whether
    system.yaml declares it."""

    name: str
    summary: str
    category: str
    procedures: tuple[str, ...]
    own: OwnCheck | None = None


@dataclass(frozen=True)
class Mending:
    """A procedure: `when` it is for, what it `does`; `steps` are empty where it does not tell them."""

    name: str
    when: str
    does: str
    parameters: tuple[tuple[str, str], ...]
    steps: tuple[StepOutline, ...]
    drills: tuple[Held, ...]
    checks: tuple[str, ...]

    @property
    def can_be_undone(self) -> bool:
        """Whether any of its steps has a way back."""
        return any(step.undo for step in self.steps)


@dataclass(frozen=True)
class Part:
    """A workload of the manifests, and the stage in which it is started, where system.yaml orders stages."""

    kind: str
    name: str
    replicas: int
    stage: str | None


@dataclass(frozen=True)
class Store:
    """The database: its kind, its instances where they are declared, what leads clients to it, and how far a standby
    may be behind, in seconds."""

    kind: str
    instances: tuple[str, ...]
    service: str | None
    max_lag_s: float | None


@dataclass(frozen=True)
class Burning:
    """An error budget burns so many times too fast over both windows; how severe that is."""

    rate: float
    long: str
    short: str
    severity: str


@dataclass(frozen=True)
class Manual:
    """All that a manual and a runbook tell, in the order in which it stands there. `commands` are those of the command
    line: what there is no command for is not told."""

    system: str
    namespace: str
    grades: tuple[Grade, ...]
    rungs: tuple[Rung, ...]
    roles: tuple[str, ...]
    indicators: tuple[Wanted, ...]
    drills: tuple[Held, ...]
    procedures: tuple[Mending, ...]
    checks: tuple[Looked, ...]
    levels: tuple[Objective, ...]
    burning: tuple[Burning, ...]
    parts: tuple[Part, ...]
    store: Store | None
    agents: str | None
    workflows: bool
    backed_up_every_s: float | None
    commands: frozenset[str]

    def has(self, procedure: str) -> bool:
        """Whether a procedure fits the system."""
        return any(one.name == procedure for one in self.procedures)

    def held(self, cadence: str) -> tuple[Held, ...]:
        """The drills of a cadence."""
        return tuple(drill for drill in self.drills if drill.cadence == cadence)

    def ladder(self, severity: str) -> tuple[Rung, ...]:
        """Who is asked when, for a severity."""
        return tuple(rung for rung in self.rungs if rung.severity == severity)

    def categories(self) -> list[tuple[str, list[Looked]]]:
        """The checks by category, those categories that have any."""
        by = [(name, [one for one in self.checks if one.category == name]) for name in CATEGORIES]
        return [(name, held) for name, held in by if held]


def manual(system: SystemDefinition, plan: Mapping[str, Planned], commands: Set[str]) -> Manual:
    """What there is to tell of a system whose drills are planned so.

    Raises:
        UsageError: manifests or the OpenSLO file cannot be read, or a procedure or check of a package cannot be loaded.
    """
    fit = {one.name: one for one in procedures(system) if not isinstance(one, Outlined) or one.outline(system)}
    looked = tuple(_looked(system, fit.keys()))
    drills = tuple(sorted((_held(one) for one in plan.values()), key=_by_cadence))
    database = system.streaming
    return Manual(
        system=system.name,
        namespace=system.namespace,
        grades=tuple(_grades(system)),
        rungs=tuple(rung for severity in SEVERITIES for rung in _rungs(system, severity)),
        roles=ROLES,
        indicators=tuple(_indicators()),
        drills=drills,
        procedures=tuple(_mending(one, system, drills, looked) for one in fit.values()),
        checks=looked,
        levels=tuple(_levels(system)),
        burning=tuple(Burning(*rule) for rule in RULES) if _asks_prometheus(system) else (),
        parts=tuple(_parts(system)),
        store=_store(system),
        agents=system.operations.agents.workers if system.operations.agents is not None else None,
        workflows=system.operations.workflows is not None,
        backed_up_every_s=system.backup.every_s if database is not None else None,
        commands=frozenset(commands),
    )


def _grades(system: SystemDefinition) -> Iterator[Grade]:
    for name in SEVERITIES:
        yield Grade(name, severity_targets(name, system.promises))


def _rungs(system: SystemDefinition, severity: str) -> Iterator[Rung]:
    """The ladder of an incident that began, was detected and opened at one time."""
    at = _MONDAY.isoformat()
    made = Incident("1", "", "", severity, "", None, None, began=at, detected=at, opened=at, promises=system.promises)
    for one in ladder(made):
        unacknowledged = one.key.endswith("unacknowledged")
        by_hours = made.targets.response_s is not None or not unacknowledged
        after_s = (one.at - moment(at)).total_seconds() if by_hours else None
        yield Rung(severity, one.role, "opened" if unacknowledged else "began", after_s)


def _indicators() -> Iterator[Wanted]:
    for one in indicators([], [], _MONDAY, _MONDAY):
        yield Wanted(one.name, one.what, one.target, one.unit, one.better)


def _held(drill: Planned) -> Held:
    return Held(drill.name, drill.severity, drill.cadence, drill.fault, drill.recovery, drill.budget_s)


def _by_cadence(drill: Held) -> tuple[int, str, str]:
    return _SPREAD.get(drill.cadence or "", len(_SPREAD)), drill.severity or "P9", drill.name


def _mending(
    procedure: AnyProcedure, system: SystemDefinition, drills: Sequence[Held], looked: Sequence[Looked]
) -> Mending:
    when, _, does = procedure.summary.partition(": ")
    steps = procedure.outline(system) if isinstance(procedure, Outlined) else ()
    return Mending(
        name=procedure.name,
        when=when,
        does=does,
        parameters=tuple(procedure.parameters.items()),
        steps=tuple(steps),
        drills=tuple(drill for drill in drills if drill.procedure == procedure.name),
        checks=tuple(one.name for one in looked if procedure.name in one.procedures),
    )


# -- checks


def _looked(system: SystemDefinition, fit: Iterable[str]) -> Iterator[Looked]:
    """Those that can say something of the system: muster's own, those of packages, those that it declares."""
    known = set(fit)
    for check in checks():
        if _concerns(check, system):
            yield Looked(
                check.name, check.summary, check.category, tuple(name for name in check.remedies if name in known)
            )
    for name, own in system.checks.items():
        yield Looked(name, own.summary or name, own.category, (), own)


def _concerns(check: Check, system: SystemDefinition) -> bool:
    declared = {
        "database": system.database is not None,
        "status": system.operations.status is not None,
        "workflows": system.operations.workflows is not None,
        "known good": bool(system.operations.configuration),
        "monitoring": system.monitoring is not None,
        "service levels": _asks_prometheus(system),
    }
    named = {
        "agents": system.operations.agents is not None,
        "capacity": system.operations.capacity is not None,
        "probes": bool(system.probes),
    }
    return named.get(check.name, True) and all(declared.get(need, True) for need in check.needs)


def _asks_prometheus(system: SystemDefinition) -> bool:
    return system.monitoring is not None and system.openslo is not None


# -- the system


def _levels(system: SystemDefinition) -> Iterator[Objective]:
    yield Objective(name="error_rate", measure="error_rate", target=system.objectives.error_rate)
    yield Objective(name="latency_p95", measure="latency_p95", target=system.objectives.latency_p95_s)
    if system.openslo is not None:
        yield from read_openslo(system.openslo).objectives


def _parts(system: SystemDefinition) -> Iterator[Part]:
    stage_of = {name: stage.name for stage in system.operations.stages for name in stage.workloads}
    for item in read_manifests(system.manifest_directory):
        if item["kind"] in WORKLOADS:
            name = item["metadata"]["name"]
            yield Part(item["kind"], name, replicas(item), stage_of.get(name))


def _store(system: SystemDefinition) -> Store | None:
    database = system.database
    if database is None:
        return None
    if isinstance(database, Database):
        return Store(database.kind, tuple(database.instances), database.service, database.max_replication_lag_s)
    lag_s = database.max_replication_lag_s if isinstance(database, CommandDatabase) else None
    return Store(database.kind, (), getattr(database, "service", None), lag_s)
