"""Everything is down: bring it up in the order in which parts need each other, each verified before the next begins.

Databases first, and of them the one that the topology names: whoever was promoted before the outage stays primary, and
all others join it as standbys. Then what serves clients, then the rest, as the stages of system.yaml tell. A stage that
is well is left alone, so on a healthy system nothing is done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from dataclasses import replace

from muster.base.waiting import wait_for
from muster.recovery.database_service import DatabaseService
from muster.recovery.needs import SCALE, WORKLOADS
from muster.recovery.promote_standby import TRY_WRITE, PromoteStandby
from muster.recovery.stages import Group, Plan, Service, stages_of
from muster.recovery.workflows import StuckWork
from muster.safety.rights import Right, rights
from muster.steps import NO_PARAMETERS, Context, Step, StepOutline
from muster.system import SystemDefinition
from muster.system.manifests import read_manifests
from muster.system.operations import Stage
from muster.system.state import SystemState

LOOK_EVERY_S = 0.1
RESUMED_WITHIN_S = 30.0
WELL_WITHIN_S = 10.0
Trouble = Callable[[], str]  # what is wrong, in one phrase; empty where nothing is


class FullRestart:
    """Start stage after stage, resume half-done work, see that all is well."""

    name = "full-restart"
    summary = "everything is down: bring it up stage by stage, and resume half-done work"
    parameters = NO_PARAMETERS

    def needs(self, context: Context) -> Iterable[Right]:
        own = WORKLOADS | SCALE | rights("delete", "Pod")
        return own if context.system.database is None else own.union(PromoteStandby().needs(context))

    def outline(self, system: SystemDefinition) -> Sequence[StepOutline]:
        instances = set(system.streaming.instances) if system.streaming is not None else set[str]()
        stages = stages_of(system, read_manifests(system.manifest_directory))
        if not stages:
            return ()
        return (
            StepOutline("diagnose", "finds what is missing of each stage", acts=False),
            *(step for stage in stages for step in _outline(stage, instances)),
            StepOutline("resume half-done work", "resumes what stood still when its workers were started"),
            StepOutline("verify", "every stage is well, and a write works", acts=False),
        )

    def steps(self, context: Context) -> Iterator[Step]:
        work = _Restart(context)
        yield Step("diagnose", work.is_ill, work.diagnose, lambda: True, acts=False)
        for stage in work.plan.stages:
            yield from work.steps_of(stage)
        yield Step("resume half-done work", work.is_half_done, work.resume, lambda: True, would=work.would_resume)
        yield Step("verify", lambda: work.ill, work.conclude, lambda: True, acts=False)


def _outline(stage: Stage, instances: Set[str]) -> Iterator[StepOutline]:
    """The steps up of a stage: `instances` are databases, of which the topology names the primary."""
    databases = [name for name in stage.workloads if name in instances]
    if databases:
        yield StepOutline(f"{stage.name}: start the primary", "starts the one that was primary, and no other")
    if databases[1:]:
        yield StepOutline(f"{stage.name}: start the standbys", "starts the others, until they follow it synchronously")
    if len(databases) < len(stage.workloads):
        yield StepOutline(f"{stage.name}: start", "starts what is not there, and waits until it is ready and serves")


class _Rise:
    """One step up: workloads that are started, `needs` that must be met then, and `proof` that they do what they are
    for, which changes something and so is asked for only where something was started."""

    def __init__(
        self, group: Group, *needs: Trouble, proof: Trouble = str, within_s: float, ready: bool = True
    ) -> None:
        """`ready` is whether its pods must be ready, too, which is told up to a second later."""
        self._group, self._needs, self._proof, self._within_s = group, needs, proof, within_s
        self._missing = group.missing if ready else group.unasked

    def trouble(self) -> str:
        """What is missing, read and not tried; empty where the step is well."""
        return self._missing() or next((said for need in self._needs if (said := need())), "")

    def start(self) -> str:
        """Start it and wait until it does what it is for.

        Raises:
            TimeoutExceededError: it does not; the message tells what holds it up.
        """
        said = self._group.start()
        wait_for(
            lambda: not (self.trouble() or self._proof()),
            within=self._within_s,
            every=LOOK_EVERY_S,
            reason=f"{self._group} to come up",
            latest=self._held_up,
        )
        return said

    def would(self) -> str:
        """What `start` would do; nothing where it would only wait."""
        return self._group.would()

    def _held_up(self) -> str:
        return self._group.held_up() if self._group.missing() else self.trouble() or self._proof()


class _Restart:
    """The procedure's work. `ill` is whether anything was found to be down."""

    def __init__(self, context: Context) -> None:
        self.plan = Plan(context)
        self.ill = False
        self._context = context
        self._state = SystemState(context.cluster, context.system)
        self._service = Service(context)
        self._half_done: list[str] = list(context.progress.get("half done", []))

    # -- diagnose

    def is_ill(self) -> bool:
        self.ill = bool(self._troubles()) or self._context.progress.resumed
        return self.ill

    def diagnose(self) -> str:
        return "; ".join(self._troubles()) or "all is up, what remains is gone on with"

    def _troubles(self) -> list[str]:
        """For each stage that is not well the first thing that is wrong with it."""
        found = []
        for stage in self.plan.stages:
            troubles = (rise.trouble() for _, rise in self._rises(stage))
            if said := next(filter(None, troubles), ""):
                found.append(f"{stage.name}: {said}")
        return found

    # -- stages

    def steps_of(self, stage: Stage) -> Iterator[Step]:
        """The steps that bring up a stage; those of databases look at what the first of them found."""
        self._look_for_half_done(stage)
        for number, (name, rise) in enumerate(self._rises(stage)):
            down = lambda rise=rise: self.ill and bool(rise.trouble())  # noqa: E731
            yield Step(f"{stage.name}: {name}", down, rise.start, lambda: True, would=rise.would)
            if number == 0 and self._instances(stage) and self.ill and not self._leads_to_primary():
                # It was lost while a promotion was under way: that is gone on with, fence first.
                for step in PromoteStandby().steps(self._context):
                    yield replace(step, name=f"{stage.name}: {step.name}")

    def _rises(self, stage: Stage) -> list[tuple[str, _Rise]]:
        """The steps up of a stage, with a name each."""
        instances = self._instances(stage)
        found = self._database_rises(instances) if instances else []
        if others := [name for name in stage.workloads if name not in instances]:
            found.append(("start", self._rise(others)))
        return found

    def _database_rises(self, instances: list[str]) -> list[tuple[str, _Rise]]:
        """The primary, then its standbys. Whether they do their work is asked of them: their pods tell it late."""
        primary = self._database.named_primary()
        standbys = [name for name in instances if name != primary]
        last = [] if standbys else [self._not_led]
        first = self._up([primary], lambda: self._silent(primary), *last, ready=False)
        found = [(f"start {primary}, which is to be primary", first)]
        if standbys:
            rise = self._up(standbys, self._not_replicating, self._not_led, proof=self._unconfirmed, ready=False)
            found.append((f"start {', '.join(standbys)}, which {'are' if standbys[1:] else 'is'} to follow it", rise))
        return found

    def _rise(self, names: list[str]) -> _Rise:
        operations = self._context.system.operations
        needs: list[Trouble] = []
        if self._is_looked_after and any(self.plan.workload(name).kind == "StatefulSet" for name in names):
            needs.append(self._not_replicating)
        serves = bool(self.plan.serving() & set(names))
        if serves:
            needs.append(self._service.unread)
        if operations.agents is not None and operations.agents.workers in names:
            needs.append(self._service.incomplete)
        return self._up(names, *needs, proof=self._service.unwritten if serves else str)

    def _up(self, names: list[str], *needs: Trouble, proof: Trouble = str, ready: bool = True) -> _Rise:
        within_s = self._context.system.ready_within_s
        return _Rise(Group(self.plan, names), *needs, proof=proof, within_s=within_s, ready=ready)

    def _instances(self, stage: Stage) -> list[str]:
        database = self._context.system.streaming
        return [name for name in stage.workloads if database is not None and name in database.instances]

    # -- databases

    @property
    def _is_looked_after(self) -> bool:
        """Whether a tool of the database's own makes its instances find together once their pods are there."""
        system = self._context.system
        return system.database is not None and system.streaming is None

    @property
    def _database(self) -> DatabaseService:
        return DatabaseService(self._state, self._context.namespace)

    def _leads_to_primary(self) -> bool:
        """Whether the instance that the topology names is primary, and clients are led to it once it is ready."""
        named = self._database.named_primary()
        led_to = self._database.selector().get(self._state.database.selector_key)
        return led_to == named and self._state.is_primary(named)

    def _silent(self, instance: str) -> str:
        return "" if self._state.query(instance, "select 1") == "1" else f"{instance} does not answer SQL"

    def _not_replicating(self) -> str:
        return self._state.replication_trouble() or ""

    def _not_led(self) -> str:
        named = self._database.named_primary()
        return "" if self._database.leads_to(named) else f"clients are not led to {named} yet"

    def _unconfirmed(self) -> str:
        named = self._database.named_primary()
        return "" if self._state.query(named, TRY_WRITE) == "t" else f"{named} confirms no commit"

    # -- work, and the end

    def _look_for_half_done(self, stage: Stage) -> None:
        """Before those who work are started, see what they had not done: they may go on with it by themselves."""
        workflows = self._context.system.operations.workflows
        if self.ill and workflows is not None and workflows.workers in stage.workloads:
            self._half_done = sorted({*self._half_done, *StuckWork(self._context).stuck()})
            self._context.progress.keep(**{"half done": self._half_done})

    def is_half_done(self) -> bool:
        return bool(self._half_done)

    def would_resume(self) -> str:
        """What `resume` would do."""
        return f"{len(self._half_done)} of the system's workflows, where they do not go on by themselves"

    def resume(self) -> str:
        """Resume what was half done, and wait until all of it goes on.

        Raises:
            RefusedError: something cannot be resumed.
            TimeoutExceededError: something stays stuck.
        """
        work = StuckWork(self._context)
        stuck = set(work.stuck())
        left = [identity for identity in self._half_done if identity in stuck]
        work.resume(left)
        more = set(work.clear(RESUMED_WITHIN_S)) - set(left)
        went = len(self._half_done) - len(left)
        return f"{went} of {len(self._half_done)} had gone on by themselves, {len(left) + len(more)} resumed, all go on"

    def conclude(self) -> str:
        """Look at all of it once more.

        Raises:
            TimeoutExceededError: something is not well; the message tells what.
        """

        def trouble() -> str:
            return "; ".join(self._troubles() or self._state.unready()) or self._service.unwritten()

        wait_for(
            lambda: not trouble(), within=WELL_WITHIN_S, every=LOOK_EVERY_S, reason="all to be well", latest=trouble
        )
        return "every stage is well, and a write through the service is acknowledged and read back"
