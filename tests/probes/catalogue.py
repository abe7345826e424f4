"""A service that gives its own ids, acknowledges in words, lists page by page, and can remove."""

from __future__ import annotations

import itertools
import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.probes.service import Service, system_of

from muster.system.definition import LedgerSpec, SystemDefinition

PAGE = 4


class Catalogue(Service):
    """POST /things answers with a number of its own; GET, DELETE /things/{number}; GET /things lists.

    `state` is what an answer to POST says of the write. `listing` is what leads to the next page: a `cursor`, a `path`,
    or a `link` in a header. `unlisted` are numbers that the list leaves out, `shifting` shows one item on two pages,
    once; `circle` leads from each page to the same one. `delete_status` answers everything that is to be removed.
    """

    def __init__(self) -> None:
        super().__init__()
        self.state = "durable"
        self.tells_number = True
        self.listing = "cursor"
        self.unlisted: set[str] = set()
        self.shifting = False
        self.circle = False
        self.delete_status: int | None = None
        self._numbers = itertools.count(17)

    def _act(self, method: str, target: str, body: bytes) -> tuple[int, Any]:
        url = urlsplit(target)
        if url.path == "/status":
            return super()._act(method, target, body)
        number = url.path.rpartition("/")[2]
        if method == "POST":
            return self._create(json.loads(body))
        if method == "DELETE":
            return self._delete(number)
        if url.path == "/things":
            return 200, self._page(parse_qs(url.query))
        thing = self.store.get(number)
        return (200, thing) if thing else (404, "no such thing")

    def _create(self, thing: dict[str, Any]) -> tuple[int, Any]:
        number = next(self._numbers)
        self.store[str(number)] = {"number": number, **thing}
        return 201, {"state": self.state, "thing": {"number": number} if self.tells_number else {}}

    def _delete(self, number: str) -> tuple[int, Any]:
        if self.delete_status is not None:
            return self.delete_status, "as told"
        return (204, None) if self.store.pop(number, None) else (404, None)

    def _page(self, query: dict[str, list[str]]) -> dict[str, Any]:
        prefix, start = query.get("name", [""])[0], int(query.get("from", ["0"])[0])
        things = [t for key, t in self.store.items() if key not in self.unlisted and t["name"].startswith(prefix)]
        page = things[start : start + PAGE]
        if self.shifting and start and page:
            self.shifting, page = False, [things[start - 1], *page]
        more = start + PAGE < len(things)
        on = 0 if self.circle else start + PAGE
        answer: dict[str, Any] = {"things": page, "next": None}
        self.headers = {}
        if (more or self.circle) and self.listing == "link":
            self.headers = {"link": f'</things?from=0>; rel="first", </things?name={prefix}&from={on}>; rel=next'}
        elif more or self.circle:
            answer["next"] = on if self.listing == "cursor" else f"{self.url}/things?name={prefix}&from={on}"
        return answer


def catalogue_system(*, listing: str | None = "cursor", delete: bool = True, **ledger: Any) -> SystemDefinition:
    """The system that `Catalogue` stands for."""
    first = {"path": "/things?name={prefix}"}
    following = {"path": "/things?name={prefix}&from={next}"}
    lists = {"request": first, "items": "things", "next": "next"}
    if listing == "link":
        lists = {"request": first, "items": "things", "next_header": "Link"}
    spec = {
        "create": {"method": "POST", "path": "/things", "status": [201], "body": {"name": "{id}", "text": "{content}"}},
        "acknowledged": {"state": "durable"},
        "key": "thing.number",
        "read": {"path": "/things/{key}"},
        "id": "number",
        "content": "text",
        "every_s": 0.02,
        "limit_s": 0.4,
        **({"list": {**lists, "following": following} if listing == "cursor" else lists} if listing else {}),
        **({"delete": {"path": "/things/{key}"}} if delete else {}),
        **ledger,
    }
    return system_of().model_copy(update={"ledger": LedgerSpec.model_validate(spec)})
