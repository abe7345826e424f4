"""GET of pods/NAME/log: what a container wrote, as text."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from aiohttp import web

from muster.base.clock import utc
from muster.embedded.api.call import Call
from muster.embedded.schema.scalars import MisfitError, parse_time
from muster.embedded.status import bad_request

_LONGEST_S = 10 * 365 * 86400  # no log reaches back further


def _since(call: Call) -> float | None:
    seconds = call.number("sinceSeconds")
    if seconds is None and (text := call.query("sinceTime")):
        try:
            return max((utc() - parse_time(text)).total_seconds(), 0.001)
        except MisfitError as error:
            raise bad_request(f"{error} (query parameter sinceTime)") from None
    if seconds is not None and seconds < 1:
        raise bad_request(f"sinceSeconds: Invalid value: {seconds}: must be greater than 0")
    return None if seconds is None else min(seconds, _LONGEST_S)


def _open(call: Call) -> AsyncIterator[bytes]:
    tail = call.number("tailLines")
    if tail is not None and tail < 0:
        raise bad_request(f"tailLines: Invalid value: {tail}: must be greater than or equal to 0")
    limit = call.number("limitBytes")
    if limit is not None and limit < 1:
        raise bad_request(f"limitBytes: Invalid value: {limit}: must be greater than 0")
    return call.backend.node.logs(
        call.namespace,
        call.target.name,
        call.query("container") or None,
        follow=call.flag("follow"),
        previous=call.flag("previous"),
        tail_lines=tail,
        since_seconds=_since(call),
        timestamps=call.flag("timestamps"),
        limit_bytes=limit,
    )


async def get(call: Call) -> web.StreamResponse:
    """Stream the log; a refusal is answered as a Status, for nothing is sent before the first piece is there."""
    call.store.stored(call.resource, call.namespace, call.target.name)
    pieces = _open(call)
    response = web.StreamResponse(headers={"Content-Type": "text/plain"})
    first = asyncio.ensure_future(anext(pieces, b""))
    if call.flag("follow"):
        # Whoever follows a silent container is answered before there is a piece, but not before a refusal, which comes
        # at the first step.
        await asyncio.sleep(0)
    if first.done() or not call.flag("follow"):
        await first
    await response.prepare(call.request)
    await response.write(await first)
    async for piece in pieces:
        await response.write(piece)
    await response.write_eof()
    return response
