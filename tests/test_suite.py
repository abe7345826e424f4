"""What all tests rely on: nothing is held against the clock, and what is drawn is drawn evenly."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .conftest import draw_cases

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


def test_every_case_is_drawn_sooner_or_later() -> None:
    assert {case for seed in range(80) for case in draw_cases(CASES, 2, seed)} == set(CASES)
