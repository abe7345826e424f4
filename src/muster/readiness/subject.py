"""All that the checks of readiness look at; nothing is asked any more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from muster.checks.seen import Seen
from muster.history.facts import DrillFacts
from muster.history.plan import Planned
from muster.readiness.result import Result, unknown
from muster.snapshot import Object, Snapshot
from muster.snapshot.cluster import KINDS
from muster.system.version import SystemVersion, version_from_json
from muster.wire.names import TRACK_LABEL, TRACK_VALUE

DECLARED, VERSION = "declared", "system version"
# Kinds that a cluster need not have.
OPTIONAL = {kind.name for kind in KINDS if not kind.everywhere}
NOT_HELD = "the snapshot does not hold it"
KEPT_SO = "have one taken that does: muster ready --save FILE"


@dataclass(frozen=True, slots=True)
class Held:
    """What is on record of drills: `plan` by name, `drills` of every system oldest first, `versions` by their keys;
    `why` says why there is no plan, in one line."""

    plan: Mapping[str, Planned] = field(default_factory=dict)
    drills: Sequence[DrillFacts] = ()
    versions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    why: str = ""


class NotHeardError(Exception):
    """A part of the snapshot that a check needs is not there; the message says why."""


@dataclass(frozen=True)
class Subject:
    """A snapshot, what is on record of drills, and what is to be released: `wanted` is its version, None for what runs.

    `now` is when it is asked; how things are is as of the snapshot.
    """

    snapshot: Snapshot
    held: Held
    now: datetime
    release: str | None = None
    wanted: SystemVersion | None = None

    @cached_property
    def seen(self) -> Seen:
        return Seen(self.snapshot)

    @property
    def namespace(self) -> str:
        """The system's namespace."""
        return str(self.snapshot.system.get("namespace") or self.snapshot.namespace)

    @property
    def declared(self) -> Mapping[str, Any]:
        """What was noted of system.yaml and the cluster beside what every snapshot has; empty where nothing was."""
        found = self.snapshot.answers.get(DECLARED)
        return found if isinstance(found, Mapping) else {}

    @property
    def evidence(self) -> str:
        """The kind of evidence that counts here: on a cluster of one's own a rehearsal proves no RTO."""
        return str(self.declared.get("evidence") or "cluster")

    @property
    def embedded(self) -> bool:
        return self.evidence == "rehearsal"

    def heard(self, part: str) -> Any:
        """What came of a part of the snapshot.

        Raises:
            NotHeardError: nothing did.
        """
        if part in self.snapshot.answers:
            return self.snapshot.answers[part]
        missing = {one.what: one.why for one in self.snapshot.missing}
        raise NotHeardError(missing.get(part) or NOT_HELD)

    def unserved(self, kind: str) -> bool:
        """Whether a cluster that answered has no such kind of objects."""
        missing = {one.what for one in self.snapshot.missing}
        answered = bool(self.snapshot.kubernetes) and "cluster" not in missing
        return answered and kind in OPTIONAL and kind not in {*missing, *self.snapshot.listed}

    def needs(self, *kinds: str) -> None:
        """Let pass where the snapshot holds all objects of some kinds, or the cluster has no such kind.

        Raises:
            NotHeardError: it does not.
        """
        missing = {one.what.removeprefix("rest of "): one.why for one in self.snapshot.missing}
        for kind in kinds:
            if not self.seen.knows(kind) and not self.unserved(kind):
                raise NotHeardError(f"{kind} was not seen ({missing.get(kind) or NOT_HELD})")

    @cached_property
    def running(self) -> SystemVersion | str:
        """The version that runs, or why nobody knows it."""
        try:
            return version_from_json(self.heard(VERSION))
        except (NotHeardError, ValueError) as error:
            return str(error)

    @property
    def version(self) -> SystemVersion | str:
        """The version that evidence must be of, or why nobody knows it."""
        return self.running if self.wanted is None else self.wanted

    def workloads(self, kind: str) -> list[Object]:
        """The system's own workloads of a kind, without what a release has made beside them."""
        own = {
            f"{image.workload}" for image in (self.running.images if isinstance(self.running, SystemVersion) else ())
        }
        return [
            item
            for item in self.seen.of(kind, self.namespace)
            if (item["metadata"].get("labels") or {}).get(TRACK_LABEL) != TRACK_VALUE
            and (not own or f"{kind}/{item['metadata']['name']}" in own)
        ]


def unheard(why: str) -> Result:
    """What a check says that lacks what it needs."""
    return unknown(why, mend=KEPT_SO if NOT_HELD in why else "")
