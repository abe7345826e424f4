"""Taking a base: the whole database at one moment, and the configuration of the system around it."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import IO, Any

from muster.backup.errors import BackupError
from muster.backup.keys import Recipients
from muster.backup.server import Server, primary
from muster.backup.store import BASE_FILE, OBJECTS_FILE, Base, Counting, Store, Stored, digest_of
from muster.base.clock import utc
from muster.kube import ApiError, Cluster
from muster.safety.audit import AuditLog, who
from muster.system import SystemDefinition

TIMES_LOST = 2
# What a system is made of beside its data. Pods and what owns them follow from these.
KINDS = (
    "ConfigMap", "Secret", "Service", "ServiceAccount", "PersistentVolumeClaim", "Deployment", "StatefulSet",
    "DaemonSet", "CronJob", "Ingress", "NetworkPolicy", "HorizontalPodAutoscaler", "PodDisruptionBudget", "Role",
    "RoleBinding",
)  # fmt: skip
OF_THE_CLUSTER = ("uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "selfLink")


def take(
    cluster: Cluster,
    system: SystemDefinition,
    store: Store,
    recipients: Recipients,
    *,
    audit: AuditLog,
    say: Callable[[str], object],
) -> Base:
    """Take a base of a system into its store.

    Raises:
        BackupError, ClusterError, RefusedError, UsageError: it could not be taken; nothing of it is left.
    """
    target = f"{cluster.context}/{system.namespace}"
    audit.record("backup", target=target, outcome="begun")
    try:
        base = _take(cluster, system, store, recipients, say)
    except BaseException as error:
        audit.record("backup", target=target, outcome="failed", why=str(error) or type(error).__name__)
        raise
    audit.record("backup", target=target, outcome="done", detail=base.id)
    return base


def _take(
    cluster: Cluster, system: SystemDefinition, store: Store, recipients: Recipients, say: Callable[[str], object]
) -> Base:
    server = primary(cluster, system)
    about = server.about()
    began = server.now()
    identity = _identity(store)
    with store.begin(identity) as folder:
        first = server.writing()
        before = _counted(server)
        say(f"copying {server.instance} (PostgreSQL {about.version})")
        with server.base() as source:
            files = {BASE_FILE: keep(source, folder / BASE_FILE, recipients)}
        # Behind the end of the copy, so that a restore to this moment has a commit to stop behind.
        ended = server.mark()
        after = _counted(server)
        last = server.writing()
        say("reading the namespace's objects")
        objects = gzip.compress(json.dumps(objects_of(cluster, system.namespace), sort_keys=True).encode(), mtime=0)
        with closing(io.BytesIO(objects)) as source:
            files[OBJECTS_FILE] = keep(source, folder / OBJECTS_FILE, recipients)
        base = Base(
            id=identity,
            system=system.name,
            target=f"{cluster.context}/{system.namespace}",
            began=began,
            ended=ended,
            instance=server.instance,
            version=about.version,
            system_identifier=about.system_identifier,
            superuser=about.superuser,
            segment_bytes=about.segment_bytes,
            first_segment=first,
            last_segment=last,
            files=files,
            rows=between(before, after),
            recipients=recipients.names,
            by=who(),
        )
        store.end(base)
    return base


def keep(source: IO[bytes], path: Path, recipients: Recipients) -> Stored:
    """Write `source` encrypted to `path`, durably.

    Raises:
        BackupError: it could not be read, or not be written.
    """
    plain = Counting(source)
    try:
        with path.open("wb") as file:
            recipients.encrypt(plain, file)  # type: ignore[arg-type]  # it reads and no more
            file.flush()
    except OSError as error:
        raise BackupError(f"{path} cannot be written: {error.strerror}") from None
    return Stored(sha256=digest_of(path), bytes=path.stat().st_size, plain_bytes=plain.count)


def objects_of(cluster: Cluster, namespace: str) -> list[dict[str, Any]]:
    """The namespace's objects as they could be applied again, without what the cluster itself adds.

    Kinds that may not be read, or that this cluster does not have, are left out; a Secret's values are in it.
    """
    found = []
    for kind in KINDS:
        try:
            items = cluster.list(kind, namespace)
        except ApiError as error:
            if error.code in (403, 404):
                continue
            raise
        found += [_bare(item) for item in items if not item["metadata"].get("ownerReferences")]
    return found


def _bare(item: Mapping[str, Any]) -> dict[str, Any]:
    metadata = {key: value for key, value in item["metadata"].items() if key not in OF_THE_CLUSTER}
    return {**{key: value for key, value in item.items() if key != "status"}, "metadata": metadata}


def _identity(store: Store) -> str:
    """The time, to the second, unless that is taken."""
    stem = utc().strftime("%Y%m%dT%H%M%SZ")
    taken = {base.id for base in store.bases()} | set(store.unended())
    names = [stem, *(f"{stem}-{number}" for number in range(2, 100))]
    return next(name for name in names if name not in taken)


Counted = tuple[Mapping[str, int], Mapping[str, int]]  # rows of each table, and how many it has lost so far


def _counted(server: Server) -> Counted | None:
    """The counts of all tables; None where counting takes too long, or a table cannot be read."""
    try:
        return server.rows(), server.deleted()
    except BackupError:
        return None


def between(before: Counted | None, after: Counted | None) -> dict[str, tuple[int, int]] | None:
    """The least and the most rows that each table can have had at a moment between two counts.

    One whose rows come and go may have had fewer than at both, or more: by no more than it lost meanwhile, and as the
    last second of that may not be counted yet, by as much again.
    """
    if before is None or after is None:
        return None
    found = {}
    for name in sorted(before[0].keys() & after[0].keys()):  # one that came or went meanwhile may be there or not
        least, most = sorted((before[0][name], after[0][name]))
        lost = TIMES_LOST * max(after[1].get(name, 0) - before[1].get(name, 0), 0)
        found[name] = (max(least - lost, 0), most + lost)
    return found
