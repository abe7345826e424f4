"""What all tests rely on: nothing is held against the clock, and what is drawn is drawn evenly."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .conftest import draw_cases

CASES = [f"test_a.py::test_{test}[{number}]" for test in "xyz" for number in range(7)]


def test_a_slow_machine_fails_no_property() -> None:
    assert settings().deadline is None
    assert HealthCheck.too_slow in settings().suppress_health_check


@given(st.sets(st.sampled_from(CASES)), st.integers(0, 8), st.integers(0, 999))
def test_so_many_cases_of_each_test_are_drawn_and_the_same_again(cases: set[str], wanted: int, seed: int) -> None:
    drawn = draw_cases(cases, wanted, seed)
    assert drawn == draw_cases(sorted(cases, reverse=True), wanted, seed)
    assert drawn <= cases
    for test in "xyz":
        begin = f"test_a.py::test_{test}["
        there, kept = (sum(case.startswith(begin) for case in some) for some in (cases, drawn))
        assert kept == min(wanted, there)


def test_every_case_is_drawn_sooner_or_later() -> None:
    assert {case for seed in range(60) for case in draw_cases(CASES, 2, seed)} == set(CASES)
