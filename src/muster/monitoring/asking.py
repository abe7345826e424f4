"""One HTTP request for JSON, bounded in time and size."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address
from types import TracebackType
from typing import Any, Self

import httpx
import orjson

from muster.base.clock import now
from muster.base.errors import MusterError

MOST_BYTES = 16 * 2**20  # tens of thousands of alerts; more is no answer to a question about one of them


class MonitoringError(MusterError):
    """The monitoring did not answer, or answered what makes no sense: nothing is known of its alerts."""


class Asking:
    """Asks one server for JSON. A context manager that closes what it opened."""

    def __init__(self, url: str, *, limit_s: float, token: str | None) -> None:
        """`url` is what stands before the paths; `limit_s` bounds each request as a whole, in seconds."""
        self.url = url
        self._limit_s = limit_s
        # A new connection each time: one that the server closes meanwhile would look like a monitoring that is lost.
        # Redirects are not followed: they lead to a page for people to log in, or the token to somebody else.
        self._http = httpx.Client(
            timeout=httpx.Timeout(limit_s),
            limits=httpx.Limits(max_keepalive_connections=0),
            mounts=direct(url),
            headers={"Accept": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {}),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def get(self, path: str, query: Sequence[tuple[str, str]] = (), *, absent_ok: bool = False) -> Any:
        """The JSON that answers a GET. With `absent_ok` a 404 is no error, and None.

        Raises:
            MonitoringError: no answer in time, another status than 200, or no JSON.
        """
        status, body = self._exchange("GET", path, params=list(query))
        if status == httpx.codes.NOT_FOUND and absent_ok:
            return None
        return self._json(path, status, body)

    def post(self, path: str, content: Any) -> None:
        """POST something as JSON; what is answered to it does not matter.

        Raises:
            MonitoringError: no answer in time, or another status than one of 2xx.
        """
        sent = orjson.dumps(content)
        status, body = self._exchange("POST", path, content=sent, headers={"Content-Type": "application/json"})
        if not httpx.codes.is_success(status):
            try:
                said = _said(orjson.loads(body))
            except orjson.JSONDecodeError:
                said = ""
            raise MonitoringError(f"{self.url} answered {status} to {path}{said}")

    def _exchange(self, method: str, path: str, **sent: Any) -> tuple[int, bytes]:
        deadline = now() + self._limit_s
        try:
            with self._http.stream(method, self.url + path, **sent) as answer:
                return answer.status_code, self._body(answer, deadline)
        except httpx.TimeoutException as error:
            raise self._late() from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise MonitoringError(f"{self.url} cannot be asked: {str(error) or type(error).__name__}") from error

    def _body(self, answer: httpx.Response, deadline: float) -> bytes:
        """The whole body. The client's own limit is for each piece of it, so a trickle would never end."""
        body = bytearray()
        for piece in answer.iter_bytes():
            body += piece
            if len(body) > MOST_BYTES:
                raise MonitoringError(f"{self.url} answered with more than {MOST_BYTES >> 20} MiB")
            if now() > deadline:
                raise self._late()
        return bytes(body)

    def _json(self, path: str, status: int, body: bytes) -> Any:
        try:
            content = orjson.loads(body)
        except orjson.JSONDecodeError:
            content = None
        if status != httpx.codes.OK:
            hint = "; is its url in system.yaml what stands before '/api'?" if status == httpx.codes.NOT_FOUND else ""
            raise MonitoringError(f"{self.url} answered {status} to {path}{_said(content)}{hint}")
        if content is None:
            begin = body[:40].decode(errors="replace").strip()
            raise MonitoringError(f"{self.url} answered no JSON to {path}: {begin!r}")
        return content

    def _late(self) -> MonitoringError:
        return MonitoringError(f"{self.url} did not answer in {self._limit_s:g} s")


def direct(url: str) -> dict[str, None]:
    """What the environment's proxy is not asked for: it leads out, and this machine is not there."""
    host = httpx.URL(url).host
    near = host == "localhost" or (_is_address(host) and ip_address(host).is_loopback)
    return {f"all://{f'[{host}]' if ':' in host else host}": None} if near else {}


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _said(content: Any) -> str:
    """What an error answer says of itself, in a few words."""
    if isinstance(content, dict):
        content = content.get("error") or content.get("message")
    return f" ({content[:120]})" if isinstance(content, str) and content else ""
