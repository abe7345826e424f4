"""A pod that accepts requests and answers none, or does not tell its metrics any more, when it is told to: for
rehearsals, as neither can be ordered of a program that is well."""

import asyncio
import signal

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

# A program that hangs like this is well by all that its cluster asks it.
ANSWERED = frozenset({"/healthz", "/readyz", "/metrics"})
# By number, as a shell knows no names of these: 35 and 36.
MUTE, TELL = signal.SIGRTMIN + 1, signal.SIGRTMIN + 2


class Hanging:
    """ASGI middleware. After SIGUSR1 whoever asks waits, until SIGUSR2 or for ever. After MUTE metrics are answered
    with 503, until TELL."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._goes_on = asyncio.Event()
        self._goes_on.set()
        self._muted = False
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGUSR1, self._goes_on.clear)
        loop.add_signal_handler(signal.SIGUSR2, self._goes_on.set)
        loop.add_signal_handler(MUTE, self._mute, True)
        loop.add_signal_handler(TELL, self._mute, False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through once the pod does not hang."""
        if scope["type"] != "http" or scope["path"] not in ANSWERED:
            await self._goes_on.wait()
        if self._muted and scope["type"] == "http" and scope["path"] == "/metrics":
            await PlainTextResponse("metrics are not told", 503)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _mute(self, muted: bool) -> None:
        self._muted = muted
