"""The cluster's memory: every object, one writer, one sequence of versions, a bounded history of events.

All calls are synchronous and belong on the event loop's thread, so no call sees another half done. What a call
returns is the caller's own copy; what it is given is copied. Objects are kept as encoded JSON too, so that a watch
with many readers encodes nothing.
"""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import orjson

from muster.embedded import status
from muster.embedded.deletion import DeleteOptions, Deletion, is_deletable, mark_deleted
from muster.embedded.objects import Key, Object, key_of, timestamp
from muster.embedded.resources import NAMESPACES, RESOURCES, Resource
from muster.embedded.rules import NO_RULES, Rules

EventType = Literal["ADDED", "MODIFIED", "DELETED"]
Match = Callable[[Object], bool]
HISTORY = 1000  # events kept per resource type for watches that start in the past


@dataclass(frozen=True, slots=True)
class Stored:
    """One version of one object. `shared` is the store's own: read it, never change it."""

    key: Key
    version: int
    shared: Object
    encoded: bytes  # JSON; begins with kind and apiVersion

    def copy(self) -> Object:
        return orjson.loads(self.encoded)  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True)
class Event:
    """One change. `previous` is the version before it, None for an object that is new."""

    type: EventType
    stored: Stored
    previous: Stored | None

    @property
    def key(self) -> Key:
        return self.stored.key

    @property
    def shared(self) -> Object:
        """The object after the change (before it, for DELETED). Read only."""
        return self.stored.shared


Subscriber = Callable[[Event], None]


class _Table:
    """Objects, history and subscribers of one resource type."""

    def __init__(self) -> None:
        self.objects: dict[Key, Stored] = {}
        self.history: deque[Event] = deque(maxlen=HISTORY)
        self.forgotten = 0  # version of the newest event that fell out of the history
        self.subscribers: dict[object, Subscriber] = {}


