"""Around the edges of an outage a probe asks more often, and never more than it may."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster.probes.http.exchange import Answer, Kind
from muster.probes.http.outcomes import Outcome
from muster.probes.prober.rhythm import ANSWERED_ANYHOW, NOT_ANSWERED, Edge, Rhythm, share_out
from muster.system.parts import ProberLimits

GAPS = st.floats(min_value=0.01, max_value=5)
RHYTHMS = st.lists(st.builds(Rhythm, GAPS, st.just(1.0), st.integers(1, 2)), min_size=1, max_size=6)
READ, WRITE = Rhythm(0.05, 1.0), Rhythm(0.033, 1.0, requests=2)


@given(RHYTHMS, st.floats(1, 500), st.none() | st.floats(0.001, 2))
def test_all_probes_together_stay_within_what_they_may_ask(
    rhythms: list[Rhythm], most: float, edge_every_s: float | None
) -> None:
    shared = share_out(rhythms, ProberLimits(max_requests_per_s=most, edge_every_s=edge_every_s))
    base, quickest = (
        sum(r.requests / s for r, s in zip(rhythms, gaps, strict=True))
        for gaps in ([r.every_s for r in rhythms], [r.edge_s for r in shared])
    )
    assert quickest <= max(base, most) * (1 + 1e-6)
    for before, after in zip(rhythms, shared, strict=True):
        assert (after.every_s, after.requests) == (before.every_s, before.requests)
        assert after.edge_s <= after.every_s
        fastest = before.every_s / 4 if edge_every_s is None else min(edge_every_s, before.every_s)
        assert after.edge_s >= fastest * (1 - 1e-6)


def test_the_edge_rhythm_is_a_quarter_where_there_is_room_for_it() -> None:
    [read, write] = share_out([READ, WRITE], ProberLimits(max_requests_per_s=1000))
    assert (read.edge_s, write.edge_s) == (0.05 / 4, 0.033 / 4)


def test_the_coarsest_is_refined_first_where_there_is_not() -> None:
    [read, write] = share_out([READ, WRITE], ProberLimits())
    assert (read.parts, write.parts) == (3, 2)
    assert read.cost(3) + write.cost(2) <= 200


def test_an_edge_rhythm_of_ones_own_is_never_quicker_than_said() -> None:
    [read, write] = share_out([READ, WRITE], ProberLimits(edge_every_s=0.02, max_requests_per_s=1000))
    assert (read.parts, write.parts) == (2, 1)


@given(st.integers(2, 9), st.floats(0.01, 5), st.floats(0, 1e6), st.floats(0, 100))
def test_turns_in_between_are_on_the_grid_and_leave_the_probes_own_turns_out(
    parts: int, every_s: float, start: float, after: float
) -> None:
    rhythm = Rhythm(every_s, 1.0, parts=parts)
    turn = rhythm.between(start, start + after)
    number = (turn - start) / rhythm.edge_s
    assert start + after < turn <= start + after + 2 * rhythm.edge_s + 1e-9
    assert number == pytest.approx(round(number), abs=1e-3)
    assert round(number) % parts != 0


def answered(outcome: Outcome, conn: Kind = "new") -> Answer:
    return Answer(0.0, 0.1, outcome, conn, asked=True)


def nears(*answers: tuple[Outcome, Kind]) -> list[bool]:
    edge, near = Edge(), []
    for outcome, conn in answers:
        edge.note(answered(outcome, conn))
        near.append(edge.near)
    return near


OK, BROKEN = Outcome.OK, Outcome.RESET


@pytest.mark.parametrize("outcome", sorted(Outcome))
def test_only_what_was_not_answered_quickens_a_probe(outcome: Outcome) -> None:
    expected = outcome in {"refused", "reset", "empty", "timeout", "unreachable"}
    assert nears((outcome, "new")) == [expected]
    assert (outcome in NOT_ANSWERED) == expected


def test_three_answers_in_a_row_end_it() -> None:
    assert nears((BROKEN, "new"), (OK, "kept"), (OK, "new"), (OK, "kept")) == [True, True, True, False]
    assert nears((BROKEN, "new"), (OK, "new"), (OK, "kept"), (BROKEN, "new"), (OK, "new"), (OK, "new"))[-1]


@pytest.mark.parametrize("outcome", [Outcome.SHED, Outcome.ERROR, Outcome.WRONG])
def test_a_bad_answer_ends_it_at_once(outcome: Outcome) -> None:
    assert nears((BROKEN, "new"), (outcome, "kept")) == [True, False]


def test_answers_over_new_connections_do_not_end_what_kept_ones_began() -> None:
    new = [(OK, "new")] * (ANSWERED_ANYHOW - 1)
    assert all(nears((BROKEN, "kept"), *new))  # type: ignore[arg-type]
    assert nears((BROKEN, "kept"), *new, (OK, "new"))[-1] is False, "a service may keep none any more"  # type: ignore[arg-type]
    assert nears((BROKEN, "kept"), (OK, "new"), (OK, "new"), (OK, "kept"))[-1] is False
