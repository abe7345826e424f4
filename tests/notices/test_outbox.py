"""What is put into the outbox arrives: once, in order, in no storm, and later where it cannot now."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Connection

from muster.base.waiting import wait_for
from muster.notices import Outbox, deliver
from muster.notices.outbox import FIRST_AGAIN_S, LATEST_AGAIN_S, LEASE_S, Delivery, backoff
from muster.notices.testing import LocalReceiver

from .telling import Scripted, both, notice, post, scripted

Later = Callable[[float], None]


def subjects(channel: Scripted) -> list[str]:
    return [message.subject for message in channel.taken]


def test_what_is_put_twice_is_told_once_until_it_is_over(outbox: Outbox, tmp_path: Path) -> None:
    ops = Scripted("ops")
    way = scripted(tmp_path, ops)
    assert outbox.put(way, notice()).new
    assert not outbox.put(way, notice()).new
    assert outbox.put(way, notice(state="resolve")).new
    assert not outbox.put(way, notice(state="resolve")).new, "what is over is over"
    assert outbox.put(way, notice()).new, "it is hurt again"
    assert deliver(outbox, way, within_s=10).failed == []
    assert subjects(ops) == ["P1 shop: orders hang", "over: P1 shop: orders hang", "P1 shop: orders hang"]
    assert [row["seen"] for row in outbox.notices("k")] == [2, 1, 1]


def test_another_step_is_told_besides(outbox: Outbox, tmp_path: Path) -> None:
    way = scripted(tmp_path, Scripted("ops"))
    assert outbox.put(way, notice()).new
    assert outbox.put(way, notice(step="unacknowledged")).new
    assert not outbox.put(way, notice(step="unacknowledged")).new


def test_who_was_not_told_of_it_is_not_told_that_it_is_over(outbox: Outbox, tmp_path: Path) -> None:
    ops, board = Scripted("ops"), Scripted("board")
    way = scripted(tmp_path, ops, board, board={"severities": ["P1"]})
    assert outbox.put(way, notice(severity="P3")).channels == ("ops",)
    assert outbox.put(way, notice(state="acknowledge", severity="P1")).channels == ("ops",), "whatever it became"
    assert outbox.put(way, notice("never raised", "resolve")).channels == ()
    assert outbox.put(scripted(tmp_path, ops, ops={"states": ["trigger"]}), notice(state="resolve")).channels == ()


def test_severities_go_where_they_belong(outbox: Outbox, there: LocalReceiver, tmp_path: Path) -> None:
    way = both(tmp_path, there)
    for severity, wanted in (("P1", ("oncall", "ops")), ("P2", ("oncall", "ops")), ("P3", ("ops",)), ("P4", ("ops",))):
        assert outbox.put(way, notice(severity, severity=severity)).channels == wanted, "nobody is woken for a P3"


def test_sent_while_its_channel_was_down_it_arrives_once_and_after(
    outbox: Outbox, there: LocalReceiver, tmp_path: Path, later: Later
) -> None:
    way = both(tmp_path, there)
    there.stop()
    outbox.put(way, notice())
    down = deliver(outbox, way, within_s=10)
    assert sorted(channel for channel, _, _ in down.failed) == ["oncall", "ops"]
    assert all(why.endswith("Connection refused") for _, _, why in down.failed)
    there.start()
    assert deliver(outbox, way, within_s=10).sent == [], "not before its time"
    later(FIRST_AGAIN_S)
    there.status = 503
    assert {why for _, _, why in deliver(outbox, way, within_s=10).failed} == {
        "json: it answered 503",
        "PagerDuty answered 503",
    }
    outbox.put(way, notice(state="resolve"))
    there.status = 202
    assert deliver(outbox, way, within_s=10).sent == [], "it is not over before it was raised"
    later(2 * FIRST_AGAIN_S)
    assert len(deliver(outbox, way, within_s=10).sent) == 4
    assert there.told == ["P1 shop: orders hang", "over: P1 shop: orders hang"]
    assert there.alerts == {"k": ["trigger", "resolve"]}
    assert deliver(outbox, way, within_s=10, hurry=True).sent == []


def test_who_hangs_keeps_nobody_waiting_and_is_sent_nothing_twice(
    outbox: Outbox, there: LocalReceiver, tmp_path: Path
) -> None:
    with LocalReceiver() as hanging:
        hanging.hang_s = 1.0
        way = post(tmp_path, {"OPS": there.webhook, "SLOW": hanging.webhook})
        outbox.put(way, notice())
        wait_for(lambda: deliver(outbox, way, within_s=0.5) and there.told, within=30, reason="ops to be told")
        assert there.told == ["P1 shop: orders hang"]
        for _ in range(2):  # an attempt that is under way is waited for, also by others
            assert deliver(outbox, way, within_s=0.1, hurry=True).sent == []
        wait_for(lambda: not outbox.deliveries(states=["waiting"]), within=30, reason="slow to be told")
        assert (hanging.told, hanging.asked) == (["P1 shop: orders hang"], 1)


def test_who_died_while_sending_is_followed_by_another_under_the_same_uid(
    outbox: Outbox, tmp_path: Path, later: Later
) -> None:
    ops = Scripted("ops")
    way = scripted(tmp_path, ops)
    outbox.put(way, notice())
    claim = outbox.claim("ops", keyed=False, per_minute=6)
    assert claim is not None
    assert deliver(outbox, way, within_s=10).sent == [], "it may be arriving"
    later(LEASE_S)
    assert len(deliver(outbox, way, within_s=10).sent) == 1
    assert ops.tried == [claim.uid]
    outbox.settle(claim, "it broke off")
    assert [one.state for one in outbox.deliveries()] == ["sent"], "who comes late changes nothing"


def test_many_at_once_are_one_message_and_tried_again_as_such(outbox: Outbox, tmp_path: Path, later: Later) -> None:
    ops, oncall = Scripted("ops"), Scripted("oncall", keyed=True)
    way = scripted(tmp_path, ops, oncall)
    for number in range(20):
        outbox.put(way, notice(str(number), severity="P1" if number == 7 else "P3", title=f"alert {number}"))
    ops.refuses = lambda _: True
    deliver(outbox, way, within_s=20)
    outbox.put(way, notice("late", title="alert late"))
    ops.refuses = lambda _: False
    later(FIRST_AGAIN_S)
    deliver(outbox, way, within_s=20)
    first, second = ops.taken
    assert ops.tried == [first.uid, first.uid, second.uid]
    assert first.subject == "20 notices of shop, the gravest P1"
    listed = [line for line in first.body.splitlines() if "alert" in line]
    assert len(listed) == 20
    assert "P1 shop: alert 7" in listed[0], "the gravest first"
    assert second.subject == "P1 shop: alert late"
    assert len(oncall.taken) == 21, "where each has its key, each is its own"
    assert all(one.state == "sent" for one in outbox.deliveries())


def test_a_channel_gets_no_more_than_its_share_of_a_minute(outbox: Outbox, tmp_path: Path, later: Later) -> None:
    ops = Scripted("ops", per_minute=2)
    way = scripted(tmp_path, ops)
    for number in range(3):
        outbox.put(way, notice(str(number)))
    deliver(outbox, way, within_s=10)
    assert len(ops.taken) == 2
    assert deliver(outbox, way, within_s=10, hurry=True).sent == []
    later(61)
    deliver(outbox, way, within_s=10)
    assert len(ops.taken) == 3


def test_what_a_channel_never_takes_holds_up_only_its_own_key(outbox: Outbox, tmp_path: Path) -> None:
    ops = Scripted("ops")
    way = scripted(tmp_path, ops)
    ops.refuses = lambda message: message.key == "odd"
    for key, state in (("odd", "trigger"), ("odd", "resolve"), ("well", "trigger")):
        outbox.put(way, notice(key, state))
    deliver(outbox, way, within_s=10)
    assert [message.key for message in ops.taken] == ["well"]
    assert len(ops.tried) == 2


def test_a_channel_that_is_down_is_not_asked_for_all_that_waits(outbox: Outbox, tmp_path: Path) -> None:
    oncall = Scripted("oncall", keyed=True)
    oncall.refuses = lambda _: True
    way = scripted(tmp_path, oncall)
    for number in range(9):
        outbox.put(way, notice(str(number)))
    deliver(outbox, way, within_s=10)
    assert len(oncall.tried) == 2


def test_tries_come_ever_later_and_not_all_together() -> None:
    for attempts in range(1, 60):
        longest = min(FIRST_AGAIN_S * 2 ** (attempts - 1), LATEST_AGAIN_S)
        assert longest / 2 <= backoff(attempts) <= longest
    assert len({backoff(3) for _ in range(20)}) > 1


def test_in_a_hurry_each_is_tried_once(outbox: Outbox, tmp_path: Path) -> None:
    ops = Scripted("ops")
    ops.refuses = lambda _: True
    way = scripted(tmp_path, ops)
    outbox.put(way, notice())
    for count in (1, 2, 3):
        assert len(deliver(outbox, way, within_s=10, hurry=True).failed) == 1
        assert len(ops.tried) == count


def test_what_never_arrives_is_given_up_and_said(outbox: Outbox, tmp_path: Path, later: Later) -> None:
    ops, told = Scripted("ops"), list[Delivery]()

    def settled(_connection: Connection, which: Sequence[Delivery]) -> None:
        told.extend(which)

    way = scripted(tmp_path, ops)
    outbox.put(way, notice(kept_s=100))
    ops.refuses = lambda _: True
    deliver(outbox, way, within_s=10, settled=settled)
    assert told == []
    later(101)
    deliver(outbox, way, within_s=10, settled=settled)
    assert [(one.state, one.why) for one in told] == [("given up", "it is down")]
    assert len(ops.tried) == 1
    outbox.put(way, notice("other"))
    ops.refuses = lambda _: False
    deliver(outbox, way, within_s=10, settled=settled)
    assert told[-1].state == "sent"


def test_a_drill_is_quiet_unless_a_channel_asks_for_it_and_marked_always(outbox: Outbox, tmp_path: Path) -> None:
    ops = Scripted("ops")
    put = outbox.put(scripted(tmp_path, ops), notice(drill="db_failure"))
    assert (put.new, put.channels, put.quiet) == (True, (), True)
    asking = scripted(tmp_path, ops, ops={"drills": True})
    for number in range(5):
        outbox.put(asking, notice(str(number), drill="db_failure"))
    outbox.put(asking, notice("alone", drill="db_failure"))
    deliver(outbox, asking, within_s=10)
    (digest,) = ops.taken
    assert digest.subject.startswith("[DRILL] 6 notices")
    assert digest.body.count("[DRILL]") == 6
    outbox.put(asking, notice("alone", state="resolve", drill="db_failure"))
    deliver(outbox, asking, within_s=10)
    assert ops.taken[-1].subject == "[DRILL] over: P1 shop: orders hang"
    assert ops.taken[-1].drill == "db_failure"


def test_what_is_in_earnest_is_not_taken_for_a_drill_among_drills(outbox: Outbox, tmp_path: Path) -> None:
    ops = Scripted("ops")
    way = scripted(tmp_path, ops, ops={"drills": True})
    for number in range(5):
        outbox.put(way, notice(str(number), drill=None if number == 3 else "db_failure"))
    deliver(outbox, way, within_s=10)
    assert ops.taken[0].subject == "5 notices of shop, the gravest P1"
    assert ops.taken[0].body.count("[DRILL]") == 4


def test_a_broken_template_keeps_nobody_from_being_told(outbox: Outbox, tmp_path: Path) -> None:
    ops = Scripted("ops")
    (tmp_path / "notices").mkdir()
    (tmp_path / "notices" / "p1.en.j2").write_text("Subject: x\n\n{{ colour }}")
    put = outbox.put(scripted(tmp_path, ops), notice())
    assert put.troubles[0].startswith("template p1.en.j2, line 3: 'colour' is undefined")
    way = scripted(tmp_path, ops, ops={"template": "gone", "language": "fr"})
    (trouble,) = outbox.put(way, notice("second")).troubles
    assert trouble.startswith("template 'gone' is not known")
    deliver(outbox, way, within_s=10)
    assert subjects(ops) == ["P1 shop: orders hang"] * 2


def test_who_sends_elsewhere_sends_nothing_of_ours(outbox: Outbox, tmp_path: Path) -> None:
    ops = Scripted("ops")
    way = scripted(tmp_path, ops)
    outbox.put(way, notice())
    assert deliver(outbox, replace(way, system="billing"), within_s=10).sent == []
    assert deliver(outbox, way, within_s=10).sent == [("ops", "P1 shop: orders hang")]


def test_a_channel_without_an_address_here_waits_for_who_has_it(outbox: Outbox, tmp_path: Path) -> None:
    assert outbox.put(scripted(tmp_path, ops={}), notice()).channels == ("ops",)
    deliver(outbox, scripted(tmp_path, ops={}), within_s=10)
    assert len(outbox.deliveries(states=["waiting"])) == 1
    assert len(deliver(outbox, scripted(tmp_path, Scripted("ops")), within_s=10).sent) == 1


def test_many_that_put_and_send_at_once_tell_each_once(tmp_path: Path) -> None:
    ops, oncall = Scripted("ops"), Scripted("oncall", keyed=True)
    way = scripted(tmp_path, ops, oncall)
    Outbox.open("store.sqlite", tmp_path, create=True).close()

    def work() -> None:
        with Outbox.open("store.sqlite", tmp_path) as mine:
            for number in range(8):
                mine.put(way, notice(str(number), title=f"alert {number}."))
                deliver(mine, way, within_s=20)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with Outbox.open("store.sqlite", tmp_path) as last:
        deliver(last, way, within_s=20)
        assert not last.deliveries(states=["waiting"])
    assert sorted(message.key for message in oncall.taken) == sorted(map(str, range(8)))
    said = "\n".join(message.subject + "\n" + message.body for message in ops.taken)
    listed = [line for line in said.splitlines() if "P1 shop: alert" in line]
    assert [sum(f"alert {number}." in line for line in listed) for number in range(8)] == [1] * 8
    assert len({*ops.tried}) == len(ops.tried)


def test_a_dead_database_is_one_sentence(tmp_path: Path, outbox: Outbox) -> None:
    way = scripted(tmp_path, Scripted("ops"))
    outbox.put(way, notice())
    with outbox._writing() as connection:
        connection.exec_driver_sql("drop table muster_deliveries")
    (trouble,) = deliver(outbox, way, within_s=10).troubles
    assert trouble.startswith("history ")
    assert "no such table" in trouble
    with pytest.raises(Exception, match="no such table"):
        outbox.deliveries()