class Store:
    """All objects of one cluster. `rules` default and check what is written, whoever writes it."""

    def __init__(self, rules: Rules = NO_RULES) -> None:
        self._rules = rules
        self._tables = {resource: _Table() for resource in RESOURCES}
        self._version = 1

    @property
    def version(self) -> int:
        """The resourceVersion of the last write."""
        return self._version

    # Reading

    def get(self, resource: Resource, namespace: str, name: str) -> Object:
        """A copy of the object. Raises `StatusError` 404."""
        return self.stored(resource, namespace, name).copy()

    def find(self, resource: Resource, namespace: str, name: str) -> Object | None:
        """A copy of the object, or None."""
        found = self._tables[resource].objects.get(Key(namespace, name))
        return found.copy() if found else None

    def peek(self, resource: Resource, namespace: str, name: str) -> Object | None:
        """The object itself, shared: read it, never change it. None where there is none."""
        found = self._tables[resource].objects.get(Key(namespace, name))
        return found.shared if found else None

    def stored(self, resource: Resource, namespace: str, name: str) -> Stored:
        """The present version of the object, shared. Raises `StatusError` 404."""
        found = self._tables[resource].objects.get(Key(namespace, name))
        if found is None:
            raise status.not_found(resource, name)
        return found

    def objects(self, resource: Resource, namespace: str | None = None, match: Match | None = None) -> list[Object]:
        """Copies of the objects, in order of namespace and name. `match` sees shared objects: it only reads."""
        return [stored.copy() for stored in self.scan(resource, namespace, match)]

    def scan(self, resource: Resource, namespace: str | None = None, match: Match | None = None) -> list[Stored]:
        """Like `objects`, without copying."""
        rows = self._tables[resource].objects
        keys = sorted(key for key in rows if namespace is None or key.namespace == namespace)
        return [rows[key] for key in keys if match is None or match(rows[key].shared)]

    # Writing

    def create(self, resource: Resource, obj: Object, *, dry_run: bool = False) -> Object:
        """Add an object; its name may come from `generateName`.

        Raises `StatusError`: 409 it exists, 404 no such namespace, 403 the namespace is ending, 422 bad object.
        """
        obj = _copy(obj)
        meta = obj.setdefault("metadata", {})
        if resource.namespaced:
            self._check_namespace(resource, meta.get("namespace") or "", meta.get("name") or "")
        self._check_new(resource, meta)
        meta["uid"] = str(uuid.uuid4())
        self._rules.prepare_create(resource, obj)
        self._check_new(resource, meta)
        meta["creationTimestamp"] = timestamp()
        for field in ("deletionTimestamp", "deletionGracePeriodSeconds", "resourceVersion", "selfLink"):
            meta.pop(field, None)
        if resource.generation:
            meta["generation"] = 1
        return self._write(resource, "ADDED", obj, None, dry_run)

    def update(self, resource: Resource, obj: Object, *, dry_run: bool = False) -> Object:
        """Replace an object, all but its status where that is a subresource.

        With `metadata.resourceVersion` the write succeeds only on that version. Removing the last finalizer of an
        object marked for deletion removes the object. Raises `StatusError`: 404, 409, 422.
        """
        old, new = self._revision(resource, obj)
        if resource.has_status:
            _carry(old.shared, new, "status")
        self._rules.prepare_update(resource, new, old.shared)
        if resource.generation and _spec_of(new) != _spec_of(old.shared):
            new["metadata"]["generation"] = old.shared["metadata"].get("generation", 0) + 1
        return self._replace(resource, new, old, dry_run)

    def update_status(self, resource: Resource, obj: Object, *, dry_run: bool = False) -> Object:
        """Replace an object's status and nothing else. Raises `StatusError`: 404, 409."""
        old, new = self._revision(resource, obj)
        wanted = new.get("status")
        new = old.copy()
        if wanted is not None:
            new["status"] = wanted
        return self._replace(resource, new, old, dry_run)

    def revise(self, resource: Resource, obj: Object) -> Object:
        """Replace an object whole, unchecked: for the cluster's own parts, such as the scheduler's binding.

        Raises `StatusError`: 404, 409.
        """
        old, new = self._revision(resource, obj)
        return self._replace(resource, new, old, dry_run=False)

    def delete(self, resource: Resource, namespace: str, name: str, options: DeleteOptions | None = None) -> Deletion:
        """Remove an object, or mark it where finalizers or a pod's grace period hold it.

        Raises `StatusError`: 404, 409 where a precondition of `options` does not hold.
        """
        options = options or DeleteOptions()
        old = self.stored(resource, namespace, name)
        options.check_preconditions(resource, old.shared)
        new = old.copy()
        mark_deleted(resource, new, options)
        if is_deletable(resource, new):
            return Deletion(self._remove(resource, new, old, options.dry_run), gone=True)
        return Deletion(self._replace(resource, new, old, options.dry_run), gone=False)

    def mark(self, resource: Resource, namespace: str, name: str, options: DeleteOptions) -> Object:
        """Write onto an object that it is to go, and leave it there even where nothing holds it.

        Raises `StatusError`: 404, 409.
        """
        old = self.stored(resource, namespace, name)
        options.check_preconditions(resource, old.shared)
        new = old.copy()
        mark_deleted(resource, new, options)
        return self._write(resource, "MODIFIED", new, old, options.dry_run)

    # Watching

    def subscribe(self, resource: Resource, subscriber: Subscriber) -> Callable[[], None]:
        """Call `subscriber` with every event of this type from now on, within the write. Returns how to stop.

        A subscriber only notes what happened; it must not write.
        """
        token = object()
        subscribers = self._tables[resource].subscribers
        subscribers[token] = subscriber
        return lambda: subscribers.pop(token, None) and None

    def events_since(self, resource: Resource, version: int) -> Iterator[Event]:
        """Events after `version`, oldest first. Raises `StatusError` 410 where the history does not reach back."""
        table = self._tables[resource]
        if version < table.forgotten:
            raise status.gone(f"too old resource version: {version} ({table.forgotten})")
        return iter([event for event in table.history if event.stored.version > version])

    # Inside

    def _check_new(self, resource: Resource, meta: Object) -> None:
        name = meta.get("name") or ""
        if Key(meta.get("namespace") or "", name) in self._tables[resource].objects:
            raise status.already_exists(resource, name)

    def _check_namespace(self, resource: Resource, namespace: str, name: str) -> None:
        found = self._tables[NAMESPACES].objects.get(Key("", namespace))
        if found is None:
            raise status.not_found(NAMESPACES, namespace)
        if found.shared["metadata"].get("deletionTimestamp"):
            why = f"unable to create new content in namespace {namespace} because it is being terminated"
            error = status.forbidden(resource, name, why)
            cause = {"reason": "NamespaceTerminating", "field": "metadata.namespace"}
            cause["message"] = f"namespace {namespace} is being terminated"
            error.details = {**(error.details or {}), "causes": [cause]}
            raise error

    def _revision(self, resource: Resource, obj: Object) -> tuple[Stored, Object]:
        """The present version, and a copy of `obj` made fit to follow it."""
        new = _copy(obj) | {"kind": resource.kind, "apiVersion": resource.api_version}
        meta = new["metadata"]
        old = self.stored(resource, meta.get("namespace") or "", meta["name"])
        was = old.shared["metadata"]
        if meta.get("uid") not in (None, "", was["uid"]):
            why = f"Precondition failed: UID in precondition: {meta['uid']}, UID in object meta: {was['uid']}"
            raise status.conflict(resource, old.key.name, why)
        if meta.get("resourceVersion") not in (None, "", was["resourceVersion"]):
            raise status.conflict(resource, old.key.name)
        for field in ("uid", "creationTimestamp", "generation", "deletionTimestamp", "deletionGracePeriodSeconds"):
            _carry(was, meta, field)
        return old, new

    def _replace(self, resource: Resource, new: Object, old: Stored, dry_run: bool) -> Object:
        if is_deletable(resource, new):
            return self._remove(resource, new, old, dry_run)
        new["metadata"]["resourceVersion"] = old.shared["metadata"]["resourceVersion"]
        if new == old.shared:
            return new  # as the real one: a write that changes nothing makes no version
        return self._write(resource, "MODIFIED", new, old, dry_run)

    def _remove(self, resource: Resource, new: Object, old: Stored, dry_run: bool) -> Object:
        new["metadata"].pop("finalizers", None)
        return self._write(resource, "DELETED", new, old, dry_run)

    def _write(self, resource: Resource, kind: EventType, obj: Object, old: Stored | None, dry_run: bool) -> Object:
        if dry_run:
            return obj
        self._version += 1
        obj["metadata"]["resourceVersion"] = str(self._version)
        obj = {"kind": resource.kind, "apiVersion": resource.api_version} | obj
        encoded = orjson.dumps(obj)
        stored = Stored(key_of(obj), self._version, orjson.loads(encoded), encoded)
        table = self._tables[resource]
        if kind == "DELETED":
            del table.objects[stored.key]
        else:
            table.objects[stored.key] = stored
        event = Event(kind, stored, old)
        if len(table.history) == HISTORY:
            table.forgotten = table.history[0].stored.version
        table.history.append(event)
        for subscriber in tuple(table.subscribers.values()):
            subscriber(event)
        return obj


def _copy(obj: Object) -> Object:
    return orjson.loads(orjson.dumps(obj))  # type: ignore[no-any-return]


def _carry(source: Object, target: Object, field: str) -> None:
    """Give `target` the field as `source` has it, or not at all."""
    if field in source:
        target[field] = _copy(source)[field] if isinstance(source[field], dict) else source[field]
    else:
        target.pop(field, None)


def _spec_of(obj: Object) -> Object:
    return {field: value for field, value in obj.items() if field not in ("metadata", "status")}
