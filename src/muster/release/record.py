"""The record of a release: how far it is and what is asked of it, kept in the system's namespace.

It is a ConfigMap that is replaced only by who read it as it is (resourceVersion), before each act. So whoever comes
next, from any machine, goes on with the release or takes it back; and one who was taken for dead acts no more: each who
takes over raises the `epoch`, and what an earlier one wants to write is refused. It stays after the end, until the next
release, so that everybody can see how it ended.
"""

from __future__ import annotations

import json
import socket
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from muster.base.clock import utc_iso
from muster.base.errors import MusterError, RefusedError
from muster.base.texts import one_line
from muster.kube import ApiError, Cluster
from muster.safety.audit import who
from muster.safety.rollouts import new_rollout_id
from muster.wire.names import MANAGED_BY_LABEL, MANAGED_BY_VALUE, RELEASE_RECORD, RELEASE_RECORD_LABEL

NAME = RELEASE_RECORD
SCHEMA = "muster/release-state/v1"
MOST_EVENTS = 60
TRIES = 8  # others write what they ask for in between

State = Literal[
    "preparing",
    "shifting",
    "baking",
    "holding",
    "paused",
    "frozen",
    "promoting",
    "rolling back",
    "rolled back",
    "released",
    "failed",
]
ENDED: tuple[State, ...] = ("rolled back", "released", "failed")
PhaseName = Literal["pre", "canary", "grow", "half", "switch", "promote", "end"]
PHASES: tuple[PhaseName, ...] = ("pre", "canary", "grow", "half", "switch", "promote", "end")
Command = Literal["pause", "continue", "promote", "abort", "freeze"]
# What is asked replaces what was asked before, and is not yet heeded, only where it is not weaker.
STRENGTH: dict[Command, int] = {"continue": 0, "promote": 0, "pause": 0, "freeze": 1, "abort": 2}


class ReleaseRecordError(MusterError):
    """The record of a release cannot be understood."""


class SupersededError(RefusedError):
    """Somebody else has taken the release over: nothing more may be done for it here."""


class _Kept(BaseModel):
    """What is not known is left out: a newer muster may have written it."""

    model_config = ConfigDict(frozen=True)


class Share(_Kept):
    """The share of traffic that the new version is to have, and what the way of sharing makes of it (0 to 1)."""

    wanted: float = 0.0
    possible: float = 0.0
    way: str = ""


class StepAt(_Kept):
    """The step that was taken last, and how it is: `acting`, `done`, `failed`."""

    name: str
    state: str
    at: str
    detail: str = ""


class Trigger(_Kept):
    """What the last look says of a trigger: `verdict` is fine, worse, undecided or no data."""

    name: str
    verdict: str
    why: str


class Bake(_Kept):
    """A bake under way, in seconds of the plan: the time of it that counts, what is left, how long it is held.

    `analysis` is what the analysis keeps from look to look, `counters` what pods had counted at the last one.
    """

    phase: str
    began: str
    limit_s: float
    baked_s: float = 0.0
    left_s: float = 0.0
    held_s: float = 0.0
    looks: int = 0
    decision: str = ""
    why: str = ""
    triggers: tuple[Trigger, ...] = ()
    at_s: float = 0.0
    seen: str = ""  # when the last look was taken (UTC)
    analysis: dict[str, Any] = {}
    counters: dict[str, Any] = {}
    readings: dict[str, Any] = {}


class Asked(_Kept):
    """What somebody asks of whoever looks after the release."""

    command: Command
    by: str
    at: str
    why: str = ""


class Happened(_Kept):
    """Something that happened to the release, which was in `phase` then and had `share` of traffic."""

    at: str
    what: str
    by: str = ""
    phase: str = ""
    share: float = 0.0


class DatabaseAt(_Kept):
    """The release's change of the database: whether the old version works on after it, and whether it was begun and
    is done."""

    migration: str
    backward_compatible: bool
    begun: bool = False
    done: bool = False


class Way(_Kept):
    """What a way of sharing traffic keeps in order to go back: objects as they were, names of what it made."""

    name: str = ""
    kept: dict[str, Any] = {}


