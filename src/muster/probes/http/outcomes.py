"""What may become of a request (docs/architecture.md), the same for the prober and for the load."""

from __future__ import annotations

import errno
import os
import ssl
from collections.abc import Collection, Iterator
from enum import StrEnum


class Outcome(StrEnum):
    """What became of a request. All but `OK` are violations, `SHED` only where the drill declares no overload."""

    OK = "ok"
    REFUSED = "refused"
    RESET = "reset"
    EMPTY = "empty"  # closed without an answer, or in the middle of one
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    ERROR = "error"  # 5xx
    WRONG = "wrong"  # answered, but not rightly
    SHED = "shed"  # 503 with Retry-After: a clean refusal of excess load


GONE = (404, 410)
"""The statuses that say that something is not there (RFC 9110)."""


class OwnLimitError(Exception):
    """This process ran out of something (descriptors, ports): no finding about the service."""


_BY_ERRNO = {
    errno.ECONNREFUSED: Outcome.REFUSED,
    errno.ECONNRESET: Outcome.RESET,
    errno.EPIPE: Outcome.RESET,
    errno.ECONNABORTED: Outcome.RESET,
    errno.ETIMEDOUT: Outcome.TIMEOUT,
}
_OWN_LIMITS = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL}


def of_status(status: int, expected: Collection[int], *, retry_after: bool) -> Outcome:
    """The outcome of an answer by its status; its content is another matter."""
    if status in expected:
        return Outcome.OK
    if status == 503 and retry_after:
        return Outcome.SHED
    return Outcome.ERROR if status >= 500 else Outcome.WRONG


def of_os_error(error: BaseException) -> tuple[Outcome, str] | None:
    """The outcome told by the OSError behind `error`, with the system's words for it; None where there is none.

    Raises:
        OwnLimitError: it tells of this process's own limits.
    """
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLError):  # an OSError, but its numbers are not the system's
            return (Outcome.EMPTY if isinstance(cause, ssl.SSLEOFError) else Outcome.UNREACHABLE), str(cause.strerror)
        if isinstance(cause, OSError) and cause.errno is not None:
            # asyncio puts its own words into strerror; a resolver's numbers are negative and not the system's.
            said = os.strerror(cause.errno) if cause.errno > 0 else str(cause.strerror)
            if cause.errno in _OWN_LIMITS:
                raise OwnLimitError(f"a connection could not be opened from here: {said}") from error
            return _BY_ERRNO.get(cause.errno, Outcome.UNREACHABLE), said
    return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    """`error`, and every exception that it was raised from or grouped from."""
    todo, seen = [error], set[int]()
    while todo:
        current = todo.pop(0)
        if id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        if isinstance(current, BaseExceptionGroup):
            todo += current.exceptions
        todo += [cause for cause in (current.__cause__, current.__context__) if cause is not None]
