"""JSON bodies and answers, and which answer each failure gets."""

from typing import Any

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from enhancer import metrics
from enhancer.storage.errors import IndeterminateError, UnavailableError

MAX_BODY = 256 * 1024


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


async def body_of(request: Request) -> dict[str, Any]:
    """The JSON object that was sent; raises RefusedError if it is none, or too large."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MAX_BODY:
            raise RefusedError(413, "too_large", f"a body must not be larger than {MAX_BODY} bytes")
    try:
        asked = orjson.loads(bytes(body))
    except orjson.JSONDecodeError as error:
        raise RefusedError(400, "invalid", f"the body is not valid JSON: {error}") from error
    if not isinstance(asked, dict):
        raise RefusedError(400, "invalid", "the body must be a JSON object")
    return asked


def failure(status: int, error: str, detail: str) -> Response:
    """A JSON answer that says what is wrong."""
    return reply({"error": error, "detail": detail}, status)


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, RefusedError)
    return failure(error.status, error.error, error.detail)


async def _no_such_thing(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return failure(error.status_code, "invalid", f"no such path or method: {error.detail}")


async def _unavailable(_: Request, error: Exception) -> Response:
    return failure(503, "unavailable", f"no database to be had, nothing was changed: {error}")


async def _indeterminate(_: Request, error: Exception) -> Response:
    metrics.INDETERMINATE.inc()
    return failure(503, "indeterminate", f"it may or may not have been done, ask again (a workflow by its id): {error}")


# Neither failure of the database says Retry-After: that is kept for a refusal of excess load.
HANDLERS = {
    HTTPException: _no_such_thing,
    RefusedError: _refused,
    UnavailableError: _unavailable,
    IndeterminateError: _indeterminate,
}
