"""The admission limit: what comes faster than a pod may work is refused at once, before any work."""

import asyncio
from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send

from enhancer import metrics

# What tells about the service must be answered above all when it is overloaded.
EXEMPT = frozenset({"/healthz", "/readyz", "/status", "/metrics"})


class TokenBucket:
    """`rate` tokens/s, at most `rate * burst_s` saved up (and never less than one). Rate 0 is no limit."""

    def __init__(self, rate: float, burst_s: float, now: Callable[[], float]) -> None:
        self._now = now
        self._tokens = 0.0
        self._filled = now()
        self.set(rate, burst_s)
        self._tokens = self._size

    def set(self, rate: float, burst_s: float) -> None:
        """Change the limit; what is saved up is kept as far as it fits."""
        self._rate = rate
        self._size = max(1.0, rate * burst_s)
        self._tokens = min(self._tokens, self._size)

    def take(self) -> bool:
        """Whether one more request may come in now."""
        if self._rate == 0:
            return True
        now = self._now()
        self._tokens = min(self._size, self._tokens + (now - self._filled) * self._rate)
        self._filled = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class Admission:
    """ASGI middleware: 503 with Retry-After for what the bucket does not let in."""

    def __init__(self, app: ASGIApp, bucket: TokenBucket) -> None:
        self._app = app
        self._bucket = bucket

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through or refuse it."""
        if scope["type"] != "http" or scope["path"] in EXEMPT or self._bucket.take():
            await self._app(scope, receive, send)
            return
        metrics.SHED.inc()
        await send({"type": "http.response.start", "status": 503, "headers": _SHED_HEADERS})
        await send({"type": "http.response.body", "body": _SHED_BODY})


_SHED_BODY = b'{"error":"overloaded","detail":"more requests than this pod admits: try again in a second"}'
_SHED_HEADERS = [
    (b"content-type", b"application/json"),
    (b"content-length", str(len(_SHED_BODY)).encode()),
    (b"retry-after", b"1"),
]


def bucket_of(rate: float, burst_s: float) -> TokenBucket:
    """A bucket on the running event loop's clock."""
    return TokenBucket(rate, burst_s, asyncio.get_running_loop().time)
