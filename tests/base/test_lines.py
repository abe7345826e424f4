"""How a place in a file is told."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from muster.base.lines import key_of


def test_keys_and_places_are_joined() -> None:
    assert key_of(("probes", 2, "check", "größe")) == "probes.2.check.größe"


@given(st.lists(st.text() | st.integers()))
def test_it_is_one_line_whatever_the_keys_hold(location: list[int | str]) -> None:
    told = key_of(location)
    assert told.isprintable()
    assert len(told.splitlines()) <= 1
