"""Ready is only what was seen to be so: what is wrong is found, what could not be seen is unknown, what a system lacks
does not apply."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.diagnosis.building import crashed, made, pod

from muster.checks.check import CATEGORIES
from muster.readiness.subject import KEPT_SO
from muster.snapshot import Missing, Snapshot, read_snapshot
from muster.snapshot.reading import of_objects, scenarios_of
from muster.wire.names import FAULT_RECORD_LABEL, PROCEDURE_RECORD_LABEL

from .standing import ANSWERS, BY_TAG, NEXT, READY, SYSTEM, assessed, held, lacking, looked, proof, result

RECORDED = Path(__file__).parents[1] / "diagnosis/data/recorded.json"
QUOTA = {"hard": {"pods": "3", "requests.cpu": "4"}, "used": {"pods": "2", "requests.cpu": "500m"}}


def test_a_system_that_has_all_is_ready_in_all_eight_categories() -> None:
    found = assessed()
    assert found.reasons == []
    assert (found.answer, found.exit_code) == ("ready", 0)
    assert [category.name for category in found.categories] == list(CATEGORIES)
    assert {category.state for category in found.categories} == {"fine"}
    assert all(len(category.checks) > 1 for category in found.categories if category.name != "drill evidence")


def record(label: str, name: str, **data: str) -> dict[str, Any]:
    return made("ConfigMap", name, metadata={"labels": {label: "true"}}, data=data)


def deployed(**spec: Any) -> Snapshot:
    objects = [
        {**item, "spec": {**item["spec"], **spec}} if item["kind"] == "Deployment" else item for item in READY.objects
    ]
    return replace(READY, objects=tuple(objects))


def answering(part: str, **changed: Any) -> Snapshot:
    return looked(answers={part: {**ANSWERS[part], **changed}})


FINDINGS: dict[str, tuple[Snapshot, str, str]] = {
    "a pod crashes": (looked(pod(crashed(), name="web-1-c")), "pods", "Deployment web: "),
    "a rollout is under way": (deployed(replicas=3), "rolled-out", "Deployment web: 2 of 3 ready, 2 up to date"),
    "a right is missing": (
        answering("rights", state="failed", seen="promote-standby may not get pods", mend="grant"),
        "rights",
        "may not get pods",
    ),
    "nobody is told": (answering("channels", state="failed", seen="nobody would be told of P1"), "channels", "nobody"),
    "the monitoring does not answer": (answering("alerting", state="failed", seen="refused"), "monitoring", "refused"),
    "an alert fires": (
        answering("monitoring", firing=[{"name": "Errors", "since": None, "severity": "page"}]),
        "alerts",
        "Alert Errors: fires",
    ),
    "no good configuration is kept": (looked(answers={"known good": {}}), "known-good", "ConfigMap settings is kept"),
    "no backup": (answering("backups", count=0, newest=None, tried=None), "backup", "there is no backup"),
    "no backup was tried": (answering("backups", tried=None), "tried-backup", "no backup was ever restored"),
    "a backup is broken": (
        answering("backups", tried={"id": "b-4", "at": "2026-11-27T03:00:00Z", "ok": False, "why": "a row is lost"}),
        "tried-backup",
        "b-4 is not whole: a row is lost",
    ),
    "a backup was tried long ago": (
        answering("backups", tried={"id": "b-1", "at": "2026-10-01T03:00:00Z", "ok": True, "why": ""}),
        "tried-backup",
        "no backup was restored on trial for 58 d (the last was b-1)",
    ),
    "no room": (
        answering("room", unplaced=1),
        "room",
        "1 of 2 pods of a second version find no room on 1 nodes",
    ),
    "a quota is full": (
        looked(made("ResourceQuota", "most", status=QUOTA)),
        "quota",
        "ResourceQuota most has 1 of pods left, and a second version takes 2",
    ),
    "no eviction": (
        looked(
            made(
                "PodDisruptionBudget",
                "web",
                spec={"selector": {"matchLabels": {"app": "web"}}},
                status={"disruptionsAllowed": 0},
            )
        ),
        "disruption",
        "PodDisruptionBudget web lets none of 2 pods be evicted now",
    ),
    "no earlier revision is kept": (deployed(revisionHistoryLimit=0), "revisions", "web keeps no earlier revision"),
    "the revision is not there": (
        replace(READY, objects=tuple(item for item in READY.objects if item["kind"] != "ReplicaSet")),
        "revisions",
        "no ReplicaSet of the present revision of Deployment web is there",
    ),
    "a fault is in force": (looked(record(FAULT_RECORD_LABEL, "muster-fault-1")), "faults", "fault is in force"),
    "a procedure was begun": (
        looked(record(PROCEDURE_RECORD_LABEL, "muster-recovery-1")),
        "under-way",
        "on record as begun (ConfigMap muster-recovery-1)",
    ),
    "a drill is held": (
        looked(answers={"leases": [{"what": "a drill", "holder": "ann", "since": "noon"}]}),
        "under-way",
        "a drill has the namespace: ann, since noon",
    ),
    "a release is under way": (
        looked(answers={"release": {"id": "r-1", "state": "frozen", "phase": "half"}}),
        "under-way",
        "release r-1 is frozen, in phase half",
    ),
    "the error budget is used up": (
        looked(answers={"error budgets": {"availability": {"target": 0.99, "period_s": 2592000.0, "left": -0.1}}}),
        "budget-left",
        "availability: -10% of 30 days' error budget left",
    ),
    "the error budget burns": (
        looked(
            answers={
                "service levels": {
                    "availability": {
                        "target": 0.99,
                        "period_s": 2592000.0,
                        "burn": {"1h": 20, "5m": 20},
                        "why": {},
                    }
                }
            }
        ),
        "levels",
        "burns its error budget 20 times as fast",
    ),
}


@pytest.mark.parametrize("what", FINDINGS)
def test_what_is_wrong_is_found_by_the_check_that_is_for_it(what: str) -> None:
    snapshot, check, says = FINDINGS[what]
    found = assessed(snapshot)
    said = result(found, check)
    assert (said.state, found.answer, found.exit_code) == ("finding", "not ready", 1), said
    assert says in said.says
    assert any(check in reason and says in reason for reason in found.reasons)


@pytest.mark.parametrize("part", sorted(set(ANSWERS) - {"declared"}))
def test_what_was_asked_for_in_vain_makes_the_answer_unknown(part: str) -> None:
    found = assessed(lacking(part))
    assert (found.answer, found.exit_code) == ("unknown", 2)
    assert any("no answer in time" in reason for reason in found.reasons)


@pytest.mark.parametrize("part", sorted(set(ANSWERS) - {"declared", "error budgets", "service levels"}))
def test_what_a_snapshot_of_another_command_does_not_hold_is_unknown_with_the_way_to_have_it(part: str) -> None:
    found = assessed(looked(without=(part, "declared")))
    assert found.answer == "unknown"
    said = [one.result for category in found.categories for one in category.checks if one.result.state == "unknown"]
    assert "the snapshot does not hold it" in str(said)
    assert KEPT_SO in {one.mend for one in said}


@settings(max_examples=20)
@given(st.sets(st.sampled_from(sorted({*ANSWERS, *READY.listed})), min_size=1))
def test_seeing_less_never_makes_a_system_ready(gone: set[str]) -> None:
    crashing = looked(pod(crashed(), name="web-1-c"))
    for snapshot in (READY, crashing):
        blind = replace(
            snapshot,
            listed=snapshot.listed - gone,
            objects=tuple(item for item in snapshot.objects if item["kind"] not in gone),
            answers={name: one for name, one in snapshot.answers.items() if name not in gone},
            missing=tuple(Missing(one, "forbidden") for one in sorted(gone)),
        )
        assert assessed(blind).answer != "ready"


def test_what_a_system_does_not_have_does_not_apply() -> None:
    declared = {"evidence": "cluster", "monitoring": False, "monitoring_unset": "", "levels": False, "database": False}
    bare = looked(
        answers={"declared": declared},
        without=("backups", "monitoring", "alerting", "error budgets", "service levels", "known good"),
        system={**SYSTEM, "configuration": {}},
    )
    found = assessed(bare)
    assert found.reasons == []
    assert {one.name: one.state for one in found.categories}["objectives and error budget"] == "not applicable"
    assert {one.name: one.state for one in found.categories}["database, replication and backups"] == "not applicable"
    for name in ("replication", "backup", "tried-backup", "agents", "workflows", "known-good", "alerts", "jobs"):
        assert result(found, name).state == "not applicable", name


def test_nothing_that_applies_is_no_readiness() -> None:
    assert replace(assessed(), categories=()).answer == "unknown"


def test_images_by_tag_that_no_pod_tells_are_unknown() -> None:
    found = assessed(looked(answers={"system version": BY_TAG.to_json()}))
    assert result(found, "images").state == result(found, "known").state == "unknown"
    assert result(found, "known").mend == "name images by digest (NAME@sha256:...)"


def test_a_version_that_was_changed_in_the_snapshot_is_unknown() -> None:
    found = assessed(answering("system version", parts={}))
    assert "was changed" in result(found, "known").says
    assert result(found, "pod_crash").state == "unknown"


def test_a_release_says_what_it_changes() -> None:
    said = result(assessed(wanted=NEXT), "release")
    assert said.state == "fine"
    assert "Deployment/web/main ran shop:1 (aaaaaaaaaaaa) and now shop:2 (bbbbbbbbbbbb)" in said.says
    assert result(assessed(), "release").state == "not applicable"
    assert result(assessed(wanted=BY_TAG), "release").state == "unknown"


def test_replicas_share_traffic_as_finely_as_they_can_and_say_so() -> None:
    said = result(assessed(answering("traffic", way="replicas", shares=[[0.05, 0.3333], [1, 1]])), "traffic")
    assert (said.state, said.says) == ("fine", "by replicas, for Deployment web of 2 replicas: 5% becomes 33%")


def test_on_the_embedded_cluster_rehearsals_count_and_room_does_not() -> None:
    snapshot = looked(answers={"declared": {**ANSWERS["declared"], "evidence": "rehearsal"}}, without=("room",))
    found = assessed(snapshot, held(proof(evidence="rehearsal", cluster="embedded")))
    assert (found.answer, result(found, "room").state) == ("ready", "not applicable"), found.reasons


def test_a_check_that_breaks_off_is_unknown_and_the_others_go_on() -> None:
    found = assessed(looked(answers={"traffic": 3}))
    assert result(found, "traffic").says.startswith("it failed with TypeError")
    assert result(found, "room").state == "fine"


@pytest.mark.parametrize("name", scenarios_of(RECORDED))
def test_no_recorded_trouble_is_ready(name: str) -> None:
    found = assessed(read_snapshot(RECORDED, name), held())
    assert found.answer != "ready"


def test_a_list_of_objects_is_looked_at_as_far_as_it_tells() -> None:
    found = assessed(of_objects(READY.objects), held())
    assert result(found, "pods").state == "fine"
    assert result(found, "service").state == "unknown"
