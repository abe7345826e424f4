"""The interval of a disruption holds the truth, however the service failed and however it was asked."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muster.verdict.disruption.measure import Disruption, measure
from muster.verdict.objectives.rto import length
from muster.verdict.reading.read import read_record
from muster.verdict.testing import EPOCH, Asking, DrillStory, Outage

BEGINS = st.floats(5.2, 8.0)
LENGTHS = st.floats(0.3, 9.0)
EVERY = st.floats(0.02, 0.3)
HOWS = st.sampled_from(["refused", "timeout", "error", "reset", "wrong"])


def seen(story: DrillStory) -> Disruption:
    """What is measured of a story in which nothing but the service's own state delays the end."""
    story.recovery = None
    return measure(read_record(story.events()), effect=EPOCH + 5.0)


def story(
    outages: list[Outage], *, read: float = 0.05, write: float = 0.05, load: float = 0.02, **more: object
) -> DrillStory:
    probes = [Asking("read", read), Asking("write", write, write=True, takes=0.03)]
    return DrillStory(outages=outages, probes=probes, load=Asking("load", load), recovery=None, **more)  # type: ignore[arg-type]


def assert_holds(disruption: Disruption, begin: float, end: float, gap: float) -> None:
    """The true moments lie within the intervals, and these are no wider than a few gaps between requests."""
    assert disruption.start is not None, "a disruption that many requests met was not seen"
    assert disruption.end is not None, "service that was good for the hold was not seen good"
    lasted = length(disruption)
    assert lasted.high is not None
    assert lasted.value is not None
    assert disruption.start.low <= EPOCH + begin <= disruption.start.high
    assert disruption.end.low <= EPOCH + end <= disruption.end.high
    assert lasted.low <= end - begin <= lasted.high
    assert lasted.low <= lasted.value <= lasted.high
    assert lasted.high - lasted.low <= 5 * gap + 0.3


@settings(deadline=None, max_examples=60)
@given(begin=BEGINS, long=LENGTHS, how=HOWS, read=EVERY, write=EVERY, seed=st.integers(0, 999))
def test_the_interval_holds_a_full_outage(
    *, begin: float, long: float, how: str, read: float, write: float, seed: int
) -> None:
    # Shorter outages than two gaps may be seen by one stream only, or by none.
    long = max(long, 2.5 * max(read, write))
    disruption = seen(story([Outage(begin, begin + long, how)], read=read, write=write, seed=seed))
    assert_holds(disruption, begin, begin + long, max(read, write))


@settings(deadline=None, max_examples=30)
@given(begin=BEGINS, long=LENGTHS, how=HOWS, write=EVERY)
def test_the_interval_holds_an_outage_of_writes_while_reads_work(
    begin: float, long: float, how: str, write: float
) -> None:
    long = max(long, 2.5 * write)
    disruption = seen(story([Outage(begin, begin + long, how, frozenset(["write"]))], write=write))
    assert_holds(disruption, begin, begin + long, write)


@settings(deadline=None, max_examples=30)
@given(begin=BEGINS, first=st.floats(0.4, 2.0), pause=st.floats(0.4, 4.0), second=st.floats(0.4, 2.0), how=HOWS)
def test_a_flapping_service_is_disrupted_until_it_holds(
    begin: float, first: float, pause: float, second: float, how: str
) -> None:
    again = begin + first + pause
    disruption = seen(story([Outage(begin, begin + first, how), Outage(again, again + second, how)]))
    assert_holds(disruption, begin, again + second, 0.05)


@settings(deadline=None, max_examples=30)
@given(begin=BEGINS, long=st.floats(1.5, 8.0), slow=st.floats(0.3, 0.9))
def test_slow_answers_disrupt_where_the_load_misses_its_objective(begin: float, long: float, slow: float) -> None:
    outage = Outage(begin, begin + long, "slow", frozenset(["load"]), slow_s=slow)
    objectives = [{"name": "error_rate", "target": 0.01}, {"name": "latency_p95", "target": 0.2}]
    disruption = seen(story([outage], declared={"objectives": objectives}))
    assert disruption.start is not None
    assert disruption.end is not None
    assert disruption.start.low <= EPOCH + begin + 0.1  # up to 5 % of a bucket may be slow unpunished
    assert disruption.end.low - 0.01 <= EPOCH + begin + long <= disruption.end.high + 0.1
    assert disruption.violations == 0


