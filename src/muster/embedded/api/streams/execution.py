"""pods/NAME/exec over WebSocket: one connection, one channel for each stream of the program.

Channels: 0 stdin, 1 stdout, 2 stderr, 3 the outcome as a Status, 4 the terminal's size; with `v5.channel.k8s.io` also
255 followed by the number of a channel that the client closes. SPDY, the older way, is refused.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import orjson
from aiohttp import WSMsgType, web

from muster.embedded.api.call import Call
from muster.embedded.contracts import ExecProcess
from muster.embedded.objects import Object
from muster.embedded.resources import PODS
from muster.embedded.status import StatusError, bad_request

PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")
# kubectl makes its streams once the connection is there, and drops what comes before that ("Unknown stream id"). A
# program on a node takes longer to begin.
UNREADY_S = 0.1
_STDIN, _STDOUT, _STDERR, _OUTCOME, _RESIZE, _CLOSE = 0, 1, 2, 3, 4, 255


async def run(call: Call) -> web.StreamResponse:
    """Run a program in a container. Raises `StatusError`: 400, 404."""
    call.require("create")  # also where a WebSocket is asked for with GET
    _check_container(call)
    command = call.request.query.getall("command", [])
    if not command:
        raise bad_request("you must specify at least one command for the container")
    socket = web.WebSocketResponse(protocols=PROTOCOLS, heartbeat=30)
    if not socket.can_prepare(call.request).ok:
        raise StatusError(400, "BadRequest", "only WebSocket connections are served here; SPDY is not")
    try:
        process = await call.backend.node.exec(
            call.namespace,
            call.target.name,
            call.query("container") or None,
            command,
            stdin=call.flag("stdin"),
            tty=call.flag("tty"),
        )
    except StatusError as error:
        if error.code < 500:
            raise
        return await _fail(call, socket, error)
    try:
        await socket.prepare(call.request)
        if call.request.headers.get("User-Agent", "").startswith("kubectl/"):
            await asyncio.sleep(UNREADY_S)
        await _converse(socket, process)
    finally:
        await process.close()
    return socket


async def _fail(call: Call, socket: web.WebSocketResponse, error: StatusError) -> web.StreamResponse:
    """A program that cannot be started is no fault of the server's: it is told as an outcome, as the real one does."""
    await socket.prepare(call.request)
    await socket.send_bytes(bytes([_OUTCOME]) + orjson.dumps(error.to_object()))
    await socket.close()
    return socket


def _check_container(call: Call) -> None:
    """Refuse what can never work before the connection is looked at: kubectl asks again over SPDY, and shows that."""
    pod = call.store.stored(PODS, call.namespace, call.target.name).shared
    if not pod["spec"].get("nodeName"):
        raise bad_request(f"pod {call.target.name} does not have a host assigned")
    container = call.query("container")
    known = [c["name"] for kind in ("containers", "initContainers") for c in pod["spec"].get(kind) or ()]
    if container and container not in known:
        raise bad_request(f"container {container} is not valid for pod {call.target.name}")


async def _converse(socket: web.WebSocketResponse, process: ExecProcess) -> None:
    """Carry data both ways until the program has ended or the client has gone."""
    listener = asyncio.create_task(_listen(socket, process))
    speaker = asyncio.create_task(_speak(socket, process))
    try:
        await asyncio.wait((listener, speaker), return_when=asyncio.FIRST_COMPLETED)
        if speaker.done():
            await speaker
            await socket.close()
    finally:
        for task in (listener, speaker):
            task.cancel()
            with suppress(asyncio.CancelledError, ConnectionError):
                await task


async def _speak(socket: web.WebSocketResponse, process: ExecProcess) -> None:
    await asyncio.gather(_carry(socket, _STDOUT, process.read_stdout), _carry(socket, _STDERR, process.read_stderr))
    outcome = outcome_of(await process.wait())
    await socket.send_bytes(bytes([_OUTCOME]) + orjson.dumps(outcome))


async def _carry(socket: web.WebSocketResponse, channel: int, read: Callable[[], Awaitable[bytes]]) -> None:
    while data := await read():
        await socket.send_bytes(bytes([channel]) + data)


async def _listen(socket: web.WebSocketResponse, process: ExecProcess) -> None:
    """Pass on what the client sends, until it goes."""
    async for message in socket:
        if message.type == WSMsgType.BINARY:
            data: bytes = message.data
        elif message.type == WSMsgType.TEXT:
            data = message.data.encode()
        else:
            return
        channel, data = data[0] if data else -1, data[1:]
        if channel == _STDIN and data:
            await process.write_stdin(data)
        elif channel == _CLOSE and data == bytes([_STDIN]):
            await process.write_stdin(b"")
        elif channel == _RESIZE and (size := _size(data)):
            process.resize(*size)


def _size(data: bytes) -> tuple[int, int] | None:
    """Width and height in characters; None for what is no size."""
    try:
        found = orjson.loads(data)
    except orjson.JSONDecodeError:
        return None
    match found:
        case {"Width": int(width), "Height": int(height)} if 0 < width < 65536 and 0 < height < 65536:
            return width, height
    return None


def outcome_of(code: int) -> Object:
    """The Status that tells a client how the program ended."""
    if code == 0:
        return {"metadata": {}, "status": "Success"}
    return {
        "metadata": {},
        "status": "Failure",
        "reason": "NonZeroExitCode",
        "message": f"command terminated with non-zero exit code: exit status {code}",
        "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
    }
