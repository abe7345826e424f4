"""A fault is in force within its block and nowhere else, whatever happens in it."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
import yaml

from muster.base import lifeline
from muster.base.errors import RefusedError
from muster.base.waiting import wait_for
from muster.faults import FaultError, Injection, find_experiment
from muster.safety import find_record, open_records
from muster.safety.fields import ABSENT
from muster.safety.targets import struck

from .conftest import EXPERIMENTS, Target

POD_CRASH = find_experiment(EXPERIMENTS, "pod-crash")


def write(directory: Path, method: list[dict[str, Any]], effect: dict[str, Any]) -> Path:
    """An experiment like the ones shipped, with a method and an effect of its own."""
    content = yaml.safe_load((EXPERIMENTS / "pod-crash.yaml").read_text())
    content["method"] = [*method, content["method"][-1]]
    content["extensions"] = [{"name": "muster", "experiment": "own", "effect": effect}]
    path = directory / "own.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


def activity(name: str, module: str, func: str, /, **arguments: Any) -> dict[str, Any]:
    provider = {"type": "python", "module": module, "func": func, "arguments": arguments}
    return {"type": "action", "name": name, "provider": provider}


def note(value: str) -> dict[str, Any]:
    """An activity that changes something that nobody minds."""
    return activity(
        "note",
        "muster.faults.activities",
        "patch_field",
        kind="Deployment",
        name="api",
        path="metadata.annotations.note",
        after=value,
    )


CRASH_LOOP = {"kind": "crash-loop", "labels": "app=api"}


def kill(injection: Injection) -> None:
    """Kill the experiment's process, and wait until it is gone."""
    child = injection._child
    assert child is not None
    for pid in lifeline.descendants(child.pid):
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: child.poll() is not None, within=60, reason="the experiment to be gone")


def is_clean(target: Target) -> bool:
    return target.rate() is ABSENT and open_records(target.cluster, target.namespace) == []


def test_the_fault_lands_is_observed_and_is_undone(target: Target) -> None:
    before = set(target.pods())
    with target.injection(POD_CRASH) as fault:
        (record,) = open_records(target.cluster, target.namespace)
        assert record.experiment == "pod-crash"
        assert target.rate() == "fast"
        assert fault.wait_landed(10), fault.evidence
        assert not before & set(target.pods())
        assert "container api" in fault.evidence
        assert fault.sent_at is not None
        assert fault.landed_at is not None
        assert fault.sent_at < fault.landed_at
    assert is_clean(target)
    assert "'fast' put back to absent" in fault.undone[0]

    (sent,) = target.events("fault.sent")
    (done,) = target.events("fault.done")
    (undone,) = target.events("fault.undone")
    assert sent["t"] == pytest.approx(fault.sent_at, abs=0.05)
    assert done["ok"]
    assert undone["undone"] == fault.undone
    acts = [json.loads(line)["act"] for line in (target.timeline.path.parent / "audit.jsonl").read_text().splitlines()]
    assert acts == ["experiment", "strike", "strike", "undo", "experiment"]
    assert [event["observed"] for event in target.events("fault.effect")][-1]
    assert not any(noted.namespace == target.namespace for noted in struck(Path(".muster"))), "its cluster goes"


@pytest.mark.parametrize("error", [RuntimeError("the drill broke"), KeyboardInterrupt()])
def test_the_fault_is_undone_when_the_block_breaks(target: Target, error: BaseException) -> None:
    with pytest.raises(type(error)), target.injection(POD_CRASH):
        raise error
    assert is_clean(target)


def test_what_was_mended_in_the_block_stays_mended(target: Target) -> None:
    with target.injection(POD_CRASH) as fault:
        mended = {"name": "api", "env": [{"name": "ENHANCER_ADMISSION_RATE", "value": "150"}]}
        patch = {"spec": {"template": {"spec": {"containers": [mended]}}}}
        target.cluster.patch(
            "Deployment",
            "api",
            target.namespace,
            patch,
            content_type="application/strategic-merge-patch+json",
        )
    assert target.rate() == "150"
    assert not fault.undone
    assert "changed since to '150'" in fault.left[0]


def test_the_fault_is_undone_when_the_experiment_is_killed(target: Target) -> None:
    injection = target.injection(POD_CRASH)
    with injection:
        kill(injection)
        assert target.rate() == "fast"
    assert is_clean(target)
    (undone,) = target.events("fault.undone")
    assert undone["by"] == "record"
    assert undone["undone"] == injection.undone != []
    assert [event["ok"] for event in target.events("fault.done")] == [True]


def test_a_prepared_experiment_that_is_never_let_go_injects_nothing(target: Target) -> None:
    injection = target.injection(POD_CRASH)
    injection.prepare()
    injection.release()
    assert is_clean(target)
    assert target.events("fault.sent") == []


