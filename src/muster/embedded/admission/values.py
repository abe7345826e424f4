"""Checks of single values that many types have: ports, addresses, selectors, shares."""

from __future__ import annotations

import ipaddress
import re
from typing import Any

from muster.embedded.admission.names import bad_value, cause, check_labels, required
from muster.embedded.objects import Object
from muster.embedded.status import Cause

_PORT_NAME = re.compile(r"(?=.*[a-z])[a-z0-9]([-a-z0-9]{0,13}[a-z0-9])?", re.ASCII)
_PERCENT = re.compile(r"[0-9]+%", re.ASCII)
_PERCENT_RULE = (
    "a valid percent string must be a numeric value followed by an ending '%' (e.g. '1%',  or '93%', regex used for "
    "validation is '[0-9]+%')"
)


def unsupported(field: str, value: Any, supported: tuple[str, ...]) -> Cause:
    names = ", ".join(f'"{name}"' for name in supported)
    return cause("NotSupported", field, f'Unsupported value: "{value}": supported values: {names}')


def check_port(port: Any, field: str) -> list[Cause]:
    if port is None:
        return [required(field)]
    if not 1 <= port <= 65535:
        return [bad_value(field, port, "must be between 1 and 65535, inclusive")]
    return []


def check_selector(selector: Object, path: str) -> list[Cause]:
    """What is wrong with a `LabelSelector`."""
    causes = check_labels(selector.get("matchLabels"), f"{path}.matchLabels")
    for i, expression in enumerate(selector.get("matchExpressions") or ()):
        here, values = f"{path}.matchExpressions[{i}]", expression.get("values") or []
        operator = expression.get("operator")
        if operator in ("In", "NotIn") and not values:
            message = "Required value: must be specified when `operator` is 'In' or 'NotIn'"
            causes.append(required(f"{here}.values", message))
        elif operator in ("Exists", "DoesNotExist") and values:
            message = "Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
            causes.append(cause("Forbidden", f"{here}.values", message))
        elif operator not in ("In", "NotIn", "Exists", "DoesNotExist"):
            causes.append(bad_value(f"{here}.operator", operator or "", "not a valid selector operator"))
        causes += check_labels({expression.get("key") or "": ""}, f"{here}.key")
    return causes


def check_share(value: Any, field: str) -> list[Cause]:
    """A number of pods, or a part of them in percent."""
    if isinstance(value, int) and value < 0:
        return [bad_value(field, value, "must be greater than or equal to 0")]
    if isinstance(value, str) and not _PERCENT.fullmatch(value):
        return [bad_value(field, value, _PERCENT_RULE)]
    return []


def check_named_port(port: Any, field: str) -> list[Cause]:
    """A port that may be told by its name."""
    if not isinstance(port, str):
        return check_port(port, field)
    if not _PORT_NAME.fullmatch(port):
        return [bad_value(field, port, "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")]
    return []


def check_address(address: Any, field: str) -> list[Cause]:
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return [bad_value(field, address or "", "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)")]
    return []
