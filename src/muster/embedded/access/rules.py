"""Single rules of Roles: what one allows, whether rules cover others, and how they are put in a message."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import product

from muster.embedded.access.attributes import Attributes
from muster.embedded.objects import Object

ALL = "*"
EVERYTHING: tuple[Object, ...] = (
    {"verbs": [ALL], "apiGroups": [ALL], "resources": [ALL]},
    {"verbs": [ALL], "nonResourceURLs": [ALL]},
)
_FIELDS = (
    ("APIGroups", "apiGroups"),
    ("Resources", "resources"),
    ("NonResourceURLs", "nonResourceURLs"),
    ("ResourceNames", "resourceNames"),
    ("Verbs", "verbs"),
)


def allows(rule: Object, wanted: Attributes) -> bool:
    """Whether a rule allows what is wanted."""
    if not _has(rule, "verbs", wanted.verb):
        return False
    if wanted.path:
        return any(_matches(pattern, wanted.path) for pattern in rule.get("nonResourceURLs") or ())
    names = rule.get("resourceNames")
    return (
        _has(rule, "apiGroups", wanted.group)
        and _names(rule.get("resources") or (), wanted.full_resource)
        and (not names or wanted.name in names)
    )


def missing(held: Iterable[Object], wanted: Iterable[Object]) -> list[Object]:
    """What of some rules is not covered by those that are held, piece by piece."""
    held = list(held)
    return [piece for rule in wanted for piece in _pieces(rule) if not any(_covers(one, piece) for one in held)]


def describe(rules: Iterable[Object]) -> list[str]:
    """Rules as an API server quotes them, sorted; those that differ in their verbs alone are put together."""
    together: dict[str, Object] = {}
    for rule in rules:
        same = json.dumps({name: value for name, value in rule.items() if name != "verbs"}, sort_keys=True)
        found = together.setdefault(same, {**rule, "verbs": []})
        found["verbs"] += rule["verbs"]
    return sorted(_text(rule) for rule in together.values())


def _has(rule: Object, field: str, value: str) -> bool:
    values = rule.get(field) or ()
    return ALL in values or value in values


def _names(resources: Iterable[str], full: str) -> bool:
    """Whether `pods/exec` is among `pods/exec`, `*/exec`, `*`."""
    _, mark, sub = full.partition("/")
    return any(name in (ALL, full) or (mark and name == f"*/{sub}") for name in resources)


def _matches(pattern: str, path: str) -> bool:
    return pattern in (ALL, path) or (pattern.endswith(ALL) and path.startswith(pattern.rstrip(ALL)))


def _pieces(rule: Object) -> Iterator[Object]:
    """A rule as rules of one verb, one resource, one name each."""
    for verb, url in product(rule.get("verbs") or (), rule.get("nonResourceURLs") or ()):
        yield {"nonResourceURLs": [url], "verbs": [verb]}
    names = [{"resourceNames": [name]} for name in rule.get("resourceNames") or ()] or [{}]
    resources = product(rule.get("apiGroups") or (), rule.get("resources") or (), names, rule.get("verbs") or ())
    for group, resource, name, verb in resources:
        yield {"apiGroups": [group], "resources": [resource], **name, "verbs": [verb]}


def _covers(held: Object, piece: Object) -> bool:
    if not _has(held, "verbs", piece["verbs"][0]):
        return False
    if urls := piece.get("nonResourceURLs"):
        return any(_matches(pattern, urls[0]) for pattern in held.get("nonResourceURLs") or ())
    names = held.get("resourceNames")
    wanted = piece.get("resourceNames")
    return (
        _has(held, "apiGroups", piece["apiGroups"][0])
        and _names(held.get("resources") or (), piece["resources"][0])
        and (not names or bool(wanted and wanted[0] in names))
    )


def _text(rule: Object) -> str:
    parts = []
    for title, field in _FIELDS:
        if values := rule.get(field):
            quoted = " ".join(json.dumps(value, ensure_ascii=False) for value in values)
            parts.append(f"{title}:[{quoted}]")
    return "{" + ", ".join(parts) + "}"
