"""Names of objects: their rules, and the random ends of generated ones."""

from __future__ import annotations

import random
import re

from muster.embedded.objects import Object
from muster.embedded.resources import (
    CLUSTERROLEBINDINGS,
    CLUSTERROLES,
    NAMESPACES,
    ROLEBINDINGS,
    ROLES,
    SERVICES,
    Resource,
)
from muster.embedded.status import Cause

_FREELY_NAMED = (ROLES, ROLEBINDINGS, CLUSTERROLES, CLUSTERROLEBINDINGS)  # by whatever can stand in a path
ALPHABET = "bcdfghjklmnpqrstvwxz2456789"  # as the real one: no vowels, nothing to mistake
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_QUALIFIED = re.compile(r"([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
_SERVICE = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")

_SUBDOMAIN_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
_LABEL_RULE = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
    "an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
_SERVICE_RULE = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, "
    "and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is "
    "'[a-z]([-a-z0-9]*[a-z0-9])?')"
)


def random_suffix(length: int = 5) -> str:
    """The end of a generated name."""
    return "".join(random.choices(ALPHABET, k=length))


def generate_name(base: str) -> str:
    """A name from `generateName`: at most 63 characters with its random end."""
    return base[:58] + random_suffix()


def cause(reason: str, field: str, message: str) -> Cause:
    """One entry of `Status.details.causes`, `reason` without its prefix `FieldValue`."""
    return {"reason": f"FieldValue{reason}", "message": message, "field": field}


def required(field: str, message: str = "Required value") -> Cause:
    return cause("Required", field, message)


def bad_value(field: str, value: object, message: str) -> Cause:
    shown = f'"{value}"' if isinstance(value, str) else str(value)
    return cause("Invalid", field, f"Invalid value: {shown}: {message}")


def check_metadata(resource: Resource, obj: Object) -> list[Cause]:
    """What is wrong with name, labels and annotations."""
    meta = obj["metadata"]
    name = meta.get("name") or ""
    if not name:
        return [required("metadata.name", "Required value: name or generateName is required")]
    if resource in _FREELY_NAMED:
        return _check_segment(name) + check_labels(meta.get("labels"), "metadata.labels")
    causes: list[Cause] = []
    pattern, rule, longest = _SUBDOMAIN, _SUBDOMAIN_RULE, 253
    if resource is NAMESPACES:
        pattern, rule, longest = _LABEL, _LABEL_RULE, 63
    elif resource is SERVICES:
        pattern, rule, longest = _SERVICE, _SERVICE_RULE, 63
    if len(name) > longest:
        causes.append(bad_value("metadata.name", name, f"must be no more than {longest} characters"))
    if not pattern.fullmatch(name):
        causes.append(bad_value("metadata.name", name, rule))
    return causes + check_labels(meta.get("labels"), "metadata.labels")


def _check_segment(name: str) -> list[Cause]:
    if name in (".", ".."):
        return [bad_value("metadata.name", name, f"may not be '{name}'")]
    wrong = [character for character in "/%" if character in name]
    return [bad_value("metadata.name", name, f"may not contain '{character}'") for character in wrong]


def check_labels(labels: dict[str, str] | None, field: str) -> list[Cause]:
    causes: list[Cause] = []
    for key, value in (labels or {}).items():
        if not _QUALIFIED.fullmatch(key):
            causes.append(bad_value(field, key, "name part must consist of alphanumeric characters, '-', '_' or '.'"))
        if not _LABEL_VALUE.fullmatch(value):
            causes.append(
                bad_value(field, value, "a valid label must be at most 63 alphanumeric characters, '-', '_' or '.'")
            )
    return causes


def is_label(name: str) -> bool:
    """Whether this is an RFC 1123 label."""
    return len(name) <= 63 and bool(_LABEL.fullmatch(name))
