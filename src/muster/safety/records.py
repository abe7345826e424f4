"""Fault records: what undoes a fault, kept in the cluster that it strikes, written before it strikes.

A record is a ConfigMap with the label `muster.dev/fault-record` in the target's namespace, so it outlives the process
that injected the fault. Undoing puts a field back only where it still holds the value that the fault gave it: what a
recovery procedure, a controller or a person changed since stays. A record also says until when the fault may last at
most, what is to be run in which container to take a part of it back, which process of which machine holds what lasts
only as long as that process does, and which release it brings out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple

from muster.base.clock import SYSTEM_CLOCK, utc
from muster.base.differing import differences, in_short
from muster.base.errors import ClusterError, MusterError, RefusedError
from muster.base.process import NOTHING_LEFT
from muster.base.waiting import wait_for
from muster.kube import ApiError, Cluster
from muster.kube.client import JSON_PATCH
from muster.safety.fields import (
    ABSENT,
    Absent,
    Path,
    change_field,
    path_from_json,
    path_to_json,
    read_field,
    show_path,
)
from muster.safety.held import Held
from muster.safety.rollouts import Rollout
from muster.wire.names import FAULT_RECORD_LABEL, MANAGED_BY_LABEL, MANAGED_BY_VALUE, RUN_LABEL

SCHEMA = "muster/fault-record/v1"
# What a patch answers when a `test` in it fails: 422 by the API, 409 by another writer in between.
CHANGED_SINCE = {409, 422}
UNDO_WITHIN_S = 10.0


class RecordError(MusterError):
    """A fault record cannot be understood."""


def record_name(experiment: str) -> str:
    """The name of the ConfigMap that holds an experiment's record."""
    return f"muster-fault-{experiment}"


@dataclass(frozen=True)
class Entry:
    """One field that a fault changes: what it held before and what the fault makes of it (either may be ABSENT)."""

    kind: str
    name: str
    path: Path
    before: Any
    after: Any

    def __str__(self) -> str:
        return f"{self.kind} {self.name} {show_path(self.path)}"

    @property
    def object(self) -> str:
        """The object as `Kind/name`."""
        return f"{self.kind}/{self.name}"

    def to_json(self) -> dict[str, Any]:
        content: dict[str, Any] = {"kind": self.kind, "name": self.name, "path": path_to_json(self.path)}
        values = {"before": self.before, "after": self.after}
        return content | {key: value for key, value in values.items() if value is not ABSENT}

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Entry:
        path = path_from_json(content["path"])
        before, after = content.get("before", ABSENT), content.get("after", ABSENT)
        return cls(str(content["kind"]), str(content["name"]), path, before, after)


@dataclass(frozen=True)
class Command:
    """What is to be run in a container of a pod to take back what was done there: as long as it is that very pod or,
    where it has no `uid`, in whichever has that name, as what was done lies on a volume and outlives the pod."""

    pod: str
    uid: str
    container: str
    command: tuple[str, ...]
    what: str  # what will then have been undone, for people

    def __str__(self) -> str:
        return f"Pod {self.pod}: {self.what}"

    @property
    def object(self) -> str:
        """The pod as `Kind/name`."""
        return f"Pod/{self.pod}"

    def to_json(self) -> dict[str, Any]:
        return {**vars(self), "command": list(self.command)}

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Command:
        texts = {key: str(content[key]) for key in ("pod", "uid", "container", "what")}
        return cls(command=tuple(map(str, content["command"])), **texts)


Part = Entry | Command | Held | Rollout  # of a fault, as its record has it


