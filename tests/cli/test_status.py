"""`muster status --once`: one screen that says what was seen, and of what was not seen that it was not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from jsonschema import Draft202012Validator
from tests.diagnosis.saved import ANSWERS, BLIND, ILL, WELL, save, workload

from muster.base.clock import utc_iso
from muster.cli.main import commands, main
from muster.schemas import DIRECTORY
from muster.snapshot import Missing, Snapshot
from muster.wire.names import FAULT_RECORD_LABEL, PROCEDURE_RECORD_LABEL

PARTS = ["service", "pods", "database", "agents", "workflows", "faults", "procedures", "findings"]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nobody's project and nobody's kubeconfig."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    monkeypatch.delenv("MUSTER_KUBE_CONTEXT", raising=False)
    yield


def status(*arguments: str) -> Result:
    return CliRunner().invoke(commands, ["status", *arguments])


def shown(snapshot: Snapshot, directory: Path) -> tuple[str, dict[str, dict[str, Any]]]:
    """What a person is shown, and each part as a program is told it."""
    path = save(snapshot, directory)
    text, told = status("--once", "--from", path), status("--once", "--from", path, "--json")
    content = json.loads(told.output)
    Draft202012Validator(json.loads((DIRECTORY / "status-v1.json").read_text())).validate(content)
    assert text.exit_code == told.exit_code == {"fine": 0, "finding": 1, "unknown": 2}[content["state"]]
    return text.output, {part["name"]: part for part in content["parts"]}


def record(name: str, label: str, value: str, content: dict[str, Any]) -> dict[str, Any]:
    metadata = {
        "name": name,
        "namespace": "shop",
        "labels": {label: value},
        "creationTimestamp": "2026-11-28T02:58:00Z",
    }
    return {"kind": "ConfigMap", "metadata": metadata, "data": {"record.json": json.dumps(content)}}


def test_a_system_that_is_well(tmp_path: Path) -> None:
    text, parts = shown(replace(WELL, taken=utc_iso(timespec="seconds")), tmp_path)
    assert list(parts) == PARTS
    assert {part["state"] for part in parts.values()} == {"fine"}
    assert text.splitlines()[0] == "shop: namespace shop, context staging, Kubernetes v1.36.0"
    assert "✓ service       answers, 3 of 3 right, 12 ms at most, at http://shop" in text
    assert "✓ pods          shop 3 of 3, work 2 of 2, db-a 1 of 1, db-b 1 of 1" in text
    assert "✓ database      db-a primary; db-b standby, 0.2 s behind" in text
    assert "✓ findings      none\n" in text


def test_what_is_ill_stands_with_its_command(tmp_path: Path) -> None:
    text, parts = shown(ILL, tmp_path)
    assert (parts["database"]["state"], parts["findings"]["state"]) == ("finding", "finding")
    assert "db-a does not answer; db-b standby, follows nobody" in text
    assert "✗ findings      1: P1 Database db: has no primary; db-b could be promoted\n" in text
    assert "$ muster recover promote-standby" in text


def test_workloads_that_lack_pods_stand_first(tmp_path: Path) -> None:
    objects = (*workload("Deployment", "alone", 2, 2), *workload("Deployment", "shop", 3, 1))
    text, parts = shown(replace(WELL, objects=objects), tmp_path)
    assert parts["pods"]["state"] == "finding"
    assert "✗ pods          shop 1 of 3, alone 2 of 2" in text


def test_a_fault_and_a_procedure_are_named_since_when(tmp_path: Path) -> None:
    records = (
        record("muster-fault-x", FAULT_RECORD_LABEL, "pod-crash", {}),
        record("muster-recovery-y", PROCEDURE_RECORD_LABEL, "open", {"procedure": "full-restart", "arguments": {}}),
    )
    text, _ = shown(replace(WELL, objects=(*WELL.objects, *records)), tmp_path)
    assert "✗ faults        pod-crash, since 2026-11-28T02:58:00Z" in text
    assert "✗ procedures    full-restart, since 2026-11-28T02:58:00Z" in text


RELEASE = {
    "id": "20261128-025000-ab12",
    "release": "releases/5.2",
    "version": "5.2",
    "state": "baking",
    "phase": "grow",
    "share": {"wanted": 0.2, "possible": 0.25, "way": "replicas"},
    "began": "2026-11-28T02:40:00Z",
    "ended": "",
    "by": "ops",
    "host": "desk",
    "time_scale": 10.0,
    "why": "",
    "bake": {
        "phase": "grow",
        "began": "2026-11-28T02:50:00Z",
        "limit_s": 2700.0,
        "baked_s": 900.0,
        "left_s": 1800.0,
        "held_s": 0.0,
        "looks": 90,
        "decision": "go on",
        "why": "30 min of the bake left",
        "triggers": [{"name": "latency", "verdict": "fine", "why": "0 % of 900 requests took more than 1 s"}],
        "seen": "2026-11-28T02:59:58Z",
    },
}


@pytest.mark.parametrize(
    ("changed", "state", "said"),
    [
        ({}, "fine", "5.2 baking at phase grow, 25% of traffic, 3 min of the bake left"),
        ({"state": "holding", "why": "no data"}, "finding", "3 min of the bake left: no data"),
        ({"state": "frozen", "bake": None, "why": "by ops"}, "finding", "5.2 frozen at phase grow, 25% of traffic: by"),
        (
            {"bake": {**RELEASE["bake"], "seen": "2026-11-28T02:50:00Z"}},  # type: ignore[dict-item]
            "unknown",
            "nobody has looked at it for 10 min: muster deploy --continue",
        ),
        ({"state": "released", "ended": "2026-11-28T01:00:00Z"}, "fine", "none under way; 5.2 was released 2 h ago"),
        ({"state": "failed", "ended": "2026-11-28T02:59:00Z", "why": "x"}, "finding", "5.2 failed 60 s ago: x"),
    ],
)
def test_a_release_is_one_line(changed: dict[str, Any], state: str, said: str, tmp_path: Path) -> None:
    text, parts = shown(replace(WELL, answers={**ANSWERS, "release": {**RELEASE, **changed}}), tmp_path)
    assert parts["release"]["state"] == state
    assert said in parts["release"]["says"]
    assert "release       " in text


def test_a_release_that_was_not_seen_is_unknown_and_none_is_none(tmp_path: Path) -> None:
    _, parts = shown(replace(WELL, answers={**ANSWERS, "release": {}}), tmp_path)
    assert parts["release"] == {"name": "release", "state": "fine", "says": "none under way"}
    _, parts = shown(replace(WELL, missing=(Missing("release", "no answer in time"),)), tmp_path)
    assert parts["release"]["state"] == "unknown"


def test_what_was_not_seen_is_unknown_and_never_well(tmp_path: Path) -> None:
    text, parts = shown(BLIND, tmp_path)
    assert {part["state"] for part in parts.values()} == {"unknown"}
    assert "? service       not seen: no answer in time" in text
    assert "? pods          not seen: forbidden" in text


@pytest.mark.parametrize(
    ("missing", "part"),
    [("service", "service"), ("database", "database"), ("status", "agents"), ("workflows", "workflows")],
)
def test_one_answer_that_is_missing_makes_its_part_unknown(missing: str, part: str, tmp_path: Path) -> None:
    left = {name: answer for name, answer in ANSWERS.items() if name != missing}
    for snapshot in (
        replace(WELL, answers=left),
        replace(WELL, answers=left, missing=(Missing(missing, "no answer in time"),)),
    ):
        _, parts = shown(snapshot, tmp_path)
        assert {name for name, one in parts.items() if one["state"] == "unknown"} >= {part}


def test_a_namespace_without_a_system_has_fewer_parts(tmp_path: Path) -> None:
    _, parts = shown(replace(WELL, system={}, answers={}), tmp_path)
    assert list(parts) == ["pods", "faults", "procedures", "findings"]


def test_in_a_pipe_it_looks_once_as_if_it_were_told_to(tmp_path: Path) -> None:
    path = save(ILL, tmp_path)
    piped, once = status("--from", path), status("--once", "--from", path)
    assert (piped.output, piped.exit_code) == (once.output, once.exit_code)
    assert "\x1b" not in piped.output


def test_json_looks_once(tmp_path: Path) -> None:
    path = save(WELL, tmp_path)
    assert json.loads(status("--json", "--from", path).output)["schema"] == "muster/status/v1"


def test_it_says_how_old_it_is(tmp_path: Path) -> None:
    text, _ = shown(replace(WELL, taken=utc_iso(timespec="seconds", after_s=-7300)), tmp_path)
    assert text.splitlines()[1].endswith(" UTC, 2 h ago")


@pytest.mark.parametrize("snapshot", [WELL, ILL, BLIND], ids=["well", "ill", "blind"])
def test_it_fits_one_screen(snapshot: Snapshot, tmp_path: Path) -> None:
    many = [item for number in range(40) for item in workload("Deployment", f"workload-{number}", 1, number % 2)]
    long = replace(
        snapshot,
        objects=(*snapshot.objects, *many),
        context="arn:aws:eks:eu-central-1:0123456789:cluster/a-cluster-with-a-long-name-that-nobody-can-remember",
    )
    for one in (snapshot, long):
        lines = shown(one, tmp_path)[0].splitlines()
        assert len(lines) <= 24
        assert max(map(len, lines)) <= 80


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "there is no system.yaml that names a namespace"),
        (("--every", "0"), "'--every 0' is no time between two looks"),
        (("--once",), "there is no system.yaml that names a namespace"),
        (("--once", "-n", "shop"), "no cluster is up"),
        (("--once", "--within", "31", "-n", "shop"), "'--within 31' is no time"),
    ],
)
def test_wrong_use_is_one_sentence_and_64(
    arguments: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as end:
        patch.setattr("sys.argv", ["muster", "status", *arguments])
        main()
    assert end.value.code == 64
    assert message in capsys.readouterr().err
