"""What a backup asks of a PostgreSQL instance, through commands in its container."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

from muster.backup.errors import BackupError
from muster.base.errors import ClusterError, RefusedError
from muster.kube import Cluster
from muster.system import SystemDefinition
from muster.system.databases.declared import streaming
from muster.system.state import SystemState

SQL_WITHIN_S = 60.0
SILENT_S = 120.0  # a base backup may wait for a checkpoint

# A commit of its own that changes nothing, so that a restore to this moment finds one to stop behind. It waits for no
# standby: a backup must not hang where one is lost.
MARK = (
    "begin; set local synchronous_commit = local;"
    " select pg_logical_emit_message(true, 'muster', 'backup') is null; commit"
)
NOW = "select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
WRITING = "select pg_walfile_name(pg_current_wal_insert_lsn())"
DATABASES = "select datname from pg_database where datallowconn and not datistemplate order by 1"
# A statement that counts the rows of every table of a database, one `database.schema.table|rows` each; nothing where it
# has no table. Two steps, as the XML functions that would do it in one are not in every build.
ROWS = (
    "select string_agg(format('select %L || count(*) from %I.%I',"
    " current_database() || '.' || schemaname || '.' || relname || '|', schemaname, relname), ' union all ')"
    " from pg_stat_user_tables"
)

# How many rows each table lost since statistics are kept; what a session did in the last second may not be among it.
DELETED = (
    "select current_database() || '.' || schemaname || '.' || relname || '|' || n_tup_del from pg_stat_user_tables"
)


@dataclass(frozen=True)
class About:
    """What stays the same of a server: its version, its database system's identifier, the name of its superuser, the
    size of a segment of its log in bytes."""

    version: str
    system_identifier: str
    superuser: str
    segment_bytes: int


class Server:
    """One instance's database, in its pod."""

    def __init__(self, cluster: Cluster, namespace: str, pod: str, container: str, instance: str) -> None:
        self.cluster, self.namespace, self.pod, self.container = cluster, namespace, pod, container
        self.instance = instance

    def ask(self, sql: str, *, database: str | None = None, within: float = SQL_WITHIN_S) -> list[str]:
        """The answer's rows, unaligned.

        Raises:
            BackupError: the database refuses; the message has its own words.
            ClusterError: it cannot be asked.
        """
        command = ["psql", "-qtAXv", "ON_ERROR_STOP=1", *(["-d", database] if database else []), "-c", sql]
        result = self.cluster.execute(self.pod, self.namespace, command, container=self.container, timeout=within)
        if result.code:
            said = result.stderr.strip().splitlines()
            raise BackupError(
                f"{self.instance} refuses '{sql[:60]}': {said[-1] if said else f'exit code {result.code}'}"
            )
        return [line for line in result.stdout.splitlines() if line]

    def about(self) -> About:
        sql = (
            "select current_setting('server_version'), system_identifier,"
            " (select rolname from pg_roles where oid = 10), pg_size_bytes(current_setting('wal_segment_size'))"
            " from pg_control_system()"
        )
        version, identifier, superuser, size = self.ask(sql)[0].split("|")
        return About(version, identifier, superuser, int(size))

    def now(self) -> str:
        """The server's own time, UTC (ISO 8601)."""
        return self.ask(NOW)[0]

    def mark(self) -> str:
        """Commit something that changes nothing, and return a moment before it: UTC (ISO 8601)."""
        before = self.now()
        self.ask(MARK)
        return before

    def writing(self) -> str:
        """The segment that is being written."""
        return self.ask(WRITING)[0]

    def turn(self) -> None:
        """End the segment that is being written, and begin the next."""
        self.ask("select pg_switch_wal()")

    def present(self) -> list[str]:
        """The files of `pg_wal`, histories of timelines included."""
        return self.ask("select name from pg_ls_waldir()")

    def rows(self) -> dict[str, int]:
        """How many rows each table has, by `database.schema.table`."""
        counts: dict[str, int] = {}
        for database in self.ask(DATABASES):
            counting = "".join(self.ask(ROWS, database=database))
            counts |= _numbers(self.ask(counting, database=database) if counting else [])
        return counts

    def deleted(self) -> dict[str, int]:
        """How many rows each table has lost so far, by `database.schema.table`."""
        return {
            name: count
            for database in self.ask(DATABASES)
            for name, count in _numbers(self.ask(DELETED, database=database)).items()
        }

    def history(self, name: str) -> str:
        """What a timeline's history file says."""
        return "\n".join(self.ask(f"select pg_read_file('pg_wal/{name}')"))

    @contextmanager
    def base(self) -> Iterator[IO[bytes]]:
        """A copy of the whole database as a compressed tar, with the log that makes it whole."""
        command = [
            "pg_basebackup", "--pgdata=-", "--format=tar", "--wal-method=fetch", "--checkpoint=fast",
            "--compress=gzip:1", "--label=muster", "--no-password",
        ]  # fmt: skip
        with self.read(command) as reader:
            yield reader

    @contextmanager
    def segment(self, name: str) -> Iterator[IO[bytes]]:
        """A file of `pg_wal`, compressed."""
        with self.read(["sh", "-c", f'exec gzip -1c "$PGDATA/pg_wal/{name}"']) as reader:
            yield reader

    @contextmanager
    def read(self, command: Sequence[str]) -> Iterator[IO[bytes]]:
        with self.cluster.read_from(
            self.pod, self.namespace, command, container=self.container, idle=SILENT_S
        ) as reader:
            yield reader  # type: ignore[misc]  # a RawIOBase reads as IO[bytes] does


def primary(cluster: Cluster, system: SystemDefinition) -> Server:
    """The instance that is primary.

    Raises:
        UsageError: system.yaml has no database that can be asked instance by instance.
        RefusedError: none is, or several are.
    """
    database = streaming(system.database, "a backup")
    state = SystemState(cluster, system)
    primaries = state.primaries()
    if len(primaries) != 1:
        raise RefusedError(
            f"{' and '.join(primaries) or 'no instance'} of {system.name} is primary: nothing to back up"
        )
    pods = state.instance_pods(primaries[0])
    if not pods:
        raise ClusterError(f"the pod of {primaries[0]} is gone")
    return Server(cluster, system.namespace, pods[0]["metadata"]["name"], database.container, primaries[0])


def _numbers(lines: Iterable[str]) -> dict[str, int]:
    """What lines `name|number` say."""
    return {name: int(number) for name, _, number in (line.rpartition("|") for line in lines)}
