"""PostgreSQL 18 in pods: what the reference system's databases need of the node."""

from __future__ import annotations

import os
import signal

import pytest

from muster.base.clock import now
from muster.embedded.deletion import DeleteOptions
from muster.embedded.resources import PERSISTENTVOLUMECLAIMS, PODS

START = (
    'set -e; [ -f "$PGDATA/PG_VERSION" ] || initdb --no-sync -U postgres --auth=trust > /dev/null; '
    'exec postgres -c listen_addresses="$POD_IP" -c unix_socket_directories=/tmp'
)
DATABASE = {
    "image": "postgres:18",
    "env": [
        {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
        {"name": "PGDATA", "value": "/var/lib/postgresql/data/pg"},
    ],
    "volumeMounts": [{"name": "data", "mountPath": "/var/lib/postgresql/data"}],
    "readinessProbe": {"exec": {"command": ["sh", "-c", 'pg_isready -h "$POD_IP"']}, "periodSeconds": 1},
}
CLAIM = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}


async def query(world, sql: str) -> str:
    """Ask the database; waits until it answers."""
    deadline = now() + 60
    while True:
        code, output = await world.inside("db-0", "sh", "-c", f'psql -h "$POD_IP" -U postgres -Atqc "{sql}"')
        if code == 0:
            return output.strip()
        assert now() < deadline, f"the database did not answer: {output}"


def test_a_database_keeps_its_data_through_kill_and_forced_replacement(in_world) -> None:
    async def test(world) -> None:
        if not await world.node._host.isolation.known() and os.getuid() == 0:
            pytest.skip("PostgreSQL refuses to run as root, and this kernel allows no user namespace to run it in")
        world.store.create(PERSISTENTVOLUMECLAIMS, {"metadata": {"name": "data", "namespace": "test"}, "spec": CLAIM})
        volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]
        world.run("db-0", ["sh", "-c", START], container=DATABASE, volumes=volumes)
        await world.until(lambda: world.main("db-0").get("ready"), "the database to be ready", within=60)
        assert await query(world, "create table t as select generate_series(1, 1000) x") == ""

        pid = await first_process(world)
        os.kill(pid, signal.SIGKILL)
        await world.until(lambda: world.main("db-0")["restartCount"] == 1, "the restart")
        await world.until(lambda: world.main("db-0")["ready"], "the database to be ready again", within=60)
        assert await query(world, "select count(*) from t") == "1000"

        world.store.delete(PODS, "test", "db-0", DeleteOptions(grace_seconds=0))
        world.run("db-0", ["sh", "-c", START], container=DATABASE, volumes=volumes)
        await world.until(lambda: world.main("db-0").get("ready"), "the new pod to be ready", within=60)
        assert await query(world, "select count(*) from t") == "1000"
        assert world.main("db-0")["restartCount"] == 0

    in_world(test)


async def first_process(world) -> int:
    worker = next(iter(world.node._workers.values()))
    return worker.containers[0].running.pid
