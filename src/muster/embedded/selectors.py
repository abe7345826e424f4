"""Label and field selectors, as they stand in queries and in the selectors of objects."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from muster.embedded.objects import Object, labels_of
from muster.embedded.status import StatusError, bad_request

LabelTest = Callable[[dict[str, str]], bool]

_KEY = r"[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?(?:/[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?)?"
_VALUE = r"(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?)?"
_SET = re.compile(rf"({_KEY})\s+(in|notin)\s*\(\s*({_VALUE}(?:\s*,\s*{_VALUE})*)\s*\)\s*")
_COMPARE = re.compile(rf"({_KEY})\s*(==|=|!=)\s*({_VALUE})\s*")
_EXISTS = re.compile(rf"(!?)\s*({_KEY})\s*")


def parse_labels(text: str) -> LabelTest:
    """A test of an object's labels for a selector such as `a=b,c!=d,e in (f,g),!h`. Raises `StatusError` 400."""
    tests: list[LabelTest] = []
    rest = text.strip()
    while rest:
        found = _SET.match(rest) or _COMPARE.match(rest) or _EXISTS.match(rest)
        if not found or (found.end() < len(rest) and rest[found.end()] != ","):
            raise bad_request(f"unable to parse requirement: found '{rest[:20]}' in label selector '{text}'")
        tests.append(_requirement(found))
        rest = rest[found.end() + 1 :].lstrip()
    return lambda labels: all(test(labels) for test in tests)


def _requirement(found: re.Match[str]) -> LabelTest:
    if found.re is _EXISTS:
        absent, key = found.groups()
        return lambda labels: (key in labels) != bool(absent)
    key, operator, text = found.groups()
    if found.re is _COMPARE:
        return _membership(key, {text}, negated=operator == "!=")
    return _membership(key, set(re.split(r"\s*,\s*", text)), negated=operator == "notin")


def _membership(key: str, values: set[str], *, negated: bool) -> LabelTest:
    if negated:
        return lambda labels: labels.get(key) not in values
    return lambda labels: labels.get(key) in values


def from_object(selector: dict[str, Any] | None) -> LabelTest:
    """A test for a `LabelSelector` of an object (matchLabels, matchExpressions); None selects nothing."""
    if selector is None:
        return lambda _labels: False
    tests: list[LabelTest] = [
        _membership(key, {value}, negated=False) for key, value in (selector.get("matchLabels") or {}).items()
    ]
    for expression in selector.get("matchExpressions") or ():
        key, operator = expression["key"], expression["operator"]
        if operator in ("Exists", "DoesNotExist"):
            tests.append(_existence(key, wanted=operator == "Exists"))
        else:
            tests.append(_membership(key, set(expression.get("values") or ()), negated=operator == "NotIn"))
    return lambda labels: all(test(labels) for test in tests)


def _existence(key: str, *, wanted: bool) -> LabelTest:
    return lambda labels: (key in labels) == wanted


def to_text(selector: dict[str, Any] | None) -> str:
    """A `LabelSelector` as it stands in a query: `app=web`."""
    parts = [f"{key}={value}" for key, value in sorted(((selector or {}).get("matchLabels") or {}).items())]
    for expression in (selector or {}).get("matchExpressions") or ():
        key, operator, values = expression["key"], expression["operator"], ",".join(expression.get("values") or ())
        parts.append(
            {"Exists": key, "DoesNotExist": f"!{key}", "In": f"{key} in ({values})"}.get(
                operator, f"{key} notin ({values})"
            )
        )
    return ",".join(parts)


FIELDS = {
    "Pod": (
        "spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName",
        "spec.hostNetwork", "status.phase", "status.podIP", "status.nominatedNodeName",
    ),
    "Event": (
        "involvedObject.kind", "involvedObject.namespace", "involvedObject.name", "involvedObject.uid",
        "involvedObject.apiVersion", "involvedObject.resourceVersion", "involvedObject.fieldPath",
        "reason", "reportingComponent", "source", "type",
    ),
    "Node": ("spec.unschedulable",),
    "Namespace": ("status.phase",),
    "Secret": ("type",),
    "ReplicaSet": ("status.replicas",),
    "Job": ("status.successful",),
    "Service": ("spec.clusterIP", "spec.type"),
}  # fmt: skip


def parse_fields(text: str, kind: str) -> Callable[[Object], bool]:
    """A test of objects of one kind for `metadata.name=x,status.phase!=y`. Raises `StatusError` 400."""
    tests: list[Callable[[Object], bool]] = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        found = re.fullmatch(r"([\w.]+)\s*(==|=|!=)\s*(.*)", part)
        if not found:
            raise bad_request(f"invalid selector: '{text}'; can't understand '{part}'")
        field, operator, value = found.groups()
        if field not in ("metadata.name", "metadata.namespace", *FIELDS.get(kind, ())):
            raise _unsupported(field)
        tests.append(_field_test(field, value, negated=operator == "!="))
    return lambda obj: all(test(obj) for test in tests)


def _unsupported(field: str) -> StatusError:
    return bad_request(f'field label not supported: "{field}"')


def _field_test(field: str, value: str, *, negated: bool) -> Callable[[Object], bool]:
    path = field.split(".")

    def test(obj: Object) -> bool:
        found: Any = obj
        for step in path:
            found = found.get(step) if isinstance(found, dict) else None
        if isinstance(found, bool):
            found = str(found).lower()
        elif found is None:
            found = "false" if value in ("true", "false") else ""
        return (str(found) == value) != negated

    return test


def combine(labels: str, fields: str, kind: str) -> Callable[[Object], bool] | None:
    """One test for the two selectors of a query; None where both are empty."""
    if not labels and not fields:
        return None
    by_label, by_field = parse_labels(labels), parse_fields(fields, kind)
    return lambda obj: by_label(labels_of(obj)) and by_field(obj)
