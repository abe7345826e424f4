"""Detection: when an alert fired, as an interval; and when its absence is a miss."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster.base.timeline import Event
from muster.verdict import DrillVerdict, Verdict, judge
from muster.verdict.testing import EPOCH, DrillStory
from muster.verdict.verdicts import at_most

MET, MISSED, UNKNOWN = Verdict.MET, Verdict.MISSED, Verdict.UNKNOWN
INJECTED = 5.0


def look(at: float, state: str = "watching", why: str = "") -> Event:
    return {"t": EPOCH + at, "kind": "monitoring", "state": state, "alert": "DatabaseDown", "why": why}


def alert(at: float, state: str = "firing", name: str = "DatabaseDown") -> Event:
    return {"t": EPOCH + at, "kind": "alert", "name": name, "state": state}


def looks(start: float = 0.25, stop: float = 30.0, every: float = 0.5) -> list[Event]:
    return [look(start + every * turn) for turn in range(math.ceil((stop - start) / every))]


def judged(*told: Event, target: float = 10.0, required: bool = True, **changes: Any) -> DrillVerdict:
    names = ["rto", *(["detection"] if required else [])]
    declared = {"alert": "DatabaseDown", "detection_target_s": target}
    return judge([*DrillStory(declared=declared, judged=names, **changes).events(), *told])


# --- seen -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("target", "verdict"), [(3.1, MET), (3.0, MET), (2.9, UNKNOWN), (2.7, MISSED)])
def test_an_alert_is_judged_by_both_ends_of_its_interval(target: float, verdict: Verdict) -> None:
    entry = judged(*looks(stop=7.76), alert(8.0), *looks(8.25), target=target)
    detection = entry.detection
    assert (detection.low_s, detection.value_s, detection.high_s) == (2.75, 3.0, 3.0)
    assert (detection.by, detection.verdict, entry.verdict) == ("DatabaseDown", verdict, verdict)


def test_the_line_names_the_alert_and_its_interval() -> None:
    seen = [*looks(stop=7.76), alert(8.0)]
    assert judged(*seen, target=2).why == "alert DatabaseDown after 3.00 s [2.75, 3.00] > target 2 s"
    assert "alert DatabaseDown after 3.00 s [2.75, 3.00], target 2.9 s" in judged(*seen, target=2.9).why


def test_the_split_of_the_disruption_knows_the_alert() -> None:
    assert judged(*looks(stop=7.76), alert(8.0)).split.detected_s == pytest.approx(2.8, abs=0.1)


def test_an_alert_that_fires_and_resolves_was_seen_all_the_same() -> None:
    entry = judged(*looks(stop=7.76), alert(8.0), look(8.5), alert(9.0, "resolved"), *looks(9.5), target=5)
    assert (entry.detection.value_s, entry.detection.verdict) == (3.0, MET)


def test_another_alert_is_no_detection() -> None:
    entry = judged(*looks(), alert(6.0, name="DiskFull"))
    assert (entry.detection.value_s, entry.detection.verdict) == (None, MISSED)


def test_an_alert_after_the_drill_judged_is_no_detection() -> None:
    entry = judged(*looks(), alert(31.0), target=40)
    assert (entry.detection.value_s, entry.detection.verdict) == (None, UNKNOWN)


def test_what_is_not_required_has_figures_and_no_verdict() -> None:
    entry = judged(*looks(stop=7.76), alert(8.0), target=2, required=False)
    assert (entry.detection.value_s, entry.detection.verdict, entry.verdict) == (3.0, None, MET)


# --- not seen -------------------------------------------------------------------------------------------------------


def test_absence_until_the_target_has_passed_is_a_miss() -> None:
    entry = judged(*looks(), target=10)
    assert (entry.detection.value_s, entry.detection.high_s, entry.detection.verdict) == (None, None, MISSED)
    assert entry.why == "alert DatabaseDown not seen in 24.75 s > target 10 s"
    assert entry.verdict is MISSED


def test_absence_in_a_drill_that_ended_too_early_is_unknown() -> None:
    entry = judged(*looks(), target=300)
    assert entry.detection.verdict is UNKNOWN
    assert entry.why == "alert DatabaseDown not seen, target 300 s (watched for 24.8 s of 300 s)"


def test_absence_of_what_was_held_back_says_so() -> None:
    held = [look(6.0, why="it fires, but is silenced by 4f6a")]
    entry = judged(*looks(stop=5.9), *held, *looks(6.25))
    assert entry.detection.verdict is MISSED
    assert entry.why.endswith("> target 10 s (it fires, but is silenced by 4f6a)")


# --- out of sight ---------------------------------------------------------------------------------------------------


def test_a_monitoring_lost_before_the_target_is_unknown() -> None:
    entry = judged(*looks(stop=9.0), look(9.0, "lost", "connection refused"), target=10)
    assert entry.detection.verdict is UNKNOWN
    why = "the monitoring went out of sight 3.8 s after the injection: connection refused"
    assert entry.detection.why == why
    assert why in entry.why


def test_a_monitoring_lost_and_found_again_may_have_hidden_the_alert() -> None:
    gap = [look(9.0 + turn, "lost", "timeout") for turn in range(6)]
    entry = judged(*looks(stop=9.0), *gap, *looks(15.0), target=10)
    assert entry.detection.verdict is UNKNOWN
    entry = judged(*looks(stop=9.0), *gap, *looks(15.0), target=2)
    assert entry.detection.verdict is MISSED, "what was seen before the gap stays seen"


def test_an_alert_seen_after_a_gap_began_somewhere_within_it() -> None:
    gap = [look(9.0 + turn, "lost", "timeout") for turn in range(6)]
    seen = [*looks(stop=9.0), *gap, *looks(15.0, stop=18.0), alert(18.0)]
    for target, verdict in ((14.0, MET), (10.0, UNKNOWN), (3.0, MISSED)):
        entry = judged(*seen, target=target)
        assert (entry.detection.low_s, entry.detection.high_s) == (3.75, 13.0)
        assert entry.detection.verdict is verdict


def test_one_look_that_failed_is_made_up_for_by_the_next() -> None:
    entry = judged(*looks(stop=9.0), look(9.25, "lost", "timeout"), *looks(10.0), target=10)
    assert entry.detection.verdict is MISSED


def test_a_monitoring_that_nobody_watched_is_unknown() -> None:
    entry = judged()
    assert entry.detection.verdict is UNKNOWN
    assert "nobody had looked at the monitoring" in entry.why


def test_a_monitoring_that_never_answered_is_unknown() -> None:
    entry = judged(*(look(at, "lost", "no alerting rule 'DatabaseDown'") for at in range(30)))
    assert entry.detection.verdict is UNKNOWN
    assert "no alerting rule" in entry.why


def test_a_watch_that_began_after_the_injection_is_unknown() -> None:
    assert judged(*looks(5.5)).detection.verdict is UNKNOWN
    assert judged(*looks(5.5, stop=7.0), alert(7.0)).detection.verdict is UNKNOWN


def test_a_look_of_long_ago_is_no_word_about_the_injection() -> None:
    entry = judged(look(-60.0), *looks(5.5))
    assert entry.detection.verdict is UNKNOWN
    assert "nobody had looked at the monitoring for 65 s" in entry.why


# --- before the injection -------------------------------------------------------------------------------------------


def test_an_alert_that_fired_already_detected_something_else() -> None:
    entry = judged(look(1.0), alert(3.0), *looks(3.5))
    assert (entry.detection.value_s, entry.detection.verdict) == (None, UNKNOWN)
    assert "alert DatabaseDown fired before the fault was injected" in entry.why


def test_an_alert_that_had_fired_already_and_fires_again_is_unknown() -> None:
    entry = judged(look(1.0), alert(3.0), *looks(3.5, stop=6), alert(6.0, "resolved"), look(6.5), alert(7.0))
    assert entry.detection.verdict is UNKNOWN


def test_an_alert_that_was_over_before_the_injection_is_quiet() -> None:
    entry = judged(look(1.0), alert(2.0), look(2.5), alert(3.0, "resolved"), *looks(3.5, stop=6.6), alert(7.0))
    assert (entry.detection.value_s, entry.detection.verdict) == (2.0, MET)


def test_an_alert_that_was_not_looked_for_between_injection_and_firing_may_have_fired_before() -> None:
    entry = judged(*looks(stop=4.9), alert(5.2), target=300)
    assert entry.detection.verdict is UNKNOWN
    assert "may have fired before the injection: nobody looked in between" in entry.why


@pytest.mark.parametrize("why", ["it is pending", "it fires, but is silenced by 4f6a"])
def test_an_alert_that_was_about_to_fire_detected_something_else(why: str) -> None:
    entry = judged(*looks(stop=4.0), look(4.5, why=why), alert(7.0))
    assert entry.detection.verdict is UNKNOWN
    assert f"was not quiet before the fault was injected: {why}" in entry.why


# --- whatever is true -----------------------------------------------------------------------------------------------


@given(
    fires=st.one_of(st.none(), st.floats(0.5, 29)),
    every=st.floats(0.1, 3),
    takes=st.floats(0, 2),
    failing=st.sets(st.integers(0, 300)),
    target=st.floats(0.5, 25),
)
def test_no_verdict_contradicts_the_truth(
    fires: float | None, every: float, takes: float, failing: set[int], target: float
) -> None:
    """An alert that fires at a known moment, or never, and goes on; looks whose answers are of their middle."""
    told, known, at, turn = [], False, 0.0, 0
    while at + takes < 30:
        firing = fires is not None and fires <= at + takes / 2
        if turn in failing:
            told.append(look(at, "lost", "timeout"))
        elif firing and not known:
            known = True
            told.append(alert(at + takes))
        else:
            told.append(look(at))
        at, turn = at + max(every, takes + 0.001), turn + 1
    detection = judged(*told, target=target).detection
    if fires is not None and fires <= INJECTED:
        assert detection.verdict is UNKNOWN, "it detected something else"
        return
    truth = None if fires is None else fires - INJECTED
    if detection.low_s is not None:
        assert truth is None or detection.low_s <= truth + 1e-3
    if detection.high_s is not None:
        assert truth is not None
        assert truth <= detection.high_s + 1e-3
    if detection.verdict is MET:
        assert truth is not None
        assert truth <= target + 1e-3
    if detection.verdict is MISSED:
        assert truth is None or truth > target - 1e-3
    assert detection.verdict is not None


@given(value=st.floats(0, 20), width=st.floats(0, 5), target=st.floats(0.1, 25))
def test_a_wider_interval_is_never_surer(value: float, width: float, target: float) -> None:
    narrow, wide = at_most(value, value, target), at_most(max(value - width, 0.0), value + width, target)
    assert wide in (narrow, UNKNOWN)


def test_in_a_story_without_an_alert_nothing_is_said_of_it() -> None:
    detection = judge(DrillStory().events()).detection
    assert detection.model_dump(exclude_none=True) == {}
