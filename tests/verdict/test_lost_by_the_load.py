"""What a load proves lost: acknowledged to it, and gone or altered by its own reading."""

from __future__ import annotations

from typing import Any

import pytest

from muster.base.timeline import Event
from muster.report.failure import failure_message
from muster.verdict import DrillVerdict, Verdict, judge
from muster.verdict.testing import EPOCH, DrillStory, Outage


def look(at: float, identity: str = "load-1-7", found: str = "lost", **fields: Any) -> Event:
    """A look of the load at `at` seconds into the story; what it looks for was acknowledged at 4.9 s."""
    seen = {"load": "load", "profile": "steady", "name": "GET /items/{id}", "status": 404, "why": "status 404"}
    when = {"t": EPOCH + at, "sent": EPOCH + at - 0.01, "acknowledged": EPOCH + 4.9}
    return {"kind": "load.lost", "id": identity, "found": found, **seen, **when, **fields}


def judged(*looks: Event, **story: Any) -> DrillVerdict:
    events = [*DrillStory(**story).events(), *looks]
    return judge(sorted(events, key=lambda event: event["t"]))


def test_a_write_that_the_load_no_longer_finds_is_lost_and_never_0_lost() -> None:
    entry = judged(*(look(at) for at in (15.0, 16.0, 17.0)))
    assert entry.verdict is Verdict.MISSED
    assert (entry.rpo.lost_writes, entry.rpo.lost_by_load) == (1, 1)
    assert [(lost.id, lost.how, lost.by) for lost in entry.lost] == [("load-1-7", "lost", "load")]
    assert entry.rpo.value_s == pytest.approx(0.3, abs=0.1), "from its acknowledgement to the disruption"
    assert entry.why == "1 acknowledged writes of the load lost, by its own reading (allowed: 0): load-1-7"
    assert "0 lost" not in failure_message(entry)


def test_it_counts_beside_those_of_the_ledger() -> None:
    entry = judged(look(15.0), lost={"w-50": "lost"})
    assert entry.rpo.lost_writes == 2
    assert "2 of" in entry.why
    assert "1 of them of the load" in entry.why


def test_of_several_looks_the_worst_is_told() -> None:
    entry = judged(look(15.0, found="altered"), look(15.5), look(16.0, found="altered"))
    assert [lost.how for lost in entry.lost] == ["lost"]


def test_a_look_during_the_disruption_alone_is_no_loss() -> None:
    entry = judged(look(8.0))
    assert entry.verdict is Verdict.MET, entry.reasons
    assert entry.rpo.lost_writes == 0


def test_a_drill_that_does_not_judge_what_is_lost_is_not_green_either() -> None:
    entry = judged(look(15.0), judged=["rto", "slo"])
    assert entry.verdict is Verdict.UNKNOWN
    assert "1 writes that were acknowledged to the load were not found again (load-1-7: status 404)" in entry.why


def test_what_was_lost_before_anything_was_injected_is_no_steady_state() -> None:
    entry = judged(look(4.95))
    assert entry.verdict is Verdict.UNKNOWN
    assert "the system was not steady: the load did not find load-1-7 again" in entry.why


def test_looks_after_the_judgement_do_not_count() -> None:
    assert judged(look(30.5)).rpo.lost_writes == 0


@pytest.mark.parametrize("broken", [{"found": "somewhere"}, {"acknowledged": "then"}, {"id": 7}, {"sent": None}])
def test_a_look_that_cannot_be_reckoned_with_is_damage(broken: dict[str, Any]) -> None:
    entry = judged(look(15.0, **broken))
    assert entry.verdict is Verdict.UNKNOWN
    assert "cannot be judged" in entry.why


def test_a_load_that_went_elsewhere_makes_a_green_unknown() -> None:
    elsewhere = {"t": EPOCH + 7.0, "kind": "load", "state": "elsewhere", "load": "load", "profile": "steady"}
    entry = judged(
        {**elsewhere, "address": "127.0.0.1:18099", "wanted": "http://127.0.0.1:8080", "reason": "redirected"}
    )
    assert entry.verdict is Verdict.UNKNOWN
    assert "load 'steady' went to 127.0.0.1:18099, not to the system under drill" in entry.reasons


LOSES = Outage(11.7, 28.0, "wrong", streams=frozenset({"load"}), share=0.05)
ALLOWED = {"max_lost_writes": None, "error_budget": 1.0}


def answered_gone(status: int = 404, *, again: float | None = None, **story: Any) -> DrillVerdict:
    """A service that is back at 11.7 s without some of what the load had written, which goes on reading it; `again` is
    when all of that was read again as it had been."""
    events = DrillStory(outages=[Outage(5.2, 11.7), LOSES], **story).events()
    told = [event for event in events if event["kind"] == "request" and event["outcome"] == "wrong"]
    looks = [
        look(event["t"] - EPOCH, f"load-{number % 5}", sent=event["sent"], name=event["name"], status=status)
        for number, event in enumerate(told)
    ]
    assert len(looks) > 20
    if again is not None:
        looks += [look(again, f"load-{number}", found="same", status=200, name="load") for number in range(5)]
    return judge(sorted([*events, *looks], key=lambda event: event["t"]))


def test_where_a_loss_is_allowed_what_reads_it_is_no_violation_and_the_rpo_counts_it() -> None:
    entry = answered_gone(declared=ALLOWED)
    assert entry.verdict is Verdict.MET, entry.why
    assert entry.rto.value_s == pytest.approx(6.6, abs=0.2)
    assert entry.rpo.lost_by_load == 5
    rates = {slo.window: slo.value for slo in entry.slo if slo.measure == "error_rate"}
    assert rates["after"] == 0.0


def test_where_none_may_be_lost_it_stays_a_violation() -> None:
    entry = answered_gone()
    assert entry.verdict is Verdict.MISSED
    assert entry.rto.low_s is not None
    assert entry.rto.low_s > 15, "until the load no longer asks for it"


def test_what_is_read_again_later_was_not_lost_but_not_served() -> None:
    entry = answered_gone(declared=ALLOWED, again=28.5)
    assert entry.rto.low_s is not None
    assert entry.rto.low_s > 15


def test_what_an_answer_lacks_that_came_is_wrong_whatever_is_lost() -> None:
    entry = answered_gone(200, declared=ALLOWED)
    assert entry.rto.low_s is not None
    assert entry.rto.low_s > 15


def test_a_drill_that_allows_a_loss_and_does_not_judge_it_is_not_green() -> None:
    assert answered_gone(declared=ALLOWED, judged=["rto", "slo"]).verdict is Verdict.UNKNOWN


def test_a_service_that_has_lost_all_that_the_load_asks_for_is_not_back() -> None:
    """A bucket in which nothing but what is gone was asked for shows no good service."""
    all_gone = Outage(11.7, 28.0, "wrong", streams=frozenset({"load"}))
    events = DrillStory(outages=[Outage(5.2, 11.7), all_gone], declared=ALLOWED).events()
    told = [event for event in events if event["kind"] == "request" and event["outcome"] == "wrong"]
    looks = [look(e["t"] - EPOCH, sent=e["sent"], name=e["name"], status=404) for e in told]
    entry = judge(sorted([*events, *looks], key=lambda event: event["t"]))
    assert entry.rto.low_s is not None
    assert entry.rto.low_s > 15
