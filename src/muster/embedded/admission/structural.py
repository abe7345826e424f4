"""Defaults and bounds of custom types, as an API server reads them out of a definition (`schema.custom`)."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from typing import Any

from muster.embedded.admission.gateway_rules import RULES
from muster.embedded.admission.names import bad_value, cause, required
from muster.embedded.admission.values import unsupported
from muster.embedded.objects import Object
from muster.embedded.schema.custom import Custom, custom_types
from muster.embedded.status import Cause


def default_custom(kind: str) -> Callable[[Object], None]:
    """Fills in what was left out of objects of a kind."""

    def fill(obj: Object) -> None:
        _fill(obj.get("spec"), custom_types()[kind]["spec"].shape)

    return fill


_WAITING = {
    "status": "Unknown",
    "reason": "Pending",
    "message": "Waiting for controller",
    "lastTransitionTime": "1970-01-01T00:00:00Z",
}
_FIRST_CONDITIONS = {"GatewayClass": ("Accepted",), "Gateway": ("Accepted", "Programmed")}


def begin_custom(kind: str, obj: Object) -> None:
    """Give a new object the status that its definition says, instead of what it brings."""
    obj.pop("status", None)
    if kind in _FIRST_CONDITIONS:
        obj["status"] = {"conditions": [{"type": name, **_WAITING} for name in _FIRST_CONDITIONS[kind]]}


def _fill(value: Any, shape: str) -> None:
    if shape[0] == "[":
        for item in value or ():
            _fill(item, shape[1:-1])
    elif isinstance(value, dict):
        for name, field in custom_types().get(shape, {}).items():
            if field.default is not None and name not in value:
                value[name] = copy.deepcopy(field.default)
            _fill(value.get(name), field.shape)


def check_custom(kind: str) -> Callable[[Object], list[Cause]]:
    """The check of objects of a kind: bounds first; rules among fields where those are kept."""

    def check(obj: Object) -> list[Cause]:
        fields = {"spec": custom_types()[kind]["spec"]}
        if "spec" not in obj:
            return [required("spec")]
        return _bounds(obj["spec"], fields["spec"], "spec") or _rules(obj["spec"], fields["spec"].shape, "spec")

    return check


def _bounds(value: Any, field: Custom, path: str) -> list[Cause]:
    """What is out of bounds in a value, and below it."""
    shape = field.shape
    if shape[0] == "[":
        inner = Custom(shape[1:-1], pattern=field.pattern)
        causes = _size(value, field, path)
        return causes + [found for i, item in enumerate(value) for found in _bounds(item, inner, f"{path}[{i}]")]
    if shape[0] == "{":
        return _size(value, field, path)
    if shape in custom_types():
        return _struct(value, shape, path)
    if shape == "str":
        return _text(value, field, path)
    return _number(value, field, path) if shape == "int32" else []


def _struct(value: Object, shape: str, path: str) -> list[Cause]:
    causes: list[Cause] = []
    for name, field in custom_types()[shape].items():
        here = f"{path}.{name}"
        if name in value:
            causes += _bounds(value[name], field, here)
        elif field.needed:
            causes.append(required(here))
    return causes


def _size(value: Any, field: Custom, path: str) -> list[Cause]:
    if len(value) < field.least:
        return [bad_value(path, len(value), f"{path} in body should have at least {field.least} items")]
    if field.most is not None and len(value) > field.most:
        return [cause("TooMany", path, f"Too many: {len(value)}: must have at most {field.most} items")]
    return []


def _text(value: str, field: Custom, path: str) -> list[Cause]:
    if field.most is not None and len(value) > field.most:
        return [cause("TooLong", path, f"Too long: may not be more than {field.most} bytes")]
    if len(value) < field.least:
        return [bad_value(path, value, f"{path} in body should be at least {field.least} chars long")]
    if field.pattern and ("\n" in value or not re.search(field.pattern, value, re.ASCII)):
        return [bad_value(path, value, f"{path} in body should match '{field.pattern}'")]
    return [unsupported(path, value, field.choices)] if field.choices and value not in field.choices else []


def _number(value: int, field: Custom, path: str) -> list[Cause]:
    if field.low is not None and value < field.low:
        return [bad_value(path, value, f"{path} in body should be greater than or equal to {field.low}")]
    if field.high is not None and value > field.high:
        return [bad_value(path, value, f"{path} in body should be less than or equal to {field.high}")]
    return []


def _rules(value: Any, shape: str, path: str) -> list[Cause]:
    """What is wrong among the fields of a value, and below it; its rules stand by its type, those of lists as well."""
    causes: list[Cause] = []
    for broken, message in RULES.get(shape, ()):
        if broken(value):
            causes.append(bad_value(path, "array" if shape[0] == "[" else "object", message))
    if shape[0] == "[":
        causes += [found for i, item in enumerate(value) for found in _rules(item, shape[1:-1], f"{path}[{i}]")]
    else:
        for name, field in custom_types().get(shape, {}).items():
            if name in value:
                causes += _rules(value[name], field.shape, f"{path}.{name}")
    return causes
