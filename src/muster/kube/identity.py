"""As whom a cluster is asked: bearer tokens, passwords, client certificates, and in whose name (impersonation)."""

from __future__ import annotations

import base64
import re
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from muster.base.errors import ClusterError, UsageError
from muster.kube.entries import UserEntry, header_value, pem_of
from muster.kube.plugin import WITHIN_S, Credential, run_plugin

Header = tuple[bytes, bytes]


class Identity:
    """Who asks, for several threads. Tokens that expire are renewed; those in a file are read anew for each request."""

    def __init__(
        self, user: UserEntry, cluster: Mapping[str, Any], where: str, *, plugin_within: float = WITHIN_S
    ) -> None:
        """`cluster` is what an exec plugin is told; `where` begins the sentence about what is wrong.

        Raises:
            UsageError: the entry cannot be heeded.
            ClusterError: its exec plugin failed.
        """
        self._user, self._cluster, self._where = user, cluster, where
        self._within = plugin_within
        self._lock = threading.Lock()
        self._last_token = ""
        _refuse_unheeded(user, where)
        self.acting = _acting(user, where)
        self._credential = Credential()
        if user.plugin is not None and not user.token and not user.token_file:
            self._credential = self._ask_plugin()
        self.authorization()  # what is wrong is said now, not at the first request

    @property
    def pair(self) -> tuple[bytes, bytes] | None:
        """The client certificate and its key (PEM), or None.

        Raises:
            UsageError: one is without the other, or cannot be read.
        """
        if self._credential.certificate:
            return self._credential.certificate.encode(), self._credential.key.encode()
        user = self._user
        certificate = pem_of(user.certificate_data, user.certificate, "client-certificate", self._where)
        key = pem_of(user.key_data, user.key, "client-key", self._where)
        if bool(certificate) != bool(key):
            raise UsageError(f"{self._where}: 'client-certificate' and 'client-key' go together, and one is missing")
        return (certificate, key) if certificate else None

    def renewed(self) -> bool:
        """Whether a plugin's credential had expired and another one was had.

        Raises:
            ClusterError: the plugin failed.
        """
        with self._lock:
            if self._credential.holds:
                return False
            self._credential = self._ask_plugin()
            return True

    def authorization(self) -> str | None:
        """The value of the header Authorization, or None.

        Raises:
            UsageError: the token's file cannot be read, or holds none.
        """
        user = self._user
        if user.token_file:
            return f"Bearer {self._token_of_file()}"
        if user.token:
            token = header_value(user.token.strip(), f"{self._where}: 'token'")
            return f"Bearer {token}"
        if self._credential.token:
            return f"Bearer {self._credential.token}"
        if user.username or user.password:
            pair = base64.b64encode(f"{user.username}:{user.password}".encode())
            return f"Basic {pair.decode()}"
        return None

    def _token_of_file(self) -> str:
        """The token in its file now; where that cannot be read, as when it is replaced just then, the last one."""
        path = self._user.token_file
        what = f"{self._where}: the token in 'tokenFile' {path}"
        try:
            token = header_value(Path(path).read_text().strip(), what)
        except (OSError, UnicodeDecodeError, UsageError) as error:
            if self._last_token:
                return self._last_token
            if isinstance(error, OSError):
                raise UsageError(f"{self._where}: 'tokenFile' {path} cannot be read: {error.strerror}") from None
            raise UsageError(f"{what} is empty or holds characters that no header may hold") from None
        self._last_token = token
        return token

    def _ask_plugin(self) -> Credential:
        if self._user.plugin is None:
            raise ClusterError(f"{self._where}: its credential has expired")
        return run_plugin(self._user.plugin, self._cluster, self._where, within=self._within)


def _refuse_unheeded(user: UserEntry, where: str) -> None:
    """Refuse what would otherwise be left out silently, so that another one asks than was meant."""
    if user.provider is not None:
        name = user.provider.get("name") if isinstance(user.provider, dict) else None
        called = f"auth-provider '{name}'" if isinstance(name, str) else "an auth-provider"
        raise UsageError(
            f"{where}: {called} is not supported; right would be an exec plugin, such as "
            "gke-gcloud-auth-plugin or kubelogin"
        )
    ways = [
        name
        for name, given in (
            ("token", user.token or user.token_file),
            ("username", user.username or user.password),
        )
        if given
    ]
    if len(ways) > 1:
        raise UsageError(f"{where}: it has a token and a username; right would be one of the two")
    if not user.act_as and (user.act_as_uid or user.act_as_groups or user.act_as_extra):
        raise UsageError(f"{where}: 'as-uid', 'as-groups' and 'as-user-extra' need 'as', which says in whose name")


def _acting(user: UserEntry, where: str) -> tuple[Header, ...]:
    """The headers that say in whose name is asked (impersonation), as the API server reads them."""
    if not user.act_as:
        return ()
    found = [("Impersonate-User", user.act_as)]
    found += [("Impersonate-Uid", user.act_as_uid)] if user.act_as_uid else []
    found += [("Impersonate-Group", group) for group in user.act_as_groups]
    for key, values in user.act_as_extra.items():
        found += [(f"Impersonate-Extra-{quote(key.lower(), safe='!#$&*+^_`|~')}", value) for value in values]
    for name, value in found:
        if not value.strip() or re.search(r"[\x00-\x1f\x7f]", value):
            raise UsageError(f"{where}: what is to stand in {name} is empty or holds control characters")
    return tuple((name.encode(), value.encode()) for name, value in found)