class Release(_Kept):
    """A release, as its record tells. Times are UTC in ISO 8601, shares from 0 to 1.

    `epoch` counts who looked after it. `workloads` are the Deployments that run twice, with how many pods each has.
    `serving` is the one of them that clients come in by, empty where the release leaves that alone. `stable` and
    `canary` are what the old and the new version's answers say that they are, empty where they do not; `images` what
    the new one runs from, by container.

    `cause` is by what it was decided to roll it back, empty where that was not: `trigger` (one of the analysis was
    passed), `check` (pods that crash or answer wrongly, a lost write), `blind` (nothing could be told for too long),
    `outside` (somebody put back what was shared), `step` (one failed), `person`. `roles` says who has which part in it.
    """

    id: str
    release: str
    version: str
    stable: str = ""
    canary: str = ""
    images: dict[str, str] = {}
    system: str
    namespace: str
    evidence: str = "cluster"
    state: State = "preparing"
    phase: PhaseName = "pre"
    share: Share = Share()
    began: str
    ended: str = ""
    by: str = ""
    host: str = ""
    epoch: int = 0
    time_scale: float = 1.0
    until: str = ""
    step: StepAt | None = None
    bake: Bake | None = None
    wanted: Asked | None = None
    why: str = ""
    cause: str = ""
    roles: dict[str, str] = {}
    events: tuple[Happened, ...] = ()
    database: DatabaseAt | None = None
    backup: str = ""  # the one that was taken for it
    workloads: dict[str, int] = {}
    serving: str = ""
    way: Way = Way()
    made: tuple[str, ...] = ()
    past_return: bool = False  # stable is being made the new version: the way back is longer from here on
    resource_version: str = Field(default="", exclude=True)

    @property
    def is_over(self) -> bool:
        """Whether it has ended, well or not."""
        return self.state in ENDED

    @property
    def changed_for_good(self) -> bool:
        """Whether it has begun to change the database so that the old version may not work any more."""
        return self.database is not None and self.database.begun and not self.database.backward_compatible

    @property
    def target(self) -> str:
        """What it is called, for people."""
        return f"release {self.version} of {self.system}"

    def with_event(self, what: str, by: str = "") -> Release:
        """The same with one more thing that happened; of very many the oldest are forgotten."""
        place = {"phase": self.phase, "share": self.share.possible}
        happened = Happened(at=utc_iso(timespec="milliseconds"), what=one_line(what), by=by, **place)
        return self.model_copy(update={"events": (*self.events, happened)[-MOST_EVENTS:]})


class Recorded(Release):
    """A release as it is written, with the schema that it is written by."""

    schema_: Literal["muster/release-state/v1"] = Field(alias="schema")


def new_release(**fields: Any) -> Release:
    """A release that begins now, under an id of its own unless `fields` have one."""
    own = {"id": new_rollout_id(), "began": utc_iso(timespec="seconds"), "by": who(), **fields}
    return Release(**own, host=socket.gethostname(), epoch=1)


def find_release(cluster: Cluster, namespace: str) -> Release | None:
    """The release of a namespace, the last one where it has ended; None where there was none.

    Raises:
        ReleaseRecordError: its record cannot be understood.
        ClusterError: the cluster cannot be asked.
    """
    found = cluster.find("ConfigMap", NAME, namespace)
    return None if found is None else release_of(found)


def release_of(item: dict[str, Any]) -> Release:
    """The release that a ConfigMap holds.

    Raises:
        ReleaseRecordError: it holds none that is known here.
    """
    try:
        found = Recorded.model_validate(json.loads(item["data"]["release.json"]))
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise ReleaseRecordError(
            f"the record of the release, ConfigMap {NAME}, cannot be understood ({type(error).__name__}: "
            f"{one_line(str(error))[:200]}); see what it left undone, then delete it"
        ) from error
    own = {name: getattr(found, name) for name in Release.model_fields}
    return Release(**own | {"resource_version": str(item["metadata"].get("resourceVersion", ""))})


class ReleaseBook:
    """The record of one release, for whoever looks after it."""

    def __init__(self, cluster: Cluster, release: Release) -> None:
        """`release` is it as it was read or written last."""
        self._cluster = cluster.unobserved()
        self.release = release

    def begin(self) -> None:
        """Write the record of a release that begins, in the place of one that has ended.

        Raises:
            RefusedError: another one was begun meanwhile.
            ClusterError: it cannot be written.
        """
        body = _config_map(self.release)
        try:
            if self.release.resource_version:
                body["metadata"]["resourceVersion"] = self.release.resource_version
                written = self._cluster.replace(body, self.release.namespace)
            else:
                written = self._cluster.create(body, self.release.namespace)
        except ApiError as error:
            if error.code not in {404, 409}:
                raise
            raise RefusedError("refused: another release was begun at this moment; see 'muster status'") from error
        self._written(written)

    def put(self, **changes: Any) -> Release:
        """Change what the record says, being the one who looks after the release; returns it as it is now.

        What others ask of it meanwhile is kept.

        Raises:
            SupersededError: another one looks after it by now, or it is gone.
            ClusterError: it cannot be written; then what it is about must not be done.
        """
        return self._put(self.release.model_copy(update=changes), changes)

    def tell(self, what: str, **changes: Any) -> Release:
        """The same, with one more thing that happened.

        Raises:
            SupersededError, ClusterError: as `put`.
        """
        told = self.release.with_event(what)
        return self._put(told.model_copy(update=changes), changes | {"events": told.events})

    def heard(self) -> Asked | None:
        """What is asked of the release now; None where nothing is.

        Raises:
            SupersededError: another one looks after it by now, or it is gone.
            ClusterError: the cluster does not answer.
        """
        found = self._again()
        self.release = self.release.model_copy(
            update={"wanted": found.wanted, "resource_version": found.resource_version}
        )
        return found.wanted

    def _put(self, wanted: Release, changes: dict[str, Any]) -> Release:
        known = self.release.wanted  # what it takes as done; what was asked after that is not
        for _ in range(TRIES):
            body = _config_map(wanted)
            body["metadata"]["resourceVersion"] = wanted.resource_version
            try:
                self._written(self._cluster.replace(body, wanted.namespace))
            except ApiError as error:
                if error.code not in {404, 409}:
                    raise
                found = self._again()
                kept = {} if "wanted" in changes and found.wanted == known else {"wanted": found.wanted}
                wanted = wanted.model_copy(update={**kept, "resource_version": found.resource_version})
            else:
                return self.release
        raise RefusedError("refused: the record of the release is changed all the time; see 'muster status'")

    def _again(self) -> Release:
        found = find_release(self._cluster, self.release.namespace)
        if found is None or (found.id, found.epoch) != (self.release.id, self.release.epoch):
            now = (
                "its record is gone" if found is None else f"{found.by} on {found.host} looks after it ({found.state})"
            )
            raise SupersededError(f"refused: {self.release.target} was taken over: {now}; nothing more is done here")
        return found

    def _written(self, item: dict[str, Any]) -> None:
        version = str(item["metadata"].get("resourceVersion", ""))
        self.release = release_of(item).model_copy(update={"resource_version": version})


