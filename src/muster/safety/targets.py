"""Where faults were sent from a directory: so that whoever names no cluster is not told that all is well elsewhere.

A note is a file of its own below `.muster/struck/`, without any credential: context, server, namespace, when.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from muster.base.clock import utc_iso
from muster.base.errors import UsageError
from muster.base.files import write_atomically
from muster.kube import Cluster

HOME_VARIABLE = "MUSTER_HOME"
DEFAULT_HOME = ".muster"
DIRECTORY = "struck"
SCHEMA = "muster/struck/v1"


@dataclass(frozen=True)
class Struck:
    """A namespace that a fault was about to be sent to from here."""

    context: str
    server: str
    namespace: str
    when: str  # ISO 8601
    path: Path

    def __str__(self) -> str:
        return f"namespace '{self.namespace}' of context '{self.context}' ({self.server})"


def note_struck(home: Path, cluster: Cluster, namespace: str) -> None:
    """Note a target before it is struck.

    Raises:
        UsageError: it cannot be noted; then it must not be struck.
    """
    key = hashlib.sha256(f"{cluster.context}\n{cluster.server}\n{namespace}".encode()).hexdigest()[:16]
    path = home / DIRECTORY / f"{key}.json"
    said = {"context": cluster.context, "server": cluster.server, "namespace": namespace}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, json.dumps({"schema": SCHEMA, **said, "when": utc_iso(timespec="seconds")}, indent=2))
    except OSError as error:
        raise UsageError(
            f"it cannot be noted in {path.parent} that namespace '{namespace}' is struck: {error.strerror}"
        ) from error


def struck(home: Path) -> list[Struck]:
    """What was noted below `home`, latest first; a file that is no note is passed over."""
    found = []
    for path in sorted((home / DIRECTORY).glob("*.json")):
        try:
            said = json.loads(path.read_text(encoding="utf-8"))
            texts = {key: str(said[key]) for key in ("context", "server", "namespace", "when")}
        except (OSError, ValueError, KeyError, TypeError):
            continue
        found.append(Struck(**texts, path=path))
    return sorted(found, key=lambda one: one.when, reverse=True)


def forget_server(home: Path, server: str) -> None:
    """Forget what was struck on a server that is gone for good, and every record on it with it."""
    for noted in struck(home):
        if noted.server == server:
            noted.path.unlink(missing_ok=True)
