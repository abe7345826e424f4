"""One drill: its timeline, the parts that write on it, and its verdict."""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from muster.base import clock
from muster.base.clock import utc_iso
from muster.base.errors import MusterError, RefusedError
from muster.base.timeline import Timeline, TimelineError
from muster.drill.deadline import longest_fault_s
from muster.drill.leavings import look_for_leavings
from muster.drill.live import Live
from muster.drill.needs import rights_of_drill
from muster.drill.watcher import Watcher
from muster.faults.aim import NOBODY, Aim
from muster.faults.channel import DEADLINE_VARIABLE, LEASE_VARIABLE
from muster.faults.experiments import find_experiment
from muster.faults.injection import FaultError, Injection
from muster.faults.reach import check_reach, content_of
from muster.guardian import Guardian, check_allowed
from muster.guardian.looks import check_lookable
from muster.kube import PROCEDURE, Change
from muster.monitoring import AlertWatch
from muster.objectives import Declaration
from muster.probes.ledger.cleaning import clean_up
from muster.probes.prober.plan import READ, WRITE
from muster.probes.prober.process import Prober
from muster.recovery import find_procedure
from muster.safety import AuditLog, DrillLock, check_nothing_open
from muster.safety.audit import who
from muster.safety.guards import undo_command
from muster.safety.hooks import UNKNOWN, VERDICT_VARIABLE, Hooks, When
from muster.safety.limits import Condition, find_limits, limits_environment
from muster.safety.limits.conditions import ServiceCondition
from muster.safety.rights import check_rights
from muster.safety.targets import HOME_VARIABLE
from muster.steps import Context, Procedure
from muster.system import SystemState
from muster.system.definition import SYSTEM_VARIABLE
from muster.system.headers import HEADERS_VARIABLE, to_environment
from muster.system.trust import CA_VARIABLE, trust
from muster.verdict import DrillVerdict, Verdict, judge_file

KEPT_S = 5.0  # by how much more than it looks at a wait keeps of the requests


class UnprovableError(MusterError):
    """The drill cannot prove anything from here on: its verdict is unknown, and its body goes no further."""


@dataclass(frozen=True)
class Project:
    """Where a project keeps what drills name."""

    root: Path

    @property
    def experiments(self) -> Path:
        return self.root / "experiments"

    @property
    def home(self) -> Path:
        """Where `muster` keeps what it must know between its commands."""
        return self.root / ".muster"

    @property
    def loadtests(self) -> Path:
        return self.root / "loadtests"


