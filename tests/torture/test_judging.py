"""A trial is held only if nothing is left, and what is left is named."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from torture.judging import Seen, troubles
from torture.kills import undo_times
from torture.reading import Field, changed, fields_of, value_at

REPLICAS = Field("StatefulSet/db-a", ("spec", "replicas"), 1, 0)
BEFORE: dict[str, Any] = {
    "StatefulSet/db-a": {"replicas": 1, "template": {"containers": [{"name": "postgres", "image": "x"}]}},
    "ConfigMap/settings": {"rate": "100"},
}
STRUCK = {**BEFORE, "StatefulSet/db-a": {**BEFORE["StatefulSet/db-a"], "replicas": 0}}
CLEAN = Seen(BEFORE, BEFORE, fields=[REPLICAS], to_undo=True, begun_s=0.2)


def test_what_is_as_before_is_held() -> None:
    assert troubles(CLEAN) == []


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        (replace(CLEAN, open_faults=("db-failure",)), "on record still: db-failure"),
        (replace(CLEAN, begun_s=None), "never began"),
        (replace(CLEAN, begun_s=6.0), "only 6.0 s after"),
        (replace(CLEAN, after=STRUCK), "the fault's value is left: StatefulSet/db-a spec.replicas"),
        (replace(CLEAN, after={**BEFORE, "ConfigMap/settings": {"rate": "7"}}), "ConfigMap/settings rate: "),
        (replace(CLEAN, after={"ConfigMap/settings": BEFORE["ConfigMap/settings"]}), "StatefulSet/db-a"),
        (replace(CLEAN, after={**BEFORE, "NetworkPolicy/deny": {}}), "NetworkPolicy/deny"),
        (replace(CLEAN, stopped=("7 postgres",)), "frozen: 7 postgres"),
        (replace(CLEAN, left=("8 locust",)), "left: 8 locust"),
        (replace(CLEAN, lease="drill x"), "held still by drill x"),
        (replace(CLEAN, split=("db-a and db-b both",)), "db-a and db-b both"),
        (replace(CLEAN, further=("service is not back",)), "service is not back"),
    ],
)
def test_what_is_left_is_named(seen: Seen, said: str) -> None:
    assert any(said in one for one in troubles(seen)), troubles(seen)


def test_what_a_procedure_wrote_is_explained_but_the_faults_value_is_not() -> None:
    after = {**BEFORE, "ConfigMap/settings": {"rate": "7"}}
    assert troubles(replace(CLEAN, after=after, procedures=frozenset({"ConfigMap/settings"}))) == []
    assert troubles(replace(CLEAN, after=STRUCK, procedures=frozenset({"StatefulSet/db-a"})))


def test_a_fault_that_was_never_on_record_needs_no_guardian_nor_one_that_is_dead() -> None:
    assert troubles(replace(CLEAN, begun_s=None, to_undo=False)) == []
    assert troubles(replace(CLEAN, begun_s=None, guarded=False)) == []


def test_a_field_is_found_by_the_path_of_its_record() -> None:
    path = ["spec", "template", "containers", {"name": "postgres"}, "image"]
    record = {"entries": [{"kind": "StatefulSet", "name": "db-a", "path": path, "before": "x", "after": "y"}]}
    (one,) = fields_of(record)
    assert value_at(BEFORE, one) == "x"
    assert value_at({}, one) is None


def test_a_field_whose_value_has_parts_is_left_behind_like_any_other() -> None:
    containers = ("spec", "template", "containers")
    struck: dict[str, Any] = {"replicas": 1, "template": {"containers": [{"name": "postgres", "image": "broken"}]}}
    one = Field(
        "StatefulSet/db-a",
        (*containers, ("name", "postgres")),
        {"name": "postgres", "image": "x"},
        struck["template"]["containers"][0],
    )
    seen = replace(CLEAN, after={**BEFORE, "StatefulSet/db-a": struck}, fields=[one])
    assert any("the fault's value is left" in said for said in troubles(seen))


def test_fields_that_differ_are_named_by_their_path() -> None:
    (one,) = changed(BEFORE, STRUCK)
    assert str(one) == "StatefulSet/db-a replicas: 1 is 0"


def test_the_times_of_an_undo_count_from_the_kill() -> None:
    events = [
        {"t": 101.5, "kind": "guard", "state": "tripped", "rule": "gone"},
        {"t": 101.9, "kind": "guard", "state": "undone", "took_s": 0.3},
    ]
    assert undo_times(events, 101.0) == (0.5, pytest.approx(0.8))
    assert undo_times(events[:1], 101.0) == (0.5, None)
    assert undo_times([], 101.0) == (None, None)
