"""What a real Kubernetes 1.36 recorded of common troubles: the cause stands first; what is well has none.

Each namespace was recorded 75 s after its objects were applied, with all objects, events and the tails of logs;
`expected` is what somebody who knows the answer calls the cause.
"""

from __future__ import annotations

import copy
import json
import random
from pathlib import Path
from typing import Any

import pytest

from muster.diagnosis import Diagnosis, diagnose
from muster.snapshot import read_snapshot
from muster.snapshot.reading import of_objects

FILE = Path(__file__).parent / "data" / "recorded.json"
RECORDED: dict[str, Any] = json.loads(FILE.read_text())
SCENARIOS: dict[str, Any] = {one["name"]: one for one in RECORDED["scenarios"]}
TROUBLED = [name for name, one in SCENARIOS.items() if one["expected"]["cause"]]
HEALTHY = [name for name in SCENARIOS if name not in TROUBLED]


def looked_at(scenario: dict[str, Any]) -> Diagnosis:
    objects = [*scenario["objects"], *RECORDED["nodes"]]
    return diagnose(of_objects(objects, scenario["logs"], scenario["namespace"]))


def first(diagnosis: Diagnosis) -> tuple[str, str, str] | None:
    if not diagnosis.causes:
        return None
    cause = diagnosis.causes[0]
    return cause.ref.kind, cause.ref.name, cause.finding.reason


def cause_of(scenario: dict[str, Any]) -> tuple[str, str, str]:
    cause = scenario["expected"]["cause"]
    return cause["kind"], cause["name"], cause["reason"]


@pytest.mark.parametrize("name", TROUBLED)
def test_the_cause_stands_first_in_the_words_of_who_knows(name: str) -> None:
    diagnosis = diagnose(read_snapshot(FILE, name))
    assert first(diagnosis) == cause_of(SCENARIOS[name])
    assert not diagnosis.unknown
    assert all(cause.follows_from for cause in diagnosis.causes[1:]), "what follows is no cause of its own"


@pytest.mark.parametrize("name", HEALTHY)
def test_nothing_is_found_where_nothing_is_wrong(name: str) -> None:
    diagnosis = diagnose(read_snapshot(FILE, name))
    assert (diagnosis.causes, diagnosis.unknown, diagnosis.exit_code) == ((), (), 0)


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_order_of_objects_does_not_matter(name: str) -> None:
    scenario = copy.deepcopy(SCENARIOS[name])
    random.Random(name).shuffle(scenario["objects"])
    assert looked_at(scenario).to_json() == diagnose(read_snapshot(FILE, name)).to_json()


@pytest.mark.parametrize("name", TROUBLED)
def test_names_do_not_matter(name: str) -> None:
    text = json.dumps(SCENARIOS[name])
    for old, new in (("web", "front"), ("api", "gate"), ("trouble-", "space-")):
        text = text.replace(f"{old}", new)
    scenario = json.loads(text.replace("gateVersion", "apiVersion").replace("kube-gate-access", "kube-api-access"))
    kind, named, reason = cause_of(scenario)
    assert first(looked_at(scenario)) == (kind, named, reason)


@pytest.mark.parametrize("name", TROUBLED)
def test_without_events_the_same_is_named_or_nothing(name: str) -> None:
    scenario = copy.deepcopy(SCENARIOS[name])
    scenario["objects"] = [item for item in scenario["objects"] if item["kind"] != "Event"]
    found = first(looked_at(scenario))
    assert found is None or found[:2] == cause_of(scenario)[:2]


@pytest.mark.parametrize("name", TROUBLED)
def test_without_logs_the_same_is_named_or_nothing(name: str) -> None:
    scenario = copy.deepcopy(SCENARIOS[name]) | {"logs": {}}
    found = first(looked_at(scenario))
    assert found is None or found[:2] == cause_of(scenario)[:2]


@pytest.mark.parametrize("name", TROUBLED)
def test_a_healthy_namespace_beside_it_is_no_part_of_it(name: str) -> None:
    well, ill = SCENARIOS[HEALTHY[0]], SCENARIOS[name]
    diagnosis = diagnose(of_objects([*well["objects"], *ill["objects"], *RECORDED["nodes"]], ill["logs"], ""))
    assert {cause.ref.namespace for cause in diagnosis.causes} <= {ill["namespace"]}
    if not ill["logs"] or "address" not in name:  # whose logs are told by the namespace
        found = first(diagnosis)
        assert found and found[:2] == cause_of(ill)[:2]
