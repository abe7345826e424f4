"""Events: what the cluster's parts tell people about an object."""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import Literal

from muster.embedded.objects import Key, Object, legible, timestamp
from muster.embedded.resources import EVENTS
from muster.embedded.status import StatusError
from muster.embedded.store import Store

KEPT = 2000  # events of one recorder; the oldest go first


class EventRecorder:
    """Writes Events on behalf of one component. The same event again counts up instead of being written anew."""

    def __init__(self, store: Store, component: str, host: str = "") -> None:
        self._store = store
        self._component = component
        self._host = host
        self._known: OrderedDict[tuple[str, ...], Key] = OrderedDict()
        self._written: deque[Key] = deque()

    def normal(self, obj: Object, reason: str, message: str, *, field_path: str = "") -> None:
        self._record("Normal", obj, reason, message, field_path)

    def warning(self, obj: Object, reason: str, message: str, *, field_path: str = "") -> None:
        self._record("Warning", obj, reason, message, field_path)

    def _record(
        self, kind: Literal["Normal", "Warning"], obj: Object, reason: str, message: str, field_path: str
    ) -> None:
        meta, message = obj["metadata"], legible(message)
        identity = (meta.get("uid", ""), field_path, kind, reason, message)
        try:
            if not self._count_up(identity):
                self._known[identity] = self._write(kind, obj, reason, message, field_path)
                self._forget_oldest()
        except StatusError:
            return  # the namespace is ending: nobody is left to tell

    def _count_up(self, identity: tuple[str, ...]) -> bool:
        """Count an event that was written before; False if there is none."""
        key = self._known.get(identity)
        event = self._store.find(EVENTS, *key) if key else None
        if event is None:
            return False
        event["count"] = event.get("count", 1) + 1
        event["lastTimestamp"] = timestamp()
        self._store.update(EVENTS, event)
        return True

    def _write(self, kind: str, obj: Object, reason: str, message: str, field_path: str) -> Key:
        meta, now = obj["metadata"], timestamp()
        about: Object = {
            "kind": obj["kind"],
            "namespace": meta.get("namespace", ""),
            "name": meta["name"],
            "uid": meta.get("uid", ""),
            "apiVersion": obj["apiVersion"],
            "resourceVersion": meta.get("resourceVersion", ""),
        }
        if field_path:
            about["fieldPath"] = field_path
        source = {"component": self._component} | ({"host": self._host} if self._host else {})
        namespace = meta.get("namespace") or "default"
        event = {
            "metadata": {"generateName": f"{meta['name']}.", "namespace": namespace},
            "involvedObject": about,
            "reason": reason,
            "message": message,
            "source": source,
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
            "type": kind,
            "eventTime": None,
            "reportingComponent": self._component,
            "reportingInstance": self._host,
        }
        name = self._store.create(EVENTS, event)["metadata"]["name"]
        key = Key(namespace, name)
        self._written.append(key)
        return key

    def _forget_oldest(self) -> None:
        while len(self._written) > KEPT:
            key = self._written.popleft()
            if self._store.find(EVENTS, *key):
                self._store.delete(EVENTS, *key)
        while len(self._known) > KEPT:
            self._known.popitem(last=False)
