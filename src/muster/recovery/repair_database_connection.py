"""Clients cannot reach the database although one is well: find where the way breaks, and mend it there.

Nothing is ever promoted here: the primary that the topology names must work, and clients are led to it and to nobody
else. Where it does not work, that is another emergency.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from muster.base.clock import SYSTEM_CLOCK
from muster.base.errors import ClusterError, RefusedError, TimeoutExceededError, UsageError
from muster.base.waiting import wait_for
from muster.kube import ApiError, ExecResult
from muster.kube.client import JSON_PATCH
from muster.recovery.database_service import DatabaseService
from muster.recovery.held_up import held_up
from muster.recovery.needs import DATABASE, RESTART, WORKLOADS
from muster.recovery.promote_standby import WAITS_IN_VAIN
from muster.recovery.restart_service import serving_deployments
from muster.recovery.seen_by_clients import lasting, unanswered
from muster.recovery.stages import Service
from muster.recovery.workloads import Workload
from muster.safety.rights import Right, rights
from muster.steps import NO_PARAMETERS, Context, Step, StepOutline
from muster.system import SystemDefinition
from muster.system.manifests import read_manifests
from muster.system.state import SystemState

TRIES = 3
ROUNDS = 5
BETWEEN_LOOKS_S = 0.1
COME_BACK_S = 5.0  # how long clients may take to notice that the way is free again, in seconds
LOOK_EVERY_S = 0.2

# What runs in the primary's container, with the variable that holds the password, the role, and the pod's address: by
# another one than its own a database may let everybody in. What is secret stands on no command line and in no log.
NO_PASSWORD = 96
_GIVEN = f'test -n "$(printenv "$1")" || exit {NO_PASSWORD}\n'
LOG_IN = _GIVEN + 'PGPASSWORD=$(printenv "$1") psql -XtAc "select 1" -U "$2" -h "$3"'
SET_PASSWORD = (
    _GIVEN
    + """NAME=$1 psql -qX1 -v ON_ERROR_STOP=1 -v role="$2" -f - <<\\SQL
set local log_statement = 'none';
set local log_min_duration_statement = -1;
set local log_min_error_statement = 'panic';
set local pg_stat_statements.track_utility = off;
\\set password `printenv "$NAME"`
alter role :"role" password :'password';
SQL"""
)
AUTHENTICATION = "authentication failed"

# Sessions of clients that wait for nobody and for whose locks others wait, oldest transaction first.
BLOCKERS = """
select b.pid, b.usename, b.state, round(extract(epoch from now() - b.xact_start)), count(*), b.application_name
from pg_stat_activity w cross join unnest(pg_blocking_pids(w.pid)) as by(pid) join pg_stat_activity b on b.pid = by.pid
where b.backend_type = 'client backend' and b.xact_start < now() - interval '3 seconds'
    and cardinality(pg_blocking_pids(b.pid)) = 0
