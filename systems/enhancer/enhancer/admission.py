"""The admission limit: what comes faster than a pod may work is refused at once, before any work."""

import asyncio
from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send

from enhancer import metrics

# What tells about the service must be answered above all when it is overloaded, and who repairs it must get through.
EXEMPT = frozenset({"/healthz", "/readyz", "/status", "/metrics", "/agents/release"})
_SLOTS_PER_S = 10


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


class RecentCount:
    """How many there were in the last whole second, in slots of 0.1 s: the slot under way is not counted yet."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._counts: dict[int, int] = {}

    def add(self) -> None:
        """Count one now."""
        slot = int(self._now() * _SLOTS_PER_S)
        if slot not in self._counts:
            self._forget(slot)
            self._counts[slot] = 0
        self._counts[slot] += 1

    def per_s(self) -> int:
        """How many there were in the last whole second."""
        slot = int(self._now() * _SLOTS_PER_S)
        self._forget(slot)
        return sum(count for at, count in self._counts.items() if at < slot)

    def _forget(self, slot: int) -> None:
        for at in [each for each in self._counts if each < slot - _SLOTS_PER_S]:
            del self._counts[at]


class Admission:
    """ASGI middleware: 503 with Retry-After for what the bucket does not let in, each counted in `refused`."""

    def __init__(self, app: ASGIApp, bucket: TokenBucket, refused: RecentCount) -> None:
        self._app = app
        self._bucket = bucket
        self._refused = refused

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through or refuse it."""
        if scope["type"] != "http" or is_exempt(scope) or self._bucket.take():
            await self._app(scope, receive, send)
            return
        metrics.SHED.inc()
        self._refused.add()
        await send({"type": "http.response.start", "status": 503, "headers": _SHED_HEADERS})
        await send({"type": "http.response.body", "body": _SHED_BODY})


def is_exempt(scope: Scope) -> bool:
    """Whether a request is answered whatever the load: what tells about the service, and operators' calls."""
    path: str = scope["path"]
    return (
        path in EXEMPT
        or (path == "/workflows" and scope["method"] == "GET" and b"state=stuck" in scope["query_string"].split(b"&"))
        or (path.startswith("/workflows/") and path.endswith("/resume") and scope["method"] == "POST")
    )


_SHED_BODY = b'{"error":"overloaded","detail":"more requests than this pod admits: try again in a second"}'
_SHED_HEADERS = [
    (b"content-type", b"application/json"),
    (b"content-length", str(len(_SHED_BODY)).encode()),
    (b"retry-after", b"1"),
]


def bucket_of(rate: float, burst_s: float) -> TokenBucket:
    """A bucket on the running event loop's clock."""
    return TokenBucket(rate, burst_s, asyncio.get_running_loop().time)


def recent_count() -> RecentCount:
    """A count on the running event loop's clock."""
    return RecentCount(asyncio.get_running_loop().time)
