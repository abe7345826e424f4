"""Answers of a pod or a Service that came through the API server, told apart from the API server's own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypedDict

import httpx

from muster.base.errors import ClusterError, UsageError

# A refusal that a program in a pod makes itself has another body.
_STATUS = {"kind": "Status", "apiVersion": "v1", "status": "Failure"}


class Request(TypedDict, total=False):
    """What is asked beside the path, all of it optional; `method` is GET where none is named, `timeout` in seconds."""

    method: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    timeout: float


@dataclass(frozen=True)
class Answer:
    """What a pod answered, whatever its status; names of `headers` are in small letters."""

    status: int
    body: bytes
    headers: dict[str, str]

    @property
    def ok(self) -> bool:
        """Whether it is a success: 200 to 299."""
        return 200 <= self.status < 300

    @property
    def text(self) -> str:
        """The body as UTF-8; bytes that are none are shown as such."""
        return self.body.decode(errors="replace")

    def json(self) -> Any:
        """The body's value.

        Raises:
            ClusterError: it is no JSON.
        """
        try:
            return json.loads(self.body)
        except ValueError:
            raise ClusterError(f"what was answered with status {self.status} is no JSON: {self.text[:80]!r}") from None


def proxied(name: str, port: int | str | None, path: str) -> str:
    """The name of an object and what follows it in a path that leads through the API server.

    Raises:
        UsageError: `path` does not begin with a slash, or brings a query.
    """
    if not path.startswith("/") or "?" in path or "#" in path:
        raise UsageError(f"a path to ask for must begin with '/' and have its query apart, is {path!r}")
    return f"{name}/proxy{path}" if port is None else f"{name}:{port}/proxy{path}"


def port_named(pod: Mapping[str, Any], name: str) -> int:
    """The number of the port that a container has this name for: an API server knows of no names of a pod's ports.

    Raises:
        ClusterError: no container has one of this name.
    """
    ports = [port for container in pod["spec"]["containers"] for port in container.get("ports") or ()]
    for port in ports:
        if port.get("name") == name:
            return int(port["containerPort"])
    known = ", ".join(sorted(port["name"] for port in ports if port.get("name"))) or "none"
    raise ClusterError(f"pod {pod['metadata']['name']} has no port named '{name}' (there are: {known})")


def is_refusal(response: httpx.Response) -> bool:
    """Whether the API server itself refused, and not whom the request was for: with a Status of this very code."""
    if not response.is_error or "json" not in response.headers.get("Content-Type", ""):
        return False
    try:
        found = response.json()
    except ValueError:
        return False
    return isinstance(found, dict) and (_STATUS | {"code": response.status_code}).items() <= found.items()
