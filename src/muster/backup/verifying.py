"""Verifying a base: it is made a database again in a scratch instance, and counted there.

A backup that was never restored is a hope. The scratch instance has volumes of its own, which go with it, and nothing
of the system leads there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from muster.backup.errors import BackupError
from muster.backup.keys import Identities
from muster.backup.plan import Plan
from muster.backup.recovering import Recovery
from muster.backup.scratch import running, scratch_pod
from muster.backup.segments import position
from muster.backup.server import DATABASES, ROWS
from muster.backup.store import BASE_FILE, Base, Store, Verification, check
from muster.base.clock import now, utc_iso
from muster.kube import Cluster
from muster.safety.audit import AuditLog
from muster.system import SystemDefinition
from muster.system.databases.declared import streaming


def verify(
    cluster: Cluster,
    system: SystemDefinition,
    store: Store,
    base: Base,
    *,
    key: Path | None,
    audit: AuditLog,
    say: Callable[[str], object],
) -> Verification:
    """Restore a base into a scratch instance, count its rows, and keep in the store how that went.

    Raises:
        UsageError: no key is named, or system.yaml has no database of this kind: nothing was tried.
        ClusterError: the cluster does not answer: that says nothing of the backup.
    """
    identities = Identities.named(key)
    database = streaming(system.database, "verifying a backup")
    instance = base.instance if base.instance in database.instances else database.instances[0]
    workload = cluster.get("StatefulSet", instance, system.namespace)
    target = f"{cluster.context}/{system.namespace}"
    began, rows, why = now(), dict[str, int](), ""
    try:
        for name, stored in base.files.items():
            check(store.path(base, name), stored.sha256)
        pod = scratch_pod(workload, database.container, f"muster-verify-{base.id.lower()}", own_volumes=False)
        with running(cluster, system.namespace, pod) as name:
            recovery = Recovery(
                cluster, system.namespace, name, container=database.container, store=store, identities=identities,
                say=say,
            )  # fmt: skip
            plan = Plan(
                base, (), base.ended, None, position(base.last_segment, base.segment_bytes).timeline
            )  # the base has all the log that makes it whole
            say(f"unpacking {base.files[BASE_FILE].bytes / 1e6:.1f} MB")
            recovery.lay_out(plan, "verify")
            say("replaying, counting")
            rows = dict(recovery.recover(plan, DATABASES, ROWS))
        why = differing(base, rows)
    except BackupError as error:
        why = str(error)
    found = Verification(at=utc_iso(), ok=not why, why=why, took_s=round(now() - began, 3), rows=rows)
    store.keep_verification(base, found)
    outcome = "done" if found.ok else "failed"
    audit.record("backup verify", target=target, outcome=outcome, detail=base.id, why=why)
    return found


def differing(base: Base, rows: Mapping[str, int]) -> str:
    """What is other in a restored base than it was when it was taken, in one phrase; empty if nothing is."""
    if base.rows is None:
        return "" if rows else "it holds no table, and how many rows there were was not counted when it was taken"
    if gone := sorted(base.rows.keys() - rows.keys()):
        return f"table {gone[0]} is not in it"
    for name, (least, most) in base.rows.items():
        if not least <= rows[name] <= most:
            wanted = str(least) if least == most else f"{least} to {most}"
            return f"table {name} has {rows[name]} rows, wanted {wanted}"
    return ""
