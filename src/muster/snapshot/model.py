"""What a snapshot holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from muster.kube.client import Object

__all__ = ["SCHEMA", "LogTail", "Missing", "Object", "Ref", "Snapshot", "ref_of"]

SCHEMA = "muster/snapshot/v1"


class Ref(NamedTuple):
    """An object by its kind, namespace (empty for what has none) and name."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


def ref_of(item: Object) -> Ref:
    """How an object is called."""
    metadata = item["metadata"]
    return Ref(str(item["kind"]), str(metadata.get("namespace") or ""), str(metadata["name"]))


class LogTail(NamedTuple):
    """The last lines that a container wrote, or with `previous` its instance before."""

    namespace: str
    pod: str
    container: str
    previous: bool
    lines: tuple[str, ...]


class Missing(NamedTuple):
    """A part that could not be had: `what` it is, and `why` in one line."""

    what: str
    why: str


@dataclass(frozen=True)
class Snapshot:
    """A system as it was at `taken` (ISO 8601, UTC).

    `namespace` is the one that was looked at, empty for all. `listed` are the kinds of which `objects` holds all that
    there are in it: only of these the absence of one says something. `system` is what of system.yaml checks need,
    `answers` what was heard from the service, the databases and the monitoring, each by the name of its part; either is
    empty where there is none to ask.
    """

    taken: str
    namespace: str = ""
    context: str = ""
    kubernetes: str = ""
    listed: frozenset[str] = frozenset()
    objects: tuple[Object, ...] = ()
    logs: tuple[LogTail, ...] = ()
    system: dict[str, Any] = field(default_factory=dict)
    answers: dict[str, Any] = field(default_factory=dict)
    missing: tuple[Missing, ...] = ()