@dataclass(frozen=True)
class Record:
    """What undoes one experiment's fault."""

    experiment: str
    namespace: str
    run: str
    injection: str  # which injection of the run this is: nobody undoes another's fault by accident
    created: str  # ISO 8601
    entries: tuple[Entry, ...] = ()
    commands: tuple[Command, ...] = ()
    held: tuple[Held, ...] = ()
    rollouts: tuple[Rollout, ...] = ()
    deadline: str = ""  # ISO 8601: until when it may last; empty where nothing was said
    version: str = ""  # the ConfigMap's resourceVersion

    @property
    def is_overdue(self) -> bool:
        """Whether the fault has lasted longer than it may."""
        return bool(self.deadline) and utc() > datetime.fromisoformat(self.deadline)

    @property
    def name(self) -> str:
        """The ConfigMap's name. One per experiment: that it can be created once only keeps a second run out."""
        return record_name(self.experiment)

    @property
    def objects(self) -> list[str]:
        """The objects that it puts back, as `Kind/name`, each once."""
        put_back = [entry.object for entry in self.entries]
        return list(dict.fromkeys([*put_back, *(command.object for command in self.commands)]))

    def to_config_map(self) -> dict[str, Any]:
        content = {
            "schema": SCHEMA,
            "experiment": self.experiment,
            "run": self.run,
            "injection": self.injection,
            "created": self.created,
            "deadline": self.deadline,
            "entries": [entry.to_json() for entry in self.entries],
            "commands": [command.to_json() for command in self.commands],
            "held": [held.to_json() for held in self.held],
            "rollouts": [rollout.to_json() for rollout in self.rollouts],
        }
        metadata = {
            "name": self.name,
            "labels": {
                FAULT_RECORD_LABEL: self.experiment,
                MANAGED_BY_LABEL: MANAGED_BY_VALUE,
                RUN_LABEL: self.run,
            },
        }
        if self.version:
            metadata["resourceVersion"] = self.version
        return {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": metadata,
            "data": {"record.json": json.dumps(content, indent=2)},
        }

    @classmethod
    def from_config_map(cls, item: dict[str, Any]) -> Record:
        """Read a record.

        Raises:
            RecordError: the ConfigMap holds none that is known here.
        """
        metadata = item["metadata"]
        try:
            content = _of_schema(json.loads(item["data"]["record.json"]), str(metadata["name"]))
            return cls(
                experiment=str(content["experiment"]),
                namespace=str(metadata["namespace"]),
                run=str(content["run"]),
                injection=str(content["injection"]),
                created=str(content["created"]),
                entries=tuple(Entry.from_json(entry) for entry in content["entries"]),
                commands=tuple(Command.from_json(command) for command in content.get("commands", ())),
                held=tuple(Held.from_json(held) for held in content.get("held", ())),
                rollouts=tuple(Rollout.from_json(rollout) for rollout in content.get("rollouts", ())),
                deadline=_a_time(content.get("deadline", "")),
                version=str(metadata.get("resourceVersion", "")),
            )
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
            raise RecordError(
                f"fault record {metadata['name']} in namespace {metadata.get('namespace')} cannot be understood "
                f"({type(error).__name__}: {error}); undo its fault by hand, then delete the ConfigMap"
            ) from error


class Undone(NamedTuple):
    """What an undo did, a sentence each: `undone` was put back, `left` was not, with the reason."""

    undone: tuple[str, ...] = ()
    left: tuple[str, ...] = ()


class Sifted(NamedTuple):
    """The records in a namespace: those that can be undone, oldest first, and why the others cannot."""

    good: tuple[Record, ...]
    bad: tuple[RecordError, ...]


def sift_records(cluster: Cluster, namespace: str) -> Sifted:
    """The records of faults in force in a namespace, those that can be understood apart from those that cannot.

    Raises:
        ClusterError: the cluster cannot be asked.
    """
    good: list[Record] = []
    bad: list[RecordError] = []
    for item in cluster.list("ConfigMap", namespace, labels=FAULT_RECORD_LABEL):
        try:
            good.append(Record.from_config_map(item))
        except RecordError as error:
            bad.append(error)
    return Sifted(tuple(sorted(good, key=lambda record: record.created)), tuple(bad))


def open_records(cluster: Cluster, namespace: str) -> list[Record]:
    """The records of faults in force in a namespace, oldest first: for who must know them all.

    Raises:
        RecordError: one of them cannot be understood.
        ClusterError: the cluster cannot be asked.
    """
    good, bad = sift_records(cluster, namespace)
    if bad:
        raise bad[0]
    return list(good)


