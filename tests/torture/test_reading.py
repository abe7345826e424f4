"""Which objects of a namespace are to be as they were before a trial."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest
from torture.reading import _is_known

ENDED, UNDER_WAY = ({"state": "rolled back", "ended": "2026-03-01T14:00:00Z"}, {"state": "baking", "ended": None})


@pytest.mark.parametrize(("told", "known"), [(ENDED, True), (UNDER_WAY, False)])
def test_the_record_of_a_release_may_stay_once_it_has_ended(told: Mapping[str, str | None], known: bool) -> None:
    item = {"metadata": {"name": "muster-release"}, "data": {"release.json": json.dumps(told)}}
    assert _is_known(item) is known


@pytest.mark.parametrize(("name", "known"), [("muster-known-good-settings", True), ("settings", False)])
def test_what_a_drill_keeps_on_purpose_may_stay(name: str, known: bool) -> None:
    assert _is_known({"metadata": {"name": name}}) is known
