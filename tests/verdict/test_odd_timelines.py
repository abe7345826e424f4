"""Timelines in which one field is nonsense: judged at once, in one sentence, and never greener than before."""

from __future__ import annotations

import copy
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muster.base.timeline import Event
from muster.report import draw
from muster.verdict import Verdict, judge
from muster.verdict.reading.requests import Request, Requests
from muster.verdict.reading.windows import LoadWindows
from muster.verdict.testing import Asking, DrillStory, Outage

SPARSE: dict[str, Any] = {
    "probes": [Asking("read", 0.2), Asking("write", 0.2, write=True)],
    "load": Asking("load", 0.1),
    "declared": {"objectives": [{"name": "error_rate", "target": 0.1}]},
}
MET = DrillStory(**SPARSE).events()
BAD = {
    "lost": DrillStory(**SPARSE, lost={f"w-{n}": "lost" for n in range(5, 20)}).events(),
    "down": DrillStory(**SPARSE, outages=[Outage(5.2, 99.0)]).events(),
    "not read back": DrillStory(**SPARSE, readback=None).events(),
}


def with_field(events: list[Event], kind: str, field: str, value: object) -> list[Event]:
    changed = copy.deepcopy(events)
    next(event for event in changed if event["kind"] == kind)[field] = value
    return changed


def test_the_stories_are_what_they_are_meant_to_be() -> None:
    assert judge(MET).verdict is Verdict.MET, judge(MET).reasons
    assert all(judge(events).verdict is not Verdict.MET for events in BAD.values())


ODD_FIELDS: list[tuple[str, str, object]] = [
    *(("fault.sent", "t", value) for value in (1e308, -1e308, 1e12, math.inf, math.nan, "5", None, [1], True)),
    *(("request", field, 1e300) for field in ("sent", "done", "intended")),
    *(("request", field, value) for field in ("name", "source", "outcome") for value in (7, None, [], {})),
    *(("recovery.began", "procedure", value) for value in (7, None, ["x"], {})),
    *(("recovery.step", "step", value) for value in (7, None, ["x"], {})),
    *(("fault.sent", "experiment", value) for value in (7, None, ["x"], {})),
    *(("fault.effect", "observed", value) for value in (1, None, "yes")),
    *(("write", field, value) for field in ("asked", "answered") for value in ("x", 1e200, [])),
    *(("recovery.step", "detail", value) for value in (7, ["x"], {})),
    *(("judged", "required", value) for value in ("rto", None, {"rto": 1}, [["rto"]])),
    *(("clock", "boottime", value) for value in (None, "x", math.inf)),
    *(("load", "rate", value) for value in (-1.0, "x", math.inf)),
    *(("steady", "kind", value) for value in ([], {}, None, 3)),
]


@pytest.mark.parametrize(("kind", "field", "value"), ODD_FIELDS)
def test_what_cannot_be_reckoned_with_is_said_in_one_sentence(kind: str, field: str, value: object) -> None:
    events = with_field(MET, kind, field, value)
    entry = judge(events)
    assert entry.verdict is Verdict.UNKNOWN
    assert entry.why.startswith("the timeline cannot be judged: ")
    assert "\n" not in entry.why
    assert entry.name == "db_failure"
    assert "nothing to draw" in draw(events, entry)


def test_what_is_no_event_at_all_is_unknown() -> None:
    assert judge([7, None, []]).why.startswith("the timeline cannot be judged: event 1 is 7")  # type: ignore[list-item]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=4,
)


@st.composite
def _changed(draw_: st.DrawFn, events: list[Event], *, leave: frozenset[str] = frozenset()) -> list[Event]:
    """The events, with one field of one of them (of any kind, rare ones as likely as requests) replaced."""
    kind = draw_(st.sampled_from(sorted({event["kind"] for event in events} - leave)))
    at = draw_(st.sampled_from([at for at, event in enumerate(events) if event["kind"] == kind]))
    field = draw_(st.sampled_from(sorted(events[at])))
    return [*events[:at], {**events[at], field: draw_(JSON)}, *events[at + 1 :]]


@settings(max_examples=150)
@given(events=_changed(MET))
def test_any_value_in_any_field_gives_a_verdict_and_a_picture(events: list[Event]) -> None:
    entry = judge(events)
    assert entry.why
    draw(events, entry)


@pytest.mark.parametrize("story", BAD)
@settings(max_examples=60)
@given(data=st.data())
def test_no_value_in_any_field_makes_a_bad_drill_green(story: str, data: st.DataObject) -> None:
    # What a drill declares and judges decides what is bad; all else is what happened.
    events = data.draw(_changed(BAD[story], leave=frozenset({"declared", "judged"})))
    assert judge(events).verdict is not Verdict.MET


def test_a_time_of_years_without_requests_is_looked_at_at_once() -> None:
    windows = LoadWindows(Requests.of([Request(1e9, 1e9, 1e9, "refused", bad=True)]), [])
    assert windows.first_spoilt(0.0, 1e300) == 1e9


@given(st.lists(st.floats(0, 60, width=32), min_size=1, max_size=60), st.floats(0, 20, width=32))
def test_every_bucket_with_a_request_is_looked_at_and_no_other(times: list[float], start: float) -> None:
    windows = LoadWindows(Requests.of(Request(t, t, t, "ok", bad=False) for t in times), [])
    every = [start + number for number in range(70) if start + number < 50]
    assert list(windows.buckets(start, 50.0)) == [at for at in every if any(at <= t < at + 1 for t in times if t < 50)]
