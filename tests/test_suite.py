"""What all tests rely on: nothing is held against the clock, and what is drawn is drawn evenly."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .conftest import costs, draw_cases, draw_dear

OWN: dict[str, str | None] = {f"test_a.py::test_{test}[{number}]": None for test in "xyz" for number in range(7)}
CASES = OWN | {f"test_{module}.py::test_w": "whole drills" for module in "abcde"}


def kind(case: str) -> str:
    return CASES[case] or case.partition("[")[0]


def test_a_slow_machine_fails_no_property() -> None:
    assert settings().deadline is None
    assert HealthCheck.too_slow in settings().suppress_health_check


@given(st.sets(st.sampled_from(sorted(CASES))), st.integers(0, 8), st.integers(0, 999))
def test_so_many_cases_of_each_kind_are_drawn_and_the_same_again(chosen: set[str], wanted: int, seed: int) -> None:
    drawn = draw_cases({case: CASES[case] for case in sorted(chosen)}, wanted, seed)
    assert drawn == draw_cases({case: CASES[case] for case in sorted(chosen, reverse=True)}, wanted, seed)
    assert drawn <= chosen
    for one in {kind(case) for case in chosen}:
        there, kept = (sum(kind(case) == one for case in some) for some in (chosen, drawn))
        assert kept == min(wanted, there)


@given(st.dictionaries(st.text(), st.floats(0.1, 90)), st.floats(0, 300), st.integers(0, 999))
def test_what_is_dear_is_drawn_within_its_budget_and_the_same_again(
    weighed: dict[str, float], budget: float, seed: int
) -> None:
    drawn = draw_dear(weighed, budget, seed)
    assert drawn == draw_dear(dict(reversed(weighed.items())), budget, seed)
    assert sum(weighed[one] for one in drawn) <= budget + 1e-6
    left = budget - sum(weighed[one] for one in drawn)
    assert all(weighed[one] > left - 1e-6 for one in weighed.keys() - drawn), "there was room for another"


def test_everything_dear_is_drawn_sooner_or_later() -> None:
    assert {one for seed in range(80) for one in draw_dear(costs(), 350, seed)} == set(costs())


def test_every_case_is_drawn_sooner_or_later() -> None:
    assert {case for seed in range(80) for case in draw_cases(CASES, 2, seed)} == set(CASES)
