"""How one cluster is reached: its address, how it shows that it is that one, through which proxy, and who asks."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies_environment, proxy_bypass

from muster.base.errors import ClusterError, UsageError
from muster.kube.entries import (
    ClusterEntry,
    UserEntry,
    pem_of,
    proxy_address,
    proxy_of,
    read_entry,
    server_of,
)
from muster.kube.identity import Header, Identity
from muster.kube.plugin import WITHIN_S


@dataclass(frozen=True)
class Access:
    """What a request to a cluster's API needs.

    `server_name` is the name that the server's certificate must bear where that is not its address; `authority` the
    certificates (PEM) that are trusted in place of the machine's own.
    """

    server: str
    tls: ssl.SSLContext
    identity: Identity
    server_name: str | None = None
    proxy: str | None = None
    authority: bytes = b""

    @property
    def verifies(self) -> bool:
        """Whether the server must show that it is that one."""
        return self.tls.verify_mode is not ssl.CERT_NONE

    def authorization(self) -> str | None:
        """The value of the header Authorization, to be asked for at every request: what expires is renewed.

        Raises:
            UsageError, ClusterError: a credential that has expired cannot be renewed.
        """
        if self.identity.renewed() and self.identity.pair is not None:
            _load_pair(self.tls, self.identity.pair, "the renewed client certificate")
        return self.identity.authorization()

    def headers(self) -> list[Header]:
        """The headers that say who asks and in whose name, to be asked for at every request.

        Raises:
            UsageError, ClusterError: a credential that has expired cannot be renewed.
        """
        authorization = self.authorization()
        said: list[Header] = [(b"Authorization", authorization.encode())] if authorization else []
        return [*said, *self.identity.acting]

    @property
    def extensions(self) -> dict[str, Any]:
        """What httpx must know for each request."""
        return {"sni_hostname": self.server_name} if self.server_name else {}


def access_of(content: Mapping[str, Any], *, embedded: bool = False, plugin_within: float = WITHIN_S) -> Access:
    """The access that a kubeconfig with a single context describes, all of it heeded or refused.

    Raises:
        UsageError: something of it cannot be heeded, or is broken; the message quotes no secret.
        ClusterError: its exec plugin failed.
    """
    where = f"kube context '{content['current-context']}'"
    name, entry = content["clusters"][0]["name"], content["clusters"][0]["cluster"]
    cluster = read_entry(ClusterEntry, entry, f"{where}: cluster '{name}'")
    user = read_entry(UserEntry, content["users"][0]["user"] if content["users"] else {}, f"{where}: its user")
    server = server_of(cluster, where)
    authority = pem_of(cluster.authority_data, cluster.authority, "certificate-authority", where)
    identity = Identity(user, _told(entry), where, plugin_within=plugin_within)
    return Access(
        server,
        _tls(cluster, authority, identity, where),
        identity,
        server_name=cluster.tls_server_name or None,
        # What the environment names leads out, and the embedded cluster is on this machine.
        proxy=None if embedded else proxy_of(cluster, where) or _environment_proxy(server),
        authority=authority,
    )


def access_to(server: str) -> Access:
    """The access to a server that anybody may ask, without more than its address.

    Raises:
        UsageError: it is no address.
    """
    name = "there"
    return access_of(
        {"current-context": name, "clusters": [{"name": name, "cluster": {"server": server}}], "users": []},
        embedded=True,
    )


@contextmanager
def in_memory(content: bytes) -> Iterator[str]:
    """A path at which this process, and none other, finds `content`: a key is never written to a disk."""
    descriptor = os.memfd_create("muster")
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        yield f"/proc/self/fd/{descriptor}"


def _tls(cluster: ClusterEntry, authority: bytes, identity: Identity, where: str) -> ssl.SSLContext:
    if cluster.insecure and authority:
        raise UsageError(f"{where}: 'insecure-skip-tls-verify' and a certificate authority contradict each other")
    try:
        context = ssl.create_default_context(cadata=authority.decode("ascii") if authority else None)
    except (ssl.SSLError, ValueError):
        raise UsageError(f"{where}: 'certificate-authority' holds no certificate in PEM") from None
    if cluster.insecure:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if (pair := identity.pair) is not None:
        _load_pair(context, pair, f"{where}: 'client-certificate' and 'client-key'")
    return context


def _load_pair(context: ssl.SSLContext, pair: tuple[bytes, bytes], what: str) -> None:
    with in_memory(b"\n".join(pair)) as path:
        try:
            context.load_cert_chain(path, password="")  # else a key with a passphrase asks the terminal for it
        except (ssl.SSLError, ValueError):
            raise UsageError(f"{what}: no certificate in PEM with the key that belongs to it") from None


def _told(entry: Mapping[str, Any]) -> dict[str, Any]:
    """What an exec plugin is told of a cluster that it wants to know of."""
    known = ("server", "tls-server-name", "insecure-skip-tls-verify", "certificate-authority-data", "proxy-url")
    told = {key: entry[key] for key in known if entry.get(key)}
    for extension in entry.get("extensions") or []:
        if isinstance(extension, dict) and extension.get("name") == "client.authentication.k8s.io/exec":
            told["config"] = extension.get("extension")
    return told


def _environment_proxy(server: str) -> str | None:
    """The proxy that the environment names for a server, as kubectl takes it."""
    parts, proxies = urlsplit(server), getproxies_environment()
    found = proxies.get(parts.scheme) or proxies.get("all")
    if not found or proxy_bypass(parts.netloc):
        return None
    try:
        return proxy_address(found, "the proxy that the environment names (HTTPS_PROXY, HTTP_PROXY, ALL_PROXY)")
    except UsageError as error:
        raise ClusterError(str(error)) from None
