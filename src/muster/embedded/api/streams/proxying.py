"""pods/NAME/proxy and services/NAME/proxy: a request passed on to a program in a pod, and its answer passed back.

NAME is `name`, `name:port` or `scheme:name:port`, as a real API server reads it. The port of a pod is a number (names
are those of /etc/services, not the pod's own), and without one the first that a container declares. The port of a
Service is its number or its name, and without one that which has no name. What the pod answers is passed back as it is,
errors too; 503 ServiceUnavailable as a Status says that it could not be reached.
"""

from __future__ import annotations

import random
import socket
from dataclasses import dataclass

from aiohttp import ClientError, ClientResponse, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector, hdrs, web
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from muster.embedded.api.call import Call
from muster.embedded.objects import Object, labels_of
from muster.embedded.proxy.table import SERVICE_NAME
from muster.embedded.resources import ENDPOINTSLICES, PODS, SERVICES
from muster.embedded.status import StatusError, bad_request, unknown_path

METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")
_SCHEMES = ("", "http", "https")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_PREFIX_PARTS = 8  # /api/v1/namespaces/NAMESPACE/pods/NAME/proxy, split at its slashes
_DIAL_LIMIT_S = 30.0  # as a real API server's

# What is between two programs alone. `Expect` was answered here.
_HOP_BY_HOP = frozenset((
    "connection", "proxy-connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer",
    "transfer-encoding", "upgrade", "expect",
))  # fmt: skip
# Beginnings of names of headers. A pod that is asked must not be able to act as its caller.
_OF_THE_CALLER = ("authorization", "impersonate-")


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a request is passed on to."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


async def run(call: Call) -> web.StreamResponse:
    """Pass the request on. Raises `StatusError`: 400, 404, and 503 where nobody is reached."""
    place = _pod(call) if call.resource is PODS else _service(call)
    request = call.request
    if "upgrade" in _words_of(request.headers):
        raise bad_request("a change of protocol is not passed on here: only plain requests are")
    path = _rest(request)
    if not path and request.method in ("GET", "HEAD"):
        return web.Response(status=301, headers={"Location": f"{request.rel_url.raw_path}/{_query(request)}"})
    return await _pass_on(request, place, path)


def _named(call: Call, what: str) -> tuple[str, str, str]:
    """Scheme, name and port of an address. Raises `StatusError` 400."""
    parts = call.target.name.split(":")
    scheme, name, port = {1: ("", *parts, ""), 2: ("", *parts), 3: tuple(parts)}.get(len(parts), ("", "", ""))
    if not name or scheme not in _SCHEMES:
        raise bad_request(f'invalid {what} request "{call.target.name}"')
    return scheme or "http", name, port


def _pod(call: Call) -> _Place:
    scheme, name, text = _named(call, "pod")
    pod = call.store.stored(PODS, call.namespace, name).shared
    address = (pod.get("status") or {}).get("podIP")
    if not address:
        raise bad_request("address not allowed")
    if not text:
        text = next((str(port) for port in _declared(pod)), str(_DEFAULT_PORTS[scheme]))
    if text.isascii() and text.isdigit():
        if not 0 < int(text) < 65536:
            raise _unreachable(f"dial tcp: address {text}: invalid port")
        return _Place(scheme, address, int(text))
    try:
        return _Place(scheme, address, socket.getservbyname(text, "tcp"))
    except OSError:
        raise _unreachable(f"dial tcp: lookup tcp/{text}: unknown port") from None


def _declared(pod: Object) -> list[int]:
    return [port["containerPort"] for container in pod["spec"]["containers"] for port in container.get("ports") or ()]


def _service(call: Call) -> _Place:
    scheme, name, text = _named(call, "service")
    service = call.store.stored(SERVICES, call.namespace, name).shared
    if text.isascii() and text.isdigit():
        ports = [port for port in service["spec"].get("ports") or () if port["port"] == int(text)]
        if not ports:
            raise _unavailable(f'no service port {int(text)} found for service "{name}"')
        text = ports[0].get("name") or ""
    found = [
        _Place(scheme, endpoint["addresses"][0], port["port"])
        for stored in call.store.scan(ENDPOINTSLICES, call.namespace)
        if labels_of(stored.shared).get(SERVICE_NAME) == name
        for port in stored.shared.get("ports") or ()
        if (port.get("name") or "") == text and port.get("port")
        for endpoint in stored.shared.get("endpoints") or ()
        if (endpoint.get("conditions") or {}).get("ready") is not False
    ]
    if not found:
        raise _unavailable(f'no endpoints available for service "{call.target.name}"')
    return random.choice(found)


