"""What items and waivers come to, whichever they are."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from muster.gate.judging import REHEARSAL, judge, with_rehearsal
from muster.gate.statement import Item, Purpose, Waiver

from .made import NOW, item, waiver

OUTCOMES = st.sampled_from(["met", "missed", "unknown"])
KINDS = st.sampled_from(["cluster", "rehearsal", "files", "person"])


def made(*told: dict[str, Any]) -> list[Item]:
    return [Item.model_validate(one) for one in told]


def waived(*names: str, **more: str) -> list[Waiver]:
    return [Waiver.model_validate(waiver(name, **more)) for name in names]


@given(st.lists(st.tuples(OUTCOMES, KINDS, st.booleans()), min_size=1, max_size=8))
def test_a_gate_is_met_only_if_everything_is_met_or_waived(told: list[tuple[str, str, bool]]) -> None:
    items = made(*(item(f"item {n}", outcome, kind) for n, (outcome, kind, _) in enumerate(told)))
    waivers = waived(*(f"item {n}" for n, (_, _, is_waived) in enumerate(told) if is_waived))
    found = judge(with_rehearsal(items, "production"), waivers, NOW)
    left = {outcome for outcome, _, is_waived in told if not is_waived} - {"met"}
    if any(kind == "rehearsal" for _, kind, _ in told):
        left.add("unknown")
    assert found.verdict == ("missed" if "missed" in left else "unknown" if left else "met")
    assert 1 <= len(found.why) <= 3
    assert all(one.what.startswith("item") for one in found.applied)


@given(KINDS, st.sampled_from(["production", "rehearsal"]))
def test_a_rehearsal_opens_only_a_rehearsal_s_gate(kind: str, purpose: Purpose) -> None:
    items = with_rehearsal(made(item(evidence=kind)), purpose)
    expected = "unknown" if (kind, purpose) == ("rehearsal", "production") else "met"
    assert judge(items, (), NOW).verdict == expected
    assert with_rehearsal(items, purpose) == items, "to say it again changes nothing"


def test_a_rehearsal_may_be_waived_by_its_name() -> None:
    items = with_rehearsal(made(item(evidence="rehearsal")), "production")
    assert judge(items, waived(REHEARSAL), NOW).verdict == "met"
    assert judge(items, waived("health"), NOW).verdict == "unknown", "that one item is waived says nothing of the rest"


def test_a_waiver_that_has_run_out_is_none() -> None:
    items = made(item(outcome="unknown"))
    found = judge(items, waived("health", until="2026-02-28T23:59:59Z"), NOW)
    assert (found.verdict, found.applied) == ("unknown", ())


def test_a_waiver_of_what_is_met_is_not_needed() -> None:
    assert judge(made(item()), waived("health"), NOW).applied == ()


def test_what_is_missed_comes_first_in_three_lines() -> None:
    items = made(item("a", "unknown"), item("b", "missed"), item("c", "missed"), item("d", "missed"))
    assert judge(items, (), NOW).why == ("b: b is missed", "c: c is missed", "and 2 more: a, d")
    assert judge(items[:3], (), NOW).why == ("b: b is missed", "c: c is missed", "a: a is unknown")
