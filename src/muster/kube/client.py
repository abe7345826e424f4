"""Requests to a Kubernetes API, with plain dictionaries for objects."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self, Unpack

import httpx

from muster import __version__
from muster.base.errors import ClusterError, RefusedError, UsageError
from muster.kube.access import Access
from muster.kube.changes import READS, Change, made, target_of
from muster.kube.errors import ApiError
from muster.kube.execution import ExecReader, ExecResult, execute, reading, write
from muster.kube.kubeconfig import write_content
from muster.kube.proxied import Answer, Request, is_refusal, port_named, proxied
from muster.wire.names import KINDS, Kind

Object = dict[str, Any]
REVIEWS = "/apis/authorization.k8s.io/"  # what is asked there by POST is kept nowhere

MERGE_PATCH = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
STRATEGIC_MERGE_PATCH = "application/strategic-merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"

# Parts of muster, as an audit log is told: a recovery procedure, whoever looks after a release or takes it back, and
# what is looked at before anything is done.
PROCEDURE = "procedure"
RELEASE = "release"
CHECK = "check"


class _Asking(httpx.Auth):
    """Puts into each request who asks: not before, so that no traceback with its variables shows a credential."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers = httpx.Headers([*request.headers.raw, *self._access.headers()])
        yield request


class Cluster:
    """One context of one kubeconfig, for several threads; a context manager that closes its connections."""

    def __init__(
        self,
        access: Access,
        *,
        kubeconfig: Path | None,
        content: Mapping[str, Any],
        embedded: bool,
        timeout: float = 10.0,
    ) -> None:
        """`content` is that of a kubeconfig with a single context, `kubeconfig` its file, if there is one; `timeout`
        bounds each request, in s."""
        self.access = access
        self.context = str(content["current-context"])
        self.embedded = embedded
        self._kubeconfig, self._content = kubeconfig, content
        self._http = httpx.Client(
            base_url=access.server,
            auth=_Asking(access),
            verify=access.tls,
            timeout=httpx.Timeout(timeout),
            proxy=access.proxy,
            trust_env=False,
            limits=httpx.Limits(max_keepalive_connections=8),
        )
        self._agent = f"muster/{__version__}"
        self._tell: Callable[[Change], None] | None = None
        self._only_looks = False
        self.told: dict[str, dict[Any, float]] = {}  # what whoever asks remembers of its answers, and since when

    def observed(self, tell: Callable[[Change], None]) -> Self:
        """The same cluster over the same connections, which tells of every change that is made through it."""
        twin = copy.copy(self)
        twin._tell = tell  # noqa: SLF001 - its own kind
        return twin

    def unobserved(self) -> Self:
        """The same cluster, of whose changes nobody is told: what is kept about a procedure is not its doing."""
        twin = copy.copy(self)
        twin._tell = None  # noqa: SLF001 - its own kind
        return twin

    def looking(self) -> Self:
        """The same cluster over the same connections, on which nothing can be changed through it."""
        twin = copy.copy(self)
        twin._only_looks = True  # noqa: SLF001 - its own kind
        return twin

    def asking_as(self, part: str) -> Self:
        """The same cluster over the same connections, whose audit log is told which part of muster asks."""
        twin = copy.copy(self)
        twin._agent = f"muster/{__version__} ({part})"  # noqa: SLF001 - its own kind
        return twin

    @property
    def kubeconfig(self) -> Path:
        """The file with this single context, for another process.

        Raises:
            UsageError: there is none.
        """
        if self._kubeconfig is None:
            raise UsageError(f"no file holds context '{self.context}' for another process to read")
        return self._kubeconfig

    def write_kubeconfig(self, target: Path) -> Path:
        """Write a file by which another process reaches this cluster, whatever has become of the one that it was read
        from: that may have gone with the session it was made for. It holds credentials, as for `isolated_kubeconfig`.
        """
        return write_content(self._content, target)

    @property
    def server(self) -> str:
        """The API server's address, without what may stand before an `@` in it."""
        scheme, mark, rest = self.access.server.partition("://")
        return f"{scheme}{mark}{rest.rpartition('@')[2]}"

    @property
    def evidence(self) -> str:
        """What a verdict gained here proves: `rehearsal` (embedded cluster) or `cluster`."""
        return "rehearsal" if self.embedded else "cluster"

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        content_type: str = "application/json",
        timeout: float | None = None,
    ) -> httpx.Response:
        """Send one request and return the answer, whose status is a success.

        Raises:
            ApiError: the server answered with a failure.
            ClusterError: it did not answer.
            RefusedError: it changes something, and this is a cluster to look at (`looking`).
        """
        tries = bool((query or {}).get("dryRun"))
        if self._only_looks and method not in READS and not tries and not path.startswith(REVIEWS):
            raise RefusedError(f"refused: {method} {path} changes the cluster, which is only to be looked at here")
        target = target_of(path) if self._tell and method not in READS and not tries else None
        before = self._present(path) if target and method in ("PUT", "PATCH") else None
        response = self._send(method, path, query=query, body=body, content_type=content_type, timeout=timeout)
        if self._tell and target:
            for change in made(method, target, before, _object(response)):
                self._tell(change)
        return response

    def _present(self, path: str) -> Object | None:
        """What a path shows now; None where it shows nothing, which is no reason not to change it."""
        try:
            return _object(self._send("GET", path))
        except ClusterError:
            return None

    def _send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        content_type: str = "application/json",
        timeout: float | None = None,
    ) -> httpx.Response:
        headers, content = {"Accept": "application/json"}, None
        if body is not None:
            content, headers["Content-Type"] = json.dumps(body).encode(), content_type
        response = self._exchange(method, path, query=query, headers=headers, content=content, timeout=timeout)
        if response.is_error:
            raise _api_error(response)
        return response

    def _exchange(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None,
        headers: Mapping[str, str],
        content: bytes | None,
        timeout: float | None,
        whom: str = "",
    ) -> httpx.Response:
        """The answer to one request, whatever its status; `whom` the cluster has it from, where that is another.

        Raises ClusterError where there is none.
        """
        try:
            return self._http.request(
                method,
                path,
                params=query,
                content=content,
                headers={**headers, "User-Agent": self._agent},
                extensions=self.access.extensions,
                timeout=timeout if timeout is not None else httpx.USE_CLIENT_DEFAULT,
            )
        except httpx.HTTPError as error:
            cluster = f"the cluster of context '{self.context}' at {self.access.server}"
            raise ClusterError(
                f"{f'{whom}, asked by way of {cluster},' if whom else cluster} does not answer: "
                f"{str(error) or type(error).__name__}"
            ) from None

    def get(self, kind: str, name: str, namespace: str | None = None) -> Object:
        """One object.

        Raises:
            ApiError: with code 404 where there is none.
        """
        return _object(self.request("GET", _kind(kind).path(namespace, name)))

    def find(self, kind: str, name: str, namespace: str | None = None) -> Object | None:
        """One object, or None where there is none."""
        try:
            return self.get(kind, name, namespace)
        except ApiError as error:
            if error.code == 404:
                return None
            raise

    def list(self, kind: str, namespace: str | None = None, *, labels: str = "", fields: str = "") -> list[Object]:
        """The objects of a kind that match a label selector and a field selector."""
        query = {"labelSelector": labels, "fieldSelector": fields}
        answer = _object(self.request("GET", _kind(kind).path(namespace), query={k: v for k, v in query.items() if v}))
        return [{"kind": kind, "apiVersion": _kind(kind).api, **item} for item in answer.get("items", [])]

    def create(self, body: Object, namespace: str | None = None) -> Object:
        """Create an object of the kind named in `body`."""
        return _object(self.request("POST", _kind(body["kind"]).path(namespace), body=body))

    def replace(self, body: Object, namespace: str | None = None, *, trying: bool = False) -> Object:
        """Replace an object; with a resourceVersion in it, only if nobody changed it since (else ApiError 409).

        `trying` changes nothing: the answer is what the object would be then, all defaults filled in.
        """
        path = _kind(body["kind"]).path(namespace, body["metadata"]["name"])
        return _object(self.request("PUT", path, query={"dryRun": "All"} if trying else None, body=body))

    def patch(
        self,
        kind: str,
        name: str,
        namespace: str | None,
        patch: Any,
        *,
        content_type: str = MERGE_PATCH,
        sub: str | None = None,
    ) -> Object:
        """Patch an object or its subresource `sub`, by default with a JSON merge patch (RFC 7386)."""
        path = _kind(kind).path(namespace, name, sub)
        return _object(self.request("PATCH", path, body=patch, content_type=content_type))

    def delete(
        self,
        kind: str,
        name: str,
        namespace: str | None = None,
        *,
        grace_s: int | None = None,
        missing_ok: bool = True,
        version: str | None = None,
    ) -> bool:
        """Delete an object; returns whether there was one. `grace_s` 0 kills a pod without grace; with a `version` only
        if nobody has changed it since.

        Raises:
            ApiError: with code 404 where there is none and `missing_ok` is false; 409 where it is of another version.
        """
        options: Object = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background"}
        if grace_s is not None:
            options["gracePeriodSeconds"] = grace_s
        if version is not None:
            options["preconditions"] = {"resourceVersion": version}
        try:
            self.request("DELETE", _kind(kind).path(namespace, name), body=options)
        except ApiError as error:
            if error.code == 404 and missing_ok:
                return False
            raise
        return True

    def scale(self, kind: str, name: str, namespace: str, replicas: int) -> None:
        """Set the number of replicas of a Deployment or StatefulSet."""
        self.patch(kind, name, namespace, {"spec": {"replicas": replicas}}, sub="scale")

    def logs(
        self, pod: str, namespace: str, *, container: str | None = None, previous: bool = False, tail: int = 50
    ) -> str:
        """The last `tail` lines that a container wrote, or that its previous instance wrote."""
        query = {"tailLines": str(tail), "previous": str(previous).lower()}
        if container:
            query["container"] = container
        return self.request("GET", _kind("Pod").path(namespace, pod, "log"), query=query).text

    def ask_pod(
        self,
        pod: str,
        namespace: str,
        port: int | str | None,
        path: str = "/",
        **request: Unpack[Request],
    ) -> Answer:
        """What a pod answers to a request that the API server passes on (`pods/proxy`), whatever its status.

        `port` is a number, the name that a container has for one, or None: the first that a container declares.

        Raises:
            ApiError: the API server itself refused: 403 there is no right to ask, 404 there is no such pod, 503 it
                could not be reached.
            ClusterError: the API server did not answer, or no container has a port of this name.
            RefusedError: the request may change something, and this is a cluster to look at (`looking`).
        """
        if isinstance(port, str):
            port = port_named(self.get("Pod", pod, namespace), port)
        return self._ask(Change("ask", f"Pod/{pod}"), _kind("Pod").path(namespace, proxied(pod, port, path)), request)

    def ask_service(
        self,
        service: str,
        namespace: str,
        port: int | str | None,
        path: str = "/",
        **request: Unpack[Request],
    ) -> Answer:
        """What one of a Service's ready pods, drawn by the API server, answers to a request that is passed on to it
        (`services/proxy`), whatever its status.

        `port` is the Service's, a number or a name; None is the one that has no name. Raises what `ask_pod` raises,
        ApiError 503 also where no pod is ready.
        """
        way = _kind("Service").path(namespace, proxied(service, port, path))
        return self._ask(Change("ask", f"Service/{service}"), way, request)

    def _ask(self, change: Change, way: str, request: Request) -> Answer:
        method = request.get("method", "GET")
        if self._only_looks and method not in READS:
            raise RefusedError(f"refused: {method} {way} may change something, and is only to be looked at here")
        response = self._exchange(
            method,
            way,
            query=request.get("query"),
            headers=request.get("headers", {}),
            content=request.get("body"),
            timeout=request.get("timeout"),
            whom=change.object,
        )
        if is_refusal(response):
            raise _api_error(response)
        if self._tell and method not in READS:
            self._tell(change)
        return Answer(response.status_code, response.content, dict(response.headers))

    def execute(
        self, pod: str, namespace: str, command: Sequence[str], *, container: str | None = None, timeout: float = 10.0
    ) -> ExecResult:
        """Run a command in a container and wait for its end.

        Raises:
            ClusterError: it could not be run, or did not end within `timeout` seconds.
        """
        path, what = _kind("Pod").path(namespace, pod, "exec"), f"'{' '.join(command)}' in pod {pod}"
        result = execute(self.access, path, command, container=container, within=timeout, what=what, agent=self._agent)
        if self._tell:
            self._tell(Change("execute", f"Pod/{pod}"))
        return result

    @contextmanager
    def read_from(
        self, pod: str, namespace: str, command: Sequence[str], *, container: str | None = None, idle: float = 30.0
    ) -> Iterator[ExecReader]:
        """Run a command in a container and read what it prints, as a file; it may be silent for `idle` seconds.

        Raises:
            ClusterError: it could not be run. Reading raises it too: it failed, broke off, or was silent too long.
        """
        path, what = _kind("Pod").path(namespace, pod, "exec"), f"'{command[0]}' in pod {pod}"
        with reading(
            self.access, path, command, container=container, idle=idle, what=what, agent=self._agent
        ) as reader:
            if self._tell:
                self._tell(Change("execute", f"Pod/{pod}"))
            yield reader

    def write_to(
        self,
        pod: str,
        namespace: str,
        command: Sequence[str],
        chunks: Iterable[bytes],
        *,
        container: str | None = None,
        idle: float = 30.0,
    ) -> ExecResult:
        """Run a command in a container with `chunks` on its standard input, whose end it must know by itself.

        Raises:
            ClusterError: it could not be run, or nothing moved for `idle` seconds.
        """
        path, what = _kind("Pod").path(namespace, pod, "exec"), f"'{command[0]}' in pod {pod}"
        result = write(self.access, path, command, chunks, container=container, idle=idle, what=what, agent=self._agent)
        if self._tell:
            self._tell(Change("execute", f"Pod/{pod}"))
        return result

    def watch(self, kind: str, namespace: str | None, *, seconds: float) -> Iterator[tuple[str, Object]]:
        """(type, object) of each change of a kind, beginning with what is there, for about so many seconds."""
        query = {"watch": "1", "timeoutSeconds": str(max(int(seconds), 1))}
        try:
            with self._http.stream(
                "GET",
                _kind(kind).path(namespace),
                params=query,
                headers={"Accept": "application/json", "User-Agent": self._agent},
                extensions=self.access.extensions,
                timeout=httpx.Timeout(10, read=seconds + 5),
            ) as response:
                if response.is_error:
                    response.read()
                    raise _api_error(response)
                for line in response.iter_lines():
                    event = json.loads(line)
                    yield event["type"], event["object"]
        except httpx.HTTPError as error:
            raise ClusterError(f"watching {kind} in context '{self.context}' broke off: {error}") from None

    def version(self) -> str:
        """The server's version, as in `v1.36.0`.

        Raises:
            ClusterError: the cluster does not answer.
        """
        return str(_object(self.request("GET", "/version", timeout=5.0)).get("gitVersion", "unknown"))

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _kind(name: str) -> Kind:
    try:
        return KINDS[name]
    except KeyError:
        raise UsageError(f"kind '{name}' is not known to muster (known: {', '.join(sorted(KINDS))})") from None


def _object(response: httpx.Response) -> Object:
    try:
        answer = response.json()
    except ValueError as error:
        raise ClusterError(f"{response.request.method} {response.request.url} did not answer with JSON") from error
    if not isinstance(answer, dict):
        raise ClusterError(f"{response.request.method} {response.request.url} did not answer with an object")
    return answer


def _api_error(response: httpx.Response) -> ApiError:
    reason, message = "", response.text[:300]
    try:
        status = response.json()
        reason, message = status.get("reason", ""), status.get("message", message)
    except (ValueError, AttributeError):
        pass
    request = f"{response.request.method} {response.request.url.path}"
    return ApiError(f"{request}: {message or response.reason_phrase}", code=response.status_code, reason=reason)
