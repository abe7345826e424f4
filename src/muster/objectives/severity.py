"""Severities of an emergency and the recovery objectives that come with them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from muster.base.errors import UsageError


@dataclass(frozen=True, slots=True)
class SeverityTargets:
    """What a severity promises. RTO and RPO as in ISO 22301; seconds throughout, None where nothing is promised."""

    rto_s: float
    rpo_s: float
    response: str
    response_s: float | None
    mttr_s: float | None


_MINUTE, _HOUR = 60.0, 3600.0

SEVERITIES: dict[str, SeverityTargets] = {
    "P1": SeverityTargets(15 * _MINUTE, 5 * _MINUTE, "at once", 0.0, 1 * _HOUR),
    "P2": SeverityTargets(1 * _HOUR, 15 * _MINUTE, "within 30 min", 30 * _MINUTE, 4 * _HOUR),
    "P3": SeverityTargets(4 * _HOUR, 30 * _MINUTE, "within 2 h", 2 * _HOUR, None),
    "P4": SeverityTargets(24 * _HOUR, 2 * _HOUR, "next working day", None, None),
}

_OVERRIDABLE = ("rto_s", "rpo_s", "response_s", "mttr_s")


def _changed(targets: SeverityTargets, changes: Mapping[str, float]) -> SeverityTargets:
    values: dict[str, Any] = {key: float(value) for key, value in changes.items()}
    if (response_s := values.get("response_s")) is not None:
        values["response"] = "at once" if response_s == 0 else f"within {_span(response_s)}"
    return replace(targets, **values)


def _span(seconds: float) -> str:
    return f"{seconds / 60:g} min" if seconds < 2 * _HOUR else f"{seconds / _HOUR:g} h"


def _fits(seconds: float) -> bool:
    return math.isfinite(seconds) and seconds >= 0


def severity_targets(severity: str, overrides: Mapping[str, Mapping[str, float]] | None = None) -> SeverityTargets:
    """The targets of a severity, with what a system.yaml says in place of the defaults.

    `overrides` maps severities to some of `rto_s`, `rpo_s`, `response_s`, `mttr_s` (seconds).

    Raises:
        UsageError: unknown severity, or an override that is none.
    """
    known = {**SEVERITIES}
    for name, changes in (overrides or {}).items():
        if name not in known:
            raise UsageError(f"severity {name!r} is not known (there are: {', '.join(SEVERITIES)})")
        for key, value in changes.items():
            if key not in _OVERRIDABLE:
                raise UsageError(f"severity {name}: {key!r} is no target (there are: {', '.join(_OVERRIDABLE)})")
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not _fits(value):
                raise UsageError(f"severity {name}: {key} is {value!r}; right would be seconds, 0 or more")
        known[name] = _changed(known[name], changes)
    if severity not in known:
        raise UsageError(f"severity {severity!r} is not known (there are: {', '.join(SEVERITIES)})")
    return known[severity]
