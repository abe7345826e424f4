"""A sample of the sabotages is drawn anew each time, and is the same for the same seed; most share a session."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from . import test_cluster, test_fault, test_high_load, test_system
from .conftest import session_of
from .drawing import CONTROL, Held, draw

held = st.builds(Held, st.sampled_from("abc"), st.sampled_from("xy"), st.sampled_from([CONTROL, *"1234567"]))


@given(st.lists(held, min_size=1, max_size=40), st.integers(1, 45), st.integers(0, 999))
def test_a_sample_has_the_control_and_one_of_each_module(drills: list[Held], wanted: int, seed: int) -> None:
    drawn = draw(drills, wanted, seed)
    assert drawn <= set(drills)
    assert len(drawn) == min(wanted, len(set(drills)))
    assert drawn == draw(reversed(drills), wanted, seed)
    controls = {one for one in drills if one.sabotage == CONTROL}
    assert controls <= drawn or len(controls) > wanted
    if wanted >= len(controls) + len({one.module for one in drills}):
        assert {one.module for one in drawn} == {one.module for one in drills}


def test_every_sabotage_is_drawn_sooner_or_later() -> None:
    drills = [Held("m", "d", str(number)) for number in range(12)]
    assert {one for seed in range(60) for one in draw(drills, 3, seed)} == set(drills)


def test_modules_share_a_session_but_those_that_would_spoil_it_or_arrange_their_own() -> None:
    modules = (test_cluster, test_fault, test_high_load, test_system)
    items = [SimpleNamespace(path=Path(str(module.__file__)), module=module) for module in modules]
    assert [session_of(item) for item in items] == ["test_cluster", "together", "test_high_load", "together"]
