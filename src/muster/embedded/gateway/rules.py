"""The rules of routes as the proxy takes them (`proxy.http.routing.Rule`), and in which order they are tried."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from muster.embedded.gateway.backends import Backends
from muster.embedded.objects import Object

_MODIFIERS = {"RequestHeaderModifier": "requestHeaderModifier", "ResponseHeaderModifier": "responseHeaderModifier"}


class Ranked(NamedTuple):
    """A rule with its place among all rules of a port: the least is tried first."""

    rank: tuple[Any, ...]
    rule: Object


def unsupported(route: Object) -> str:
    """What a route asks for that is not to be had here; empty where there is nothing.

    A filter that is not obeyed may be one without which the request must not be passed on, so none is left out.
    """
    for i, rule in enumerate(route["spec"].get("rules") or ()):
        here = f"spec.rules[{i}]"
        if "timeouts" in rule:
            return f"{here}.timeouts: timeouts are not supported"
        lists = [
            (here, rule),
            *((f"{here}.backendRefs[{j}]", ref) for j, ref in enumerate(rule.get("backendRefs") or ())),
        ]
        for path, owner in lists:
            for j, found in enumerate(owner.get("filters") or ()):
                if found["type"] not in _MODIFIERS:
                    return f"{path}.filters[{j}]: {found['type']} is not supported"
        for expression in _expressions(rule):
            try:
                re.compile(expression)
            except re.error as error:
                return f"{here}.matches: the regular expression {expression!r} is not valid: {error}"
    return ""


def _expressions(rule: Object) -> Iterator[str]:
    for match in rule.get("matches") or ():
        conditions = [match["path"], *(match.get("headers") or ()), *(match.get("queryParams") or ())]
        for condition in conditions:
            if condition.get("type") == "RegularExpression":
                yield condition.get("value", "")


def compiled(route: Object, host: str | None, backends: Backends) -> Iterator[Ranked]:
    """The rules of a route for requests to a host (None: to any), one for each match."""
    meta = route["metadata"]
    age = (meta["creationTimestamp"], meta["namespace"], meta["name"])
    for i, rule in enumerate(route["spec"].get("rules") or ()):
        shares = [_backend(meta["namespace"], rule, ref, backends) for ref in rule.get("backendRefs") or ()]
        for j, match in enumerate(rule.get("matches") or ({},)):
            found = _match(match, host)
            yield Ranked((*_rank(found), *age, i, j), {"match": found, "backends": shares})


def _backend(namespace: str, rule: Object, reference: Object, backends: Backends) -> Object:
    filters = [*(rule.get("filters") or ()), *(reference.get("filters") or ())]
    return {
        "weight": reference["weight"],
        "endpoints": backends.places(namespace, reference),
        "request": _modifiers(filters, "RequestHeaderModifier"),
        "response": _modifiers(filters, "ResponseHeaderModifier"),
    }


def _modifiers(filters: list[Object], kind: str) -> list[Object]:
    return [found[_MODIFIERS[kind]] for found in filters if found["type"] == kind]


def _match(match: Object, host: str | None) -> Object:
    path = match.get("path") or {}
    found: Object = {"path": [path.get("type", "PathPrefix"), path.get("value", "/")]}
    if host is not None:
        found["host"] = host
    if "method" in match:
        found["method"] = match["method"]
    for field, name in (("headers", "headers"), ("queryParams", "query")):
        if match.get(field):
            found[name] = [[one["type"], one["name"], one["value"]] for one in match[field]]
    return found


_KINDS = ("Exact", "RegularExpression", "PathPrefix")


def _rank(match: Object) -> tuple[Any, ...]:
    """What the Gateway API orders by: host, path, method, headers, query; the more exact and the longer, the sooner."""
    host, (kind, path) = match.get("host"), match["path"]
    named = (2, 0) if host is None else (int(host.startswith("*")), -len(host))
    conditions = (-len(match.get("headers") or ()), -len(match.get("query") or ()))
    return (*named, _KINDS.index(kind), -len(path), "method" not in match, *conditions)
