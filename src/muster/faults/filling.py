"""Filling in what an experiment's configuration takes from its environment, before the experiment is looked at.

Chaos Toolkit fills in `${name}` in the arguments of activities when it runs them. What a fault may do, which rights it
needs and what shows its effect must be known before, so the same is done here, for the effect as well.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from muster.base.errors import UsageError

PLACE = re.compile(r"\$\{(\w+)\}")
# The guarded one stays as it is written: that an activity names it is what is looked at.
KEPT = "namespace"
TYPES: Mapping[str, type] = {"int": int, "float": float, "str": str}
FILLED = ("extensions", "method", "rollbacks")


def filled(content: Any, environment: Mapping[str, str]) -> Any:
    """An experiment's content with what its configuration takes from an environment; a default stands for a variable
    that is not set. What cannot be filled in stays as it is written.

    Raises:
        UsageError: a variable holds something of another type than its `env_var_type`.
    """
    configuration = content.get("configuration") if isinstance(content, Mapping) else None
    if not isinstance(configuration, Mapping):
        return content
    values = {}
    for key, value in configuration.items():
        if key != KEPT and isinstance(value, Mapping) and value.get("type") == "env":
            found = environment.get(str(value.get("key")), value.get("default"))
            if found is not None:
                values[str(key)] = _typed(str(key), found, value.get("env_var_type"))
    return {key: _fill(part, values) if key in FILLED else part for key, part in content.items()}


def _typed(key: str, value: Any, wanted: Any) -> Any:
    kind = TYPES.get(wanted)
    try:
        return value if kind is None else kind(value)
    except (TypeError, ValueError):
        raise UsageError(f"its configuration '{key}' is {value!r}, which is no {wanted}") from None


def _fill(part: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(part, Mapping):
        return {key: _fill(inner, values) for key, inner in part.items()}
    if isinstance(part, list):
        return [_fill(inner, values) for inner in part]
    if not isinstance(part, str):
        return part
    whole = PLACE.fullmatch(part)
    if whole and whole[1] in values:
        return values[whole[1]]
    return PLACE.sub(lambda found: str(values.get(found[1], found[0])), part)
