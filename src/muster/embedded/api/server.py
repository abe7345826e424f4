"""The HTTPS server: who asks and whether they may, which handler answers, and how refusals are put."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from aiohttp import web

from muster.embedded.access.attributes import attributes_of, denied
from muster.embedded.access.authentication import Authenticator
from muster.embedded.access.users import User
from muster.embedded.api import eviction, metrics, patching, reading, reviews, scale, tokens, writing
from muster.embedded.api.audit import AuditLog, entry_of, note_beginning
from muster.embedded.api.call import Backend, Call, find_target
from muster.embedded.api.documents import discovery, openapi_v2, openapi_v3
from muster.embedded.api.forms.answers import answer, negotiate, refusal
from muster.embedded.api.streams import execution, forwarding, logs, proxying, watching
from muster.embedded.status import StatusError, bad_request, method_not_allowed

log = logging.getLogger(__name__)

_HEALTH = ("/healthz", "/livez", "/readyz")
_OPEN = (*_HEALTH, "/version")
_MAX_BODY = 8 * 1024 * 1024  # bytes

_UNFORMED = ("log", "exec", "portforward", "proxy")  # subresources that answer with no object

Handler = Callable[[Call], Awaitable[web.StreamResponse]]


class ApiServer:
    """Serves one store on one address; `token` is the administrator's."""

    def __init__(self, backend: Backend, token: str, audit: Path | None = None) -> None:
        """`audit` is the file that each request is noted in. Raises OSError where that cannot be written."""
        self._backend = backend
        self._authenticator = Authenticator(token, backend.accounts, backend.authorizer)
        self._reviews = reviews.Reviews(self._authenticator, backend.authorizer)
        self._audit = AuditLog(audit) if audit else None
        self._runner: web.AppRunner | None = None

    async def start(self, host: str, port: int, tls: ssl.SSLContext | None) -> None:
        """Listen; on a port of the kernel's choice where it is 0. Raises OSError where the address is not to be had."""
        app = web.Application(client_max_size=_MAX_BODY)
        app.router.add_route("*", "/{path:.*}", self._audited if self._audit else self._answer)
        if self._audit:
            app.on_response_prepare.append(note_beginning)
        self._runner = web.AppRunner(
            app,
            access_log=None,
            shutdown_timeout=0.2,
            handler_cancellation=True,
            auto_decompress=False,  # as the real one: what a body claims to be packed with is not looked at
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port, ssl_context=tls, backlog=512).start()

    @property
    def port(self) -> int:
        """The port that is listened on."""
        assert self._runner is not None, "the server was not started"
        return int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        if self._runner:
            await self._runner.cleanup()
        if self._audit:
            self._audit.close()
            self._audit = None

    async def _audited(self, request: web.Request) -> web.StreamResponse:
        assert self._audit is not None
        entry = self._audit.begin(request)
        try:
            response = await self._answer(request)
            entry.code = response.status
            return response
        finally:  # also where the client goes first
            entry.write("ResponseComplete", entry.code)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        try:
            return await self._dispatch(request)
        except StatusError as error:
            return refusal(request, error)
        except ConnectionError:
            raise
        except web.HTTPRequestEntityTooLarge:
            return refusal(
                request, StatusError(413, "RequestEntityTooLarge", f"request is larger than {_MAX_BODY} bytes", {})
            )
        except RecursionError:
            return refusal(request, bad_request("the request makes an object that is nested too deeply"))
        except (web.HTTPClientError, web.RequestPayloadError) as error:
            # What is no HTTP, found while the body or a handshake is read.
            return refusal(request, bad_request(f"the request cannot be read: {str(error).splitlines()[0]}"))
        except Exception as error:
            # A fault of one handler is that request's alone: clients get the 500 that a real server gives.
            log.exception("%s %s", request.method, request.path)
            return refusal(request, StatusError(500, "InternalError", f"Internal error occurred: {error!r}"))

    async def _dispatch(self, request: web.Request) -> web.StreamResponse:
        path = request.path
        if path.rstrip("/") in _HEALTH or path.startswith(("/livez/", "/readyz/", "/healthz/")):
            return web.Response(text="ok")
        if path in _OPEN and "Authorization" not in request.headers:
            return answer(negotiate(request), _find_document(path))
        return await self._serve(request, self._admitted(request))

    async def _serve(self, request: web.Request, user: User) -> web.StreamResponse:
        path = request.path
        if path == "/openapi/v2":
            return openapi_v2.answer(request)
        if found := reviews.find(path):
            return await self._reviews.answer(request, user, *found)
        if document := _find_document(path):
            return answer(negotiate(request), document)
        if path.startswith(metrics.PREFIX):
            return await metrics.get(request, self._backend)
        call = Call(request, self._backend, find_target(path), user)
        if call.target.subresource not in _UNFORMED:
            call.form  # noqa: B018 - raises what there is to raise before anything is changed
        return await _handler(call)(call)

    def _admitted(self, request: web.Request) -> User:
        """In whose name the request is put, if they may. Raises `StatusError`: 401, 403."""
        user, entry = self._authenticator.user_of(request.headers), entry_of(request)
        if entry is not None:
            entry.user = user
        if acting := self._authenticator.acting_as(user, request.headers):
            user = acting
            if entry is not None:
                entry.acting = acting
        if user.is_master:
            if entry is not None:
                entry.decision = ("allow", "")
            return user
        wanted = attributes_of(request.method, request.path, request.query)
        decision = self._backend.authorizer.decide(user, wanted)
        if entry is not None:
            entry.decision = ("allow" if decision.allowed else "forbid", decision.reason)
        if not decision.allowed:
            raise denied(user, wanted, decision.reason)
        return user


