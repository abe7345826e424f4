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
    async def held() -> list[bool]:
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

        async def told(number: signal.Signals, *, answered: bool) -> None:
            os.kill(os.getpid(), number)
            async with asyncio.timeout(60):
                while await answers("/workflows") is not answered:
                    pass

        assert await answers("/workflows")
        await told(signal.SIGUSR1, answered=False)
        found = [await answers(path) for path in ("/status", "/readyz", "/healthz", "/metrics")]
        await told(signal.SIGUSR2, answered=True)
        return found

    assert asyncio.run(held()) == [False, True, True, True]
