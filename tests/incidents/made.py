"""Incidents as tests need them: with what counts for the question, and anything for the rest."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from muster.incidents import Entry, Incident

START = datetime(2026, 3, 2, tzinfo=UTC)  # a Monday


def at(seconds: float) -> str:
    """So many seconds after the beginning of time, as the store writes it."""
    return (START + timedelta(seconds=seconds)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def incident(severity: str = "P2", *, began: float = 0, opened: float | None = None, **said: Any) -> Incident:
    """One that began at a second; `detected`, `acknowledged` and `resolved` are seconds as well."""
    opened = began if opened is None else opened
    times = {name: at(said.pop(name)) for name in ("detected", "acknowledged", "resolved") if name in said}
    return Incident(
        **{
            "id": f"20260302-{began:g}",
            "system": "shop",
            "cluster": "c",
            "severity": severity,
            "title": "it hurts",
            "cause": None,
            "drill": None,
            "began": at(began),
            "detected": at(opened),
            "opened": at(opened),
            **times,
            **said,
        }
    )


def entry(kind: str, text: str = "x", seconds: float = 0, **data: Any) -> Entry:
    return Entry(at(seconds), kind, "kim", "desk", text, data)
