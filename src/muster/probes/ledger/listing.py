"""Many writes found by few requests: a service's own list of them, page by page.

A list proves what it shows: that a write is there, or there twice. What it does not show proves nothing, nor does one
thing on two pages: pages shift while others write, and lists lag behind.
"""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from muster.base.clock import now
from muster.probes.answers.content import MISSING, identity_at, parse, values_at
from muster.probes.http.exchange import Exchange
from muster.probes.http.outcomes import Outcome
from muster.probes.http.reply import Headers
from muster.probes.ledger.http_store import filled
from muster.probes.ledger.store import digest
from muster.system.definition import LedgerSpec, Request
from muster.system.ledger import ListRequest

RETRY_AFTER_S = 0.1
_LINK = re.compile(r"""<([^>]*)>((?:\s*;[^,"]*(?:"[^"]*"[^,"]*)*)*)""")  # a target and what is said of it
_RELATION = re.compile(r"""(?i);\s*rel\s*=\s*(?:"([^"]*)"|([^\s;,]+))""")


class Item(NamedTuple):
    """One thing of a list: its id, the digest of its content (empty if it shows none), and the number of its page."""

    identity: str
    digest: str
    page: int


@dataclass
class Listed:
    """What a service listed: for each id and for each digest of a content the items that have it.

    Of everything else nothing is kept. `why` is empty if the list was read to its end, else one line on that.
    """

    by_id: Mapping[str, list[Item]] = field(default_factory=lambda: defaultdict(list))
    by_digest: Mapping[str, list[Item]] = field(default_factory=lambda: defaultdict(list))
    why: str = ""

    def of(self, identity: str | None, content: str) -> list[Item]:
        """The items that have an id (None: it is not known), or the digest of a content."""
        same_id = self.by_id.get(identity, []) if identity is not None else []
        return [*same_id, *(item for item in self.by_digest.get(content, []) if item.identity != identity)]


class _UnlistedError(Exception):
    """The list cannot be read to its end; the text says why, in one line."""


class Listing:
    """Reads the list of a service, at most `rate` pages a second, until `deadline` (CLOCK_MONOTONIC seconds)."""

    def __init__(self, spec: LedgerSpec, exchange: Exchange, *, rate: float, deadline: float) -> None:
        assert spec.list is not None, "asked to list where system.yaml says no way to"
        self._spec: LedgerSpec = spec
        self._list: ListRequest = spec.list
        self._exchange = exchange
        self._pause_s = 1 / rate
        self._deadline = deadline
        self._pages = 0

    async def read(self, prefixes: Collection[str], ids: Collection[str], digests: Collection[str]) -> Listed:
        """Read all pages, once for each prefix where the request tells them apart, and keep what is looked for."""
        listed = Listed()
        apart = "{prefix}" in f"{self._list.request.path} {self._list.request.body}"
        try:
            for prefix in prefixes if apart else [""]:
                await self._read(prefix, listed, set(ids), set(digests))
        except _UnlistedError as error:
            listed.why = str(error)
        return listed

    async def _read(self, prefix: str, listed: Listed, ids: Collection[str], digests: Collection[str]) -> None:
        request: Request | None = filled(self._list.request, prefix=prefix)
        asked: set[str] = set()
        while request is not None:
            place = f"{request.path} {request.body}"
            if place in asked:
                raise _UnlistedError(f"the pages of {self._list.request.path} lead round in a circle")
            asked.add(place)
            document, headers = await self._page(request)
            self._pages += 1
            for item in self._items(document, request):
                identity = identity_at(item, self._list.id or self._spec.id)
                contents = values_at(item, self._list.content or self._spec.content)
                known = digest(contents[0]) if len(contents) == 1 and isinstance(contents[0], str) else ""
                found = Item(identity or "", known, self._pages)
                if identity in ids and identity is not None:
                    listed.by_id[identity].append(found)
                if known in digests:
                    listed.by_digest[known].append(found)
            request = self._following(self._leads_on(document, headers), request, prefix)

    async def _page(self, request: Request) -> tuple[Any, Headers]:
        """One page and the headers of its answer; what is not answered rightly is asked again until the deadline."""
        while True:
            answer = await self._exchange.send(request, kept=True, limit_s=self._spec.limit_s)
            document = parse(answer.body) if answer.outcome is Outcome.OK else MISSING
            if document is not MISSING:
                await asyncio.sleep(self._pause_s)
                return document, answer.headers
            if now() >= self._deadline:
                said = "is not JSON" if answer.outcome is Outcome.OK else f"{answer.outcome}: {answer.why}"
                raise _UnlistedError(f"{request.method} {request.path}: {said}")
            await asyncio.sleep(RETRY_AFTER_S)

    def _items(self, document: Any, request: Request) -> list[Any]:
        found = values_at(document, self._list.items)
        if len(found) != 1 or not isinstance(found[0], list):
            raise _UnlistedError(f"{request.method} {request.path} holds no list '{self._list.items}'")
        if now() >= self._deadline:
            raise _UnlistedError(f"there was no time for all pages of {self._list.request.path}")
        return found[0]

    def _leads_on(self, document: Any, headers: Headers) -> str | None:
        """What leads to the next page; None where this is the last one."""
        if self._list.next_header is not None:
            return next_of(headers, self._list.next_header)
        return None if self._list.next is None else identity_at(document, self._list.next)

    def _following(self, leads_on: str | None, request: Request, prefix: str) -> Request | None:
        """The request for the next page; None where this is the last one."""
        if leads_on is None:
            return None
        if self._list.following is not None:
            return filled(self._list.following, next=leads_on, prefix=prefix)
        parts = urlsplit(leads_on)
        # Of a URL only the path: whatever host it names, no other service is asked.
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        if not path.startswith("/"):
            raise _UnlistedError(
                f"'{self._list.next or self._list.next_header}' of {request.path} is '{leads_on[:60]}', which is no "
                "path; say 'following'"
            )
        return request.model_copy(update={"path": path})


def next_of(headers: Headers, wanted: str) -> str | None:
    """What a header says of the next page: of `Link` the target with rel="next" (RFC 8288), else its value."""
    found = [value.decode("latin-1").strip() for name, value in headers if name.lower() == wanted.lower().encode()]
    if wanted.lower() != "link":
        return next((value for value in found if value), None)
    for target, parameters in _LINK.findall(", ".join(found)):
        relations = [quoted or plain for quoted, plain in _RELATION.findall(parameters)]
        if "next" in " ".join(relations[:1]).lower().split():
            return str(target)
    return None
