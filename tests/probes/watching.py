"""Looking at a timeline while somebody writes it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from muster.base.timeline import Event, Tail, read_timeline
from muster.base.waiting import wait_for


def requests(timeline: Path, name: str | None = None) -> list[Event]:
    events = [event for event in read_timeline(timeline) if event["kind"] == "request"]
    return [event for event in events if name in (None, event["name"])]


def writes(timeline: Path) -> list[Event]:
    return [event for event in read_timeline(timeline) if event["kind"] == "write"]


def wait_until(timeline: Path, look: Callable[[list[Event]], bool], reason: str) -> None:
    tail, seen = Tail(timeline), list[Event]()

    def found() -> bool:
        seen.extend(tail.read())
        return look(seen)

    wait_for(found, within=10, reason=reason)


def count(events: list[Event], **wanted: object) -> int:
    return sum(all(event.get(key) == value for key, value in wanted.items()) for event in events)
