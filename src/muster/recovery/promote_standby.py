"""The primary database is lost: make a standby the primary, for good, and never have two.

The old primary is fenced before anything is promoted: the topology ConfigMap, by which each instance decides at its
start what it may be, names the new primary, and the old one has neither a pod nor a StatefulSet that would make one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from muster.base.clock import SYSTEM_CLOCK
from muster.base.errors import RefusedError
from muster.kube import Cluster
from muster.recovery import failover
from muster.recovery.database_service import DatabaseService
from muster.recovery.needs import DATABASE, promotion_rights
from muster.safety.rights import Right, rights
from muster.steps import NO_PARAMETERS, Context, Step, StepOutline
from muster.system import Database, SystemDefinition
from muster.system.state import SystemState

LOOKS = 3
BETWEEN_LOOKS_S = 0.2
# What pg_isready ends with where a server accepts connections, or is there but rejects them.
ACCEPTS, REJECTS = 0, 1

RECEIVED = "select pg_wal_lsn_diff(coalesce(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()), '0/0')"
WAITS_IN_VAIN = (
    "select current_setting('synchronous_standby_names') <> ''"
    " and not exists (select from pg_stat_replication where sync_state in ('sync', 'quorum'))"
)
# A transaction of its own that must be written and committed like any other, and that changes nothing.
TRY_WRITE = "select pg_logical_emit_message(true, 'muster', 'write check') is not null"


OUTLINE = (
    StepOutline("diagnose", "asks the primary three times, and which standby has received most", acts=False),
    StepOutline("fence the old primary", "takes its place and its pod away, so that there are never two"),
    StepOutline("stop waiting for lost standbys", "writes need not wait for a standby that is gone"),
    StepOutline("promote", "makes the standby that has received most the primary"),
    StepOutline("repoint clients", "points the Service at the new primary"),
    StepOutline("verify", "one write that changes nothing is committed"),
)


class PromoteStandby:
    """Fence the lost primary, promote the most advanced standby, repoint clients."""

    name = "promote-standby"
    summary = "the primary database is lost: promote a standby, fence the old primary, repoint clients"
    parameters = NO_PARAMETERS

    def needs(self, context: Context) -> Iterable[Right]:
        if context.system.database is not None and context.system.streaming is None:
            return promotion_rights(context.system)
        return (
            DATABASE
            | rights("patch", "ConfigMap", "Service")
            | rights("get", "StatefulSet")
            | rights("delete", "Pod")
            | rights("get patch", "StatefulSet", sub="scale")
        )

    def outline(self, system: SystemDefinition) -> Sequence[StepOutline]:
        if system.streaming is not None:
            return OUTLINE
        return () if system.database is None else failover.OUTLINE

    def steps(self, context: Context) -> Iterator[Step]:
        if (replicated := SystemState(context.cluster, context.system).replicated) is not None:
            yield from failover.steps(context, replicated)
            return
        work = _Promotion(context)
        yield Step("diagnose", work.is_ill, work.diagnose, lambda: True, acts=False)
        if work.target is None:
            work.target = work.named_primary()
        yield Step(
            "fence the old primary",
            work.must_fence,
            work.fence,
            work.is_fenced,
            waits_for=work.unfenced,
            would=work.would_fence,
        )
        yield Step(
            "stop waiting for lost standbys",
            work.waits_in_vain,
            work.stop_waiting,
            work.waits_no_more,
            waits_for=work.still_waits,
            would=work.would_stop_waiting,
        )
        yield Step(
            "promote",
            work.must_promote,
            work.promote,
            work.is_promoted,
            within_s=30,
            waits_for=work.unpromoted,
            would=work.would_promote,
        )
        yield Step(
            "repoint clients",
            work.must_repoint,
            work.repoint,
            work.is_repointed,
            waits_for=work.led_elsewhere,
            would=work.would_repoint,
        )
        yield Step(
            "verify",
            work.has_acted,
            work.try_write,
            work.is_whole,
            waits_for=work.unwhole,
            would=lambda: f"{work.target}: one transaction that changes nothing",
        )


class _Promotion:
    """The procedure's work. `target` is the instance that is to be primary, once diagnosed."""

    def __init__(self, context: Context) -> None:
        self.cluster: Cluster = context.cluster
        self.namespace = context.namespace
        self.state = SystemState(context.cluster, context.system)
        self.database: Database = self.state.database
        self._way = DatabaseService(self.state, context.namespace)
        self.target: str | None = None
        self._lost: list[str] = []
        self._progress = context.progress
        # Replicas of what somebody had started again before the promotion was through.
        self._brought_back: dict[str, int] = dict(context.progress.get("brought back", {}))
        self._old_addresses: set[str] = set()
        self._acted = context.progress.resumed

    # -- diagnose

    def is_ill(self) -> bool:
        """Whether the instance that the topology names is anything but a working primary."""
        return not self.state.is_primary(self.named_primary())

    def diagnose(self) -> str:
        """Tell whether the primary is lost for good, and choose what is to take its place.

        Raises:
            RefusedError: the primary still answers, or there is no standby that could take over.
        """
        primary = self.named_primary()
        if self._answers_sql(primary):
            # It runs as a standby: an earlier promotion was begun and not ended. Go on with it.
            self.target = primary
            self._lost = [name for name in self._others() if not self._is_standby(name)]
            self._brought_back |= {name: count for name in self._lost if (count := self._replicas(name))}
            return f"topology names {primary}, which is not promoted yet"
        standbys = self._standbys(primary)
        if not standbys:
            raise RefusedError(f"no standby of {primary} answers, so nothing can take its place")
        self.target = max(standbys, key=lambda name: standbys[name])
        self._make_sure_lost(primary, asked_from=self.target)
        self._lost = [primary]
        return f"{primary} is lost (asked {LOOKS} times); {self.target} is the most advanced standby"

    def _make_sure_lost(self, primary: str, *, asked_from: str) -> None:
        for look in range(LOOKS):
            if look:
                SYSTEM_CLOCK.sleep(BETWEEN_LOOKS_S)
            said = self._ask(self._addresses(primary), asked_from=asked_from)
            if said in {ACCEPTS, REJECTS}:
                how = "accepts connections" if said == ACCEPTS else "is starting or stopping"
                raise RefusedError(f"primary {primary} {how}: promoting {asked_from} now could make two primaries")

    def _ask(self, addresses: Iterable[str], *, asked_from: str) -> int | None:
        """The best that pg_isready in an instance's pod is told by any of the addresses; None if there are none."""
        answers = [
            self.cluster.execute(
                pod["metadata"]["name"],
                self.namespace,
                ["pg_isready", "-q", "-t", "1", "-h", address],
                container=self.database.container,
            ).code
            for pod in self.state.instance_pods(asked_from)[:1]
            for address in addresses
        ]
        return min(answers, default=None)

    def _addresses(self, instance: str) -> set[str]:
        pods = self.state.instance_pods(instance)
        return {pod["status"]["podIP"] for pod in pods if pod.get("status", {}).get("podIP")}

    def _others(self) -> list[str]:
        return [name for name in self.database.instances if name != self.target]

    def _standbys(self, primary: str) -> dict[str, float]:
        """The other instances that answer, with how much of the history (bytes of WAL) each has."""
        received = {name: self.state.query(name, RECEIVED) for name in self.database.instances if name != primary}
        return {name: float(position) for name, position in received.items() if position}

    def _answers_sql(self, instance: str) -> bool:
        return self.state.query(instance, "select 1") == "1"

    # -- fence

    def must_fence(self) -> bool:
        return not self.is_fenced()

    def fence(self) -> str:
        """Keep the old primary from ever being one again, and end it now."""
        self._acted = True
        database, target = self.database, self._target()
        done = []
        self._progress.keep(**{"brought back": self._brought_back})  # once fenced, it does not show any more
        old = self.named_primary()
        if old != target:
            patch = {"data": {database.topology_key: target}}
            self.cluster.patch("ConfigMap", database.topology, self.namespace, patch)
            done.append(f"{database.topology} names {target} instead of {old}")
        for name in self._unfenced():
            if self._replicas(name):
                self.cluster.scale("StatefulSet", name, self.namespace, 0)
                done.append(f"{name} scaled to 0")
            self._old_addresses |= self._addresses(name)
            for pod in self.state.instance_pods(name):
                self.cluster.delete("Pod", pod["metadata"]["name"], self.namespace, grace_s=0)
                done.append(f"pod {pod['metadata']['name']} deleted")
        return ", ".join(done)

    def would_fence(self) -> str:
        """What `fence` would do."""
        done, old = [], self.named_primary()
        if old != self._target():
            done.append(f"{self.database.topology} names {self._target()} instead of {old}")
        for name in self._unfenced():
            done.append(f"StatefulSet {name} scaled to 0")
            done += [f"pod {pod['metadata']['name']} deleted by force" for pod in self.state.instance_pods(name)]
        return ", ".join(done)

    def is_fenced(self) -> bool:
        if self.named_primary() != self._target() or self._unfenced():
            return False
        return self._ask(self._old_addresses, asked_from=self._target()) not in {ACCEPTS, REJECTS}

    def _unfenced(self) -> list[str]:
        """The instances that may be, or come back as, a primary beside the target."""
        lost = [name for name in self._lost if self._replicas(name) or self.state.instance_pods(name)]
        return lost + [name for name in self._others() if name not in lost and self.state.is_primary(name)]

    def _replicas(self, instance: str) -> int:
        return int(self.cluster.get("StatefulSet", instance, self.namespace)["spec"].get("replicas", 1))

    def _is_standby(self, instance: str) -> bool:
        return self.state.query(instance, "select pg_is_in_recovery()") == "t"

    def unfenced(self) -> str:
        """What keeps the old primary from being out of the way."""
        if (named := self.named_primary()) != self._target():
            return f"{self.database.topology} still names {named}"
        if left := self._unfenced():
            pods = [pod["metadata"]["name"] for name in left for pod in self.state.instance_pods(name)]
            still = f"pod {pods[0]} is still there" if pods else f"it is wanted with {self._replicas(left[0])} replicas"
            return f"{left[0]}: {still}"
        return f"a server still answers at {', '.join(sorted(self._old_addresses))}, where the old primary was"

    # -- promote

    def still_waits(self) -> str:
        """What commits still wait for."""
        said = self.state.query(self._target(), "select current_setting('synchronous_standby_names')")
        return f"{self._target()} does not answer" if said is None else f"synchronous_standby_names is still '{said}'"

    def unpromoted(self) -> str:
        """What the instance that was promoted still is."""
        standby = self._is_standby(self._target())
        return f"{self._target()} {'is a standby still' if standby else 'does not answer'}"

    def waits_in_vain(self) -> bool:
        return self.state.query(self._target(), WAITS_IN_VAIN) == "t"

    def stop_waiting(self) -> str:
        self._acted = True
        target = self._target()
        self._do_sql(target, "alter system set synchronous_standby_names = ''")
        self._do_sql(target, "select pg_reload_conf()")
        return f"commits on {target} wait for nobody until a standby has joined"

    def would_stop_waiting(self) -> str:
        """What `stop_waiting` would do; nothing where it is not needed."""
        setting = "alter system set synchronous_standby_names = ''"
        return f"{self._target()}: {setting}, as no standby is left" if self.waits_in_vain() else ""

    def waits_no_more(self) -> bool:
        return self.state.query(self._target(), "select current_setting('synchronous_standby_names') = ''") == "t"

    def must_promote(self) -> bool:
        return not self.is_promoted()

    def promote(self) -> str:
        self._acted = True
        target = self._target()
        if self._do_sql(target, "select pg_promote(true, 30)") != "t":
            raise RefusedError(f"the promotion of {target} was not through after 30 s")
        return f"{target} promoted"

    def would_promote(self) -> str:
        """What `promote` would do."""
        return f"{self._target()} promoted (pg_promote)"

    def is_promoted(self) -> bool:
        return self.state.is_primary(self._target())

    # -- clients

    def must_repoint(self) -> bool:
        return self._selected() != self._target()

    def repoint(self) -> str:
        self._acted = True
        database, target = self.database, self._target()
        old = self._selected()
        patch = {"spec": {"selector": {database.selector_key: target}}}
        self.cluster.patch("Service", database.service, self.namespace, patch)
        return f"Service {database.service} leads to {target} instead of {old}"

    def would_repoint(self) -> str:
        """What `repoint` would do."""
        return f"Service {self.database.service} leads to {self._target()} instead of {self._selected()}"

    def is_repointed(self) -> bool:
        """Whether the Service leads to the new primary's ready pod and to nothing else."""
        return self._way.leads_to(self._target())

    def _selected(self) -> str:
        return self._way.selector().get(self.database.selector_key, "nobody")

    def led_elsewhere(self) -> str:
        """Where clients are led instead."""
        target = self._target()
        if (selected := self._selected()) != target:
            return f"Service {self.database.service} selects {selected} still"
        found = ", ".join(sorted(self._way.endpoints())) or "nobody"
        wanted = ", ".join(sorted(self._addresses(target))) or "no pod yet"
        return f"Service {self.database.service} leads to {found}, {target} is {wanted}"

    # -- verify

    def unwhole(self) -> str:
        """What is not as it must be at the end."""
        primaries = self.state.primaries()
        if primaries != [self._target()]:
            return f"primaries are {', '.join(primaries) or 'none'}, right would be {self._target()} alone"
        return self.led_elsewhere()

    def has_acted(self) -> bool:
        return self._acted

    def try_write(self) -> str:
        """Show that the new primary works.

        What had been started again after an earlier promotion was cut, as by the undoing of a fault, and was fenced
        until this one was through, comes back: by the topology it can only be a standby.
        """
        self._do_sql(self._target(), TRY_WRITE)
        done = [f"{self._target()} accepts writes and is the only primary"]
        for name, count in self._brought_back.items():
            if self._replicas(name) != count:
                self.cluster.scale("StatefulSet", name, self.namespace, count)
                done.append(f"{name} scaled to {count} again")
        return ", ".join(done)

    def is_whole(self) -> bool:
        return self.state.primaries() == [self._target()] and self.is_repointed()

    # --

    def named_primary(self) -> str:
        """The instance that the topology names.

        Raises:
            RefusedError: it names none that system.yaml knows.
        """
        return self._way.named_primary()

    def _target(self) -> str:
        assert self.target is not None, "diagnosed before"
        return self.target

    def _do_sql(self, instance: str, sql: str) -> str:
        """The answer of an instance to a statement that must not fail.

        Raises:
            RefusedError: it failed, or nobody answered.
        """
        answer = self.state.query(instance, sql)
        if answer is None:
            raise RefusedError(f"{instance} did not do '{sql}'")
        return answer
