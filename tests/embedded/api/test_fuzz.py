"""No request, whatever is in it, is answered with a server error."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from request_fuzzer import Generated, RequestFuzzer

from muster.embedded.access.accounts import Accounts
from muster.embedded.access.authorizer import Authorizer
from muster.embedded.addresses import Addresses
from muster.embedded.admission.cluster_rules import ClusterRules
from muster.embedded.api.call import Backend
from muster.embedded.api.server import ApiServer
from muster.embedded.contracts import ExecProcess
from muster.embedded.resources import NAMESPACES
from muster.embedded.status import bad_request
from muster.embedded.store import Store

TOKEN = "token"
AT_ONCE = 8
SEED = 20
NO_ANSWER = 999


class NoNode:
    """A kubelet without containers."""

    name = "none"

    async def logs(self, *_arguments: object, **_options: object) -> AsyncIterator[bytes]:
        yield b"line\n"

    async def exec(self, *_arguments: object, **_options: object) -> ExecProcess:
        raise bad_request("no container runs here")

    def programs(self, *_arguments: object) -> dict[str, int]:
        return {}


@asynccontextmanager
async def serving() -> AsyncIterator[int]:
    """An API server without TLS, with the rules of a cluster and nobody else behind it; its port."""
    with Addresses.claim() as addresses:
        store = Store(ClusterRules(addresses))
        store.create(NAMESPACES, {"metadata": {"name": "default"}})
        api = ApiServer(Backend(store, NoNode(), Accounts(store), Authorizer(store)), TOKEN)
        await api.start("127.0.0.1", 0, None)
        try:
            yield api.port
        finally:
            await api.stop()


async def status_of(port: int, request: Generated) -> int:
    """The status that the request is answered with; 0 where the connection is closed without any."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(30):
            writer.write(request.data)
            line = await reader.readline()
            if line.startswith(b"HTTP/1.1 100"):
                await reader.readline()
                line = await reader.readline()
            return int(line.split()[1]) if line else 0
    except ConnectionError:
        return 0
    finally:
        writer.close()


async def answers(count: int, seed: int) -> tuple[Counter[int], list[str]]:
    """How many answers had which status, and the requests that were answered with a server error."""
    fuzzer, found, errors = RequestFuzzer(seed, TOKEN), Counter[int](), []
    left = iter(range(count))

    async def ask(port: int) -> None:
        for _ in left:
            request = fuzzer.request()
            try:
                status = await status_of(port, request)
            except TimeoutError:
                status = NO_ANSWER
            found[status] += 1
            if status >= 500:
                errors.append(f"{status}: {request.data[:1500]!r}")

    async with serving() as port, asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(ask(port))
    return found, errors


def test_no_request_makes_a_server_error(request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture) -> None:
    count = request.config.getoption("fuzz", 3000)
    with caplog.at_level(logging.WARNING):
        found, errors = asyncio.run(answers(count, SEED))
    assert not errors, "\n".join(errors[:5])
    failed = [record for record in caplog.records if record.name.startswith("muster")]
    assert not failed, f"a handler failed after it had begun to answer: {failed[0].getMessage()} {failed[0].exc_text}"
    assert found[200] + found[201] > count / 20, f"the requests are not good enough to get anywhere: {found}"
