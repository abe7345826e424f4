"""The rules of the Gateway API among several fields: what its definitions say in CEL.

By type, in the form of `schema.custom`: when a rule is broken, and what is said then. Values have passed their bounds.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import Any

from muster.embedded.objects import Object

Rule = tuple[Callable[[Any], bool], str]

_PATH = re.compile(r"(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|[%][0-9a-fA-F]{2})+", re.ASCII)
_TOO_MANY_MATCHES = (
    "While 16 rules and 64 matches per rule are allowed, the total number of matches across all rules in a route must "
    "be less than 128"
)
_PLAIN = ("Exact", "PathPrefix")
_UNTLS, _UNNAMED = ("HTTP", "TCP", "UDP"), ("TCP", "UDP")
_FILTERS = {
    "CORS": "cors",
    "RequestHeaderModifier": "requestHeaderModifier",
    "ResponseHeaderModifier": "responseHeaderModifier",
    "RequestMirror": "requestMirror",
    "RequestRedirect": "requestRedirect",
    "URLRewrite": "urlRewrite",
    "ExtensionRef": "extensionRef",
}


def _repeats(*of: str) -> Callable[[list[Object]], bool]:
    """Whether two elements have the same in all these fields."""
    return lambda items: max(Counter(tuple(item.get(field) for field in of) for item in items).values(), default=0) > 1


def _any(broken: Callable[[Object], bool]) -> Callable[[list[Object]], bool]:
    return lambda items: any(map(broken, items))


def _path(message: str, broken: Callable[[str], bool]) -> Rule:
    """A rule of paths that are no regular expressions."""
    return (
        lambda path: path.get("type") in _PLAIN and broken(path.get("value", "")),
        f"{message} when type one of ['Exact', 'PathPrefix']",
    )


def _union(kind: str, field: str) -> list[Rule]:
    """A filter has the field of its type, and no other."""
    return [
        (
            lambda given: field in given and given.get("type") != kind,
            f"filter.{field} must be nil if the filter.type is not {kind}",
        ),
        (
            lambda given: field not in given and given.get("type") == kind,
            f"filter.{field} must be specified for {kind} filter.type",
        ),
    ]


def _once(kind: str) -> Rule:
    return (
        lambda filters: sum(found.get("type") == kind for found in filters) > 1,
        f"{kind} filter cannot be repeated",
    )


def _has(kind: str, filters: list[Object] | None) -> bool:
    return any(found.get("type") == kind for found in filters or ())


def _parents(parents: list[Object]) -> Counter[tuple[Any, ...]]:
    return Counter(tuple(ref.get(name) or "" for name in ("group", "kind", "namespace", "name")) for ref in parents)


def _unnamed_sections(parents: list[Object]) -> bool:
    """Whether of several references to one parent some say a section and some do not."""
    kinds = {
        (*(ref.get(name) or "" for name in ("group", "kind", "namespace", "name")), bool(ref.get("sectionName")))
        for ref in parents
    }
    return len(kinds) > len(_parents(parents))


_TO_PARENT = ("group", "kind", "namespace", "name", "sectionName")

RULES: dict[str, list[Rule]] = {
    "[GatewayListener]": [
        (
            _any(lambda one: one["protocol"] in _UNTLS and "tls" in one),
            "tls must not be specified for protocols ['HTTP', 'TCP', 'UDP']",
        ),
        (
            _any(
                lambda one: one["protocol"] == "HTTPS" and one.get("tls", {}).get("mode", "") not in ("", "Terminate")
            ),
            "tls mode must be Terminate for protocol HTTPS",
        ),
        (
            _any(lambda one: one["protocol"] == "TLS" and not one.get("tls", {}).get("mode")),
            "tls mode must be set for protocol TLS",
        ),
        (
            _any(lambda one: one["protocol"] in _UNNAMED and bool(one.get("hostname"))),
            "hostname must not be specified for protocols ['TCP', 'UDP']",
        ),
        (_repeats("name"), "Listener name must be unique within the Gateway"),
        (
            _repeats("port", "protocol", "hostname"),
            "Combination of port, protocol and hostname must be unique for each listener",
        ),
    ],
    "GatewayListenerTLS": [
        (
            lambda tls: tls.get("mode") == "Terminate" and not tls.get("certificateRefs") and not tls.get("options"),
            "certificateRefs or options must be specified when mode is Terminate",
        )
    ],
    "[HTTPRouteParent]": [
        (
            _unnamed_sections,
            "sectionName must be specified when parentRefs includes 2 or more references to the same parent",
        ),
        (
            _repeats(*_TO_PARENT),
            "sectionName must be unique when parentRefs includes 2 or more references to the same parent",
        ),
    ],
    "[HTTPRouteRule]": [
        (
            lambda rules: sum(len(rule.get("matches") or ()) for rule in rules) > 128,
            _TOO_MANY_MATCHES,
        )
    ],
    "HTTPRouteRule": [
        (
            lambda rule: bool(rule.get("backendRefs")) and _has("RequestRedirect", rule.get("filters")),
            "RequestRedirect filter must not be used together with backendRefs",
        )
    ],
    "HTTPRouteBackend": [
        (
            lambda ref: not ref["group"] and ref["kind"] == "Service" and "port" not in ref,
            "Must have port for Service reference",
        )
    ],
    "HTTPRouteFilter": [rule for kind, field in _FILTERS.items() for rule in _union(kind, field)],
    "[HTTPRouteFilter]": [
        (
            lambda filters: _has("RequestRedirect", filters) and _has("URLRewrite", filters),
            "May specify either httpRouteFilterRequestRedirect or httpRouteFilterRequestRewrite, but not both",
        ),
        *map(_once, ("RequestHeaderModifier", "ResponseHeaderModifier", "RequestRedirect", "URLRewrite", "CORS")),
    ],
    "HTTPRoutePath": [
        _path("value must be an absolute path and start with '/'", lambda value: not value.startswith("/")),
        *(
            _path(f"must not contain '{part}'", lambda value, part=part: part in value)  # type: ignore[misc]
            for part in ("//", "/./", "/../", "%2f", "%2F", "#")
        ),
        *(
            _path(f"must not end with '{end}'", lambda value, end=end: value.endswith(end))  # type: ignore[misc]
            for end in ("/..", "/.")
        ),
        (
            lambda path: path.get("type") in _PLAIN and not _PATH.fullmatch(path.get("value", "")),
            f"must only contain valid characters (matching ^{_PATH.pattern}$) for types ['Exact', 'PathPrefix']",
        ),
    ],
}
