"""What a kubeconfig says of one cluster and one user, each field of its right type."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from muster.base.errors import UsageError
from muster.base.lines import key_of

M = TypeVar("M", bound="_Entry")


class _Entry(BaseModel):
    # What else stands there is another program's business, as it is to kubectl.
    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)


def _text(value: Any) -> Any:
    return "" if value is None else value


def _list(value: Any) -> Any:
    return [] if value is None else value


def _flag(value: Any) -> Any:
    return value is not None and value


Text = Annotated[str, BeforeValidator(_text)]
Flag = Annotated[bool, BeforeValidator(_flag)]
Texts = Annotated[list[str], BeforeValidator(_list)]


class ClusterEntry(_Entry):
    """Where a cluster is, and how it shows that it is that one."""

    server: Text = ""
    tls_server_name: Text = Field(default="", alias="tls-server-name")
    insecure: Flag = Field(default=False, alias="insecure-skip-tls-verify")
    authority: Text = Field(default="", alias="certificate-authority")
    authority_data: Text = Field(default="", alias="certificate-authority-data")
    proxy_url: Text = Field(default="", alias="proxy-url", repr=False)  # it may hold a password


class Variable(_Entry):
    """A variable of an exec plugin's environment."""

    name: str
    value: Text = Field(default="", repr=False)


class PluginEntry(_Entry):
    """A program that prints credentials (client.authentication.k8s.io)."""

    command: Annotated[str, Field(min_length=1)]
    version: Literal["client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"] = Field(
        alias="apiVersion"
    )
    arguments: Texts = Field(default=[], alias="args")
    environment: Annotated[list[Variable], BeforeValidator(_list)] = Field(default=[], alias="env")
    install_hint: Text = Field(default="", alias="installHint")
    provide_cluster: Flag = Field(default=False, alias="provideClusterInfo")
    interactive: Literal["Never", "IfAvailable", "Always", "", None] = Field(default="", alias="interactiveMode")


class UserEntry(_Entry):
    """Who asks, how that is shown, and as whom."""

    certificate: Text = Field(default="", alias="client-certificate")
    certificate_data: Text = Field(default="", alias="client-certificate-data")
    key: Text = Field(default="", alias="client-key")
    key_data: Text = Field(default="", alias="client-key-data", repr=False)
    token: Text = Field(default="", repr=False)
    token_file: Text = Field(default="", alias="tokenFile")
    username: Text = ""
    password: Text = Field(default="", repr=False)
    plugin: PluginEntry | None = Field(default=None, alias="exec")
    provider: Any = Field(default=None, alias="auth-provider")
    act_as: Text = Field(default="", alias="as")
    act_as_uid: Text = Field(default="", alias="as-uid")
    act_as_groups: Texts = Field(default=[], alias="as-groups")
    act_as_extra: Annotated[dict[str, Texts], BeforeValidator(lambda value: {} if value is None else value)] = Field(
        default={}, alias="as-user-extra"
    )


def read_entry(kind: type[M], content: Mapping[str, Any], where: str) -> M:
    """An entry of a kubeconfig; `where` begins the sentence about what is wrong, which never quotes a value.

    Raises:
        UsageError: a field is not of its type.
    """
    try:
        return kind.model_validate(dict(content))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        key = key_of(first["loc"])
        raise UsageError(f"{where}: '{key}' is wrong: {first['msg'][:1].lower()}{first['msg'][1:]}") from None


def pem_of(data: str, path: str, field: str, where: str) -> bytes:
    """What a field holds in base64 or, where that is empty, the file that another names; empty where neither is.

    Raises:
        UsageError: it is no base64, or cannot be read.
    """
    if data:
        try:
            return base64.b64decode("".join(data.split()), validate=True)
        except (binascii.Error, ValueError):
            raise UsageError(f"{where}: '{field}-data' is not base64") from None
    if not path:
        return b""
    try:
        return Path(path).read_bytes()
    except (OSError, ValueError) as error:
        raise UsageError(f"{where}: '{field}' {path} cannot be read: {_reason(error)}") from None


def server_of(entry: ClusterEntry, where: str) -> str:
    """The server's address, without a slash at its end.

    Raises:
        UsageError: it is none, or holds a password.
    """
    return _address(entry.server, f"{where}: 'server'", "such as https://10.0.0.1:6443").rstrip("/")


def proxy_of(entry: ClusterEntry, where: str) -> str | None:
    """The proxy that leads to the server, or None.

    Raises:
        UsageError: it is no address of an HTTP proxy.
    """
    if not entry.proxy_url:
        return None
    return proxy_address(entry.proxy_url, f"{where}: 'proxy-url'")


def proxy_address(url: str, what: str) -> str:
    """Check the address of a proxy, which may hold a password and is therefore never quoted.

    Raises:
        UsageError: it is none, or that of another kind of proxy.
    """
    return _address(url, what, "an HTTP proxy such as http://proxy.example:3128", password=True)


def header_value(text: str, what: str) -> str:
    """Check what is to stand in a header.

    Raises:
        UsageError: it holds what no header may; it is not quoted, as it may be a secret.
    """
    if not text or not re.fullmatch(r"[!-~]([ -~]*[!-~])?", text):
        raise UsageError(f"{what} is empty or holds characters that no header may hold, such as a line break")
    return text


def _address(url: str, what: str, right: str, *, password: bool = False) -> str:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  (looking at it raises where it is none)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in {"http", "https"} or not parts.hostname or not re.fullmatch(r"[!-~]+", url):
        raise UsageError(f"{what} is no address that can be used; right would be {right}")
    if "@" in parts.netloc and not password:
        raise UsageError(f"{what} holds a user or password; right would be {right}")
    if parts.query or parts.fragment:
        raise UsageError(f"{what} says more than an address; right would be {right}")
    return url


def _reason(error: OSError | ValueError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or "no such name"
