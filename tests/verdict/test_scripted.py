"""Clients in virtual time ask as the prober and the load do, and meet an outage when it is there."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muster.verdict.scripted import Asked, Asking, Outage, Own, asked

OWN = Own(late=0.0001)


def ask(*outages: Outage, own: Own | None = OWN, seed: int = 1, **settings: float) -> list[Asked]:
    told = {"every": 0.02, "stop": 4.0, "takes": 0.005, "limit": 0.5, **settings}
    return list(asked(Asking("read", own=own, **told), outages, random.Random(seed)))  # type: ignore[arg-type]


@settings(deadline=None, max_examples=60)
@given(
    begin=st.floats(1.0, 2.0),
    long=st.floats(0.2, 1.5),  # long enough for either kind of connection to have its turns
    how=st.sampled_from(["refused", "reset", "timeout", "error", "wrong", "slow"]),
    only=st.sampled_from(["", "new", "kept"]),
    seed=st.integers(0, 999),
)
def test_requests_fail_within_the_outage_only(*, begin: float, long: float, how: str, only: str, seed: int) -> None:
    found = ask(Outage(begin, begin + long, how, only=only), seed=seed)
    assert any(one.outcome != "ok" for one in found)
    for one in found:
        assert (one.harmed is None) == (one.outcome == "ok"), one
        if one.harmed is not None:
            assert begin <= one.harmed < begin + long
            assert one.sent <= one.harmed + 1e-9
            assert one.harmed <= one.done
        elif not only:
            assert one.done < begin + long + 0.006 or one.sent >= begin
            assert not begin + 0.006 < one.sent < begin + long - 0.006, one


def test_new_and_kept_connections_take_turns() -> None:
    assert [one.conn for one in ask()][:6] == ["new", "new", "new", "kept", "new", "kept"]


def test_a_load_renews_its_connections() -> None:
    found = ask(own=Own(late=0.0001, renew_after=4))
    assert [one.conn for one in found[:9]] == ["new", "kept", "kept", "kept"] * 2 + ["new"]


def test_what_is_struck_only_over_kept_connections_fails_over_no_other() -> None:
    found = ask(Outage(1.0, 3.0, "reset", only="kept"))
    assert {one.conn for one in found if one.outcome != "ok"} == {"kept"}
    assert any(one.outcome == "ok" for one in found if 1.1 < one.sent < 2.9)


def test_a_probe_asks_faster_while_nothing_answers_and_slower_again_afterwards() -> None:
    found = ask(Outage(1.0, 2.0), edge=0.005)

    def gaps(since: float, until: float) -> set[float]:
        inside = [one.intended for one in found if since < one.intended < until]
        return {round(after - before, 6) for before, after in pairwise(inside)}

    assert gaps(0.0, 1.0) == {0.02}
    assert gaps(1.1, 2.0) == {0.005}
    assert gaps(2.1, 4.0) == {0.02}


@pytest.mark.parametrize("how", ["error", "wrong"])
def test_a_probe_that_is_answered_asks_no_faster(how: str) -> None:
    found = ask(Outage(1.0, 2.0, how), edge=0.005)
    assert {round(b.intended - a.intended, 6) for a, b in pairwise(found)} == {0.02}


def test_a_process_that_gets_no_turn_sends_and_reads_late() -> None:
    held = ask(own=Own(late=1e-6, stalls=((1.0, 1.3),)))
    late = [one for one in held if 1.0 <= one.intended < 1.3]
    assert late
    assert all(one.sent == pytest.approx(1.3) for one in late)
    assert all(one.sent - one.intended < 0.001 for one in held if one not in late)
    assert not any(1.0 < one.done < 1.3 for one in held)


def test_a_share_is_struck_at_random() -> None:
    inside = [one for one in ask(Outage(1.0, 3.9, "error", share=0.5)) if 1.01 < one.sent < 3.89]
    struck = sum(one.outcome == "error" for one in inside)
    assert 0.3 < struck / len(inside) < 0.7


def test_only_writes_are_struck() -> None:
    found = ask(Outage(1.0, 3.0, "error", only="writes"), own=Own(late=0.0001, renew_after=4, writes=0.3))
    assert {one.write for one in found if one.outcome != "ok"} == {True}
    assert all(one.outcome == "error" for one in found if one.write and 1.01 < one.sent < 2.99)
