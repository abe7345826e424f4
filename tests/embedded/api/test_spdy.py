"""SPDY frames: read however they are cut, refused where they are none."""

from __future__ import annotations

import asyncio
import struct
import zlib

import pytest

from muster.embedded.api.streams.spdy import DICTIONARY, Connection, ProtocolError, Stream


class Client:
    """The other end: makes frames."""

    def __init__(self) -> None:
        self._pack = zlib.compressobj(zdict=DICTIONARY)

    def control(self, kind: int, body: bytes, flags: int = 0, version: int = 3) -> bytes:
        return struct.pack(">II", 1 << 31 | version << 16 | kind, flags << 24 | len(body)) + body

    def open(self, number: int, flags: int = 0, **headers: str) -> bytes:
        texts = [text.encode() for pair in headers.items() for text in pair]
        block = struct.pack(">I", len(headers)) + b"".join(struct.pack(">I", len(text)) + text for text in texts)
        packed = self._pack.compress(block) + self._pack.flush(zlib.Z_SYNC_FLUSH)
        return self.control(1, struct.pack(">IIBB", number, 0, 0, 0) + packed, flags)

    def data(self, number: int, data: bytes, flags: int = 0) -> bytes:
        return struct.pack(">II", number, flags << 24 | len(data)) + data


class Server:
    """A connection, what it sent and which streams it accepted."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.streams: list[Stream] = []
        self.connection = Connection(self._send, self.streams.append)

    async def _send(self, data: bytes) -> None:
        self.sent.append(data)


def test_the_dictionary_is_the_one_of_the_specification() -> None:
    assert (len(DICTIONARY), zlib.adler32(DICTIONARY)) == (1423, 0xE3C6A7C2)


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_frames_are_read_however_they_are_cut(size: int) -> None:
    async def talk() -> None:
        client, server = Client(), Server()
        sent = client.open(1, streamType="error", port="80", requestID="0", flags=1)
        sent += client.open(3, streamType="data", port="80", requestID="0")
        sent += client.control(6, b"\0\0\0\1") + client.control(4, bytes(12)) + client.control(9, bytes(8))
        sent += client.data(3, b"hello") + client.data(3, b"", flags=1) + client.data(99, b"nobody's")
        for at in range(0, len(sent), size):
            await server.connection.feed(sent[at : at + size])
        error, data = server.streams
        assert data.headers == {"streamtype": "data", "port": "80", "requestid": "0"}
        assert [await data.inbox.read(), await data.inbox.read()] == [b"hello", b""]
        assert await error.inbox.read() == b""
        kinds = [struct.unpack(">I", frame[:4])[0] & 0xFFFF for frame in server.sent]
        assert kinds == [2, 2, 6], "two replies, and the ping as it came"
        await data.write(b"back")
        await data.close()
        await data.write(b"too late")
        assert server.sent[3:] == [client.data(3, b"back"), client.data(3, b"", flags=1)]

    asyncio.run(talk())


def test_a_stream_that_is_reset_holds_up_nobody() -> None:
    async def talk() -> None:
        client, server = Client(), Server()
        await server.connection.feed(client.open(1) + client.open(3))
        flood = asyncio.create_task(server.connection.feed(client.data(1, b"x") * 1000 + client.data(3, b"y")))
        await asyncio.sleep(0)
        assert not flood.done(), "who sends more than is read has to wait"
        server.streams[0].inbox.discard()
        await asyncio.wait_for(flood, 10)
        assert await server.streams[1].inbox.read() == b"y"
        await server.connection.feed(client.control(3, struct.pack(">II", 3, 5)))
        assert server.streams[1].reset.is_set()
        await server.streams[1].write(b"unwanted")
        assert len(server.sent) == 2

    asyncio.run(talk())


@pytest.mark.parametrize(
    "frame",
    [
        Client().control(1, b"", version=2),
        Client().control(1, b"\0\0\0\1"),
        Client().control(1, bytes(10) + b"nonsense"),
        Client().control(1, bytes(10) + zlib.compress(b"\0\0\0\1")),
        Client().control(8, b"\0\0\0\1nonsense"),
        Client().open(1, a="x" * 100_000),
    ],
)
def test_what_is_no_spdy_is_refused(frame: bytes) -> None:
    with pytest.raises(ProtocolError):
        asyncio.run(Server().connection.feed(frame))
