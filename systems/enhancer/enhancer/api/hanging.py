"""A pod that accepts requests and answers none, when it is told to: for rehearsals, as no real hang can be ordered."""

import asyncio
import signal

from starlette.types import ASGIApp, Receive, Scope, Send

# A program that hangs like this is well by all that its cluster asks it.
ANSWERED = frozenset({"/healthz", "/readyz", "/metrics"})


class Hanging:
    """ASGI middleware. After SIGUSR1 whoever asks waits, until SIGUSR2 or for ever."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._goes_on = asyncio.Event()
        self._goes_on.set()
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGUSR1, self._goes_on.clear)
        loop.add_signal_handler(signal.SIGUSR2, self._goes_on.set)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through once the pod does not hang."""
        if scope["type"] != "http" or scope["path"] not in ANSWERED:
            await self._goes_on.wait()
        await self._app(scope, receive, send)
