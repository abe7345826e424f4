"""Counts and times every admitted request, by its route."""

import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from enhancer import metrics

_ROUTES = {"/workflows", "/agents", "/agents/release", "/healthz", "/readyz", "/status", "/metrics"}


class Metering:
    """ASGI middleware. Ids in paths are not part of a route's name, and unknown paths share one."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and note what was answered."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 500

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        began = time.perf_counter()
        try:
            await self._app(scope, receive, noting)
        finally:
            route = route_of(scope["path"])
            method = scope["method"] if scope["method"] in {"GET", "POST"} else "other"
            metrics.REQUESTS.labels(method, route, str(status)).inc()
            metrics.REQUEST_SECONDS.labels(method, route).observe(time.perf_counter() - began)


def route_of(path: str) -> str:
    """The name of a path's route."""
    if path in _ROUTES:
        return path
    if not path.startswith("/workflows/"):
        return "other"
    return "/workflows/{id}/resume" if path.endswith("/resume") else "/workflows/{id}"
