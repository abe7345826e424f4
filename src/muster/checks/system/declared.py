"""Checks that a system.yaml declares: an answer over HTTP, a value that SQL says, values that PromQL has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from muster.checks.check import Check, Finding, Harm, Unknown
from muster.checks.seen import Seen
from muster.checks.system.service import answer, own_service
from muster.snapshot import Ref

HOW = {"http": "an answer over HTTP", "sql": "a value of the database", "promql": "values of Prometheus"}


def declared(told: Mapping[str, Any]) -> list[Check]:
    """The checks of a system of which a snapshot tells; their answers are the parts `check NAME`."""
    return [
        Check(name, one["summary"] or f"{HOW[one['way']]}, as system.yaml says", one["category"],
              partial(_look, name, one))
        for name, one in (told.get("checks") or {}).items()
    ]  # fmt: skip


def _look(name: str, told: Mapping[str, Any], seen: Seen) -> Iterator[Finding | Unknown]:
    said = answer(seen, f"check {name}")
    if not said:
        if not any(missing.what == f"check {name}" for missing in seen.snapshot.missing):  # else it is told already
            yield Unknown(f"check {name}", "nobody was asked")
        return
    severity, wrong = told["severity"], str(said.get("trouble") or "")
    if told["way"] != "http":
        severity, wrong = _worst(_thresholds(told), said["values"])
    if not wrong:
        return
    service = own_service(seen)
    database = Ref("Database", service.namespace, str((seen.system.get("database") or {}).get("service") or ""))
    yield Finding(
        Ref("Check", service.namespace, name),
        f"{told['summary']}: {wrong}" if told["summary"] else wrong,
        Harm.PART,
        evidence=(f"asked: {said['asked']}",),
        relies_on=(database,) if told["way"] == "sql" else (service, database),
        severity=severity,
    )


def _thresholds(told: Mapping[str, Any]) -> list[tuple[str, float | None, float | None]]:
    """Severity and bounds of each level, the most severe first; a snapshot of an older muster has one."""
    levels = told.get("thresholds") or [(told["severity"], told.get("at_least"), told.get("at_most"))]
    return [(str(severity), least, most) for severity, least, most in levels]


def _worst(levels: list[tuple[str, float | None, float | None]], values: list[float]) -> tuple[str, str]:
    """The most severe level that a value is beyond, and by which; nothing where none is."""
    for severity, least, most in levels:
        if wrong := _beyond(least, most, values):
            return severity, wrong
    return "", ""


def _beyond(least: float | None, most: float | None, values: list[float]) -> str:
    """The value that is furthest beyond a threshold; empty where none is."""
    if least is not None and min(values) < least:
        return f"is {min(values):g}, and is to be at least {least:g}"
    if most is not None and max(values) > most:
        return f"is {max(values):g}, and may be at most {most:g}"
    return ""
