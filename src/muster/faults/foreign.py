"""The activities of `chaosk8s` ask the cluster as muster does: with the same credentials, in the same name.

`chaosk8s` reads the kubeconfig itself, with the official client, which knows no impersonation and lets a failing exec
plugin pass. In an experiment's process, which is ours alone, it gets a client that is made from the guarded connection.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import websocket
from kubernetes import client, config
from kubernetes.client.rest import RESTClientObject
from kubernetes.stream import ws_client
from urllib3 import HTTPHeaderDict

from muster.kube import Access
from muster.kube.access import in_memory
from muster.kube.identity import Header


class _Acting(RESTClientObject):
    """Says with each request in whose name it is made."""

    def __init__(self, configuration: client.Configuration, acting: Sequence[Header]) -> None:
        super().__init__(configuration)
        self._acting = acting

    def request(self, method: Any, url: Any, headers: Any = None, *more: Any, **options: Any) -> Any:
        said = HTTPHeaderDict(headers or {})
        for name, value in self._acting:
            said.add(name.decode(), value.decode("latin-1"))
        return super().request(method, url, said, *more, **options)  # type: ignore[no-untyped-call]


@contextmanager
def official_clients(access: Access) -> Iterator[None]:
    """Within this block every official client that this process makes is one of `access`.

    Raises:
        UsageError, ClusterError: a credential of it cannot be had.
    """
    with ExitStack() as stack:
        configuration = _configuration(access, stack)
        # What `chaosk8s` does with the environment's proxies it does to the default, which nobody uses.
        for holder, name, ours in (
            (client.Configuration, "_default", client.Configuration()),
            (config, "load_kube_config", _loaded),
            (client, "ApiClient", partial(_client, client.ApiClient, configuration, access.identity.acting)),
            (ws_client, "WebSocket", partial(_socket, websocket.WebSocket, access.identity.acting)),
        ):
            stack.callback(setattr, holder, name, getattr(holder, name))
            setattr(holder, name, ours)
        yield


def _loaded(*_: Any, **__: Any) -> None:
    """Stands for the reading of a kubeconfig, which was read."""


def _client(kind: Any, configuration: client.Configuration, acting: Sequence[Header], *_: Any, **__: Any) -> Any:
    made = kind(configuration)
    made.rest_client = _Acting(configuration, acting)
    return made


def _socket(kind: Any, acting: Sequence[Header], **options: Any) -> Any:
    """A socket for an exec: of all headers the official client lets through only those that it knows."""
    made = kind(**options)
    made.connect = partial(_connect, made.connect, [f"{name.decode()}: {value.decode()}" for name, value in acting])
    return made


def _connect(connect: Any, more: list[str], url: str, **options: Any) -> None:
    connect(url, **{**options, "header": [*options.get("header", []), *more]})


def _configuration(access: Access, stack: ExitStack) -> client.Configuration:
    """What the official client knows of an access; certificates lie in memory for as long as `stack` lasts."""
    made = client.Configuration()
    made.host, made.verify_ssl, made.tls_server_name = access.server, access.verifies, access.server_name
    made.proxy, made.no_proxy = access.proxy, None
    if access.authority:
        made.ssl_ca_cert = stack.enter_context(in_memory(access.authority))
    if (pair := access.identity.pair) is not None:
        made.cert_file, made.key_file = (stack.enter_context(in_memory(part)) for part in pair)

    def renew(configuration: client.Configuration) -> None:
        if (authorization := access.authorization()) is not None:
            configuration.api_key["BearerToken"] = authorization

    renew(made)
    made.refresh_api_key_hook = renew  # type: ignore[assignment]
    return made
