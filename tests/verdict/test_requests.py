"""Columns answer as a walk over single requests would."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster.objectives import Objective
from muster.verdict.disruption.edges import Partly, excluded_from, is_partly, share_of
from muster.verdict.reading.requests import OUTCOMES, Request, Requests, Stream
from muster.verdict.reading.windows import BUCKET_S, LoadWindows

TIMES = st.floats(0, 40, width=32)
OUTCOME = st.sampled_from(OUTCOMES)


@st.composite
def requests(draw: st.DrawFn) -> list[Request]:
    """Requests in order of sending."""
    found = []
    for sent, took, late, outcome in draw(
        st.lists(st.tuples(TIMES, st.floats(0, 3, width=32), st.floats(0, 1, width=32), OUTCOME), max_size=60)
    ):
        found.append(Request(sent, sent + took, sent - late, outcome, bad=outcome not in {"ok", "shed"}))
    return sorted(found, key=lambda request: request.sent)


@given(requests(), TIMES, TIMES)
def test_silences(asked: list[Request], start: float, end: float) -> None:
    stream = Stream("read", every_s=0.05, requests=Requests.of(asked))
    found, quiet_since = [], start
    for request in asked:
        if request.done < start:
            continue
        if request.sent > end:
            break
        if request.sent - quiet_since > 1.0:
            found.append((quiet_since, request.sent))
        quiet_since = max(quiet_since, request.done)
    if end - quiet_since > 1.0:
        found.append((quiet_since, end))
    assert stream.silences(start, end) == found


@given(requests(), TIMES)
def test_longest_answer(asked: list[Request], before: float) -> None:
    stream = Stream("read", every_s=0.05, requests=Requests.of(asked))
    assert stream.longest_answer(before) == max(
        (r.done - r.sent for r in asked if not r.bad and r.done <= before), default=None
    )


@given(requests(), TIMES, TIMES)
def test_counts_of_a_window(asked: list[Request], start: float, end: float) -> None:
    windows = LoadWindows(Requests.of(asked), [Objective(name="latency_p95", target=0.5)])
    inside = [r for r in asked if start <= r.intended < end]
    counts = windows.counts(start, end)
    assert counts.asked == len(inside)
    assert counts.failed == sum(r.bad for r in inside)
    assert counts.refused == sum(r.outcome == "shed" for r in inside)
    assert counts.slow == sum(
        r.outcome == "timeout" or (r.outcome == "ok" and r.done - r.intended > 0.5) for r in inside
    )
    timed = sorted(r.done - r.intended for r in inside if r.outcome in {"ok", "timeout"})
    assert windows.latencies(start, end).tolist() == timed


@given(requests(), TIMES, TIMES)
def test_the_first_beginning_that_is_not_spoilt(asked: list[Request], start: float, until: float) -> None:
    windows = LoadWindows(Requests.of(asked), [])
    spoiling = sorted(r.intended for r in asked if r.bad and start <= r.intended < until)
    candidates = [start, *(float(np.nextafter(at, np.inf)) for at in spoiling)]
    good = [at for at in candidates if not windows.spoilt(at, at + BUCKET_S)]
    assert windows.first_unspoilt_start(start, until) == (good[0] if good else candidates[-1])


def test_requests_are_not_walked_through_by_accident() -> None:
    with pytest.raises(TypeError, match="not iterable"):
        list(Requests.of([]))


@pytest.mark.parametrize(
    ("marks", "share"),
    [
        ("xxxx................", 1.0),
        ("x...................", 1.0),
        ("x.x.x.x.x.x.x.x.x.x.", 10 / 19),
        ("", 0.0),
        ("....", 0.0),
    ],
)
def test_the_share_next_to_an_edge(marks: str, share: float) -> None:
    assert share_of(np.array([mark == "x" for mark in marks], dtype=np.bool_)) == pytest.approx(share)


def test_half_of_the_requests_failing_takes_five_good_ones_to_exclude() -> None:
    before = np.array([10.0 - number for number in range(30)])
    assert excluded_from([Partly(0.5, before)], before=True) == 6.0  # 0.5^5 < 0.05 <= 0.5^4
    assert excluded_from([Partly(0.5, before[:4])], before=True) is None
    # Two streams that are asked in turns need as many between them.
    assert excluded_from([Partly(0.5, before[::2]), Partly(0.5, before[1::2])], before=True) == 6.0
    assert excluded_from([Partly(0.5, np.arange(1.0, 31.0))], before=False) == 5.0
    assert excluded_from([], before=True) is None


@given(st.floats(0.2, 0.97))
def test_chance_gives_so_many_good_ones_less_than_once_in_20(share: float) -> None:
    assert is_partly(share)
    place = excluded_from([Partly(share, np.arange(1.0, 60.0))], before=False)
    assert place is not None
    assert (1 - share) ** place <= 0.05 * (1 + 1e-9) < (1 - share) ** (place - 1) * (1 + 1e-6)
