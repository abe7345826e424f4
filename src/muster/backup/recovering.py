"""Making a database of a backup, in a pod: the base is unpacked, the log laid beside it, and PostgreSQL replays it.

PostgreSQL runs there with a configuration of its own, without any that the instance has: it listens on no address, so
nobody takes it for the instance. `hot_standby` is off, so that it need not have the limits of the server that wrote the
log.
"""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from muster.backup.errors import BackupError
from muster.backup.keys import Identities
from muster.backup.plan import Plan
from muster.backup.store import BASE_FILE, CHUNK, Store, check
from muster.base.errors import ClusterError
from muster.kube import Cluster

SILENT_S = 300.0
LIBRARY = """
set -eu
umask 077
: "${PGDATA:?the container does not say where its data are}"
as_owner() { if [ "$(id -u)" = 0 ]; then su postgres -s /bin/sh -c "$1"; else sh -c "$1"; fi; }
own() { if [ "$(id -u)" = 0 ]; then chown -R postgres: "$@"; fi; }
"""
# $1: the restore's mark. What a volume holds is never deleted, but for what this very restore had begun to unpack.
SET_ASIDE = (
    LIBRARY
    + """
aside="$PGDATA.before-$1"
if [ -e "$aside" ]; then
    rm -rf "$PGDATA"
elif [ -e "$aside.new" ] || { [ -e "$PGDATA" ] && [ -n "$(ls -A "$PGDATA")" ]; }; then
    mkdir -p "$aside.new" "$PGDATA"
    own "$aside.new"
    find "$PGDATA" -mindepth 1 -maxdepth 1 -exec mv {} "$aside.new"/ \\;
    mv "$aside.new" "$aside"
fi
if [ -e "$aside" ]; then echo "what was there is kept in $aside"; fi
"""
)
LAY_OUT = (
    SET_ASIDE
    + """
rm -rf "$PGDATA.wal"
mkdir -p "$PGDATA" "$PGDATA.wal"
chmod 700 "$PGDATA"
head -c "$2" | tar -xz -C "$PGDATA"
rm -f "$PGDATA/standby.signal"
own "$PGDATA" "$PGDATA.wal"
"""
)
LAY_SEGMENT = LIBRARY + 'head -c "$2" | gunzip -c >"$PGDATA.wal/$1"; own "$PGDATA.wal/$1"\n'
# What is there of the instance that the backup was taken of waits for its standbys by their names; another instance in
# its place would wait for itself, and every commit for ever. %1$L is the instance that it becomes, %2$L the one it was.
TAKE_PLACE = (
    "select format('alter system set synchronous_standby_names = %L', regexp_replace(setting, '\\m' ||"
    " regexp_replace({now}, '(\\W)', '\\\\\\1', 'g') || '\\M', {was}, 'g')) from pg_file_settings"
    " where name = 'synchronous_standby_names' and sourcefile like '%/postgresql.auto.conf' order by seqno desc limit 1"
)
# $1: where to stop (UTC, or empty for the end), $2: the superuser, $3 and $4: what asks for databases and for their
# tables, $5: the timeline, $6: what says a statement that is run when all is replayed, or empty. Prints a line a
# second, then `up`.
RECOVER = (
    LIBRARY
    + """
sockets=$(mktemp -d /tmp/muster.XXXXXX)
own "$sockets"
printf 'local all all trust\\n' >"$sockets/hba"
{
    echo "listen_addresses = ''"
    echo "unix_socket_directories = '$sockets'"
    echo "hba_file = '$sockets/hba'"
    echo "hot_standby = off"
    echo "dynamic_shared_memory_type = mmap"
    echo "restore_command = 'cp \\"$PGDATA.wal/%f\\" \\"%p\\"'"
    echo "recovery_target_action = promote"
    echo "recovery_target_timeline = '$5'"
    if [ -n "$1" ]; then echo "recovery_target_time = '$1'"; fi
} >"$sockets/conf"
own "$sockets"
rm -f "$PGDATA/standby.signal" "$PGDATA/postmaster.pid"
as_owner "touch '$PGDATA/recovery.signal'"
as_owner "exec postgres -D '$PGDATA' -c config_file='$sockets/conf' -c primary_conninfo= -c archive_mode=off \
    -c synchronous_standby_names= -c shared_preload_libraries= -c cluster_name=muster" \
    >"$PGDATA.wal/log" 2>&1 &
server=$!
until pg_isready -q -h "$sockets" -t 1; do
    if ! kill -0 "$server" 2>/dev/null; then
        said=$(grep -E 'FATAL|PANIC|ERROR|invalid' "$PGDATA.wal/log" | tail -n 2 | sed 's/^.*\\] //' | tr '\\n' ' ')
        echo "failed $said"
        exit 3
    fi
    echo "replaying"
    sleep 0.2
done
export PGHOST="$sockets" PGUSER="$2" PGPASSWORD= PGPORT=5432 PGSSLMODE=disable
unset PGDATABASE
for database in $(psql -qtAXd postgres -c "$3"); do
    counting=$(psql -qtAXv ON_ERROR_STOP=1 -d "$database" -c "$4")
    if [ -n "$counting" ]; then
        psql -qtAXv ON_ERROR_STOP=1 -d "$database" -c "$counting" | sed 's/^/rows /'
    fi
done
psql -qtAXd postgres -c "select pg_is_in_recovery()" | sed 's/^/recovering /'
if [ -n "$6" ]; then
    last=$(psql -qtAXv ON_ERROR_STOP=1 -d postgres -c "$6")
    if [ -n "$last" ]; then psql -qtAXv ON_ERROR_STOP=1 -d postgres -c "$last"; fi
fi
as_owner "pg_ctl -D '$PGDATA' -m fast -w stop" >/dev/null
wait "$server" || true
rm -rf "$sockets" "$PGDATA.wal"
echo "up"
"""
)


