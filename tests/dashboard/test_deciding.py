"""What happens next by itself, and what it hangs on."""

from __future__ import annotations

from typing import Any

import pytest
from tests.dashboard.made import UTC_NOW, ago, bake, definition, release, seen, trigger

from muster.dashboard.deciding import Next, next_of
from muster.dashboard.picture import ReleaseSeen
from muster.release.record import DatabaseAt

CHANGED = DatabaseAt(migration="migrate", backward_compatible=False, begun=True)


def following(by: str | None = "ops on desk", **changes: Any) -> Next:
    found = next_of(seen(by, **changes), definition().release, UTC_NOW)
    assert found is not None
    return found


def test_a_bake_that_goes_well_ends_in_the_next_phase() -> None:
    found = following()
    assert (found.what, found.in_s) == ("phase half: 50 % of traffic, baked for 30 min", 1795)
    assert found.instead == "rolled back where a trigger is worse, or its pods fail"


def test_the_last_bake_ends_in_the_promotion() -> None:
    assert following(phase="switch", bake=bake(phase="switch")).what.startswith("promoted")


def test_one_that_is_told_to_stop_after_its_phase_stops() -> None:
    assert following(until="grow").what == "it stops here, as it was told to"


def test_a_rehearsal_is_told_in_its_own_seconds() -> None:
    found = following(time_scale=60)
    assert (found.what, found.in_s) == ("phase half: 50 % of traffic, baked for 30 s", 25)


def test_triggers_say_their_verdict_and_how_many_samples_they_lack() -> None:
    (errors, latency) = following().hangs
    assert (errors.name, errors.verdict, errors.lacks) == ("error_rate", "undecided", "120 of 300 requests")
    assert (latency.verdict, latency.lacks) == ("fine", "120 of 300 requests")
    enough = following(bake=bake(readings={"canary": {"requests": 300.0}})).hangs
    assert {one.lacks for one in enough} == {""}


def test_of_a_rehearsal_fewer_samples_are_asked() -> None:
    assert {one.lacks for one in following(time_scale=60).hangs} == {""}


@pytest.mark.parametrize("paused", [False, True])
def test_a_change_of_the_database_for_good_is_frozen_and_never_called_rolled_back(paused: bool) -> None:
    found = following(database=CHANGED, state="paused" if paused else "baking")
    assert found.instead.startswith("FROZEN where it does worse")


def test_one_that_is_held_says_for_how_long_and_until_when() -> None:
    found = following(
        state="holding", bake=bake(decision="hold", held_s=100.0, triggers=(trigger("latency", "no data"),))
    )
    assert found.what == "rolled back for want of data, unless it comes (held for 1 min 45 s of at most 5 min)"
    assert found.in_s == 195
    assert found.hangs[0].verdict == "no data"
    assert following(state="holding", database=CHANGED).what.startswith("FROZEN for want of data")


def test_a_time_that_has_passed_is_now_and_not_negative() -> None:
    assert following(bake=bake(left_s=2.0, seen=ago(60))).in_s == 0


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"state": "paused"}, "no further phase, as it is paused (c continues)"),
        ({"state": "promoting", "phase": "promote"}, "the next step; once all are done it is released"),
        ({"state": "rolling back", "by": None}, "all traffic goes to the old version, then the new one is removed"),
        ({"state": "shifting"}, "the next step, then the bake of this phase"),
        ({"state": "preparing", "phase": "pre"}, "the steps before any traffic"),
        ({"phase": "half"}, "the bake of this phase begins"),
    ],
)
def test_in_each_state_it_is_said(changes: dict[str, Any], what: str) -> None:
    found = following(**changes)
    assert (found.what, found.in_s, found.acts) == (what, None, True)


@pytest.mark.parametrize("changes", [{"by": None}, {"state": "frozen"}, {"state": "paused", "by": None}])
def test_where_nobody_acts_nothing_happens_and_the_way_on_is_named(changes: dict[str, Any]) -> None:
    found = following(**changes)
    assert not found.acts
    assert found.what.startswith("nothing, as ")
    assert "'muster deploy --continue' goes on, r takes it back" in found.what


def test_without_a_release_there_is_nothing_to_decide() -> None:
    plan = definition().release
    assert next_of(ReleaseSeen(None, None), plan, UTC_NOW) is None
    assert next_of(ReleaseSeen(release(state="released"), None), plan, UTC_NOW) is None
