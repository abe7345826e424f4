"""The state of one experiment's process, shared by its controls and activities.

Chaos Toolkit calls plain functions of modules and offers them no place for state of their own, hence the one global.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from muster.base.clock import utc_iso
from muster.base.errors import RefusedError, UsageError
from muster.base.process import run_id
from muster.faults.channel import (
    DEADLINE_VARIABLE,
    LEASE_VARIABLE,
    NAMESPACE_VARIABLE,
    ExperimentSide,
    lock_holder,
)
from muster.faults.fitness import check_fit
from muster.faults.foreign import official_clients
from muster.faults.reach import check_reach
from muster.kube import Cluster, connect
from muster.safety import (
    AuditLog,
    Command,
    DrillLock,
    Entry,
    Held,
    Part,
    Record,
    Rollout,
    check_nothing_open,
    check_target,
    find_record,
    remember,
)
from muster.safety import undo as undo_record
from muster.safety.locks import check_held
from muster.safety.targets import DEFAULT_HOME, HOME_VARIABLE, note_struck

SETTLE_S = 1.0  # how long a request may be carried out after nobody waits for its answer any more
BY_HAND_S = 120.0


@dataclass
class Session:
    """An experiment that passed its guard."""

    experiment: str
    cluster: Cluster
    namespace: str
    channel: ExperimentSide
    audit: AuditLog
    holder: str  # under which the namespace is held, by this experiment or by its drill
    deadline: str  # ISO 8601: until when the fault may last
    touches: Mapping[str, Sequence[str]] = field(default_factory=dict)  # objects by activity, as far as they are known
    record: Record | None = None
    struck: bool = False
    doubtful: bool = False  # a request may be under way still, whose answer nobody waits for
    _lasting_with_us: list[tuple[str, Callable[[], object]]] = field(default_factory=list)

    @property
    def target(self) -> str:
        return f"{self.cluster.context}/{self.namespace}"

    def remember(self, entry: Entry) -> None:
        """Write down what undoes a change, before it is made.

        Raises:
            RefusedError: the experiment is in force already, or another drill has the namespace by now.
            ClusterError: the record could not be written.
        """
        self._record(entry)

    def remember_command(self, command: Command) -> None:
        """Write down what is to be run in a container to take back what is about to be done there. Raises likewise."""
        self._record(command)

    def remember_rollout(self, rollout: Rollout) -> None:
        """Write down which release is about to be brought out. Raises likewise."""
        self._record(rollout)

    def hold(self, what: str, undo: Callable[[], object], *, by: int | None = None) -> None:
        """Write down a part of the fault that lasts only as long as a process, in whatever way that ends: `by` its id,
        or this one. `what` is it, for people; `undo` ends it. Raises likewise, and then it is ended at once."""
        self._lasting_with_us.append((what, undo))
        self._record(Held.by(by or os.getpid(), what))

    def _record(self, part: Part) -> None:
        check_held(self.cluster, self.namespace, self.holder)
        begun = self.record or Record(
            experiment=self.experiment,
            namespace=self.namespace,
            run=run_id(),
            injection=self.channel.injection,
            created=utc_iso(timespec="seconds"),
            deadline=self.deadline,
        )
        self.record = remember(self.cluster, begun, part)

    def let_go(self) -> list[str]:
        """Undo what lasts only as long as this process, latest first; returns what that was."""
        undone = []
        while self._lasting_with_us:
            what, undo = self._lasting_with_us.pop()
            undo()
            undone.append(f"{what}: let go")
        return undone

    def undo(self) -> list[str]:
        """Undo what this experiment recorded or holds on to, and say so; returns what was done, a sentence each.

        Whether there is a record the cluster tells: it may have taken one whose answer did not get here.

        Raises:
            ClusterError, RecordError, TimeoutExceededError: it could not be undone; the record stays in the cluster.
        """
        undone, left = self.let_go(), list[str]()
        record = find_record(self.cluster, self.namespace, self.experiment)
        if record is not None and record.injection == self.channel.injection:
            rest = replace(record, held=())  # that is what was let go
            outcome = undo_record(self.cluster, rest, settle_s=SETTLE_S if self.doubtful else 0.0)
            undone, left = [*undone, *outcome.undone], list(outcome.left)
        elif not undone:
            return []
        self.record = None
        if self.channel.timeline:
            self.channel.timeline.append(
                "fault.undone", experiment=self.experiment, undone=undone, left=left, by="experiment"
            )
        self.channel.report("undone", undone=undone, left=left)
        objects = [] if record is None else record.objects
        self.audit.record("undo", target=self.target, outcome="done", objects=objects, undone=undone, left=left)
        return [*undone, *left]

    def strike(self, activity: str, *objects: str) -> None:
        """Tell the timeline and the audit log that an activity is about to strike these objects (`Kind/name`); to be
        called right before it does.

        Raises:
            AuditError, TimelineError: it could not be told; then it must not strike.
            RefusedError: another drill has the namespace by now.
            ClusterError: that cannot be asked.
        """
        check_held(self.cluster, self.namespace, self.holder)
        known = objects or self.touches.get(activity, ())
        said = {"experiment": self.experiment, "activity": activity}
        self.audit.record("strike", target=self.target, outcome="begun", objects=known, **said)
        if not self.struck:
            if self.channel.timeline:
                self.channel.timeline.append("fault.sent", experiment=self.experiment, activity=activity)
            self.channel.report("sent", activity=activity)
            self.struck = True


def _deadline_by_hand(longest_s: float, configuration: Mapping[str, Any]) -> str:
    """Until when a fault may last that no drill limits: as long as it takes and is to be held, and a while."""
    try:
        held_s = float(configuration.get("hold_s", 0.0))
    except (TypeError, ValueError):
        held_s = 0.0
    return utc_iso(timespec="seconds", after_s=longest_s + held_s + BY_HAND_S)


_current: list[Session] = []
_until_end = ExitStack()


def begin(experiment: Mapping[str, Any], configuration: Mapping[str, Any] | None) -> Session:
    """Pass the guard and make the session of this process.

    Raises:
        UsageError: the experiment, or what it is told, is wrong.
        RefusedError: the target must not be struck.
        ClusterError: it cannot be asked.
    """
    content = check_fit(experiment)
    namespace = (configuration or {}).get("namespace")
    if not isinstance(namespace, str) or not namespace:
        raise UsageError(
            "the experiment must say its namespace: configuration: namespace: "
            f"{{type: env, key: {NAMESPACE_VARIABLE}, default: ...}}"
        )
    if (drilled := os.environ.get(NAMESPACE_VARIABLE, namespace)) != namespace:
        raise UsageError(f"the experiment strikes namespace '{namespace}', but {NAMESPACE_VARIABLE} says '{drilled}'")
    kubeconfig = os.environ.get("KUBECONFIG")
    if not kubeconfig:
        raise UsageError("KUBECONFIG is not set; it must name a kubeconfig with the one context that is to be struck")
    assert content.extension is not None, "check_fit lets no other pass"
    name = content.extension.experiment
    with ExitStack() as stack:
        cluster = stack.enter_context(connect(Path(kubeconfig)))
        stack.enter_context(official_clients(cluster.access))
        channel, audit = ExperimentSide(), AuditLog.of_run(Path("reports"))
        with _refusals_logged(audit, name, f"{cluster.context}/{namespace}"):
            check_target(cluster, namespace)
            check_nothing_open(cluster, namespace)
            strikes = check_reach(name, content, cluster, namespace, configuration=configuration)
        if home := os.environ.get(HOME_VARIABLE, DEFAULT_HOME):  # empty where the cluster goes with the session
            note_struck(Path(home), cluster, namespace)
        holder = os.environ.get(LEASE_VARIABLE, "")
        if holder:
            check_held(cluster, namespace, holder)
        else:
            lock = DrillLock(cluster, namespace, lock_holder(name, channel.injection), run=run_id())
            holder = stack.enter_context(lock).holder
        deadline = os.environ.get(DEADLINE_VARIABLE) or _deadline_by_hand(content.longest_s, configuration or {})
        touches = {one.activity: [touch.object for touch in one.touches] for one in strikes}
        session = Session(name, cluster, namespace, channel, audit, holder, deadline, touches)
        objects = dict.fromkeys(touch for activity in touches.values() for touch in activity)
        session.audit.record("experiment", target=session.target, outcome="begun", objects=objects, experiment=name)
        _until_end.push(stack.pop_all())
    _current[:] = [session]
    return session


@contextmanager
def _refusals_logged(audit: AuditLog, experiment: str, target: str) -> Iterator[None]:
    try:
        yield
    except RefusedError as error:
        audit.record("experiment", target=target, outcome="refused", experiment=experiment, why=str(error))
        raise


def current() -> Session:
    """The session of this process.

    Raises:
        RefusedError: the guard was not passed.
    """
    if not _current:
        raise RefusedError(
            "refused: the experiment did not pass its guard; its `controls` must name the module muster.faults.controls"
        )
    return _current[0]


def guarded() -> Session | None:
    """The session of this process, or None where the guard was not passed."""
    return _current[0] if _current else None


def doubt() -> None:
    """Note that a request may be under way still, whose answer nobody waits for: the undo looks twice."""
    if _current:
        _current[0].doubtful = True


def end() -> None:
    """Forget the session, give back the namespace's lock and hang up."""
    _current.clear()
    _until_end.close()
