"""What a load proves lost: acknowledged to it, and gone or altered by its own reading."""

from __future__ import annotations

from typing import Any

import pytest

from muster.base.timeline import Event
from muster.report.failure import failure_message
from muster.verdict import DrillVerdict, Verdict, judge
from muster.verdict.testing import EPOCH, DrillStory


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
