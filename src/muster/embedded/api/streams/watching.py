"""Watches: a stream of events, one JSON object a line, from a version of the past or from the present state on."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from aiohttp import web

from muster.embedded import status
from muster.embedded.api.call import Call
from muster.embedded.api.forms import tables
from muster.embedded.api.reading import selection
from muster.embedded.resources import Resource
from muster.embedded.status import StatusError, bad_request
from muster.embedded.store import Event, Match, Store, Stored

QUEUE = 1000  # events that a slow reader may lag behind before its watch ends with 410
BOOKMARK_EVERY_S = 60.0
INITIAL_EVENTS_END = "k8s.io/initial-events-end"


class Filter:
    """Which events a watch shows, and as what: an object that leaves the selection is shown as deleted."""

    def __init__(self, namespace: str | None, match: Match | None) -> None:
        self._namespace = namespace
        self._match = match

    def selects(self, stored: Stored) -> bool:
        if self._namespace is not None and stored.key.namespace != self._namespace:
            return False
        return self._match is None or self._match(stored.shared)

    def kind_of(self, event: Event) -> str | None:
        """ADDED, MODIFIED, DELETED, or None for an event that is not shown."""
        before = event.previous is not None and self.selects(event.previous)
        if event.type == "DELETED":
            return "DELETED" if before else None
        if self.selects(event.stored):
            return "MODIFIED" if before else "ADDED"
        return "DELETED" if before else None


class Feed:
    """Events for one reader, in a queue that does not grow without end."""

    def __init__(self) -> None:
        self._queue: deque[tuple[str, Stored]] = deque()
        self._wake = asyncio.Event()
        self.overrun = False

    def put(self, kind: str, stored: Stored) -> None:
        if len(self._queue) >= QUEUE:
            self.overrun = True
        else:
            self._queue.append((kind, stored))
        self._wake.set()

    async def take(self, within: float) -> list[tuple[str, Stored]]:
        """All that is queued; an empty list when nothing came in so many seconds."""
        if not self._queue and not self.overrun:
            self._wake.clear()
            try:
                async with asyncio.timeout(max(within, 0)):
                    await self._wake.wait()
            except TimeoutError:
                return []
        taken = list(self._queue)
        self._queue.clear()
        return taken


@contextmanager
def feeding(store: Store, resource: Resource, shown: Filter) -> Iterator[Feed]:
    """A feed of the events that happen meanwhile."""
    feed = Feed()

    def note(event: Event) -> None:
        if kind := shown.kind_of(event):
            feed.put(kind, event.stored)

    unsubscribe = store.subscribe(resource, note)
    try:
        yield feed
    finally:
        unsubscribe()


class Encoder:
    """Writes events in the form that the client asked for."""

    def __init__(self, call: Call) -> None:
        self._resource = call.resource
        self._form = call.form
        self._include = call.query("includeObject")
        self._columns_sent = False

    def event(self, kind: str, stored: Stored) -> bytes:
        if self._form.is_plain:
            return b'{"type":"' + kind.encode() + b'","object":' + stored.encoded + b"}\n"
        obj = tables.partial(stored.shared) if self._form.kind else stored.shared
        if self._form.kind == "Table":
            obj = tables.table(self._resource, [stored], self._include, str(stored.version))
            if self._columns_sent:
                obj["columnDefinitions"] = None
            self._columns_sent = True
        return self._form.event(kind, obj)

    @property
    def content_type(self) -> str:
        """What the stream is."""
        return self._form.stream

    def error(self, error: StatusError) -> bytes:
        """The event that a watch ends with when it cannot go on."""
        return self._form.event("ERROR", error.to_object())

    def bookmark(self, version: int, *, initial: bool = False) -> bytes:
        meta: dict[str, object] = {"resourceVersion": str(version), "creationTimestamp": None}
        if initial:
            meta["annotations"] = {INITIAL_EVENTS_END: "true"}
        obj = {"kind": self._resource.kind, "apiVersion": self._resource.api_version, "metadata": meta}
        return self._form.event("BOOKMARK", obj)


def _beginning(call: Call, shown: Filter) -> tuple[list[tuple[str, Stored]], bool]:
    """What a watch shows first, and whether that is the present state. Raises `StatusError`: 400, 410, 422."""
    text = call.query("resourceVersion")
    if text and not (text.isascii() and text.isdigit()):
        raise bad_request(f'invalid resource version: "{text}"')
    initial = call.query("sendInitialEvents")
    if initial and call.query("resourceVersionMatch") != "NotOlderThan":
        cause = {"reason": "FieldValueForbidden", "field": "resourceVersionMatch"}
        cause["message"] = "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
        raise status.invalid(call.resource, "", [cause])
    if call.flag("sendInitialEvents") or (not initial and text in ("", "0")):
        rows = call.store.scan(call.resource, call.target.namespace)
        return [("ADDED", row) for row in rows if shown.selects(row)], True
    if text in ("", "0"):
        return [], False
    events = call.store.events_since(call.resource, int(text))
    kinds: Iterable[tuple[str | None, Stored]] = ((shown.kind_of(event), event.stored) for event in events)
    return [(kind, stored) for kind, stored in kinds if kind], False


async def watch(call: Call) -> web.StreamResponse:
    """GET with `watch`: ends after `timeoutSeconds`, or when the client goes or falls too far behind."""
    shown = Filter(call.target.namespace, selection(call))
    encoder = Encoder(call)
    with feeding(call.store, call.resource, shown) as feed:
        try:
            first, is_state = _beginning(call, shown)
            lines = [encoder.event(kind, stored) for kind, stored in first]
            if is_state and call.flag("sendInitialEvents") and call.flag("allowWatchBookmarks"):
                lines.append(encoder.bookmark(call.store.version, initial=True))
        except StatusError as error:
            if error.code != 410:
                raise
            return _refuse(encoder, error)
        response = web.StreamResponse(headers={"Content-Type": encoder.content_type})
        await response.prepare(call.request)
        if lines:
            await response.write(b"".join(lines))
        await _stream(call, encoder, feed, response)
    await response.write_eof()
    return response


def _refuse(encoder: Encoder, error: StatusError) -> web.StreamResponse:
    """As the real one: the watch is accepted, and its only event is the error."""
    response = web.Response(body=encoder.error(error), headers={"Content-Type": encoder.content_type})
    response.force_close()
    return response


async def _stream(call: Call, encoder: Encoder, feed: Feed, response: web.StreamResponse) -> None:
    loop = asyncio.get_running_loop()
    end = loop.time() + (call.number("timeoutSeconds") or random.uniform(1800, 3600))
    bookmarks = call.flag("allowWatchBookmarks")
    while (left := end - loop.time()) > 0:
        events = await feed.take(min(left, BOOKMARK_EVERY_S))
        if feed.overrun:
            error = status.gone(f"the watch fell more than {QUEUE} events behind; list again")
            await response.write(encoder.error(error))
            return
        if events:
            await response.write(b"".join(encoder.event(kind, stored) for kind, stored in events))
        elif bookmarks and end > loop.time():
            await response.write(encoder.bookmark(call.store.version))