def _find_document(path: str) -> Any:
    """The discovery or OpenAPI document at a path; None for the paths of objects. Raises `StatusError` 404."""
    path = path.rstrip("/") or "/"
    if path.startswith("/openapi/v3"):
        return openapi_v3.find(path)
    if path == "/":
        return {
            "paths": [
                "/api",
                "/api/v1",
                "/apis",
                "/healthz",
                "/livez",
                "/openapi/v2",
                "/openapi/v3",
                "/readyz",
                "/version",
            ]
        }
    if path in ("/version", "/api", "/apis", "/api/v1") or (path.startswith("/apis/") and path.count("/") <= 3):
        return discovery.find(path)
    return None


async def _get(call: Call) -> web.StreamResponse:
    if call.flag("watch"):
        return await watching.watch(call)
    return reading.get(call) if call.target.name else reading.list_objects(call)


async def _scale(call: Call) -> web.StreamResponse:
    return scale.get(call)


_OBJECTS: dict[tuple[str, bool], Handler] = {
    ("GET", False): _get,
    ("GET", True): _get,
    ("POST", False): writing.create,
    ("PUT", True): writing.replace,
    ("PATCH", True): patching.patch,
    ("DELETE", True): writing.delete,
    ("DELETE", False): writing.delete_collection,
}
_SUBRESOURCES: dict[tuple[str, str], Handler] = {
    ("GET", "status"): _get,
    ("PUT", "status"): writing.replace,
    ("PATCH", "status"): patching.patch,
    ("GET", "scale"): _scale,
    ("PUT", "scale"): scale.replace,
    ("PATCH", "scale"): patching.patch,
    ("PUT", "finalize"): writing.replace,
    ("POST", "eviction"): eviction.evict,
    ("POST", "token"): tokens.create,
    ("GET", "log"): logs.get,
    ("GET", "exec"): execution.run,
    ("POST", "exec"): execution.run,
    ("GET", "portforward"): forwarding.run,
    ("POST", "portforward"): forwarding.run,
    **{(method, "proxy"): proxying.run for method in proxying.METHODS},
}


def _handler(call: Call) -> Handler:
    """Who answers. Raises `StatusError` 405."""
    target, method = call.target, call.request.method
    if target.subresource:
        found = _SUBRESOURCES.get((method, target.subresource))
    else:
        found = _OBJECTS.get((method, bool(target.name)))
        if method == "DELETE" and not target.name and "deletecollection" not in target.resource.verbs:
            found = None
        if method == "POST" and target.resource.namespaced and not target.namespace:
            found = None
    if found is None:
        raise method_not_allowed()
    return found