def find_record(cluster: Cluster, namespace: str, experiment: str) -> Record | None:
    """The record of an experiment's fault, if it is in force; what other records there are does not matter.

    Raises:
        RecordError: it cannot be understood.
        ClusterError: the cluster cannot be asked.
    """
    item = cluster.find("ConfigMap", record_name(experiment), namespace)
    return None if item is None else Record.from_config_map(item)


def _longer(record: Record, part: Part) -> Record:
    """The record with this part as its latest."""
    match part:
        case Entry():
            return replace(record, entries=(*record.entries, part))
        case Command():
            return replace(record, commands=(*record.commands, part))
        case Held():
            return replace(record, held=(*record.held, part))
        case Rollout():
            return replace(record, rollouts=(*record.rollouts, part))


def remember(cluster: Cluster, begun: Record, part: Part) -> Record:
    """Write down what undoes a part of a fault before it is made: into a new record, where `begun` has no version yet,
    or into this run's own. Returns the record as it stands now.

    Raises:
        RefusedError: another run's fault of this experiment is in force.
        ClusterError: it could not be written; then the change must not be made.
    """
    longer = _longer(begun, part)
    if begun.version:
        return Record.from_config_map(cluster.replace(longer.to_config_map(), begun.namespace))
    try:
        return Record.from_config_map(cluster.create(longer.to_config_map(), begun.namespace))
    except ApiError as error:
        if error.code == 409:
            raise RefusedError(
                f"refused: experiment '{begun.experiment}' is in force in namespace '{begun.namespace}' already "
                f"(ConfigMap {begun.name})"
            ) from error
        raise


def undo(cluster: Cluster, record: Record, *, settle_s: float = 0.0) -> Undone:
    """Take back, latest first, each part that is still the fault's, then delete the record.

    Where whoever struck may have been cut in the middle of a request, which the server carries out all the same, it is
    looked at again after `settle_s` seconds, before the record goes.

    Raises:
        ClusterError: the cluster did not answer; the record stays, so that undoing can be tried again.
        TimeoutExceededError: a field changed faster than it could be put back; the record stays.
    """
    undone, left = put_back(cluster, record)
    if settle_s:
        SYSTEM_CLOCK.sleep(settle_s)
        undone = tuple(dict.fromkeys((*undone, *put_back(cluster, record).undone)))  # a command is run both times
    forget(cluster, record)
    return Undone(undone, left)


def put_back(cluster: Cluster, record: Record) -> Undone:
    """Take back, latest first, each part that is still the fault's; the record stays. Raises like `undo`."""
    undone: list[str] = []
    left: list[str] = []
    for said in _parts_undone(cluster, record):
        undone += said.undone
        left += said.left
    return Undone(tuple(undone), tuple(left))


def forget(cluster: Cluster, record: Record) -> None:
    """Delete a record whose fault is undone, unless another injection has written its own meanwhile.

    Raises:
        ClusterError: the cluster does not answer.
    """
    found = find_record(cluster, record.namespace, record.experiment)
    if found is not None and found.injection == record.injection:
        cluster.delete("ConfigMap", record.name, record.namespace)


def _parts_undone(cluster: Cluster, record: Record) -> Iterator[Undone]:
    for held in reversed(record.held):  # first: it may be what strikes
        yield Undone(*held.ended())
    for entry in reversed(record.entries):
        yield wait_for(
            lambda entry=entry: _put_back(cluster, record.namespace, entry),  # type: ignore[misc]
            within=UNDO_WITHIN_S,
            reason=f"{entry} to be put back",
        )
    failed: ClusterError | None = None
    for command in reversed(record.commands):
        try:
            yield _run_back(cluster, record.namespace, command)
        except ClusterError as error:  # another pod may hold what is to be taken back
            failed = failed or error
    for rollout in reversed(record.rollouts):  # last: the service that it is verified by is well again
        try:
            yield Undone(*rollout.taken_back(cluster, record.namespace))
        except ClusterError as error:
            failed = failed or error
    if failed is not None:
        raise failed


