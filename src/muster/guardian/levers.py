"""Levers by which anybody can forbid drills: a file of the project, a ConfigMap of the namespace or of the cluster.

While a lever is there no drill begins, and one that is at work is stopped, its fault undone first.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from muster.base.clock import utc_iso
from muster.base.errors import MusterError, RefusedError
from muster.base.files import write_atomically
from muster.kube import ApiError, Cluster
from muster.safety.audit import who
from muster.wire.names import MANAGED_BY_LABEL, MANAGED_BY_VALUE

FORBIDDEN = "muster-stop"  # the ConfigMap's name, in whichever namespace
CLUSTER_NAMESPACE = "muster"  # where it forbids drills in the whole cluster
UNSAID = {"by": "somebody", "since": "some time", "reason": ""}
FILE = "stop"  # below the project's .muster/


@dataclass(frozen=True)
class Lever:
    """A lever that forbids drills."""

    where: str
    by: str
    since: str  # ISO 8601
    reason: str
    lift: str  # the command that allows drills again

    def __str__(self) -> str:
        because = f": {self.reason}" if self.reason else ""
        return f"drills are forbidden by {self.where}, {self.by} at {self.since}{because}"


def find_levers(cluster: Cluster, namespace: str, home: Path | None) -> Iterator[Lever]:
    """The levers that forbid drills in a namespace.

    Whoever may not read in the cluster's own namespace cannot heed its lever; whoever struck there could not either.

    Raises:
        ClusterError: the cluster does not answer.
    """
    if home is not None and (lever := file_lever(home)):
        yield lever
    for where in (namespace, CLUSTER_NAMESPACE):
        try:
            found = cluster.find("ConfigMap", FORBIDDEN, where)
        except ApiError as error:
            if error.code != 403 or where == namespace:
                raise
            continue
        if found is not None:
            said = found.get("data") or {}
            scope = f"ConfigMap {FORBIDDEN} in namespace '{where}' of context '{cluster.context}'"
            texts = {key: str(said.get(key) or other) for key, other in UNSAID.items()}
            yield Lever(where=scope, **texts, lift=_lift_command(cluster, where))


def check_allowed(cluster: Cluster, namespace: str, home: Path | None) -> None:
    """Let pass a namespace in which nobody forbids drills.

    Raises:
        RefusedError: somebody does; the message ends with the command that allows them again.
        ClusterError: the cluster does not answer.
    """
    for lever in find_levers(cluster, namespace, home):
        raise RefusedError(f"refused: {lever}; allow them again: {lever.lift}")


def file_lever(home: Path) -> Lever | None:
    """The lever of the project, if it is pulled; a file that says nothing forbids as well."""
    path = home / FILE
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None
    except OSError as error:
        text = f"it cannot be read: {error.strerror}"
    try:
        said = json.loads(text)
        texts = {key: str(said[key]) for key in UNSAID}
    except (ValueError, KeyError, TypeError):
        texts = {**UNSAID, "reason": text.strip()[:200]}
    return Lever(where=str(path), **texts, lift="muster stop --lift")


def pull_file(home: Path, reason: str) -> Path:
    """Forbid drills of a project.

    Raises:
        MusterError: the file cannot be written.
    """
    path = home / FILE
    try:
        home.mkdir(parents=True, exist_ok=True)
        write_atomically(path, json.dumps(_said(reason), indent=2))
    except OSError as error:
        raise MusterError(f"{path} cannot be written: {error.strerror}") from error
    return path


def lift_file(home: Path) -> bool:
    """Allow them again; whether they were forbidden."""
    path = home / FILE
    there = path.exists()
    path.unlink(missing_ok=True)
    return there


def pull(cluster: Cluster, namespace: str, reason: str) -> None:
    """Forbid drills in a namespace, or in the whole cluster where that is CLUSTER_NAMESPACE.

    Raises:
        ClusterError: it could not be said there.
    """
    metadata = {"name": FORBIDDEN, "labels": {MANAGED_BY_LABEL: MANAGED_BY_VALUE}}
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": _said(reason)}
    try:
        cluster.create(body, namespace)
    except ApiError as error:
        if error.code != 409:
            raise


def lift(cluster: Cluster, namespace: str) -> bool:
    """Allow them there again; whether they were forbidden.

    Raises:
        ClusterError: it could not be said there.
    """
    return cluster.delete("ConfigMap", FORBIDDEN, namespace)


def _lift_command(cluster: Cluster, namespace: str) -> str:
    where = [] if cluster.embedded else ["--kube-context", cluster.context]
    scope = ["--all"] if namespace == CLUSTER_NAMESPACE else ["--namespace", namespace]
    return shlex.join(["muster", "stop", "--lift", *where, *scope])


def _said(reason: str) -> dict[str, str]:
    return {"by": who(), "since": utc_iso(timespec="seconds"), "reason": reason}
