"""SPDY/3.1, as far as clients of Kubernetes use it: a server's end of one connection that carries many streams.

There is no flow control, as there is none in the clients' library: a stream that is not read holds up the others.
The format is that of draft-mbelshe-httpbis-spdy-00, revision 3.1.
"""

from __future__ import annotations

import asyncio
import struct
import zlib
from collections.abc import Awaitable, Callable

_SYN_STREAM, _SYN_REPLY, _RST_STREAM, _PING, _HEADERS = 1, 2, 3, 6, 8
_VERSION = 3
_FIN = 1
_HEADER = 8  # bytes in front of every frame
_MOST_HEADERS = 64 * 1024  # bytes of one block, unpacked
_QUEUED = 64  # pieces of a stream that wait to be read before the connection is read no further

# What headers are compressed with: the words of HTTP, each after its length, and what follows them in headers.
_WORDS = (
    "options head post put delete trace accept accept-charset accept-encoding accept-language accept-ranges age allow "
    "authorization cache-control connection content-base content-encoding content-language content-length "
    "content-location content-md5 content-range content-type date etag expect expires from host if-match "
    "if-modified-since if-none-match if-range if-unmodified-since last-modified location max-forwards pragma "
    "proxy-authenticate proxy-authorization range referer retry-after server te trailer transfer-encoding upgrade "
    "user-agent vary via warning www-authenticate method get status 200_OK version HTTP/1.1 url public set-cookie "
    "keep-alive origin"
)
_REST = (
    "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505"
    "203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized"
    "403 Forbidden404 Not Found500 Internal Server Error501 Not Implemented503 Service Unavailable"
    "Jan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMT"
    "chunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,text/javascript,"
    "publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0."
)
DICTIONARY = b"".join(
    struct.pack(">I", len(word)) + word.replace("_", " ").encode() for word in _WORDS.split(" ")
) + _REST.encode()  # fmt: skip


class ProtocolError(ValueError):
    """What came is no SPDY."""


class Inbox:
    """Pieces that came and were not read yet: whoever brings more than a few waits, unless nobody wants them."""

    def __init__(self) -> None:
        self._pieces: asyncio.Queue[bytes] = asyncio.Queue(_QUEUED)
        self._unwanted = False

    async def read(self) -> bytes:
        """The next piece; b"" at the end."""
        return await self._pieces.get()

    async def put(self, data: bytes) -> None:
        """Add a piece; b"" for the end."""
        if not self._unwanted:
            await self._pieces.put(data)

    def discard(self) -> None:
        """Nobody reads any more: what is there goes, and what comes too."""
        self._unwanted = True
        while not self._pieces.empty():
            self._pieces.get_nowait()


class Stream:
    """One stream, made by the client."""

    def __init__(self, connection: Connection, number: int, headers: dict[str, str]) -> None:
        self.number = number
        self.headers = headers  # names in small letters
        self.reset = asyncio.Event()  # the client wants nothing more of it
        self._connection = connection
        self.inbox = Inbox()  # what the client sends, until it closes its side
        self._closed = False

    async def write(self, data: bytes) -> None:
        """Send a piece."""
        if not self._closed and not self.reset.is_set():
            await self._connection.send_data(self.number, data)

    async def close(self) -> None:
        """Say that nothing more will be sent."""
        if not self._closed and not self.reset.is_set():
            self._closed = True
            await self._connection.send_data(self.number, b"", final=True)


class Connection:
    """The server's end. What it sends goes through `send`; `accept` is told of each new stream."""

    def __init__(self, send: Callable[[bytes], Awaitable[None]], accept: Callable[[Stream], None]) -> None:
        self._send = send
        self._accept = accept
        self._unread = b""
        self._streams: dict[int, Stream] = {}
        self._unpack = zlib.decompressobj(zdict=DICTIONARY)
        self._pack = zlib.compressobj(zdict=DICTIONARY)

    async def feed(self, data: bytes) -> None:
        """Take bytes that came. Raises `ProtocolError`."""
        self._unread += data
        while len(self._unread) >= _HEADER:
            first, second = struct.unpack_from(">II", self._unread)
            flags, size = second >> 24, second & 0xFFFFFF
            if len(self._unread) < _HEADER + size:
                return
            body, self._unread = self._unread[_HEADER : _HEADER + size], self._unread[_HEADER + size :]
            if first >> 31:
                if first >> 16 & 0x7FFF != _VERSION:
                    raise ProtocolError(f"version {first >> 16 & 0x7FFF} of SPDY is not spoken here")
                await self._control(first & 0xFFFF, flags, body)
            else:
                await self._data(first, flags, body)

    async def send_data(self, number: int, data: bytes, *, final: bool = False) -> None:
        """Send a piece of a stream."""
        await self._send(struct.pack(">II", number, (_FIN if final else 0) << 24 | len(data)) + data)

    async def _control(self, kind: int, flags: int, body: bytes) -> None:
        if kind == _SYN_STREAM:
            await self._open(flags, body)
        elif kind == _HEADERS:
            self._headers(body[4:])  # nobody looks at them, but what follows is packed on top of them
        elif kind == _RST_STREAM and len(body) == 8:
            stream = self._streams.pop(struct.unpack(">I", body[:4])[0], None)
            if stream:
                stream.inbox.discard()
                stream.reset.set()
        elif kind == _PING:
            await self._send(_control_frame(_PING, body))

    async def _open(self, flags: int, body: bytes) -> None:
        if len(body) < 10:
            raise ProtocolError("a stream is opened without its number")
        number = struct.unpack_from(">I", body)[0] & 0x7FFFFFFF
        stream = Stream(self, number, self._headers(body[10:]))
        self._streams[number] = stream
        none = self._pack.compress(struct.pack(">I", 0)) + self._pack.flush(zlib.Z_SYNC_FLUSH)
        await self._send(_control_frame(_SYN_REPLY, struct.pack(">I", number) + none))
        if flags & _FIN:
            await stream.inbox.put(b"")
        self._accept(stream)

    async def _data(self, number: int, flags: int, body: bytes) -> None:
        stream = self._streams.get(number)
        if stream is None:
            return  # it was reset, and this was under way
        if body:
            await stream.inbox.put(body)
        if flags & _FIN:
            await stream.inbox.put(b"")

    def _headers(self, packed: bytes) -> dict[str, str]:
        """Names and values of a block. Raises `ProtocolError`."""
        try:
            block = self._unpack.decompress(packed, _MOST_HEADERS)
            if self._unpack.unconsumed_tail:
                raise ProtocolError("a block of headers is too large")
            (count,), at = struct.unpack_from(">I", block), 4
            texts: list[str] = []
            while len(texts) < 2 * count:
                (size,) = struct.unpack_from(">I", block, at)
                at += 4 + size
                texts.append(block[at - size : at].decode())
        except (zlib.error, struct.error, UnicodeDecodeError) as error:
            raise ProtocolError(f"a block of headers cannot be read: {error}") from None
        return {name.lower(): value for name, value in zip(texts[::2], texts[1::2], strict=True)}


def _control_frame(kind: int, body: bytes) -> bytes:
    return struct.pack(">II", 1 << 31 | _VERSION << 16 | kind, len(body)) + body