@settings(deadline=None, max_examples=30)
@given(share=st.floats(0.1, 0.9), how=HOWS, seed=st.integers(0, 999))
def test_a_partial_outage_lasts_while_the_load_misses_its_objective(share: float, how: str, seed: int) -> None:
    disruption = seen(story([Outage(6.0, 12.0, how, share=share)], load=0.01, seed=seed))
    assert disruption.start is not None
    assert disruption.end is not None
    assert EPOCH + 6.0 <= disruption.start.high <= EPOCH + 7.5
    assert EPOCH + 10.5 <= disruption.end.at <= disruption.end.high <= EPOCH + 13.0


def test_a_violation_under_way_at_the_injection_counts_from_the_injection() -> None:
    disruption = seen(story([Outage(5.0, 9.0, "timeout")]))
    assert disruption.start is not None
    assert disruption.start.low >= EPOCH + 5.0


def test_what_failed_before_the_injection_is_no_violation_after_it() -> None:
    disruption = seen(story([Outage(4.2, 4.4, "timeout")]))  # the time limit of 1 s runs out after the injection
    assert disruption.start is None


def test_the_end_waits_for_the_procedure() -> None:
    record = read_record(DrillStory(outages=[Outage(5.2, 7.0)]).events())
    disruption = measure(record, effect=EPOCH + 5.2)
    assert disruption.end is not None
    assert disruption.well is not None
    assert disruption.well.low <= EPOCH + 7.0 <= disruption.well.high, (
        "clients were well before the procedure was through"
    )
    assert disruption.end.low == EPOCH + 11.8
    assert disruption.end.high <= EPOCH + 11.9


def test_no_end_where_the_effect_was_never_seen() -> None:
    assert measure(read_record(DrillStory().events()), effect=None).end is None


def test_a_window_that_was_not_watched_to_its_end_is_no_window() -> None:
    for late, recovered in ((24.5, True), (25.5, False)):  # of a drill that is watched for 30 s, with a hold of 5 s
        disruption = seen(story([Outage(6.0, late)]))
        assert (disruption.end is not None) is recovered, late


def test_never_recovered_has_no_upper_bound_and_the_time_watched_below() -> None:
    lasted = length(seen(story([Outage(6.0, 99.0)])))
    assert lasted.value is None
    assert lasted.high is None
    assert lasted.low == pytest.approx(24.0, abs=0.2)


def test_good_service_that_was_not_watched_for_the_hold_is_not_charged() -> None:
    lasted = length(seen(story([Outage(6.0, 27.0)])))
    assert (lasted.value, lasted.high) == (None, None)
    assert lasted.low == pytest.approx(21.0, abs=0.1)


def test_without_a_violation_the_length_is_zero_and_says_what_could_hide() -> None:
    lasted = length(seen(story([], read=0.2)))
    assert lasted.value == 0
    assert lasted.high == pytest.approx(0.22, abs=0.05)


def test_a_few_failures_within_the_objective_do_not_keep_the_end_away() -> None:
    outages = [Outage(6.0, 8.0), Outage(10.0, 10.004, "error", frozenset(["load"]))]
    disruption = seen(story(outages, load=0.004))
    assert disruption.end is not None
    assert disruption.end.high < EPOCH + 8.2


def test_one_violated_probe_keeps_the_end_away() -> None:
    outages = [Outage(6.0, 8.0), Outage(10.0, 10.06, "error", frozenset(["write"]))]
    disruption = seen(story(outages))
    assert disruption.end is not None
    assert disruption.end.low > EPOCH + 9.9
