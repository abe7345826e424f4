"""An answer as it comes off the wire, in pieces of any size."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import httptools

# Head and body together. A probe's answer is small: one that never ends must not fill the memory of this process.
MAX_BYTES = 8 * 1024 * 1024


Headers = tuple[tuple[bytes, bytes], ...]  # as they came


class NotHttpError(Exception):
    """What came is no answer in HTTP/1, or is too long to be one of a probe."""


class BrokenOffError(Exception):
    """The connection ended before the answer did."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer. `reusable` is whether its connection may carry another request."""

    status: int
    body: bytes
    retry_after: bool
    reusable: bool
    headers: Headers = field(default=(), compare=False)


class ReplyReader:
    """Reads one answer, however its bytes are cut into pieces. Interim answers (1xx) are passed over."""

    def __init__(self) -> None:
        self._parser: Any = httptools.HttpResponseParser(self)
        self._taken = 0
        self._reply: Reply | None = None
        self.surplus = False  # more came than one answer
        self._begin()

    def feed(self, data: bytes) -> Reply | None:
        """Take bytes; the answer once it is whole.

        Raises:
            NotHttpError: they are no answer.
        """
        self._taken += len(data)
        if self._taken > MAX_BYTES:
            raise NotHttpError(f"the answer is longer than {MAX_BYTES} bytes")
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass  # 101: an answer like others, after which the connection speaks something else
        except httptools.HttpParserError as error:
            if self._reply is None:
                raise NotHttpError(f"not HTTP: {error}") from error
            self.surplus = True  # which does not make the answer before it wrong
        return self._reply

    def end(self) -> Reply:
        """The connection ended: the answer, if that was its end.

        Raises:
            BrokenOffError: it was not.
        """
        if self._reply is None and self._in_body and not self._delimited:
            self._complete(reusable=False)
        if self._reply is None:
            where = "in the middle of its answer" if self._taken else "without an answer"
            raise BrokenOffError(f"the server closed the connection {where}")
        return self._reply

    def _begin(self) -> None:
        self._in_body = self._delimited = self._retry_after = self._keep = False
        self._status = 0
        self._body: list[bytes] = []
        self._headers: list[tuple[bytes, bytes]] = []

    def _complete(self, *, reusable: bool) -> None:
        self._reply = Reply(self._status, b"".join(self._body), self._retry_after, reusable, tuple(self._headers))

    # What follows is called by the parser, for a second answer behind the first one too.

    def on_message_begin(self) -> None:
        self.surplus = self._reply is not None

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name, value))
        match name.lower():
            case b"content-length":
                self._delimited = True
            case b"transfer-encoding":
                self._delimited = value.lower().rstrip().endswith(b"chunked")
            case b"retry-after":
                self._retry_after = True

    def on_headers_complete(self) -> None:
        self._in_body = True
        self._status = self._parser.get_status_code()
        self._keep = self._parser.should_keep_alive()

    def on_body(self, data: bytes) -> None:
        self._body.append(data)

    def on_message_complete(self) -> None:
        if self._reply is not None:
            return
        if 100 <= self._status < 200 and self._status != 101:
            self._begin()
        else:
            self._complete(reusable=self._keep and self._status != 101)
