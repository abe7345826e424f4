"""A service hangs or answers wrongly though nothing of it was changed: restart its pods, a few at a time.

Where its newest revision crashes for a change, restarting would repeat the crash: that is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from muster.base.clock import utc
from muster.base.errors import RefusedError, UsageError
from muster.base.waiting import wait_for
from muster.recovery.database_service import DatabaseService
from muster.recovery.held_up import held_up
from muster.recovery.needs import RESTART, WORKLOADS, database_rights
from muster.recovery.repair_crashed_pods import find_change
from muster.recovery.seen_by_clients import lasting, unanswered
from muster.recovery.workloads import Workload
from muster.safety.rights import Right, rights
from muster.steps import Context, Step, StepOutline
from muster.system import SystemDefinition
from muster.system.pods import STUCK, controller_of, troubles
from muster.system.state import SystemState

LOOK_EVERY_S = 0.1
OVERDUE_S = 2.0  # how long a pod may be there after its time to end, until it is ended by force
Object = dict[str, Any]


OUTLINE = (
    StepOutline(
        "diagnose", "asks the service, and looks at its pods: is any of them hanging or answering wrongly?", acts=False
    ),
    StepOutline("delete stuck pods", "ends by force those that crash in a loop or do not go"),
    StepOutline("rolling restart", "makes every pod of the Deployment anew, a few at a time"),
    StepOutline("verify", "all replicas are ready and answer rightly", acts=False),
)


class RestartService:
    """See whether it answers, restart it where it does not, see that it does."""

    name = "restart-service"
    summary = "the service hangs or answers wrongly: restart its pods, a few at a time"
    parameters: Mapping[str, str] = MappingProxyType(
        {
            "service": "the Deployment (default: the one that the system's own service leads to)",
            "force": "yes: restart it although it answers rightly",
        }
    )

    def needs(self, context: Context) -> Iterable[Right]:
        return WORKLOADS | RESTART | rights("get", "Service") | database_rights(context.system)

    def outline(self, _system: SystemDefinition) -> Sequence[StepOutline]:
        return OUTLINE

    def steps(self, context: Context) -> Iterator[Step]:
        work = _Restart(context)
        yield Step("diagnose", work.is_ill, work.diagnose, lambda: True, acts=False)
        yield Step(
            "delete stuck pods",
            lambda: bool(work.stuck),
            work.delete_stuck,
            work.are_gone,
            within_s=30,
            waits_for=work.still_there,
            would=lambda: f"delete by force: {', '.join(work.stuck)}" if work.stuck else "",
        )
        yield Step(
            "rolling restart",
            lambda: work.ill,
            work.restart,
            work.workload.is_rolled_out,
            would=lambda: f"every pod of {work.workload} made anew, a few at a time",
        )
        yield Step("verify", lambda: work.ill, work.conclude, lambda: True, acts=False)


class _Restart:
    """The procedure's work. `ill` is whether it is to be restarted, `stuck` the pods that do not get anywhere."""

    def __init__(self, context: Context) -> None:
        self._context, self._cluster, self._namespace = context, context.cluster, context.namespace
        own = serving_deployments(context)
        name = context.arguments.get("service") or self._only(own)
        deployments = {item["metadata"]["name"] for item in self._cluster.list("Deployment", self._namespace)}
        if name not in deployments:
            there = ", ".join(sorted(deployments)) or "none"
            raise UsageError(f"service '{name}' is no Deployment in namespace {self._namespace} (there are: {there})")
        self._forced = _yes(context, "force")
        self._is_own = name in own  # whether the service's clients tell how it is
        self.workload = Workload(self._cluster, self._namespace, "Deployment", name)
        self.ill = False
        self.stuck: list[str] = []

    def _only(self, own: list[str]) -> str:
        if len(own) == 1:
            return own[0]
        service = self._context.system.service.name
        found = f"leads to {len(own)} Deployments ({', '.join(own) or 'none'})"
        raise UsageError(f"Service {service} {found}; say which to restart by service=DEPLOYMENT")

    # -- diagnose

    def is_ill(self) -> bool:
        self._said = lasting(self._trouble)
        self.ill = bool(self._said) or self._forced or self._context.progress.resumed
        return self.ill

    def diagnose(self) -> str:
        """Tell what is wrong, and that a restart could mend it.

        Raises:
            RefusedError: it could not.
        """
        if not self.workload.replicas:
            raise RefusedError(f"{self.workload} has no replicas to restart; right would be full-restart")
        self._refuse_bad_change()
        self._refuse_without_database()
        self.stuck = [pod["metadata"]["name"] for pod in self.workload.pods() if _is_stuck(pod)]
        also = f"; stuck: {', '.join(self.stuck)}" if self.stuck else ""
        why = "it is restarted as force=yes says" if self._forced else "its restart is gone on with"
        return (self._said or f"nothing is wrong with {self.workload}, {why}") + also

    def _trouble(self) -> str:
        if not self.workload.replicas:
            return "it has no replicas"
        if said := held_up(self.workload):
            return said
        return unanswered(self._context) if self._is_own else ""

    def _refuse_bad_change(self) -> None:
        replica_sets = self._cluster.list("ReplicaSet", self._namespace)
        by_uid = {item["metadata"]["uid"]: item for item in replica_sets}
        for pod in self.workload.pods():
            own = by_uid.get((controller_of(pod) or {}).get("uid", ""))
            if own and troubles(pod) and (change := find_change(own, replica_sets)):
                raise RefusedError(f"its newest revision crashes for a change ({change}): use repair-crashed-pods")

    def _refuse_without_database(self) -> None:
        if not self._is_own or self._context.system.database is None:
            return
        state = SystemState(self._cluster, self._context.system)
        if state.replicated is not None:
            if not state.primaries():
                raise RefusedError("no primary of the database is well; right would be promote-standby")
            return
        primary = DatabaseService(state, self._namespace).named_primary()
        if not state.is_primary(primary):
            raise RefusedError(f"primary database {primary} does not answer; right would be promote-standby")

    # -- delete

    def delete_stuck(self) -> str:
        return f"deleted by force: {', '.join(self._delete(self.stuck))}"

    def are_gone(self) -> bool:
        return not self._there()

    def still_there(self) -> str:
        """Which of the stuck pods are there still."""
        return f"still there: {', '.join(self._there())}"

    def _there(self) -> list[str]:
        return sorted({pod["metadata"]["name"] for pod in self.workload.pods()} & set(self.stuck))

    def _delete(self, names: list[str]) -> list[str]:
        for name in names:
            self._cluster.delete("Pod", name, self._namespace, grace_s=0)
        return names

    # -- restart

    def restart(self) -> str:
        """Restart it and wait until that is done, ending by force what does not go.

        Raises:
            TimeoutExceededError: it is not done; the message tells what is missing.
        """
        self.workload.restart(self._context.progress)
        forced: set[str] = set()
        wait_for(
            lambda: self._goes_on(forced),
            within=self._context.system.ready_within_s,
            every=LOOK_EVERY_S,
            reason="the restart",
            latest=self._missing,
        )
        return f"{self.workload} restarted" + (f", ended by force: {', '.join(sorted(forced))}" if forced else "")

    def _goes_on(self, forced: set[str]) -> bool:
        forced.update(self._delete([pod["metadata"]["name"] for pod in self.workload.pods() if _is_overdue(pod)]))
        return self.workload.is_rolled_out()

    def _missing(self) -> str:
        return held_up(self.workload) or "nothing"

    # -- verify

    def conclude(self) -> str:
        """Say that all is well.

        Raises:
            RefusedError: it is not, and a restart did not mend it.
        """
        if said := lasting(self._trouble):
            raise RefusedError(f"{said}, although {self.workload} was restarted")
        return f"{self.workload} is ready" + (" and answers rightly" if self._is_own else "")


def serving_deployments(context: Context) -> list[str]:
    """The names of the Deployments to whose pods the system's own service leads."""
    service = context.cluster.get("Service", context.system.service.name, context.namespace)
    selector = service["spec"].get("selector") or {}
    return [
        item["metadata"]["name"]
        for item in context.cluster.list("Deployment", context.namespace)
        if selector and selector.items() <= (item["spec"]["template"]["metadata"].get("labels") or {}).items()
    ]


def _yes(context: Context, name: str) -> bool:
    """Whether an argument says yes; left out it says no.

    Raises:
        UsageError: it says neither.
    """
    said = context.arguments.get(name, "no")
    if said not in {"yes", "no"}:
        raise UsageError(f"argument {name} is '{said}', must be yes or no")
    return said == "yes"


def _is_stuck(pod: Object) -> bool:
    return _is_overdue(pod) or any(trouble.reason in STUCK for trouble in troubles(pod))


def _is_overdue(pod: Object) -> bool:
    """Whether a pod should have ended a while ago: its deletionTimestamp is when its grace is over."""
    end = pod["metadata"].get("deletionTimestamp")
    return bool(end) and utc() - datetime.fromisoformat(end) > timedelta(seconds=OVERDUE_S)
