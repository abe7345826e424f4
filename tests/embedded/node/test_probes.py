from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from hypothesis import given
from hypothesis import strategies as st

from muster.embedded.node import probes

HOST = "127.0.0.1"


async def nothing(_argv: object, _within: float) -> tuple[int, str]:
    raise AssertionError("not to be called")


def ask(answer: bytes | None, probe: dict, within: float = 5.0) -> tuple[bool, str]:
    """Probe a server that gives this answer to anything, or is silent."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        if answer is None:
            await reader.read()
        else:
            writer.write(answer)
        writer.close()

    async def whole() -> tuple[bool, str]:
        server = await asyncio.start_server(serve, HOST, 0)
        port = server.sockets[0].getsockname()[1]
        async with server:
            return await probes.look(probe, probes.Target(HOST, {"web": port}, nothing), within)

    return asyncio.run(whole())


HTTP = {"httpGet": {"path": "/healthz", "port": "web"}}


def test_http_status_200_to_399_is_success() -> None:
    assert ask(b"HTTP/1.1 200 OK\r\n\r\n", HTTP) == (True, "")
    assert ask(b"HTTP/1.1 302 Found\r\n\r\n", HTTP)[0]


def test_other_answers_are_failures_that_say_what_came() -> None:
    assert ask(b"HTTP/1.1 503 No\r\n\r\n", HTTP) == (False, "HTTP probe failed with statuscode: 503")
    assert ask(b"", HTTP)[1].endswith("EOF")
    assert ask(None, HTTP, within=0.05) == (False, "not answered within 0.05 s")


def test_a_port_that_nobody_listens_on_is_refused() -> None:
    async def whole(probe: dict) -> tuple[bool, str]:
        server = await asyncio.start_server(lambda _r, _w: None, HOST, 0)
        port = server.sockets[0].getsockname()[1]
        server.close()
        await server.wait_closed()
        return await probes.look(probe, probes.Target(HOST, {"web": port}, nothing), 5)

    for probe in (HTTP, {"tcpSocket": {"port": "web"}}):
        good, why = asyncio.run(whole(probe))
        assert not good
        assert why.endswith("connect: connection refused")


def test_a_port_that_accepts_is_enough_for_a_tcp_probe() -> None:
    assert ask(b"", {"tcpSocket": {"port": "web"}})[0]


def test_exec_succeeds_with_status_0() -> None:
    def target(code: int) -> probes.Target:
        async def run(argv: object, _within: float) -> tuple[int, str]:
            assert argv == ["true"]
            return code, "why"

        return probes.Target(HOST, {}, run)

    probe = {"exec": {"command": ["true"]}}
    look: Callable[[int], Awaitable[tuple[bool, str]]] = lambda code: probes.look(probe, target(code), 1)  # noqa: E731
    assert asyncio.run(look(0))[0]  # type: ignore[arg-type]
    assert asyncio.run(look(2)) == (False, "why")  # type: ignore[arg-type]


@given(st.lists(st.booleans()), st.integers(1, 4), st.integers(1, 4))
def test_a_verdict_changes_exactly_when_enough_answers_in_a_row_agree(
    answers: list[bool], successes: int, failures: int
) -> None:
    streak = probes.Streak(probes.Timing(0, 1, 1, successes, failures), None)
    for at, answer in enumerate(answers):
        before = streak.verdict
        needed = successes if answer else failures
        row = answers[max(at - needed + 1, 0) : at + 1]
        streak.add(answer)
        assert streak.verdict == (answer if len(row) == needed and all(a == answer for a in row) else before)