def _run_back(cluster: Cluster, namespace: str, command: Command) -> Undone:
    """Run a command that undoes, unless its pod is gone, and with it what the fault did there."""
    found = cluster.find("Pod", command.pod, namespace)
    if found is None and not command.uid:
        raise ClusterError(f"{command}: not undone, the pod is not there, and what was done outlives it")
    if found is None or command.uid not in {"", found["metadata"]["uid"]}:
        return Undone(left=(f"{command}: left, the pod is gone",))
    try:
        result = cluster.execute(command.pod, namespace, command.command, container=command.container)
    except ClusterError:
        if not command.uid:
            raise
        found = cluster.find("Pod", command.pod, namespace)
        if found is None or found["metadata"]["uid"] != command.uid or "deletionTimestamp" in found["metadata"]:
            return Undone(left=(f"{command}: left, the pod has gone",))
        raise
    if result.code == NOTHING_LEFT:
        return Undone(left=(f"{command}: left, nothing of the fault is there any more",))
    if result.code:
        said = (result.stderr or result.stdout).strip().splitlines()
        raise ClusterError(f"{command}: not undone, its command ended with {result.code}: {said[-1] if said else ''}")
    return Undone(undone=(str(command),))


def apply_entry(cluster: Cluster, namespace: str, entry: Entry) -> bool:
    """Change the entry's field from before to after; returns False where it was changed by another in between."""
    return _change(cluster, namespace, cluster.get(entry.kind, entry.name, namespace), entry)


def _of_schema(content: dict[str, Any], name: str) -> dict[str, Any]:
    if content["schema"] != SCHEMA:
        raise ValueError(f"its schema is {content['schema']!r}, not {SCHEMA!r}")
    if record_name(content["experiment"]) != name:
        raise ValueError(f"its experiment is {content['experiment']!r}")
    return content


def _a_time(said: Any) -> str:
    """A time that can be read, or the empty text; raises ValueError."""
    return datetime.fromisoformat(said).isoformat().replace("+00:00", "Z") if said else ""


def _put_back(cluster: Cluster, namespace: str, entry: Entry) -> Undone | None:
    """Try once; None means that the object changed in between."""
    found = cluster.find(entry.kind, entry.name, namespace)
    if found is None:
        return Undone(left=(f"{entry}: left, the object is gone",))
    present = read_field(found, entry.path)
    if present != entry.after:
        again = "put right already" if present == entry.before else f"changed since{_show_since(entry.after, present)}"
        return Undone(left=(f"{entry}: left, {again}",))
    opposite = replace(entry, before=entry.after, after=entry.before)
    if not _change(cluster, namespace, found, opposite):
        return None
    return Undone(undone=(f"{entry}: {_show_change(entry)}",))


def _change(cluster: Cluster, namespace: str, found: dict[str, Any], entry: Entry) -> bool:
    patch = change_field(found, entry.path, before=entry.before, after=entry.after)
    try:
        cluster.patch(entry.kind, entry.name, namespace, patch, content_type=JSON_PATCH)
    except ApiError as error:
        if error.code not in CHANGED_SINCE:
            raise
        now = cluster.find(entry.kind, entry.name, namespace)
        if now is not None and read_field(now, entry.path) == entry.before and now == found:
            # Nobody interfered: the API will not have this change at all.
            raise ClusterError(f"{entry} cannot be set to {show_value(entry.after)}: {error}") from error
        return False
    return True


def _show_since(after: Any, present: Any) -> str:
    """What somebody made of a field after the fault had changed it."""
    if isinstance(after, str) and isinstance(present, str) and "\n" in after:
        return f", {in_short(differences(after, present))}"
    return f" to {show_value(present)}"


def _show_change(entry: Entry) -> str:
    """What undoing an entry changes; of a text of several lines those that differ."""
    before, after = entry.before, entry.after
    if isinstance(before, str) and isinstance(after, str) and "\n" in before:
        return f"put back, {in_short(differences(after, before))}"
    return f"{show_value(after)} put back to {show_value(before)}"


def show_value(value: Any) -> str:
    """A field's value for people: an element of env or the like by its value alone."""
    if isinstance(value, Absent):
        return "absent"
    if isinstance(value, dict) and set(value) == {"name", "value"}:
        return repr(value["value"])
    return json.dumps(value) if isinstance(value, dict | list) else repr(value)
