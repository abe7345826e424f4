"""What the database answers: which instance accepts writes, who follows how far behind, connections, disk.

Each instance is asked once, all of them side by side: one command in its container, which asks the server and the disk.
"""

from __future__ import annotations

import json
from typing import Any

from muster.base.clock import now
from muster.base.errors import ClusterError
from muster.kube import ApiError, Cluster
from muster.snapshot.asking import Part, ask
from muster.snapshot.model import Object
from muster.system import SystemDefinition
from muster.system.databases.declared import Database
from muster.system.state import FORBIDDEN, Standby, SystemState, trouble_of_replication

LIMIT_S = 5.0
QUESTION = """
select jsonb_build_object(
    'recovers', pg_is_in_recovery(),
    'connections', (select count(*) from pg_stat_activity where backend_type = 'client backend'),
    'max_connections', current_setting('max_connections')::int,
    'standbys', (select coalesce(jsonb_agg(jsonb_build_object(
        'name', application_name, 'state', state, 'sync_state', sync_state,
        'lag_s', coalesce(extract(epoch from replay_lag), 0),
        'lag_bytes', coalesce(pg_wal_lsn_diff(
            case when pg_is_in_recovery() then null else pg_current_wal_lsn() end, flush_lsn), 0)::bigint)), '[]')
        from pg_stat_replication))
"""
# A server that hangs is given up by psql, not by whoever waits for the command: that it does not answer is known then.
SCRIPT = """
PGCONNECT_TIMEOUT=2 PGOPTIONS='-c statement_timeout=2000' psql -tAXc "$0"; code=$?
df -Pk "${PGDATA:-/}" | tail -n 1
exit $code
"""
COMMAND = ("sh", "-c", SCRIPT, " ".join(QUESTION.split()))


def ask_database(cluster: Cluster, system: SystemDefinition, deadline: float) -> dict[str, Any]:
    """What each instance answers, and why replication is not as it should be (empty where it is); by the deadline
    (CLOCK_MONOTONIC seconds).

    Raises:
        ClusterError: the cluster does not let them be asked, or none that would tell.
    """
    declared = system.streaming
    if declared is None:
        return {"instances": {}, "trouble": SystemState(cluster, system).replication_trouble() or ""}
    pods = cluster.list("Pod", system.namespace)
    parts = [
        Part(name, lambda name=name: _instance(cluster, declared, system.namespace, _pods_of(name, pods), deadline))  # type: ignore[misc]
        for name in declared.instances
    ]
    heard = ask(parts, deadline)
    said = {
        name: heard.values.get(name) or {"answers": None, "why": heard.missing[name]} for name in declared.instances
    }
    primaries = sorted(name for name, one in said.items() if one.get("primary"))
    if not primaries and heard.missing:  # one of those that could not be asked may be it
        raise ClusterError("; ".join(f"{name}: {why}" for name, why in sorted(heard.missing.items())))
    standbys = [Standby(**one) for one in said[primaries[0]]["standbys"]] if len(primaries) == 1 else []
    return {"instances": said, "trouble": trouble_of_replication(declared, primaries, standbys) or ""}


def _pods_of(instance: str, pods: list[Object]) -> list[Object]:
    """The pods of an instance whose container runs."""
    return [
        pod
        for pod in pods
        if any(owner.get("name") == instance for owner in pod["metadata"].get("ownerReferences", []))
        and any("running" in (one.get("state") or {}) for one in pod.get("status", {}).get("containerStatuses") or [])
    ]


def _instance(
    cluster: Cluster, declared: Database, namespace: str, pods: list[Object], deadline: float
) -> dict[str, Any]:
    for pod in pods:
        try:
            result = cluster.execute(
                pod["metadata"]["name"],
                namespace,
                COMMAND,
                container=declared.container,
                timeout=min(LIMIT_S, max(deadline - now(), 0.1)),
            )
        except ClusterError as error:
            if (isinstance(error, ApiError) and error.code == FORBIDDEN) or _is_ready(pod):
                raise  # it says nothing of the database
            continue
        *answer, disk = result.stdout.strip().splitlines() or [""]
        return _answered(answer[-1:] if result.code == 0 else []) | _room(disk)
    return {"answers": False}


def _answered(lines: list[str]) -> dict[str, Any]:
    if not lines:
        return {"answers": False}
    told = json.loads(lines[0])
    return {"answers": True, "primary": not told.pop("recovers"), **told}


def _room(line: str) -> dict[str, Any]:
    """How much of the disk is used (ratio), by a line of `df -P`; nothing where it is none."""
    try:
        _, _, used, free, *_ = line.split()
        return {"disk_used": round(int(used) / (int(used) + int(free)), 4)}
    except (ValueError, ZeroDivisionError):
        return {}


def _is_ready(pod: Object) -> bool:
    conditions = pod.get("status", {}).get("conditions") or []
    return any(one.get("type") == "Ready" and one.get("status") == "True" for one in conditions)
