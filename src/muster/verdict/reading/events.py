"""Whether what stands in a timeline's events can be reckoned with at all, before anything is concluded from it.

A field that is there but of another type, a time that is no number, or one days away from the drill, would otherwise
surface as a traceback, as a loop over years of seconds, or as a figure. Each is damage, said in one sentence.
"""

from __future__ import annotations

import math
from typing import Any

from muster.base.errors import MusterError
from muster.base.timeline import Event
from muster.verdict.reading.requests import TOLD

# No drill is longer; a time further off than that from the drill's declaration is no time of the drill.
LONGEST_S = 7 * 86_400.0

_TIMES: dict[str, tuple[str, ...]] = {"request": ("sent", "done", "intended"), "write": ("asked",)}
_TIMES |= {"load.lost": ("acknowledged", "sent")}
_OPTIONAL_TIMES: dict[str, tuple[str, ...]] = {"write": ("answered",), "judged": ("began",)}
_TEXTS: dict[str, tuple[str, ...]] = {
    "request": ("source", "name", "outcome"),
    "write": ("id", "outcome"),
    "readback": ("id", "found"),
    "load": ("state",),
    "load.lost": ("load", "id", "found"),
    "fault.sent": ("experiment",),
    "fault.effect": ("experiment",),
    "fault.done": ("experiment",),
    "fault.undone": ("experiment",),
    "prober": ("state",),
    "recovery.began": ("procedure",),
    "recovery.step": ("procedure", "step", "state"),
    "recovery.change": ("verb", "object"),
    "recovery.ended": ("procedure",),
    "release": ("phase", "state"),
    "ended": ("outcome",),
    "alert": ("name",),
    "monitoring": ("state",),
    "guard": ("state",),
}
_FLAGS: dict[str, tuple[str, ...]] = {
    "steady": ("ok",),
    "instrument": ("ok",),
    "good": ("ok",),
    "fault.effect": ("observed",),
    "fault.done": ("ok",),
    "recovery.ended": ("ok",),
}


class DamagedTimelineError(MusterError):
    """An event lacks what its kind must have, or contradicts itself."""


def is_number(value: object) -> bool:
    """Whether it is a finite number; JSON's true and false are none, nor is an integer beyond what a float holds."""
    try:
        return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:
        return False


def check_head(event: object, number: int) -> None:
    """Whether it is an event at all, the `number`-th of its timeline.

    Raises:
        DamagedTimelineError: it is not; the message says why.
    """
    if not isinstance(event, dict):
        raise DamagedTimelineError(f"event {number} is {_shown(event)}; right would be an object with 't' and 'kind'")
    if not isinstance(event.get("kind"), str):
        raise DamagedTimelineError(f"event {number} has the kind {_shown(event.get('kind'))}; right would be a text")
    if not is_number(event.get("t")):
        raise DamagedTimelineError(
            f"event {number}, of kind {event['kind']!r}, has the time t={_shown(event.get('t'))}; "
            f"right would be a finite number of seconds"
        )


def check_event(event: Event, begun: float | None) -> None:
    """Whether the fields of an event can be reckoned with; `begun` is when the drill was declared, if that is known.

    Raises:
        DamagedTimelineError: one of them cannot; the message says which and why.
    """
    kind = event["kind"]
    times = ["t", *_TIMES.get(kind, ())]
    times += [name for name in _OPTIONAL_TIMES.get(kind, ()) if event.get(name) is not None]
    for name in times:
        value = event.get(name)
        if not is_number(value):
            raise _damaged(event, name, "a finite number of seconds")
        if begun is not None and abs(float(event[name]) - float(begun)) > LONGEST_S:
            raise _damaged(event, name, "within days of the drill's declaration")
    for name in _TEXTS.get(kind, ()):
        if not isinstance(event.get(name), str):
            raise _damaged(event, name, "a text")
    for name in _FLAGS.get(kind, ()):
        if not isinstance(event.get(name), bool):
            raise _damaged(event, name, "true or false")
    _check_kind(event)


def _check_kind(event: Event) -> None:
    """What only one kind of event has."""
    kind = event["kind"]
    if kind == "request":
        _check_request(event)
    if kind in ("clock", "timeline") and not is_number(event.get("boottime")):
        raise _damaged(event, "boottime", "a finite number of seconds")
    if kind == "load":
        for name, right in (("rate", "requests per second"), ("over_s", "seconds, 0 or more")):
            value = event.get(name)
            if value is not None and not (is_number(value) and value >= 0):
                raise _damaged(event, name, right)
    names = event.get("required")
    if kind == "judged" and not (isinstance(names, list) and all(isinstance(name, str) for name in names)):
        raise _damaged(event, "required", "a list of names")
    if kind == "origin" and not isinstance(event.get("foreign"), list):
        raise _damaged(event, "foreign", "a list of names")
    if kind == "recovery.step" and not isinstance(event.get("detail"), str | None):
        raise _damaged(event, "detail", "a text or null")
    if kind == "recovery.step" and not isinstance(event.get("acts", True), bool):
        raise _damaged(event, "acts", "true or false")


def _check_request(event: Event) -> None:
    if not event["sent"] <= event["done"]:
        raise _damaged(event, "done", f"not before it was sent, at {event['sent']}")
    if event["outcome"] not in TOLD:
        raise _damaged(event, "outcome", f"one of {', '.join(TOLD)}")


def _damaged(event: Event, field: str, right: str) -> DamagedTimelineError:
    has = f"has {field} = {_shown(event[field])}" if field in event else f"has no {field}"
    return DamagedTimelineError(f"an event of kind {event['kind']!r} at t={_shown(event['t'])} {has}; right: {right}")


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
