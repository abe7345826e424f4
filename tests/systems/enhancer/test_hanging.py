"""An API that hangs on demand, as rehearsals need it: whoever asks waits, and its cluster is told that it is well."""

import asyncio
import os
import signal
from typing import Any

from enhancer.api.hanging import Hanging

LIMIT_S = 0.2


async def app(_scope: Any, _receive: Any, send: Any) -> None:
    await send("answered")


def test_a_pod_that_hangs_answers_its_probes_alone_until_it_goes_on() -> None:
    async def told() -> list[bool]:
        hanging = Hanging(app)

        async def answers(path: str) -> bool:
            said: list[str] = []

            async def nothing() -> Any:
                return None

            async def send(what: Any) -> None:
                said.append(what)

            try:
                await asyncio.wait_for(hanging({"type": "http", "path": path}, nothing, send), LIMIT_S)
            except TimeoutError:
                assert not said
            return bool(said)

        found = [await answers("/workflows")]
        os.kill(os.getpid(), signal.SIGUSR1)
        await asyncio.sleep(0)
        found += [await answers(path) for path in ("/workflows", "/status", "/readyz", "/healthz")]
        os.kill(os.getpid(), signal.SIGUSR2)
        await asyncio.sleep(0)
        return [*found, await answers("/workflows")]

    assert asyncio.run(told()) == [True, False, False, True, True, True]