def take_over(cluster: Cluster, release: Release, **changes: Any) -> ReleaseBook:
    """Look after a release from now on, whoever did before; what they want to do after this is refused. What is asked
    of it still is kept, unless `changes` say otherwise.

    Raises:
        RefusedError: it is gone, has ended, or another one took it over at the same moment.
        ClusterError: the cluster does not answer.
    """
    book = ReleaseBook(cluster, release)
    for _ in range(TRIES):
        own = {"epoch": book.release.epoch + 1, "by": who(), "host": socket.gethostname()}
        taken = book.release.model_copy(update={**own, **changes})
        body = _config_map(taken)
        body["metadata"]["resourceVersion"] = book.release.resource_version
        try:
            book._written(cluster.unobserved().replace(body, release.namespace))  # noqa: SLF001 - its own kind
        except ApiError as error:
            if error.code not in {404, 409}:
                raise
            found = find_release(cluster, release.namespace)
            if found is None or found.id != release.id or found.is_over:
                raise RefusedError(f"refused: {release.target} has just ended; see 'muster status'") from error
            book.release = found
        else:
            return book
    raise RefusedError("refused: the record of the release is changed all the time; see 'muster status'")


def ask(cluster: Cluster, namespace: str, command: Command, why: str = "") -> Release:
    """Ask something of whoever looks after the release of a namespace; returns the release as it was.

    Raises:
        RefusedError: no release is under way, what is asked cannot be heeded any more, or something stronger is asked.
        ReleaseRecordError: its record cannot be understood.
        ClusterError: the cluster does not answer.
    """
    asked = Asked(command=command, by=who(), at=utc_iso(timespec="milliseconds"), why=why)
    for _ in range(TRIES):
        found = find_release(cluster, namespace)
        if found is None or found.is_over:
            ended = "none was begun" if found is None else f"{found.target} is {found.state} since {found.ended}"
            raise RefusedError(f"no release is under way in namespace '{namespace}': {ended}")
        _check_heeded(found, command)
        wanted = found.with_event(f"{command} asked for{f': {why}' if why else ''}", asked.by)
        body = _config_map(wanted.model_copy(update={"wanted": asked}))
        body["metadata"]["resourceVersion"] = found.resource_version
        try:
            cluster.replace(body, namespace)
        except ApiError as error:
            if error.code not in {404, 409}:
                raise
        else:
            return found
    raise RefusedError("refused: the record of the release is changed all the time; try again")


def _check_heeded(found: Release, command: Command) -> None:
    """Let pass what is not weaker than what is asked already, and can still be heeded."""
    before = found.wanted
    if before is not None and STRENGTH[command] < STRENGTH[before.command]:
        raise RefusedError(
            f"refused: {before.command} is asked of {found.target} already, by {before.by} at {before.at}; to go on "
            "all the same, wait until that is done"
        )
    if found.phase == "promote" and STRENGTH[command] < STRENGTH["freeze"] and command != "continue":
        raise RefusedError(
            f"refused: {found.target} is being made the only version already, and {command} is for a bake; right would "
            "be --freeze, --abort or 'muster rollback'"
        )


def _config_map(release: Release) -> dict[str, Any]:
    content = {"schema": SCHEMA, **release.model_dump(mode="json")}
    labels = {RELEASE_RECORD_LABEL: "true", MANAGED_BY_LABEL: MANAGED_BY_VALUE}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": NAME, "namespace": release.namespace, "labels": labels},
        "data": {"release.json": json.dumps(content, indent=1, ensure_ascii=False)},
    }
