"""Bases and segments as tests need them: with what counts for the question, and anything for the rest."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from muster.backup import Base, Segment
from muster.backup.store import BASE_FILE, Stored

START = datetime(2026, 3, 1, tzinfo=UTC)


def at(seconds: float) -> str:
    """So many seconds after the beginning of time, as the store writes it."""
    return (START + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


def name(number: int, timeline: int = 1) -> str:
    """The name of a segment of 16 MiB."""
    return f"{timeline:08X}{number // 256:08X}{number % 256:08X}"


def base(ended: float, first: int, last: int | None = None, *, system: str = "7", timeline: int = 1) -> Base:
    return Base(
        id=f"base-{ended:g}",
        system="shop",
        target="there/shop",
        began=at(ended - 1),
        ended=at(ended),
        instance="db-a",
        version="18.0",
        system_identifier=system,
        superuser="postgres",
        segment_bytes=16 << 20,
        first_segment=name(first, timeline),
        last_segment=name(first if last is None else last, timeline),
        files={BASE_FILE: Stored("0" * 64, 10, 10)},
        rows=None,
        recipients=("age1x",),
        by="somebody",
    )


def segment(
    number: int, until: float | None = None, *, timeline: int = 1, gap: bool = False, system: str = "7"
) -> Segment:
    moment = "" if until is None else at(until)
    return Segment(name(number, timeline), at(until or 0), moment, "0" * 64, 10, 10, system, gap)


def history(timeline: int, text: str) -> Segment:
    return Segment(f"{timeline:08X}.history", at(0), "", "0" * 64, 10, 10, "7", history=text)
