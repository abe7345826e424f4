"""What a drill's author works with: views of one drill, each a fixture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from muster.base.clock import now
from muster.base.errors import TimeoutExceededError
from muster.base.waiting import wait_for
from muster.drill.alert import AlertCheck
from muster.drill.checks import GoodCheck, SteadyCheck
from muster.drill.drill import Drill, UnprovableError
from muster.drill.known_good import keep_known_good
from muster.drill.version import note_version
from muster.faults.injection import Injection
from muster.load.profiles import find_profile
from muster.load.run import Arrivals, LoadRun
from muster.load.stages import Stage, checked, described
from muster.probes.ledger.cleaning import clean_up
from muster.probes.ledger.read_back import read_back
from muster.steps import Outcome, run

STEADY_WITHIN_S = 60.0


class Writes:
    """The ledger of a drill: every write that was attempted while its block lasted, to be read back afterwards."""


@dataclass(frozen=True)
class LoadAfter:
    """The load after a point of the drill, for `objectives.judge(slo=...)`."""

    recovery: object


class SystemView:
    """The system under drill."""

    def __init__(self, drill: Drill) -> None:
        self._drill = drill

    def primaries(self) -> list[str]:
        """Names of the database instances that accept writes; more than one is a split brain."""
        return self._drill.state.primaries()

    @contextmanager
    def ledger(self) -> Iterator[Writes]:
        """Write all the time, and remember what was acknowledged, refused, or left uncertain.

        Raises:
            UsageError: the system has no ledger, as it is only read.
        """
        self._drill.state.definition.require_ledger()
        self._drill.check_rights()
        with self._drill.probing():
            self._drill.wait_probing()
            yield Writes()

    def wait_steady(self, within: float = STEADY_WITHIN_S) -> None:
        """Wait until the system is steady (docs/measurement.md, Steady), within so many seconds besides those for which
        its stop conditions are looked at first.

        Raises:
            UnprovableError: it is not; nothing is to be injected, and the verdict is unknown.
        """
        drill = self._drill
        drill.check_rights()
        check = SteadyCheck(drill)
        drill.enter("steady")
        try:
            within += drill.baseline_s
            wait_for(check.holds, within=within, every=0.25, reason="a steady state", latest=lambda: check.trouble)
        except TimeoutExceededError as error:
            drill.timeline.append("steady", ok=False, why=check.trouble, checks=check.checks)
            raise UnprovableError(f"not steady before the fault, nothing was injected: {check.trouble}") from error
        note_version(drill)
        drill.timeline.append("steady", ok=True, why="", checks=check.checks | keep_known_good(drill))

    def wait_good(self, within: float) -> bool:
        """Wait until service is good again and held for the drill's `hold_s`; whether that was within so many seconds
        of the first violation after the injection.

        The hold itself is not charged: what counts is when the good time began. While nothing is violated the time
        counts from this call.
        """
        drill = self._drill
        check = GoodCheck(drill, within)
        drill.enter("good")
        try:
            decided = wait_for(check.decided, within=check.at_most_s, every=0.25, reason="good service")
        except TimeoutExceededError:
            decided = "late"
        drill.timeline.append("good", ok=decided == "good", why=check.trouble)
        return decided == "good"

    def wait_alert(self, within: float | None = None) -> bool:
        """Wait until the drill's alert fires; whether it did within so many seconds of the injection.

        By default until the detection target has passed, so that the alert's absence can be judged. Whoever responds to
        alerts calls this before `recover`: the time that it takes then counts for the RTO, as it does for people.

        Raises:
            UsageError: the drill declares no alert, or nothing was injected yet.
        """
        drill = self._drill
        check = AlertCheck(drill, within)
        drill.enter("alert", drill.declaration.alert or "")
        try:
            return wait_for(check.decided, within=check.deadline_s, every=0.1, reason="an alert") == "firing"
        except TimeoutExceededError:
            return False


class LoadView:
    """Load on the system: `with load(rate=200): ...`, or `with load(stages=[steady(200, for_s=30), ...]): ...`."""

    def __init__(self, drill: Drill) -> None:
        self._drill = drill

    @contextmanager
    def __call__(
        self,
        *,
        rate: float | None = None,
        stages: Sequence[Stage] = (),
        profile: str | None = None,
        arrivals: Arrivals = "even",
    ) -> Iterator[LoadRun]:
        """Run a Locust file of loadtests/ (the drill's own by default) at an open-loop `rate` in requests/s, or through
        `stages` (muster.load.stages), which count from when Locust has started; after the last its rate is kept.

        A fault that raises the load raises the one that was begun first.

        Raises:
            UsageError: no such file; or a rate, a stage, or all loads of the drill together above the system's ceiling.
        """
        drill = self._drill
        path = find_profile(drill.project.loadtests, profile or drill.declaration.load or "")
        ceiling = drill.state.definition.max_requests_per_s
        checked(rate, stages, ceiling)  # before anything starts
        drill.check_rights()
        with drill.probing():
            drill.enter("load", f"{path.stem} at {described(rate, stages)}")
            run = LoadRun.start(
                path,
                rate=rate,
                stages=stages,
                arrivals=arrivals,
                url=drill.url,
                timeline=drill.timeline_path,
                directory=drill.work,
                ceiling=ceiling,
                seed=drill.seed,
            )
            drill.wait_probing()
            with run:
                drill.load_environment = run.environment
                # Now and not at inject(): what an experiment imports takes seconds, and the steady time is to be fresh.
                drill.prepare_fault()
                yield run
                drill.enter("after")

    def after(self, recovery: object) -> LoadAfter:
        """The load after a recovery, or a release that is over, whose service levels are to be judged."""
        return LoadAfter(recovery)


class Fault:
    """A fault in force, as a drill's author sees it."""

    def __init__(self, injection: Injection) -> None:
        self._injection = injection

    def wait_landed(self, seconds: float) -> None:
        """Wait until the fault's declared effect is observed.

        Raises:
            UnprovableError: it is not, within so many seconds; the verdict is unknown.
        """
        if not self._injection.wait_landed(seconds):
            raise UnprovableError(
                f"fault '{self._injection.experiment.name}' did not land within {seconds:g} s: "
                f"{self._injection.evidence}"
            )


class InjectView:
    """The drill's fault: `with inject() as fault: ...`. Leaving the block undoes what is still the fault's."""

    def __init__(self, drill: Drill) -> None:
        self._drill = drill

    @contextmanager
    def __call__(self) -> Iterator[Fault]:
        """Run the drill's experiment and keep its fault in force.

        Raises:
            UnprovableError: a stop condition is not kept already.
            FaultError: a guard refused the target, or the experiment failed; what was done so far is undone.
        """
        drill = self._drill
        drill.check_rights()
        injection = drill.prepare_fault()
        name = injection.experiment.name
        drill.begin_strike()
        drill.enter("inject", name)
        with injection:
            drill.injected_at = injection.sent_at
            try:
                yield Fault(injection)
            finally:
                drill.enter("undo", name)


class RecoverView:
    """The drill's recovery procedure: `done = recover()`."""

    def __init__(self, drill: Drill) -> None:
        self._drill = drill

    def __call__(self, procedure: str | None = None, **arguments: str) -> Outcome:
        """Run a recovery procedure (the drill's own by default) as an operator would. A failing one does not raise.

        Raises:
            UsageError: no such procedure, or it knows no such argument.
        """
        drill = self._drill
        found = drill.procedure(procedure)
        drill.enter("recover", found.name)
        return run(found, drill.operated(arguments, procedure=found.name))


class ObjectivesView:
    """What the drill is held to, and the call that says which of it is required."""

    def __init__(self, drill: Drill) -> None:
        self._drill = drill

    @property
    def rto(self) -> float:
        """How long the drill waits for good service, in seconds: its budget, else its severity's RTO."""
        declared = self._drill.declaration
        return declared.rto_budget_s or declared.rto_target_s or 0.0

    def judge(self, *, rto: Fault | None = None, rpo: Writes | None = None, slo: LoadAfter | None = None) -> None:
        """Require objectives: the RTO of a fault, the RPO of a ledger (read back now), the service levels of the load.

        A drill that never calls this is unknown.
        """
        drill = self._drill
        drill.enter("judge")
        began, required = now(), list[str]()
        if rto is not None:
            required += ["rto"] + (["budget"] if drill.declaration.rto_budget_s is not None else [])
        if rpo is not None:
            drill.stop_probing()  # so that the ledger is complete
            read_back(drill.state.definition, drill.url, drill.timeline_path)
            required += ["rpo"] + (["lost_writes"] if drill.declaration.max_lost_writes is not None else [])
        if slo is not None:
            required.append("slo")
        if drill.declaration.alert is not None:
            required.append("detection")
        drill.timeline.append("judged", required=required, began=began)
        if rpo is not None:
            clean_up(drill.state.definition, drill.url, drill.timeline_path)
