from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster.embedded.node import logs
from muster.embedded.node.supervisor import output


def write(path: Path, pieces: list[bytes]) -> None:
    """What a program prints in these pieces, through a real pipe into a log."""
    log = output.LogFile(str(path))
    reading, writing = os.pipe()
    stream = output.Stream("stdout", reading, log)
    for piece in pieces:
        os.write(writing, piece)
        stream.read()
    os.close(writing)
    stream.drain()
    log.close()


def shown(path: Path, **options: object) -> bytes:
    return b"".join(logs.select(path, logs.Selection(**options)))  # type: ignore[arg-type]


@given(pieces=st.lists(st.binary(min_size=1, max_size=40_000), max_size=6))
def test_what_was_printed_is_read_back_unchanged(pieces: list[bytes], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("log") / "main.1"
    write(path, pieces)
    assert shown(path) == b"".join(pieces)


def test_tail_and_timestamps(tmp_path: Path) -> None:
    path = tmp_path / "main.1"
    write(path, [b"one\ntwo\nthree\n"])
    assert shown(path, tail_lines=2) == b"two\nthree\n"
    assert shown(path, tail_lines=0) == b""
    stamp, text = shown(path, tail_lines=1, timestamps=True).split(b" ", 1)
    assert text == b"three\n"
    assert stamp.endswith(b"Z")
    assert shown(path, since_seconds=60) == b"one\ntwo\nthree\n"
    assert shown(path, since_seconds=-60) == b""


def test_a_log_is_bounded_and_reads_on_across_the_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "MAX_FILE", 2000)
    path = tmp_path / "main.1"
    write(path, [b"line %03d\n" % i for i in range(200)])
    kept = shown(path).splitlines()
    assert kept == [b"line %03d" % i for i in range(200 - len(kept), 200)]
    assert 10 < len(kept) < 100
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) <= 4000


def test_follow_tells_what_is_added_until_the_program_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "LOOK_EVERY_S", 0.005)
    monkeypatch.setattr(output, "MAX_FILE", 300)
    path = tmp_path / "main.1"

    async def whole() -> bytes:
        reading, writing = os.pipe()
        log = output.LogFile(str(path))
        stream = output.Stream("stdout", reading, log)
        goes_on = True

        async def program() -> None:
            nonlocal goes_on
            for number in range(30):
                os.write(writing, b"line %d\n" % number)
                stream.read()
                await asyncio.sleep(0.01)
            goes_on = False

        os.write(writing, b"first\n")
        stream.read()
        running = asyncio.create_task(program())
        found = b"".join([piece async for piece in logs.read(path, logs.Selection(), follow=lambda: goes_on)])
        await running
        os.close(writing)
        stream.drain()
        log.close()
        return found

    assert asyncio.run(whole()) == b"first\n" + b"".join(b"line %d\n" % number for number in range(30))


def test_a_limit_cuts_in_the_middle(tmp_path: Path) -> None:
    path = tmp_path / "main.1"
    write(path, [b"0123456789\nabc\n"])

    async def whole() -> bytes:
        return b"".join([piece async for piece in logs.read(path, logs.Selection(limit_bytes=12))])

    assert asyncio.run(whole()) == b"0123456789\na"