@dataclass
class Drill:
    """A drill that runs. A context manager: leaving it stops whatever its body left running.

    `directory` receives the timeline and what the parts keep (journals, logs); `kubeconfig` holds the single context
    that experiments are given; `url` is where clients reach the system; `aim` is what the marker says of whom its fault
    strikes; `own_procedure` is the recovery that it describes itself, where that is not one of those known by name.
    """

    declaration: Declaration
    project: Project
    state: SystemState
    kubeconfig: Path
    url: str
    directory: Path
    run: str
    seed: int
    guardian: Guardian
    aim: Aim = NOBODY
    own_procedure: Procedure | None = None
    told: list[str] = field(default_factory=list)  # for people, once it is over: what went wrong, what stays
    injected_at: float | None = None
    load_environment: Mapping[str, str] = field(default_factory=dict)  # by which a fault finds the load that runs
    _stack: ExitStack = field(default_factory=ExitStack)
    _prober_users: int = 0
    _prober: Prober | None = None
    _prober_started: bool = False
    _verdict: Verdict | None = None
    _injection: Injection | None = None
    _announced: bool = False
    _entitled: bool = False
    _conditions: list[Condition] = field(default_factory=list)

    def __enter__(self) -> Self:
        """Take the namespace and begin to watch.

        Raises:
            UnprovableError: another drill has the namespace, a fault is in force there, or drills are forbidden.
            GuardianError: there is no guardian.
        """
        try:
            self._begin()
        except BaseException:
            self._stack.close()
            raise
        return self

    def _begin(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        # Load, experiment and effects ask the service as the probes do.
        os.environ[HEADERS_VARIABLE] = to_environment(self.state.definition.headers)
        os.environ[SYSTEM_VARIABLE] = str(self.state.definition.path)
        trust(self.state.definition)
        for variable in (HEADERS_VARIABLE, SYSTEM_VARIABLE, CA_VARIABLE):
            self._stack.callback(os.environ.pop, variable, None)
        self.timeline = self._stack.enter_context(
            Timeline.start(self.timeline_path, run=self.run, drill=self.declaration.name)
        )
        self.live = Live(self.timeline_path)
        self.timeline.append("declared", **self.declaration.to_event())
        self._stack.callback(self._tell_left)
        self._take_namespace()
        self._stack.enter_context(Watcher(self.state, self.timeline))
        monitoring, alert = self.state.definition.monitoring, self.declaration.alert
        if monitoring is not None and alert is not None:
            self._stack.enter_context(AlertWatch(monitoring, alert, self.timeline))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def _take_namespace(self) -> None:
        """Have the namespace to oneself until the drill is over, with nothing of an earlier one open in it, and have a
        guardian watch over it.

        Raises:
            UnprovableError: another drill has it, a fault is in force, drills are forbidden, or the system lacks what
                a stop condition is asked of.
            UsageError: safety.yaml cannot be read or understood.
            GuardianError: there is no guardian.
        """
        cluster, namespace = self.state.cluster, self.state.namespace
        declared, monitoring = self.declaration, self.state.definition.monitoring
        try:
            conditions = find_limits(cluster, namespace, root=self.project.root).stop_when
            check_lookable(conditions, monitoring)
            check_allowed(cluster, namespace, self.project.home)
            holder = f"drill {declared.name} ({who()} on {socket.gethostname()}, {secrets.token_hex(6)})"
            self._lock = self._stack.enter_context(DrillLock(cluster, namespace, holder, run=self.run))
            check_nothing_open(cluster, namespace)
        except RefusedError as error:
            raise UnprovableError(str(error)) from error
        after = self._hooks("after")
        self._stack.callback(self._run_after, after)
        self._stack.callback(self._clean_up)
        self.guardian.watch(
            declared.name,
            namespace=namespace,
            holder=holder,
            timeline=self.timeline_path,
            conditions=conditions,
            monitoring=monitoring,
            alert=declared.alert,
            after=after,
        )
        self._conditions = conditions
        self._stack.callback(self._rest)
        self._announced = True
        if why := self._hooks("before").run(self.timeline):
            raise UnprovableError(f"refused: what is to be run before each drill failed: {why}")

    def _hooks(self, when: When) -> Hooks:
        declared, cluster = self.state.definition.hooks, self.state.cluster
        wanted = declared.rehearsals or not cluster.embedded
        return Hooks.of(
            when,
            (declared.before if when == "before" else declared.after) if wanted else [],
            directory=self.state.definition.directory,
            within_s=declared.within_s,
            drill=self.declaration.name,
            target=f"{cluster.context}/{self.state.namespace}",
        )

    def _run_after(self, hooks: Hooks) -> None:
        """Run what comes after the drill, where what comes before it may have been run."""
        if not self._announced:
            return
        verdict = UNKNOWN if self._verdict is None else self._verdict.value
        if why := hooks.run(self.timeline, **{VERDICT_VARIABLE: verdict}):
            self.told.append(f"what is to be run after each drill failed: {why}")

    def _clean_up(self) -> None:
        """Remove what the drill wrote into a service that outlives it, where it did not come to that itself."""
        if not self.state.cluster.embedded:
            with contextlib.suppress(TimelineError):  # a file that is full has been told of
                clean_up(self.state.definition, self.url, self.timeline_path)

    def _tell_left(self) -> None:
        """Say what the drill made and removed, and what stays. A cluster of muster's own is taken away as a whole."""
        cluster, namespace = self.state.cluster, self.state.namespace
        if cluster.embedded or not self._announced:
            return
        with contextlib.suppress(TimelineError):
            self.live.update(since=clock.now())
            found = look_for_leavings(cluster, namespace, self.live.events, self._lock.holder)
            self.timeline.append("left", removed=found.removed, left=found.left)
            self.told += [f"left in {cluster.context}/{namespace}: {text}" for text in found.left]

    def _rest(self) -> None:
        """Have the guardian take back what is left.

        Raises:
            FaultError: something is, and it cannot be taken back yet.
        """
        if trouble := self.guardian.rest():
            cluster, namespace = self.state.cluster, self.state.namespace
            raise FaultError(
                f"a fault of this drill may still be in force in namespace '{namespace}' of context "
                f"'{cluster.context}' ({trouble}); its guardian (process {self.guardian.pid}) goes on trying; by hand: "
                f"{undo_command(cluster, namespace)}"
            )

    @property
    def timeline_path(self) -> Path:
        return self.directory / f"{self.declaration.name}.jsonl"

    @property
    def work(self) -> Path:
        """A directory of the drill's own for what its child processes need and leave: plans, logs, journals."""
        path = self.directory / f"{self.declaration.name}.d"
        path.mkdir(exist_ok=True)
        return path

    @property
    def prepared(self) -> Injection | None:
        """The drill's injection, once its process has been started."""
        return self._injection

    def end_with(self, end: Callable[[], object]) -> None:
        """Have something ended when the drill is."""
        self._stack.callback(end)

    @property
    def since_injection_s(self) -> float | None:
        """Seconds since the fault was sent; None before."""
        return None if self.injected_at is None else clock.now() - self.injected_at

    def enter(self, phase: str, detail: str = "") -> None:
        """Note that the drill enters a phase."""
        self.timeline.append("phase", phase=phase, detail=detail)

    def pump(self) -> None:
        """Take in the timeline's news; every wait of a drill calls this.

        Raises:
            UnprovableError: the drill was stopped, or taken for dead.
            GuardianError: its guardian is gone.
        """
        if why := self.guardian.look() or self._lock.lost:
            raise UnprovableError(f"stopped: {why}")
        declared = self.declaration
        newest = clock.now() if self.injected_at is None else self.injected_at
        self.live.update(since=newest - max(declared.steady_s, declared.hold_s) - KEPT_S)

    @property
    def baseline_s(self) -> float:
        """How long its stop conditions are looked at at least before it may strike, in seconds."""
        return max((one.over_s for one in self._conditions if isinstance(one, ServiceCondition)), default=0.0)

    def begin_strike(self) -> None:
        """Have a stop condition end the drill from now on; until now it only keeps it from striking.

        Raises:
            UnprovableError: one is not kept already, or was not looked at for long enough.
            GuardianError: the guardian does not answer.
        """
        if unwell := self.guardian.unwell():
            raise UnprovableError(f"nothing was injected, by a stop condition: {unwell}")
        self.guardian.strike()

    @contextmanager
    def probing(self) -> Iterator[None]:
        """Have the prober running for as long as anybody needs it. It takes a while to start: see `wait_probing`."""
        if self._prober is None:
            further = [probe.name for probe in self.declaration.probes if probe.name not in (READ, WRITE)]
            self._prober = Prober.start(self.state.definition, self.url, self.timeline_path, self.work, further=further)
            self._stack.callback(self._prober.stop)
        self._prober_users += 1
        try:
            yield
        finally:
            self._prober_users -= 1
            if not self._prober_users:
                self.stop_probing()

    def stop_probing(self) -> None:
        """End the prober, whoever still needs it: what it sees from here on is not judged. May be called again."""
        if self._prober is not None:
            self._prober.stop()
            self._prober, self._prober_started = None, False

    def wait_probing(self) -> None:
        """Wait until the prober has started.

        Raises:
            ProberError: it does not.
        """
        if self._prober is not None and not self._prober_started:
            self._prober.wait_started()
            self._prober_started = True

    def check_rights(self) -> None:
        """Let pass a drill that may do all that it will have to, and whose fault keeps to every limit, before it
        changes anything. Asked once.

        Raises:
            UnprovableError: a right is missing, or a limit is not kept; the message names it.
            UsageError: there is no such experiment, or no such procedure, or safety.yaml is wrong.
        """
        if self._entitled:
            return
        declared = self.declaration
        experiment = find_experiment(self.project.experiments, declared.fault, self.state.definition, self.aim)
        recovery = self.procedure() if declared.recovery else None
        context = self.operated()
        cluster, namespace = context.cluster, self.state.namespace
        needed = rights_of_drill(context, experiment, recovery)
        try:
            check_rights(cluster, namespace, needed, who=f"drill '{declared.name}'")
            check_reach(
                declared.fault,
                content_of(experiment),
                cluster,
                namespace,
                environment=experiment.environment,
                root=self.project.root,
            )
        except RefusedError as error:
            said = {"drill": declared.name, "why": str(error)}
            context.audit.record("drill", target=f"{cluster.context}/{namespace}", outcome="refused", **said)
            raise UnprovableError(str(error)) from error
        self._entitled = True

    def prepare_fault(self) -> Injection:
        """The drill's injection, its process started ahead of time: what it imports takes seconds.

        Raises:
            UsageError: there is no such experiment.
        """
        if self._injection is None:
            declared = self.declaration
            experiment = find_experiment(self.project.experiments, declared.fault, self.state.definition, self.aim)
            longest_s = longest_fault_s(declared, experiment, self.state.definition.release)
            deadline = utc_iso(timespec="seconds", after_s=longest_s)
            self._injection = Injection(
                experiment,
                self.state.cluster,
                self.kubeconfig,
                self.state.namespace,
                self.timeline,
                self.work / "fault",
                self.url,
                {
                    HOME_VARIABLE: str(self.project.home),
                    LEASE_VARIABLE: self._lock.holder,
                    DEADLINE_VARIABLE: deadline,
                    **limits_environment(self.project.root),
                    **self.load_environment,
                },
                self.state.definition,
            )
            self._stack.callback(self._injection.release)
            self._injection.prepare()
            self.guardian.arm(self._injection.injection, deadline)
        return self._injection

    def procedure(self, name: str | None = None) -> Procedure:
        """The recovery procedure of that name, the drill's own by default.

        Raises:
            UsageError: there is none.
        """
        wanted = name or self.declaration.recovery or ""
        if self.own_procedure is not None and wanted == self.own_procedure.name:
            return self.own_procedure
        return find_procedure(wanted, self.state.definition)

    def operated(self, arguments: Mapping[str, str] | None = None, *, procedure: str | None = None) -> Context:
        """The system as operators see it: what recovery procedures work on. Where one is named, the timeline is told
        what it does and changes."""

        def changed(change: Change) -> None:
            self.timeline.append("recovery.change", procedure=procedure, **change._asdict())

        cluster = self.state.cluster
        return Context(
            cluster=cluster if procedure is None else cluster.observed(changed).asking_as(PROCEDURE),
            system=self.state.definition,
            namespace=self.state.namespace,
            timeline=None if procedure is None else self.timeline,
            audit=AuditLog.of_run(self.directory),
            url=self.url,
            arguments=arguments or {},
        )

    @property
    def left_whole(self) -> bool:
        """Whether the drill ended with its objectives met, so that the next one may follow on the same system."""
        return self._verdict is Verdict.MET

    def conclude(self, error: BaseException | None) -> DrillVerdict:
        """End the drill and judge it from its timeline alone; `error` is what ended its body, if anything did."""
        try:
            self.timeline.append("ended", outcome="passed" if error is None else _told(error))
            verdict = judge_file(self.timeline_path)
        except TimelineError as broken:
            why = f"the timeline cannot be judged: {broken}"
            declared = self.declaration
            verdict = DrillVerdict(
                name=declared.name, nodeid=declared.nodeid, severity=declared.severity, why=why, reasons=[why]
            )
        self._verdict = verdict.verdict
        return verdict


def _told(error: BaseException) -> str:
    """What ended a drill's body, in one line; muster's own errors are sentences already."""
    said = str(error).strip() or "no message"
    return (said if isinstance(error, MusterError) else f"{type(error).__name__}: {said}").splitlines()[0]
