"""The procedure that brings a database back from its backup, to a moment.

The databases are stopped first. The instance that the topology names gets the backup's data, replayed up to the moment
in a pod of its own before clients can reach them; the others begin empty and follow it. What their volumes held before
is set aside there and never deleted. How far it came is kept with its record, so that one that was cut goes on, and
lays nothing out twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from muster.backup.errors import BackupError
from muster.backup.keys import Identities
from muster.backup.plan import LATEST, Plan, plan_restore
from muster.backup.recovering import SET_ASIDE, Recovery
from muster.backup.scratch import claim_of, make_claims, running, scratch_pod
from muster.backup.server import DATABASES, ROWS
from muster.backup.store import Store, moment, store_of
from muster.base.clock import utc
from muster.base.errors import RefusedError, UsageError
from muster.recovery.database_service import DatabaseService
from muster.recovery.needs import DATABASE, SCALE
from muster.recovery.stages import Service
from muster.safety.rights import Right, rights
from muster.steps import Context, Step, StepOutline
from muster.system import SystemDefinition
from muster.system.databases.declared import streaming
from muster.system.state import SystemState

GONE_WITHIN_S = 120.0
PRIMARY_WITHIN_S = 120.0
JOINED_WITHIN_S = 300.0
WELL_WITHIN_S = 60.0


OUTLINE = (
    StepOutline("choose a backup", "finds the newest one before the moment, and what was shipped since", acts=False),
    StepOutline("stop the databases", "so that nothing writes to the volumes", undo=True),
    StepOutline("replay into the primary's volume", "lays the backup out, and what was written up to the moment"),
    StepOutline("set the others' data aside", "moves the standbys' old data out of the way, and keeps it"),
    StepOutline("start the primary", "starts it with what was brought back"),
    StepOutline("lead clients to it", "points the Service at it"),
    StepOutline("start the standbys", "they are made anew of the primary, and follow it"),
    StepOutline("verify", "one write through the service is read back"),
)


class RestoreBackup:
    """Stop the databases, make one of the backup, start it, have the others follow."""

    name = "restore-backup"
    summary = "the databases are lost: bring them back from the backup, to a moment"
    parameters: Mapping[str, str] = MappingProxyType(
        {
            "to": "the moment, UTC (2026-03-01T12:00:00Z); without it the latest that the archive leads to",
            "backup": "which backup to begin from; without it the newest before the moment",
            "replace": "yes, where a database is well and is to be replaced all the same",
        }
    )

    def needs(self, context: Context) -> Iterable[Right]:  # noqa: ARG002 - the same of every system
        return (
            DATABASE
            | SCALE
            | rights("get patch", "StatefulSet")
            | rights("get create delete", "Pod")
            | rights("get create", "PersistentVolumeClaim")
            | rights("patch", "Service")
        )

    def outline(self, system: SystemDefinition) -> Sequence[StepOutline]:
        return OUTLINE if system.streaming is not None else ()

    def steps(self, context: Context) -> Iterator[Step]:
        work = _Restore(context)
        yield Step("choose a backup", work.is_wanted, work.choose, lambda: True, acts=False)
        yield Step(
            "stop the databases",
            work.must_stop,
            work.stop,
            work.is_stopped,
            within_s=GONE_WITHIN_S,
            waits_for=work.still_there,
            would=work.would_stop,
            undo=work.undo_stop,
        )
        yield Step(
            "replay into the primary's volume",
            work.must_lay_out,
            work.lay_out,
            work.is_laid_out,
            would=work.would_lay_out,
        )
        yield Step(
            "set the others' data aside", work.must_set_aside, work.set_aside, lambda: True, would=work.would_set_aside
        )
        yield Step(
            "start the primary",
            work.must_start_primary,
            work.start_primary,
            work.is_primary,
            within_s=PRIMARY_WITHIN_S,
            waits_for=work.not_primary,
            would=work.would_start_primary,
        )
        yield Step(
            "lead clients to it",
            work.must_lead,
            work.lead,
            work.is_led,
            waits_for=work.not_led,
            would=work.would_lead,
        )
        yield Step(
            "start the standbys",
            work.must_start_standbys,
            work.start_standbys,
            work.is_joined,
            within_s=JOINED_WITHIN_S,
            waits_for=work.not_joined,
            would=work.would_start_standbys,
        )
        yield Step(
            "verify",
            work.has_acted,
            work.conclude,
            lambda: not work.unwell(),
            within_s=WELL_WITHIN_S,
            waits_for=work.unwell,
            would=lambda: "one write through the service, read back",
        )


class _Restore:
    """The procedure's work; `plan` is set once a backup was chosen."""

    def __init__(self, context: Context) -> None:
        self._context, self._cluster, self._namespace = context, context.cluster, context.namespace
        self._state = SystemState(context.cluster, context.system)
        self._database = streaming(context.system.database, "restoring a backup")
        self._way = DatabaseService(self._state, context.namespace)
        self._target = self._way.named_primary()
        self._others = [name for name in self._database.instances if name != self._target]
        self._to = parse_moment(context.arguments.get("to", LATEST))
        self._replaces = _is_yes(context.arguments.get("replace", "no"))
        self.plan: Plan | None = None
        self._store: Store | None = None
        self._identities: Identities | None = None
        self._progress = context.progress
        self._acted = context.progress.resumed

    # -- choose

    def is_wanted(self) -> bool:
        """Whether there is anything to bring back.

        Raises:
            RefusedError: a database is well, and a moment was asked for all the same.
        """
        if self._acted:
            return True
        well = self._state.primaries()
        if not well or self._replaces:
            return True
        if self._to is not None or "backup" in self._context.arguments:
            raise RefusedError(
                f"{' and '.join(well)} is primary and well, and would be replaced; right would be replace=yes, which "
                "sets aside what it holds"
            )
        return False

    def choose(self) -> str:
        """Choose base and segments, and see that they can be read before anything is stopped.

        Raises:
            BackupError: nothing leads to the moment, or what does is not what was written.
            UsageError: neither store nor key is named.
        """
        system = self._context.system
        self._store = store = store_of(system)
        self._identities = Identities.named(None)
        named = self._progress.get("backup") or self._context.arguments.get("backup")
        bases = store.bases() if named is None else [store.base(named)]
        self.plan = plan = plan_restore(bases, store.segments(), self._to)
        verified = store.verification(plan.base)
        proof = "verified " + verified.at if verified and verified.ok else "never verified"
        return (
            f"backup {plan.base.id} ({proof}) with {len(plan.segments)} segments leads to {plan.until}; "
            f"{self._target} is to be primary"
        )

    # -- stop

    def must_stop(self) -> bool:
        return self.plan is not None and not self._progress.get("laid") and not self.is_stopped()

    def stop(self) -> str:
        self._acted = True
        names = self._database.instances
        self._progress.once("replicas", lambda: {name: self._wanted(name) for name in names})
        for name in names:
            self._cluster.scale("StatefulSet", name, self._namespace, 0)
        return f"{', '.join(names)} scaled to 0"

    def would_stop(self) -> str:
        """What `stop` would do."""
        return f"{', '.join(self._database.instances)} scaled to 0: nobody is served until the end"

    def undo_stop(self) -> str:
        """Start the instances again as they were, where nothing of them was touched yet.

        Raises:
            RefusedError: a backup was begun to be laid out where they keep their data.
        """
        if self._progress.get("mark"):
            raise RefusedError(
                f"the backup was begun to be laid out in the volume of {self._target}; what it held is set aside "
                f"there, marked {self._progress.get('mark')}: run it to its end, or put that back by hand"
            )
        before = self._progress.get("replicas", {})
        for name, count in before.items():
            self._cluster.scale("StatefulSet", name, self._namespace, count)
        return ", ".join(f"{name} scaled to {count}" for name, count in before.items()) or "nothing had been stopped"

    def _wanted(self, name: str) -> int:
        return int(self._workload(name)["spec"].get("replicas", 1))

    def is_stopped(self) -> bool:
        return not self.still_there()

    def still_there(self) -> str:
        """What is not stopped yet."""
        wanted = [name for name in self._database.instances if self._wanted(name)]
        pods = [pod["metadata"]["name"] for name in self._database.instances for pod in self._state.instance_pods(name)]
        return ", ".join(f"{name} is wanted" for name in wanted) or ", ".join(f"pod {pod} is there" for pod in pods)

    # -- lay out

    def must_lay_out(self) -> bool:
        return self.plan is not None and not self._progress.get("laid")

    def lay_out(self) -> str:
        assert self.plan is not None and self._store is not None and self._identities is not None, "chosen before"
        self._acted = True
        plan, workload = self.plan, self._workload(self._target)
        mark = self._progress.get("mark") or utc().strftime("%Y%m%dT%H%M%SZ")
        self._progress.keep(mark=mark, backup=plan.base.id, until=plan.until, laid=False)
        made = make_claims(self._cluster, self._namespace, workload)
        container = self._database.container
        pod = scratch_pod(workload, container, f"muster-restore-{self._target}", own_volumes=True)
        with running(self._cluster, self._namespace, pod) as name:
            recovery = Recovery(
                self._cluster,
                self._namespace,
                name,
                container=container,
                store=self._store,
                identities=self._identities,
                say=self._context.told or (lambda _: None),
            )
            kept = recovery.lay_out(plan, mark)
            rows = recovery.recover(plan, DATABASES, ROWS, instance=self._target)
        self._progress.keep(laid=True)
        parts = [f"{plan.base.id} replayed to {plan.until}, {sum(rows.values())} rows in {len(rows)} tables"]
        parts += [f"claim {', '.join(made)} made anew"] if made else []
        return "; ".join([*parts, *([kept] if kept else [])])

    def would_lay_out(self) -> str:
        """What `lay_out` would do."""
        assert self.plan is not None, "chosen before"
        return f"{self._target}: what its volume holds set aside, {self.plan.base.id} replayed to {self.plan.until}"

    def is_laid_out(self) -> bool:
        return bool(self._progress.get("laid"))

    def must_set_aside(self) -> bool:
        return self.plan is not None and not self._progress.get("aside")

    def set_aside(self) -> str:
        """Empty the other instances' volumes, so that they follow the new primary from its beginning.

        Raises:
            BackupError: a volume cannot be written.
        """
        said = []
        for instance in self._others:
            workload = self._workload(instance)
            if not self._has_claims(workload):
                continue
            pod = scratch_pod(workload, self._database.container, f"muster-restore-{instance}", own_volumes=True)
            with running(self._cluster, self._namespace, pod) as name:
                command = ["sh", "-c", SET_ASIDE, "sh", self._progress.get("mark")]
                container = self._database.container
                result = self._cluster.execute(name, self._namespace, command, container=container, timeout=60)
            if result.code:
                raise BackupError(f"the data of {instance} cannot be set aside: {result.stderr.strip()[-200:]}")
            said.append(f"{instance}: {result.stdout.strip() or 'there was nothing'}")
        self._progress.keep(aside=True)
        return "; ".join(said) or "their volumes are gone"

    def would_set_aside(self) -> str:
        """What `set_aside` would do."""
        return f"what the volumes of {', '.join(self._others)} hold" if self._others else ""

    # -- start

    def must_start_primary(self) -> bool:
        return self.plan is not None and not self.is_primary()

    def start_primary(self) -> str:
        self._cluster.scale("StatefulSet", self._target, self._namespace, 1)
        return f"{self._target} scaled to 1"

    def would_start_primary(self) -> str:
        """What `start_primary` would do."""
        return f"{self._target} scaled to 1"

    def is_primary(self) -> bool:
        return self._state.is_primary(self._target)

    def not_primary(self) -> str:
        """What keeps the primary from coming up."""
        held = self._state.held_back()
        return held[0] if held else f"{self._target} does not answer as primary"

    def must_lead(self) -> bool:
        return self.plan is not None and not self.is_led()

    def lead(self) -> str:
        database = self._database
        if self._way.selector().get(database.selector_key) == self._target:
            return f"Service {database.service} selects {self._target}"
        patch = {"spec": {"selector": {database.selector_key: self._target}}}
        self._cluster.patch("Service", database.service, self._namespace, patch)
        return f"Service {database.service} leads to {self._target}"

    def would_lead(self) -> str:
        """What `lead` would do; nothing where clients are led there already."""
        selects = self._way.selector().get(self._database.selector_key)
        return "" if selects == self._target else f"Service {self._database.service} leads to {self._target}"

    def is_led(self) -> bool:
        return self._way.leads_to(self._target)

    def not_led(self) -> str:
        return f"Service {self._database.service} does not lead to {self._target} alone"

    def must_start_standbys(self) -> bool:
        return self.plan is not None and bool(self._others) and not self.is_joined()

    def start_standbys(self) -> str:
        for name in self._others:
            self._cluster.scale("StatefulSet", name, self._namespace, 1)
        return f"{', '.join(self._others)} scaled to 1, to follow {self._target}"

    def would_start_standbys(self) -> str:
        """What `start_standbys` would do."""
        return f"{', '.join(self._others)} scaled to 1, to follow {self._target}" if self._others else ""

    def is_joined(self) -> bool:
        return not self.not_joined()

    def not_joined(self) -> str:
        return self._state.replication_trouble() or ""

    # -- the end

    def has_acted(self) -> bool:
        return self._acted

    def conclude(self) -> str:
        until = str(self._progress.get("until", ""))
        if self._context.timeline and until:
            ago_s = (utc() - moment(until)).total_seconds()
            self._context.timeline.append("recovery.point", procedure=RestoreBackup.name, until=until, ago_s=ago_s)
        return f"the service is back with what was committed by {until}; what was acknowledged later is lost"

    def unwell(self) -> str:
        service = Service(self._context)
        return service.unread() or service.unwritten()

    # --

    def _workload(self, name: str) -> dict[str, Any]:
        return self._cluster.get("StatefulSet", name, self._namespace)

    def _has_claims(self, workload: dict[str, Any]) -> bool:
        templates = workload["spec"].get("volumeClaimTemplates") or []
        names = [claim_of(workload, template["metadata"]["name"]) for template in templates]
        found = [self._cluster.find("PersistentVolumeClaim", name, self._namespace) for name in names]
        return all(found) if names else True


def parse_moment(text: str) -> datetime | None:
    """A moment as people write it, UTC unless it says otherwise; None for the latest.

    Raises:
        UsageError: it is none.
    """
    if text == LATEST:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"'{text}' is no time; right would be 2026-03-01T12:00:00Z (UTC unless it says otherwise), or {LATEST}"
        ) from None
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def _is_yes(text: str) -> bool:
    if text not in ("yes", "no"):
        raise UsageError(f"'replace={text}' is neither yes nor no")
    return text == "yes"