group by b.pid, b.usename, b.state, b.xact_start, b.application_name order by b.xact_start
"""


OUTLINE = (
    StepOutline(
        "diagnose", "finds where the way breaks: the Service, the password, or a session that blocks", acts=False
    ),
    StepOutline("lead clients to the primary", "points the Service at the instance that is primary", undo=True),
    StepOutline(
        "give clients their password back", "sets the password that the database's container has for their role"
    ),
    StepOutline("end sessions that block", "ends those whose open transactions keep others waiting"),
    StepOutline("restart who does not come back", "restarts clients that hold on to dead connections"),
    StepOutline("verify", "clients read and write again", acts=False),
)


class RepairDatabaseConnection:
    """Diagnose, lead clients to the primary, let them in, end what blocks them, restart who does not come back."""

    name = "repair-database-connection"
    summary = "clients cannot reach the database although it is well: find where the way breaks, and mend it"
    parameters = NO_PARAMETERS

    def needs(self, _context: Context) -> Iterable[Right]:
        return DATABASE | WORKLOADS | RESTART | rights("get patch", "Service")

    def outline(self, system: SystemDefinition) -> Sequence[StepOutline]:
        return OUTLINE if system.streaming is not None else ()

    def steps(self, context: Context) -> Iterator[Step]:
        work = _Repair(context)
        yield Step("diagnose", work.is_ill, work.diagnose, lambda: True, acts=False)
        yield Step(
            "lead clients to the primary",
            work.leads_astray,
            work.repoint,
            work.is_led_right,
            waits_for=work.astray,
            would=work.would_repoint,
            undo=work.undo_repoint,
        )
        yield Step(
            "give clients their password back",
            work.is_refused,
            work.set_password,
            lambda: not work.refused_login(),
            would=work.would_set_password,
        )
        yield Step(
            "end sessions that block",
            lambda: bool(work.blockers),
            work.end_blockers,
            lambda: True,
            would=lambda: ", ".join(f"end session {blocker.pid} of {blocker.user}" for blocker in work.blockers),
        )
        within = context.system.ready_within_s
        yield Step(
            "restart who does not come back",
            work.stay_away,
            work.restart,
            work.are_up,
            within_s=within,
            waits_for=work.missing,
            would=work.would_restart,
        )
        yield Step("verify", lambda: work.ill, work.conclude, lambda: True, acts=False)


class Blocker(NamedTuple):
    """A session of the database whose locks others wait for."""

    pid: int
    user: str
    state: str
    age_s: str
    waiting: str
    application: str

    def __str__(self) -> str:
        return (
            f"session {self.pid} of {self.user} ({self.application or 'unnamed'}, {self.state}) keeps {self.waiting} "
            f"waiting, in a transaction that has lasted {self.age_s} s"
        )


class _Repair:
    """The procedure's work. `ill` is whether clients were found to be cut off."""

    def __init__(self, context: Context) -> None:
        self._context, self._cluster, self._namespace = context, context.cluster, context.namespace
        self._state = SystemState(context.cluster, context.system)
        self._database = self._state.database
        self._way = DatabaseService(self._state, context.namespace)
        self._service = Service(context)
        self.ill = False
        self.blockers: list[Blocker] = []
        self._primary = ""
        self._said = ""

    # -- diagnose

    def is_ill(self) -> bool:
        """Whether the way to the primary is wrong, or clients cannot read and write whatever it looks like."""
        self._primary = self._way.named_primary()
        self._said = "" if self._way.leads_to(self._primary) else lasting(self.astray)
        self._said = self._said or lasting(self._unserved)
        self.ill = bool(self._said)
        return self.ill

    def diagnose(self) -> str:
        """Tell where the way breaks.

        Raises:
            RefusedError: it is the database that is not well.
        """
        if not self._state.is_primary(self._primary):
            raise RefusedError(
                f"{self._primary}, which {self._database.topology} names, does not work as a primary: there is nothing "
                "to lead clients to; right would be promote-standby"
            )
        refused = self.refused_login()
        if self._way.leads_to(self._primary) and not refused:
            self.blockers = self._find_blockers()
            if not self.blockers and self._state.query(self._primary, WAITS_IN_VAIN) == "t":
                raise RefusedError(
                    f"commits on {self._primary} wait for a standby that does not stream: bring it back, or have them "
                    f"wait for nobody (alter system set synchronous_standby_names = '') until it is"
                )
        return "; ".join([self._said, *([refused] if refused else []), *map(str, self.blockers)])

    def astray(self) -> str:
        """Where the Service leads instead of to the primary; empty where it leads there."""
        if self._way.leads_to(self._primary):
            return ""
        selected = ",".join(f"{key}={value}" for key, value in sorted(self._way.selector().items())) or "nothing"
        found = ", ".join(sorted(self._way.endpoints())) or "no pod"
        wrong = f"Service {self._database.service} selects {selected} and leads to {found}"
        return f"{wrong}, right would be {self._primary}"

    def _unserved(self) -> str:
        """What clients get instead of an answer; empty where they read, and find what they wrote."""
        if said := unanswered(self._context):
            return said
        said = self._service.unwritten()
        return f"clients cannot write: {said}" if said else ""

    def _find_blockers(self) -> list[Blocker]:
        """Who others wait for while a client tries to write: without one, nobody might be waiting just now."""
        found: dict[int, Blocker] = {}
        with ThreadPoolExecutor(1) as pool:
            for _ in range(TRIES):
                trial = pool.submit(self._service.unwritten)
                while not trial.done():
                    found |= {blocker.pid: blocker for blocker in self._blocking()}
                    SYSTEM_CLOCK.sleep(BETWEEN_LOOKS_S)
                if found or not trial.result():
                    break
        return list(found.values())

    def _blocking(self) -> list[Blocker]:
        answer = self._state.query(self._primary, BLOCKERS) or ""
        return [Blocker(int(pid), *rest) for pid, *rest in (line.split("|", 5) for line in answer.splitlines())]

    # -- repoint

    def leads_astray(self) -> bool:
        return self.ill and not self.is_led_right()

    def repoint(self) -> str:
        """Have the Service select the primary as its manifest does.

        Raises:
            RefusedError: the primary stopped working, or somebody changes the Service at this moment.
        """
        if not self._state.is_primary(self._primary):
            raise RefusedError(f"{self._primary} does not work as a primary any more; right would be promote-standby")
        name, wanted = self._database.service, self._wanted_selector()
        found = self._cluster.get("Service", name, self._namespace)
        self._context.progress.once("selector", lambda: found["spec"].get("selector") or {})
        patch = [
            # Not over a change that came in after the diagnosis.
            {"op": "test", "path": "/metadata/resourceVersion", "value": found["metadata"]["resourceVersion"]},
            {"op": "add", "path": "/spec/selector", "value": wanted},
        ]
        try:
            self._cluster.patch("Service", name, self._namespace, patch, content_type=JSON_PATCH)
        except ApiError as error:
            if error.code not in {409, 422}:
                raise
            raise RefusedError(f"Service {name} was changed by another at this moment: {error}") from error
        return f"Service {name} selects {', '.join(f'{key}={value}' for key, value in sorted(wanted.items()))}"

    def would_repoint(self) -> str:
        """What `repoint` would do; nothing where clients are led right."""
        wanted = ", ".join(f"{key}={value}" for key, value in sorted(self._wanted_selector().items()))
        return f"Service {self._database.service} selects {wanted}" if self.leads_astray() else ""

    def undo_repoint(self) -> str:
        """Have the Service select what it selected before."""
        before = self._context.progress.get("selector")
        if before is None:
            return "nothing had been changed"
        patch = [{"op": "add", "path": "/spec/selector", "value": before}]
        self._cluster.patch("Service", self._database.service, self._namespace, patch, content_type=JSON_PATCH)
        selected = ", ".join(f"{key}={value}" for key, value in sorted(before.items())) or "nothing"
        return f"Service {self._database.service} selects {selected} again"

    def _wanted_selector(self) -> dict[str, str]:
        manifests = read_manifests(self._context.system.manifest_directory)
        own = [m for m in manifests if (m["kind"], m["metadata"]["name"]) == ("Service", self._database.service)]
        selector = (own[0]["spec"].get("selector") or {}) if own else {}
        return {**selector, self._database.selector_key: self._primary}

    def is_led_right(self) -> bool:
        return self._way.leads_to(self._primary)

    # -- password

    def is_refused(self) -> bool:
        return self.ill and bool(self.refused_login())

    def refused_login(self) -> str:
        """How the primary refuses the clients' role with the password that its own container was given for it; empty
        where it does not, or system.yaml does not name them.

        Raises:
            UsageError: the container was given none.
        """
        if self._database.clients is None:
            return ""
        result = self._run_in_primary(LOG_IN)
        last = (result.stderr.strip().splitlines() or [""])[-1]
        return f"their role is refused: {last}" if result.code and AUTHENTICATION in last else ""

    def set_password(self) -> str:
        """Give the role the password that the database's container has for it, as its Secret says: the clients have
        theirs from there. It never leaves the pod.

        Raises:
            ClusterError: the database does not take it.
        """
        clients, result = self._database.clients, self._run_in_primary(SET_PASSWORD)
        if clients is None or result.code:
            said = (result.stderr.strip().splitlines() or [""])[-1]
            raise ClusterError(f"{self._primary} does not take the password of its clients' role: {said}")
        return f"role {clients.role} has the password that {clients.password_env} holds in {self._primary}"

    def would_set_password(self) -> str:
        """What `set_password` would do; nothing where the role is not refused."""
        clients = self._database.clients
        if clients is None or not self.is_refused():
            return ""
        return f"role {clients.role} gets the password that {clients.password_env} holds in {self._primary}"

    def _run_in_primary(self, script: str) -> ExecResult:
        """Run a shell script in the primary's container: with the variable, the role, and the pod's address."""
        clients, pods = self._database.clients, self._state.instance_pods(self._primary)
        assert clients is not None, "asked before"
        if not pods:
            raise ClusterError(f"there is no pod of {self._primary}")
        name, address = pods[0]["metadata"]["name"], pods[0].get("status", {}).get("podIP", "")
        command = ["sh", "-c", script, "sh", clients.password_env, clients.role, address]
        result = self._cluster.execute(name, self._namespace, command, container=self._database.container, timeout=5.0)
        if result.code == NO_PASSWORD:
            raise UsageError(
                f"container {self._database.container} of {self._primary} has no {clients.password_env}, which "
                "'database.clients.password_env' in system.yaml names"
            )
        return result

    # -- sessions

    def end_blockers(self) -> str:
        """End them, and those who were waiting behind them for the same: until nobody keeps others waiting.

        Raises:
            RefusedError: there are ever more.
        """
        ended: list[str] = []
        for _ in range(ROUNDS):
            for blocker in self.blockers:
                self._state.query(self._primary, f"select pg_terminate_backend({blocker.pid:d})")
                ended.append(str(blocker.pid))
            self.blockers = self._find_blockers()
            if not self.blockers:
                return f"ended sessions {', '.join(ended)}"
        raise RefusedError(f"ended sessions {', '.join(ended)}, but still {'; '.join(map(str, self.blockers))}")

    # -- who does not come back

    def stay_away(self) -> bool:
        """Whether clients are still not served, some time after the way is free."""
        if not self.ill:
            return False
        try:
            wait_for(lambda: not self._unserved(), within=COME_BACK_S, every=LOOK_EVERY_S, reason="clients")
        except TimeoutExceededError:
            return True
        return False

    def restart(self) -> str:
        """Restart what serves clients.

        Raises:
            ClusterError: nothing does.
        """
        serving = self._serving()
        if not serving:
            raise ClusterError(
                f"Service {self._context.system.service.name} leads to no Deployment, nothing to restart"
            )
        for workload in serving:
            workload.restart(self._context.progress)
        return f"{', '.join(map(str, serving))} restarted, being cut off still {COME_BACK_S:g} s after the way was free"

    def would_restart(self) -> str:
        """What `restart` would do."""
        return f"{', '.join(map(str, self._serving()))}, should clients be cut off {COME_BACK_S:g} s after that"

    def are_up(self) -> bool:
        return all(workload.is_rolled_out() for workload in self._serving())

    def missing(self) -> str:
        """What keeps those that were restarted from being up."""
        return next((said for workload in self._serving() if (said := held_up(workload))), "")

    def _serving(self) -> list[Workload]:
        names = serving_deployments(self._context)
        return [Workload(self._cluster, self._namespace, "Deployment", name) for name in names]

    # -- verify

    def conclude(self) -> str:
        """Say that clients write, and find what they wrote.

        Raises:
            RefusedError: they do not.
        """
        if said := lasting(lambda: self.astray() or self._unserved()):
            raise RefusedError(said)
        return f"a write through the service reaches {self._primary} and is read back"
