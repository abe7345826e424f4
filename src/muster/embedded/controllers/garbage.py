"""The garbage collector: what was owned goes with its owner, before it, or not at all, as the deletion asks."""

from __future__ import annotations

from collections import defaultdict
from functools import partial
from typing import NamedTuple

from muster.embedded.deletion import FOREGROUND, ORPHAN, DeleteOptions
from muster.embedded.objects import Object, is_terminating
from muster.embedded.reconciler import Reconciler
from muster.embedded.resources import EVENTS, RESOURCES, Resource
from muster.embedded.store import Event, Store, Stored


class Ref(NamedTuple):
    """An object of any type."""

    resource: Resource
    namespace: str
    name: str


class GarbageCollector:
    """Follows owner references by uid."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._alive: dict[str, Ref] = {}  # by uid
        self._dependents: defaultdict[str, set[Ref]] = defaultdict(set)  # by the owner's uid
        self._reconciler: Reconciler[Ref] = Reconciler("garbage", store, self.reconcile)

    def reconciler(self) -> Reconciler[Ref]:
        for resource in RESOURCES:
            if resource is not EVENTS:
                for stored in self._store.scan(resource):
                    self._note(resource, Event("ADDED", stored, None))
                self._store.subscribe(resource, partial(self._note, resource))
        return self._reconciler

    def _note(self, resource: Resource, event: Event) -> None:
        """Keep the graph of owners up to date, and queue whom a change concerns."""
        meta = event.shared["metadata"]
        ref = Ref(resource, *event.key)
        for uid in _owners(event.previous):
            self._dependents[uid].discard(ref)
        if event.type == "DELETED":
            self._alive.pop(meta["uid"], None)
            for dependent in self._dependents.pop(meta["uid"], ()):
                self._reconciler.add(dependent)
            for uid in _owners(event.stored):
                if uid in self._alive:
                    self._reconciler.add(self._alive[uid])
            return
        self._alive[meta["uid"]] = ref
        for uid in _owners(event.stored):
            self._dependents[uid].add(ref)
        if meta.get("ownerReferences") or meta.get("finalizers"):
            self._reconciler.add(ref)

    def reconcile(self, ref: Ref) -> float | None:
        obj = self._store.find(*ref)
        if obj is None:
            return None
        finalizers = obj["metadata"].get("finalizers") or []
        if is_terminating(obj) and ORPHAN in finalizers:
            self._orphan_dependents(ref.resource, obj)
        elif is_terminating(obj) and FOREGROUND in finalizers:
            self._delete_dependents(ref.resource, obj)
        elif not is_terminating(obj):
            self._collect(ref, obj)
        return None

    def _collect(self, ref: Ref, obj: Object) -> None:
        """Delete an object none of whose owners is left, or whose last owners wait for it to go."""
        owners = obj["metadata"].get("ownerReferences") or []
        if not owners:
            return
        absent = [owner for owner in owners if owner["uid"] not in self._alive]
        waiting = [owner for owner in owners if owner not in absent and self._is_waiting(owner["uid"])]
        if len(absent) + len(waiting) < len(owners):
            if absent:
                obj["metadata"]["ownerReferences"] = [owner for owner in owners if owner not in absent]
                self._store.update(ref.resource, obj)
            return
        foreground = bool(waiting) and bool(self._dependents.get(obj["metadata"]["uid"]))
        options = DeleteOptions(propagation="Foreground" if foreground else None, uid=obj["metadata"]["uid"])
        self._store.delete(*ref, options)

    def _is_waiting(self, uid: str) -> bool:
        owner = self._store.find(*self._alive[uid])
        return owner is not None and is_terminating(owner) and FOREGROUND in (owner["metadata"].get("finalizers") or ())

    def _delete_dependents(self, resource: Resource, owner: Object) -> None:
        dependents = self._dependents.get(owner["metadata"]["uid"]) or set()
        for ref in dependents:
            self._reconciler.add(ref)
        if not any(_blocks(self._store.find(*ref), owner) for ref in dependents):
            self._drop_finalizer(resource, owner, FOREGROUND)

    def _orphan_dependents(self, resource: Resource, owner: Object) -> None:
        uid = owner["metadata"]["uid"]
        for ref in tuple(self._dependents.get(uid) or ()):
            obj = self._store.get(*ref)
            left = [reference for reference in obj["metadata"]["ownerReferences"] if reference["uid"] != uid]
            obj["metadata"]["ownerReferences"] = left
            if not left:
                del obj["metadata"]["ownerReferences"]
            self._store.update(ref.resource, obj)
        self._drop_finalizer(resource, owner, ORPHAN)

    def _drop_finalizer(self, resource: Resource, obj: Object, name: str) -> None:
        obj["metadata"]["finalizers"] = [f for f in obj["metadata"]["finalizers"] if f != name]
        self._store.update(resource, obj)


def _owners(stored: Stored | None) -> list[str]:
    """The uids of an object's owners."""
    if stored is None:
        return []
    return [owner["uid"] for owner in stored.shared["metadata"].get("ownerReferences") or ()]


def _blocks(dependent: Object | None, owner: Object) -> bool:
    """Whether the owner has to wait for this dependent."""
    references = (dependent or {}).get("metadata", {}).get("ownerReferences") or ()
    return any(r["uid"] == owner["metadata"]["uid"] and r.get("blockOwnerDeletion") for r in references)