def test_a_namespace_that_is_not_opted_in_is_not_struck(target: Target) -> None:
    target.cluster.patch("Namespace", target.namespace, None, {"metadata": {"labels": {"muster.dev/drills": None}}})
    pods = target.pods()
    with pytest.raises(RefusedError, match="not opted in to drills"), target.injection(POD_CRASH):
        pytest.fail("the block must not be entered")
    assert is_clean(target)
    assert target.pods() == pods
    assert target.events("fault.sent") == []
    assert not target.events("fault.done")[0]["ok"]


def test_two_faults_are_not_in_force_at_once(target: Target) -> None:
    with target.injection(POD_CRASH):
        with pytest.raises(RefusedError, match="still in force"), target.injection(POD_CRASH):
            pytest.fail("the block must not be entered")
        assert target.rate() == "fast"
    assert is_clean(target)


def test_an_injection_that_changes_nothing_that_matters_does_not_land(target: Target, tmp_path: Path) -> None:
    with target.injection(write(tmp_path, [note("x")], CRASH_LOOP)) as fault:
        assert not fault.wait_landed(0.5)
        assert fault.landed_at is None
        assert fault.evidence == "no container of app=api crashes"
    assert {event["observed"] for event in target.events("fault.effect")} == {False}


def test_a_failing_activity_stops_the_ones_after_it_and_what_was_done_is_undone(target: Target, tmp_path: Path) -> None:
    pods = target.pods()
    fail = activity(
        "fail", "chaosk8s.statefulset.actions", "scale_statefulset", name="none", replicas=0, ns="${namespace}"
    )
    kill = activity(
        "kill", "chaosk8s.pod.actions", "terminate_pods", label_selector="app=api", all=True, ns="${namespace}"
    )
    injection = target.injection(write(tmp_path, [note("x"), fail, kill], CRASH_LOOP))
    with pytest.raises(FaultError, match=r"activity 'fail' failed: .*failed to scale 'none'"), injection:
        pytest.fail("the block must not be entered")
    assert target.pods() == pods
    assert open_records(target.cluster, target.namespace) == []
    annotations = target.cluster.get("Deployment", "api", target.namespace)["metadata"].get("annotations", {})
    assert "note" not in annotations


def test_an_activity_of_others_is_announced_whatever_it_calls_itself(target: Target, tmp_path: Path) -> None:
    kill = activity(
        "kill", "chaosk8s.pod.actions", "terminate_pods", label_selector="app=api", all=True, ns="${namespace}"
    )
    gone = {"kind": "pods-replaced", "labels": "app=api"}
    with target.injection(write(tmp_path, [{**kill, "type": "probe"}], gone)) as fault:
        assert fault.wait_landed(30), fault.evidence
        assert fault.sent_at is not None
    (sent,) = target.events("fault.sent")
    assert sent["activity"] == "kill"


def unreadable(target: Target, name: str) -> None:
    """A fault record of somebody else that says nothing."""
    labels = {"muster.dev/fault-record": name}
    metadata = {"name": f"muster-fault-{name}", "labels": labels}
    item = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"record.json": "?"}}
    target.cluster.create(item, target.namespace)


@pytest.mark.parametrize("killed", [False, True])
def test_an_unreadable_record_of_another_does_not_stop_the_undo(target: Target, killed: bool) -> None:
    injection = target.injection(POD_CRASH)
    with injection:
        unreadable(target, "other")
        if killed:
            kill(injection)
    assert target.rate() is ABSENT
    assert find_record(target.cluster, target.namespace, "pod-crash") is None
    (undone,) = target.events("fault.undone")
    assert undone["by"] == ("record" if killed else "experiment")


def test_an_unreadable_record_keeps_a_fault_out(target: Target) -> None:
    unreadable(target, "pod-crash")
    with (
        pytest.raises(RefusedError, match=r"muster-fault-pod-crash .* cannot be understood"),
        target.injection(POD_CRASH),
    ):
        pytest.fail("the block must not be entered")
    assert target.rate() is ABSENT


def test_an_experiment_that_cannot_be_run_says_why(target: Target, tmp_path: Path) -> None:
    odd = activity("odd", "chaosk8s.pod.actions", "no_such_function", ns="${namespace}")
    injection = target.injection(write(tmp_path, [odd], CRASH_LOOP))
    with pytest.raises(FaultError, match="does not expose a function called 'no_such_function'"), injection:
        pytest.fail("the block must not be entered")


def test_a_field_that_is_so_already_is_no_fault(target: Target, tmp_path: Path) -> None:
    same = activity(
        "same", "muster.faults.activities", "patch_field", kind="Deployment", name="api", path="spec.replicas", after=3
    )
    injection = target.injection(write(tmp_path, [same], CRASH_LOOP))
    with pytest.raises(RefusedError, match="is 3 already: the fault would change nothing"), injection:
        pytest.fail("the block must not be entered")
    assert is_clean(target)
