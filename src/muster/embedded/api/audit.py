"""The log of all requests: one audit event of Kubernetes a line (audit.k8s.io/v1, level Metadata).

Written when a request is through, and for one that lasts, such as a watch, also when its answer begins. What the
controllers and the kubelet do is not among it: they are no clients of the API.
"""

from __future__ import annotations

import os
import uuid
from pathlib import Path
from typing import Any

import orjson
from aiohttp import web

from muster.embedded.access.attributes import Attributes, attributes_of
from muster.embedded.access.users import NOBODY, User
from muster.embedded.api.forms.bodies import header
from muster.embedded.objects import Object, micro_timestamp

_ENTRY = "muster.audit"
_LASTING = ("exec", "portforward", "log", "proxy")


class Entry:
    """One request on its way."""

    def __init__(self, log: AuditLog, request: web.Request) -> None:
        self._log = log
        self._request = request
        self._id = str(uuid.uuid4())
        self._received = micro_timestamp()
        self.wanted: Attributes = attributes_of(request.method, request.path, request.query)
        self.user: User = NOBODY
        self.acting: User | None = None
        self.decision: tuple[str, str] | None = None
        self.name = self.wanted.name
        self.code = 0  # of an answer that has begun

    @property
    def lasts(self) -> bool:
        """Whether the answer may go on for long."""
        return self.wanted.verb == "watch" or self.wanted.subresource in _LASTING

    def write(self, stage: str, code: int) -> None:
        """Write the event of a stage: `ResponseStarted`, `ResponseComplete`."""
        request, wanted = self._request, self.wanted
        event: Object = {
            "kind": "Event",
            "apiVersion": "audit.k8s.io/v1",
            "level": "Metadata",
            "auditID": self._id,
            "stage": stage,
            "requestURI": request.raw_path,
            "verb": wanted.verb,
            "user": self.user.to_object(),
        }
        if self.acting is not None:
            event["impersonatedUser"] = self.acting.to_object()
        event |= {"sourceIPs": [request.remote or ""], "userAgent": header(request, "User-Agent")}
        if not wanted.path:
            event["objectRef"] = self._reference()
        event["responseStatus"] = {"metadata": {}, "code": code}
        event |= {"requestReceivedTimestamp": self._received, "stageTimestamp": micro_timestamp()}
        if self.decision is not None:
            names = ("authorization.k8s.io/decision", "authorization.k8s.io/reason")
            event["annotations"] = dict(zip(names, self.decision, strict=True))
        self._log.append(event)

    def _reference(self) -> Object:
        wanted = self.wanted
        found = {
            "resource": wanted.resource,
            "namespace": wanted.namespace,
            "name": self.name,
            "apiGroup": wanted.group,
            "apiVersion": wanted.version,
            "subresource": wanted.subresource,
        }
        return {name: value for name, value in found.items() if value}


class AuditLog:
    """A file that is appended to, a line with each write."""

    def __init__(self, path: Path) -> None:
        """Raises OSError where the file cannot be written."""
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def begin(self, request: web.Request) -> Entry:
        """A request has come."""
        entry = request[_ENTRY] = Entry(self, request)
        return entry

    def append(self, event: Object) -> None:
        os.write(self._descriptor, orjson.dumps(event, default=str) + b"\n")

    def close(self) -> None:
        os.close(self._descriptor)


def entry_of(request: web.Request) -> Entry | None:
    """What is noted of a request; None where no log is kept."""
    return request.get(_ENTRY)


async def note_beginning(request: web.Request, response: web.StreamResponse) -> None:
    """An answer begins: for what lasts that is the time to tell of it."""
    entry = entry_of(request)
    if entry is not None:
        entry.code = response.status
        if entry.lasts:
            entry.write("ResponseStarted", response.status)


def name_object(request: web.Request, obj: Any) -> None:
    """A request that makes an object says its name in its body alone."""
    entry = entry_of(request)
    if entry is not None and not entry.name:
        entry.name = str(obj["metadata"].get("name") or "")
