"""Stages of a load: what they want, who refuses them, and that the verdict adds up what the generator meant."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster.base.dial import LetGo, Turn
from muster.base.errors import UsageError
from muster.load.allowance import Allowance
from muster.load.schedule import Pace
from muster.load.stages import (
    Stage,
    check_stages,
    described,
    first_rate,
    from_text,
    plan,
    ramp,
    soak,
    spike,
    steady,
    to_text,
)
from muster.load.steering import Steering
from muster.verdict.reading.offered import Offered

RATES = st.floats(1, 2000)
TIMES = st.floats(0, 8).map(lambda seconds: round(seconds, 3))
STAGES = st.lists(
    st.one_of(
        st.builds(steady, RATES, TIMES),
        st.builds(ramp, RATES, TIMES),
        st.builds(spike, RATES, TIMES, RATES),
        st.builds(soak, RATES, TIMES, over_s=TIMES),
    ),
    max_size=5,
)
NEWS = st.one_of(st.builds(Turn, RATES, TIMES, st.booleans()), st.just(LetGo()))


def rates(stages: list[Stage], *moments: float, before: float = 10.0) -> list[float]:
    pace = Pace(before, 0.0)
    plan(pace, stages, 0.0)
    return [pace.rate_at(moment) for moment in moments]


def test_each_kind_of_stage_wants_what_its_name_says() -> None:
    assert rates([steady(100, for_s=5)], 0, 4.9, 50) == [100, 100, 100]
    assert rates([ramp(to=110, over_s=10)], 0, 5, 10, 50) == [10, 60, 110, 110]
    assert rates([spike(900, for_s=2, back_to=300)], 0, 1.9, 2, 50) == [900, 900, 300, 300]
    assert rates([soak(110, for_s=100, over_s=10)], 5, 10, 110, 500) == [60, 110, 110, 110]


def test_stages_follow_each_other_and_the_last_rate_is_kept() -> None:
    stages = [steady(100, for_s=10), ramp(to=300, over_s=10), spike(900, for_s=5, back_to=200), steady(50, for_s=1)]
    assert rates(stages, 9.9, 15, 20, 24.9, 25, 1e6) == [100, 200, 900, 900, 50, 50]


@given(rate=RATES, stages=STAGES, news=st.lists(st.tuples(st.floats(0.01, 5), NEWS), max_size=6))
def test_what_the_timeline_tells_adds_up_to_what_the_generator_means(
    rate: float, stages: list[Stage], news: list[tuple[float, Turn | LetGo]]
) -> None:
    """Whatever is turned on the way: the verdict's sum, made from the events, is the one of the generator's pace."""
    steering, offered, at = Steering(rate, stages, start=100.0, allowance=Allowance(None, math.inf)), Offered(), 100.0
    offered.change(at, rate)

    def tell() -> None:
        for change in steering.due(at):
            offered.change(change.at, change.rate, change.over_s)

    tell()
    for later, each in news:
        at += later
        tell()
        steering.take(each, at)
        tell()
    at += 60
    tell()
    for start, end in ((100.0, at), (100.0, (100 + at) / 2), ((100 + at) / 2, at)):
        assert offered.wanted(start, end) == pytest.approx(steering.pace.wanted(start, end), rel=1e-6, abs=1e-3)


@given(stages=STAGES)
def test_stages_reach_the_generator_as_they_were_written(stages: list[Stage]) -> None:
    assert from_text(to_text(stages)) == stages


def test_a_load_begins_with_its_own_rate_or_that_of_its_first_stage() -> None:
    assert first_rate(None, [steady(100, for_s=5)]) == 100
    assert first_rate(30, [ramp(to=100, over_s=5)]) == 30
    assert described(30, [ramp(to=100, over_s=5), soak(100, for_s=9, name="night")]) == (
        "30 requests/s through ramp, night"
    )
    with pytest.raises(UsageError, match=r"stage 'ramp' cannot be the first.*right would be"):
        first_rate(None, [ramp(to=100, over_s=5)])
    with pytest.raises(UsageError, match="a load needs a rate or stages"):
        first_rate(None, [])


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (lambda: steady(0, for_s=1), "the rate of stage 'steady' must be above 0"),
        (lambda: ramp(math.nan, over_s=1), "the rate of stage 'ramp' must be above 0"),
        (lambda: spike(10, for_s=1, back_to=-3), "the rate of stage 'spike' must be above 0"),
        (lambda: soak(math.inf, for_s=1), "the rate of stage 'soak' must be above 0 requests/s and finite"),
        (lambda: ramp(10, over_s=-1, name="up"), "stage 'up' cannot take -1 s; right would be 0 or more"),
        (lambda: steady(10, for_s=math.nan), "stage 'steady' cannot last nan s"),
        (lambda: from_text("[{}]"), "--stages cannot be read"),
        (lambda: from_text("nonsense"), "--stages cannot be read"),
        (lambda: from_text("{}"), "--stages cannot be read .it is no list of stages"),
    ],
)
def test_a_stage_that_makes_no_sense_is_refused(made: Callable[[], object], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        made()


def test_a_stage_above_the_ceiling_is_named() -> None:
    with pytest.raises(
        UsageError, match=r"^stage 'peak' of 1200 requests/s is more than .*max_requests_per_s: 1000\)$"
    ):
        check_stages([steady(100, for_s=1), spike(1200, for_s=1, back_to=100, name="peak")], 1000)
