"""Writes made and found over HTTP, as system.yaml says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import quote

from muster.probes.answers.content import MISSING, contents_of, fill, identity_at, parse, unexpected
from muster.probes.http.exchange import Answer, Exchange
from muster.probes.http.outcomes import GONE, Outcome
from muster.probes.ledger.store import Certainty, Entry, Seen, Written
from muster.system.definition import LedgerSpec, Request


class HttpStore:
    """The store of a service that speaks HTTP. The exchange is its owner's to close."""

    def __init__(self, spec: LedgerSpec, exchange: Exchange) -> None:
        self._spec = spec
        self._exchange = exchange

    async def write(self, identity: str, content: str, *, kept: bool, limit_s: float) -> Written:
        request = filled(self._spec.create, id=identity, content=content)
        return judged_create(self._spec, await self._exchange.send(request, kept=kept, limit_s=limit_s))

    async def read(self, entry: Entry, *, kept: bool, limit_s: float) -> Seen:
        request = filled(self._spec.read, **names(entry))
        return seen(self._spec, entry, await self._exchange.send(request, kept=kept, limit_s=limit_s))

    @property
    def removes(self) -> bool:
        return self._spec.delete is not None

    async def remove(self, entry: Entry, *, limit_s: float) -> str:
        delete = self._spec.delete
        assert delete is not None, "asked to remove where system.yaml says no way to"
        answer = await self._exchange.send(filled(delete, **names(entry)), kept=True, limit_s=limit_s)
        if answer.outcome is Outcome.OK or answer.status in GONE:
            return ""
        return f"{delete.method} {delete.path}: {answer.outcome}: {answer.why}"

    async def close(self) -> None:
        pass


def filled(request: Request, **values: str) -> Request:
    """A request with `{name}` replaced by each of `values`, in its path as one segment or value whatever it holds."""
    in_path = {name: quote(value, safe="") for name, value in values.items()}
    return request.model_copy(update={"path": fill(request.path, **in_path), "body": fill(request.body, **values)})


def names(entry: Entry) -> dict[str, str]:
    """What is filled into a request about a write."""
    return {"id": entry.id} if entry.key is None else {"id": entry.id, "key": entry.key}


def judged_create(spec: LedgerSpec, answer: Answer) -> Written:
    """What an answer to `create` says: acknowledged, certainly not made, or neither (docs/measurement.md, Writes).

    An answer of the right status that lacks what acknowledges, or the service's id, promises nothing and is `wrong`.
    """
    answered, key = None if answer.status is None else answer.done, None
    if answer.outcome is Outcome.OK:
        document: Any = parse(answer.body) if spec.acknowledged or spec.key else MISSING
        strange = unexpected(document, spec.acknowledged)
        key = identity_at(document, spec.key) if spec.key and not strange else None
        if spec.key and key is None and not strange:
            strange = f"no '{spec.key}' says what the service calls it"
        if strange:
            wrong = replace(answer, outcome=Outcome.WRONG, why=f"not an acknowledgement: {strange}")
            return Written(wrong, "indeterminate", answered)
        return Written(answer, "acknowledged", answered, key)
    declined = answer.outcome is Outcome.SHED or (answer.status is not None and 400 <= answer.status < 500)
    certainty: Certainty = "refused" if not answer.asked or declined else "indeterminate"
    return Written(answer, certainty, answered)


def seen(spec: LedgerSpec, entry: Entry, answer: Answer) -> Seen:
    """What one answer to `read` says of a write."""
    asked = f"{spec.read.method} {spec.read.path}"
    if answer.status in GONE and answer.status not in spec.read.status:
        return Seen(answer, [], f"{asked} answered {answer.status}")
    if answer.outcome is not Outcome.OK:
        return Seen(answer, None, f"{asked}: {answer.outcome}: {answer.why}")
    document = parse(answer.body)
    if document is MISSING:
        return Seen(answer, None, f"{asked} did not answer with JSON")
    contents = contents_of(document, entry.key or entry.id, id_path=spec.id, content_path=spec.content)
    times = "" if len(contents) == 1 else f" {len(contents)} times"
    return Seen(answer, contents, f"{asked} holds it{times}" if contents else f"{asked} lacks it")
