"""Every procedure that a test of this folder runs asks of the API server only what it declares that it needs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from muster.kube import Cluster
from muster.recovery import procedures
from muster.recovery.needs import needs_of
from muster.safety.rights import EXEC, REVIEWS, Right
from muster.steps import log as log_module

VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
# What makes a sentence better where it may be read, and is not needed.
OPTIONAL = {Right("get", "pods", sub="log"), Right("list", "events")}


def right_of(method: str, path: str) -> Right:
    """The right that a request of one object or of a collection needs."""
    parts = path.strip("/").split("/")
    if "namespaces" not in parts:
        return Right(method, path)  # of the whole cluster, which no procedure declares
    group = parts[1] if parts[0] == "apis" else ""
    resource, name, sub = (*parts[parts.index("namespaces") + 2 :], "", "", "")[:3]
    verb = VERBS.get(method, "get" if name else "list")
    return Right(verb, resource, group, sub)


@pytest.fixture(autouse=True)
def entitled(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    running: list[tuple[str, frozenset[Right]]] = []
    lacking: list[str] = []
    request, execute = Cluster.request, Cluster.execute
    began, ended = log_module.Log.began, log_module.Log.ended

    def use(*needed: Right) -> None:
        for name, declared in running[-1:]:
            lacking.extend(f"{name}: {right}" for right in needed if right not in declared | OPTIONAL)

    def asked(self: Cluster, method: str, path: str, **more: Any) -> Any:
        if running and path != REVIEWS:
            use(right_of(method, path))
        return request(self, method, path, **more)

    def executed(self: Cluster, *arguments: Any, **more: Any) -> Any:
        use(*EXEC)
        return execute(self, *arguments, **more)

    def begins(log: log_module.Log) -> None:
        known = {one.name: one for one in procedures()}
        if log._procedure in known:
            running.append((log._procedure, needs_of(known[log._procedure], log._context)))
        began(log)

    def ends(log: log_module.Log, why: str) -> None:
        running.clear()
        ended(log, why)

    monkeypatch.setattr(Cluster, "request", asked)
    monkeypatch.setattr(Cluster, "execute", executed)
    monkeypatch.setattr(log_module.Log, "began", begins)
    monkeypatch.setattr(log_module.Log, "ended", ends)
    yield
    assert not lacking, f"asked of the API server without being declared as needed: {sorted(set(lacking))}"