def _unavailable(why: str) -> StatusError:
    return StatusError(503, "ServiceUnavailable", why)


def _unreachable(why: str) -> StatusError:
    return _unavailable(f"error trying to reach service: {why}")


def _rest(request: web.Request) -> str:
    """What follows `proxy` in the path, from its slash on and encoded as it came; nothing where nothing does."""
    parts = request.rel_url.raw_path.split("/", _PREFIX_PARTS)
    if len(parts) < _PREFIX_PARTS or parts[_PREFIX_PARTS - 1] != "proxy":
        raise unknown_path()  # a slash in a name, which only encoding hides
    return f"/{parts[_PREFIX_PARTS]}" if len(parts) > _PREFIX_PARTS else ""


async def _pass_on(request: web.Request, place: _Place, path: str) -> web.StreamResponse:
    async with ClientSession(
        connector=TCPConnector(force_close=True, ssl=False),
        auto_decompress=False,
        cookie_jar=DummyCookieJar(),
        timeout=ClientTimeout(total=None, sock_connect=_DIAL_LIMIT_S),
        skip_auto_headers=(hdrs.ACCEPT, hdrs.ACCEPT_ENCODING, hdrs.CONTENT_TYPE, hdrs.USER_AGENT),
    ) as session:
        try:
            answer = await session.request(
                request.method,
                URL(f"{place.scheme}://{place}{path or '/'}{_query(request)}", encoded=True),
                headers=_asked_with(request),
                data=request.content if request.body_exists else None,
                allow_redirects=False,
            )
        except (ClientError, OSError) as error:
            raise _unreachable(_why(error, place)) from None
        async with answer:
            response = web.StreamResponse(status=answer.status, reason=answer.reason, headers=_kept(answer.headers))
            if location := answer.headers.get(hdrs.LOCATION):
                response.headers[hdrs.LOCATION] = _through_here(location, request, place, path)
            return await _pass_back(request, response, answer)


async def _pass_back(request: web.Request, response: web.StreamResponse, answer: ClientResponse) -> web.StreamResponse:
    await response.prepare(request)
    try:
        async for piece in answer.content.iter_any():
            await response.write(piece)
    except (ClientError, TimeoutError):
        # The pod broke off in the middle: so does its answer, or its client would take a part for the whole.
        if request.transport is not None:
            request.transport.abort()
        return response
    await response.write_eof()
    return response


def _query(request: web.Request) -> str:
    text = request.rel_url.raw_query_string
    return f"?{text}" if text else ""


def _why(error: Exception, place: _Place) -> str:
    """Why nobody was reached, in a real API server's words where it has some."""
    if isinstance(error, TimeoutError):
        return f"dial tcp {place}: i/o timeout"
    cause = getattr(error, "os_error", error)
    if isinstance(cause, ConnectionRefusedError):
        return f"dial tcp {place}: connect: connection refused"
    return next(iter(str(error).splitlines()), "EOF")


def _words_of(headers: CIMultiDictProxy[str]) -> set[str]:
    """The names that `Connection` lists, in small letters."""
    listed = headers.getall(hdrs.CONNECTION, [])
    return {word.strip().lower() for value in listed for word in value.split(",")} - {""}


def _kept(headers: CIMultiDictProxy[str]) -> CIMultiDict[str]:
    """Headers that are meant for the other end."""
    dropped = _HOP_BY_HOP | _words_of(headers)
    return CIMultiDict((name, value) for name, value in headers.items() if name.lower() not in dropped)


def _asked_with(request: web.Request) -> CIMultiDict[str]:
    """The headers that a pod is told, without those that say in whose name the API server was asked."""
    kept = CIMultiDict(
        (name, value) for name, value in _kept(request.headers).items() if not name.lower().startswith(_OF_THE_CALLER)
    )
    passed_by = [*kept.popall("X-Forwarded-For", []), *([request.remote] if request.remote else [])]
    if passed_by:
        kept["X-Forwarded-For"] = ", ".join(passed_by)
    kept["X-Forwarded-Uri"] = request.rel_url.raw_path
    return kept


def _through_here(location: str, request: web.Request, place: _Place, path: str) -> str:
    """An address that the pod sends its client to, as one that the client can ask here."""
    try:
        url = URL(location, encoded=True)
    except ValueError:
        return location
    elsewhere = url.raw_authority not in ("", str(place), request.host)
    prefix = request.rel_url.raw_path.removesuffix(path)
    if elsewhere or not url.raw_path.startswith("/") or url.raw_path.startswith(prefix):
        return location
    query = f"?{url.raw_query_string}" if url.raw_query_string else ""
    return f"{prefix}{url.raw_path}{query}"
