"""The part `ledger` of system.yaml: how writes are made, acknowledged, found again and removed (docs/ledger.md)."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from muster.system.headers import HeaderName
from muster.system.requests import Method, Request, Status, check_changes, check_places, check_reads
from muster.system.schema import DottedPath, Seconds, Strict

NO_LEDGER = "none"  # of a service that is only read


class ListRequest(Strict):
    """A request that answers with many writes, page by page.

    `items` is the dotted path of the list; `id` and `content` are paths within one item, the ledger's own unless given.
    `next` is the dotted path of what leads to the next page: its path or URL or, where there is a request `following`,
    what is filled into that at `{next}`; `next_header` the header that holds the same (of `Link` the one with
    rel="next", RFC 8288). `{prefix}` is what the ids of one prober begin with.
    """

    request: Request
    items: DottedPath
    id: DottedPath | None = None
    content: DottedPath | None = None
    next: DottedPath | None = None
    next_header: HeaderName | None = None
    following: Request | None = None

    @model_validator(mode="after")
    def _leads_on(self) -> Self:
        check_places(self.request, "request", "prefix")
        check_reads(self.request, "request")
        if self.next is not None and self.next_header is not None:
            raise ValueError("'next' and 'next_header' say both where the next page is named; right would be one")
        if self.following is not None:
            if (self.next or self.next_header) is None or not self.following.holds("next"):
                raise ValueError(
                    "'following' is for the pages after the first: it must hold {next}, and 'next' or 'next_header' "
                    "must be given"
                )
            check_places(self.following, "following", "prefix", "next")
            check_reads(self.following, "following")
        return self


class DeleteRequest(Request):
    """A request that removes one write."""

    method: Method = "DELETE"
    status: Annotated[list[Status], Field(min_length=1)] = [200, 202, 204]


class LedgerSpec(Strict):
    """How a write is made over HTTP, acknowledged, found again and removed.

    An answer acknowledges if its status is among `create.status` and each dotted path of `acknowledged` holds just that
    value. `key` is the dotted path, in that answer, of the service's own id, where it does not take ours; it is filled
    in at `{key}`. `content` and `id` are dotted paths in the answer to `read`, where the written content and the id
    (the service's where there is a `key`) must stand.
    """

    create: Request
    acknowledged: dict[DottedPath, Any] = {}
    key: DottedPath | None = None
    read: Request
    id: DottedPath = "id"
    content: DottedPath
    list: ListRequest | None = None
    delete: DeleteRequest | None = None
    every_s: Seconds = 0.04
    limit_s: Seconds = 1.0

    @model_validator(mode="after")
    def _can_be_found(self) -> Self:
        if not self.create.holds("id") or not self.create.holds("content"):
            raise ValueError("'create' must hold {id}, by which a person finds what was written, and {content}")
        later = {"read": self.read, **({"delete": self.delete} if self.delete else {})}
        if self.key is None and (users := [name for name, asked in later.items() if asked.holds("key")]):
            raise ValueError(f"'{users[0]}' holds {{key}}, but 'key' does not say where that stands in the answer")
        if self.delete is not None and not (self.delete.holds("id") or self.delete.holds("key")):
            raise ValueError("'delete' must hold {id} or {key}: it removes one write, never more")
        check_places(self.create, "create", "id", "content")
        check_changes(self.create, "create")
        for name, asked in later.items():
            check_places(asked, name, "id", "key")
        check_reads(self.read, "read")
        if self.delete is not None:
            check_changes(self.delete, "delete")
        if not (self.read.holds("id") or self.read.holds("key")):
            raise ValueError("'read' must hold {id} or {key}: it looks for one write")
        return self


class PythonLedgerSpec(Strict):
    """A class that writes and reads in place of HTTP requests, see `muster.probes.protocol`: `python` is its module and
    name, `options` what it is made with."""

    python: str
    options: dict[str, Any] = {}
    every_s: Seconds = 0.1
    limit_s: Seconds = 1.0

    @field_validator("python")
    @classmethod
    def _names_a_class(cls, python: str) -> str:
        if not re.fullmatch(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*", python):
            raise ValueError(f"it must look like package.module:Class, not '{python}'")
        return python


def _chosen(value: Any) -> Any:
    """The ledger that is meant, so that what is wrong in it is told without the other kind's mistakes."""
    if isinstance(value, LedgerSpec | PythonLedgerSpec | None):
        return value
    if value == NO_LEDGER:
        return None
    kind = PythonLedgerSpec if isinstance(value, dict) and "python" in value else LedgerSpec
    return kind.model_validate(value)


Said = LedgerSpec | PythonLedgerSpec | Literal["none"] | None
AnyLedger = Annotated[LedgerSpec | PythonLedgerSpec | None, BeforeValidator(_chosen, json_schema_input_type=Said)]
