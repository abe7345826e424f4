"""GET of pods/NAME/log: what a container wrote, as text."""

from __future__ import annotations

from collections.abc import AsyncIterator

from aiohttp import web

from muster.embedded.api.call import Call
from muster.embedded.objects import age_seconds
from muster.embedded.status import bad_request


def _since(call: Call) -> float | None:
    seconds = call.number("sinceSeconds")
    if seconds is None and (text := call.query("sinceTime")):
        try:
            return max(age_seconds(text), 0.001)
        except ValueError:
            raise bad_request(f'invalid time "{text}" (query parameter sinceTime)') from None
    if seconds is not None and seconds < 1:
        raise bad_request(f"sinceSeconds: Invalid value: {seconds}: must be greater than 0")
    return seconds


def _open(call: Call) -> AsyncIterator[bytes]:
    tail = call.number("tailLines")
    if tail is not None and tail < 0:
        raise bad_request(f"tailLines: Invalid value: {tail}: must be greater than or equal to 0")
    return call.backend.node.logs(
        call.namespace,
        call.target.name,
        call.query("container") or None,
        follow=call.flag("follow"),
        previous=call.flag("previous"),
        tail_lines=tail,
        since_seconds=_since(call),
        timestamps=call.flag("timestamps"),
        limit_bytes=call.number("limitBytes"),
    )


async def get(call: Call) -> web.StreamResponse:
    """Stream the log; a refusal is answered as a Status, for nothing is sent before the first piece is there."""
    call.store.stored(call.resource, call.namespace, call.target.name)
    pieces = _open(call)
    response = web.StreamResponse(headers={"Content-Type": "text/plain"})
    if not call.flag("follow"):
        first = await anext(pieces, b"")
        await response.prepare(call.request)
        await response.write(first)
    else:
        await response.prepare(call.request)
    async for piece in pieces:
        await response.write(piece)
    await response.write_eof()
    return response
