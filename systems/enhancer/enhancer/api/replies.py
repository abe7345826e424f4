"""JSON answers, and which answer each failure gets."""

from typing import Any

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from enhancer import metrics
from enhancer.storage.errors import IndeterminateError, UnavailableError


class RefusedError(Exception):
    """A request that cannot be done as it is; `detail` is one sentence for its sender."""

    def __init__(self, status: int, error: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.error = error
        self.detail = detail


def reply(content: Any, status: int = 200) -> Response:
    """A JSON answer."""
    return Response(orjson.dumps(content), status, media_type="application/json")


def _error(status: int, error: str, detail: str) -> Response:
    return reply({"error": error, "detail": detail}, status)


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, RefusedError)
    return _error(error.status, error.error, error.detail)


async def _no_such_thing(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _error(error.status_code, "invalid", f"no such path or method: {error.detail}")


async def _unavailable(_: Request, error: Exception) -> Response:
    return _error(503, "unavailable", f"no database to be had, nothing was changed: {error}")


async def _indeterminate(_: Request, error: Exception) -> Response:
    metrics.INDETERMINATE.inc()
    return _error(503, "indeterminate", f"the workflow may or may not be stored, ask again by its id: {error}")


# Neither failure of the database says Retry-After: that is kept for a refusal of excess load.
HANDLERS = {
    HTTPException: _no_such_thing,
    RefusedError: _refused,
    UnavailableError: _unavailable,
    IndeterminateError: _indeterminate,
}