@dataclass(frozen=True)
class Recovered:
    """What a database that was made of a backup held: rows of each table (`database.schema.table`)."""

    rows: Mapping[str, int]
    kept: str  # where what had been there before is kept, or empty


class Recovery:
    """Makes a database of a plan's backup in a pod's container."""

    def __init__(
        self,
        cluster: Cluster,
        namespace: str,
        pod: str,
        *,
        container: str,
        store: Store,
        identities: Identities,
        say: Callable[[str], object],
    ) -> None:
        self._cluster, self._namespace, self._pod, self._container = cluster, namespace, pod, container
        self._store, self._identities, self._say = store, identities, say

    def lay_out(self, plan: Plan, mark: str) -> str:
        """Unpack the base and lay the segments beside it; returns where what had been there is kept, or nothing.

        `mark` is in the name of that place.

        Raises:
            BackupError: a file is not what was written, cannot be opened, or does not fit there.
        """
        base = plan.base
        stored = base.files[BASE_FILE]
        path = self._store.path(base, BASE_FILE)
        check(path, stored.sha256)
        said = self._write(["sh", "-c", LAY_OUT, "sh", mark, str(stored.plain_bytes)], path, f"backup {base.id}")
        for number, segment in enumerate(plan.segments, start=1):
            path = self._store.segment_path(segment.name)
            check(path, segment.sha256)
            command = ["sh", "-c", LAY_SEGMENT, "sh", segment.name, str(segment.plain_bytes)]
            self._write(command, path, f"segment {segment.name}")
            if number % 50 == 0:
                self._say(f"{number} of {len(plan.segments)} segments laid out")
        return said.strip()

    def recover(self, plan: Plan, databases: str, rows: str, *, instance: str = "") -> Mapping[str, int]:
        """Have the log replayed up to the plan's moment, count rows, and stop the database again. Where it becomes
        another `instance` than it was, the two change places among those for which commits wait.

        Raises:
            BackupError: PostgreSQL gave up; the message has its own words.
        """
        command = [
            "sh",
            "-c",
            RECOVER,
            "sh",
            _of_postgresql(plan.target),
            plan.base.superuser,
            databases,
            rows,
            str(plan.timeline),
            take_place(now=instance, was=plan.base.instance),
        ]
        counts, lines = dict[str, int](), list[str]()
        try:
            with self._cluster.read_from(
                self._pod, self._namespace, command, container=self._container, idle=SILENT_S
            ) as reader:
                for raw in io.BufferedReader(reader):
                    line = raw.decode(errors="replace").rstrip("\n")
                    if line.startswith("rows "):
                        name, _, count = line.removeprefix("rows ").rpartition("|")
                        counts[name] = int(count)
                    elif line != "replaying":
                        lines.append(line)
        except ClusterError as error:
            failed = next((line.removeprefix("failed ") for line in lines if line.startswith("failed ")), None)
            raise BackupError(f"the database did not come up from backup {plan.base.id}: {failed or error}") from None
        if lines[-1:] != ["up"] or "recovering f" not in lines:
            raise BackupError(
                f"the database did not come up from backup {plan.base.id}: {' '.join(lines) or 'no word'}"
            )
        return counts

    def _write(self, command: list[str], path: Path, what: str) -> str:
        with path.open("rb") as source:
            result = self._cluster.write_to(
                self._pod,
                self._namespace,
                command,
                _decrypted(self._identities, source, what),
                container=self._container,
                idle=SILENT_S,
            )
        if result.code:
            said = result.stderr.strip().splitlines()
            raise BackupError(f"{what} cannot be laid out in pod {self._pod}: {said[-1] if said else 'no word'}")
        return result.stdout


def take_place(*, now: str, was: str) -> str:
    """SQL that says the statement by which the instance `now` waits for `was` instead of for itself; empty where both
    are the same, or it becomes no instance."""
    if now in {"", was}:
        return ""
    return TAKE_PLACE.format(now=_quoted(now), was=_quoted(was))


def _quoted(text: str) -> str:
    doubled = text.replace("'", "''")
    return f"'{doubled}'"


def _of_postgresql(target: str | None) -> str:
    """A moment as its configuration takes it; empty for none."""
    return "" if target is None else target.replace("T", " ").replace("Z", "+00")


def _decrypted(identities: Identities, source: IO[bytes], what: str) -> Iterator[bytes]:
    """What is in an encrypted file, piece by piece; decrypted beside who takes the pieces, so that the whole is never
    in memory, nor on a disk.

    Raises:
        BackupError: it cannot be decrypted.
    """
    reads, writes = os.pipe()
    failed: list[BackupError] = []

    def decrypt() -> None:
        try:
            with os.fdopen(writes, "wb") as target:
                identities.decrypt(source, target, what)
        except BackupError as error:
            failed.append(error)
        except OSError:
            pass  # nobody takes the pieces any more, who knows why

    worker = threading.Thread(target=decrypt, daemon=True)
    worker.start()
    try:
        with os.fdopen(reads, "rb") as pieces:
            while piece := pieces.read(CHUNK):
                yield piece
    finally:
        worker.join(timeout=10)
    if failed:
        raise failed[0]
