"""What a fault changed is put back where it is still the fault's, and nowhere else."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
from dataclasses import replace
from typing import Any

import pytest

from muster.base.errors import ClusterError, RefusedError
from muster.base.waiting import wait_for
from muster.kube import Cluster
from muster.safety import (
    Command,
    Entry,
    Held,
    Record,
    RecordError,
    find_record,
    open_records,
    records,
    sift_records,
    undo,
)
from muster.safety.fields import ABSENT, parse_path, read_field
from muster.safety.records import apply_entry
from muster.system.pods import is_ready

from .recorded import on_record

RATE = parse_path("spec.template.spec.containers[name=web].env[name=RATE]")
FAST = {"name": "RATE", "value": "fast"}


@pytest.fixture
def deployment(cluster: Cluster, namespace: str) -> str:
    """A Deployment without replicas: its fields are what counts here."""
    container = {"name": "web", "image": "python:3.11-slim", "env": [{"name": "MODE", "value": "calm"}]}
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container]}}
    spec = {"replicas": 0, "selector": {"matchLabels": {"app": "web"}}, "template": template}
    cluster.create(
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec}, namespace
    )
    return "web"


def strike(cluster: Cluster, namespace: str, *entries: Entry) -> Record:
    """Record and make the entries' changes, as one fault."""
    record = on_record(cluster, namespace, *entries)
    for entry in entries:
        assert apply_entry(cluster, namespace, entry)
    return record


def present(cluster: Cluster, namespace: str, path: Any) -> Any:
    return read_field(cluster.get("Deployment", "web", namespace), path)


def test_a_fault_is_undone_from_its_record_alone(cluster: Cluster, namespace: str, deployment: str) -> None:
    replicas = parse_path("spec.replicas")
    strike(
        cluster,
        namespace,
        Entry("Deployment", deployment, RATE, ABSENT, FAST),
        Entry("Deployment", deployment, replicas, 0, 1),
    )
    assert present(cluster, namespace, RATE) == FAST

    (record,) = open_records(cluster, namespace)
    assert (record.experiment, record.run, len(record.entries)) == ("flood", "run-1", 2)
    undone, left = undo(cluster, record)
    assert list(undone) == [
        "Deployment web spec.replicas: 1 put back to 0",
        "Deployment web spec.template.spec.containers[name=web].env[name=RATE]: 'fast' put back to absent",
    ]
    assert not left
    assert present(cluster, namespace, RATE) is ABSENT
    assert present(cluster, namespace, replicas) == 0
    assert open_records(cluster, namespace) == []


def test_what_was_changed_since_stays(cluster: Cluster, namespace: str, deployment: str) -> None:
    record = strike(cluster, namespace, Entry("Deployment", deployment, RATE, ABSENT, FAST))
    mended = {"name": "RATE", "value": "150"}
    env = {
        "spec": {"template": {"spec": {"containers": [{"name": "web", "image": "python:3.11-slim", "env": [mended]}]}}}
    }
    cluster.patch("Deployment", deployment, namespace, env)

    undone, left = undo(cluster, record)
    assert not undone
    assert "left, changed since to '150'" in left[0]
    assert present(cluster, namespace, RATE) == mended
    assert open_records(cluster, namespace) == []


def test_a_field_that_was_put_back_already_is_left_and_said(cluster: Cluster, namespace: str, deployment: str) -> None:
    entry = Entry("Deployment", deployment, RATE, ABSENT, FAST)
    record = strike(cluster, namespace, entry)
    assert apply_entry(cluster, namespace, Entry("Deployment", deployment, RATE, FAST, ABSENT))
    assert "left, put right already" in undo(cluster, record).left[0]


def test_an_element_is_found_by_its_key_when_others_came_before_it(
    cluster: Cluster, namespace: str, deployment: str
) -> None:
    record = strike(cluster, namespace, Entry("Deployment", deployment, RATE, ABSENT, FAST))
    more = [{"name": "FIRST", "value": "1"}, FAST, {"name": "LAST", "value": "9"}]
    env = {"spec": {"template": {"spec": {"containers": [{"name": "web", "image": "python:3.11-slim", "env": more}]}}}}
    cluster.patch("Deployment", deployment, namespace, env)
    undo(cluster, record)
    left = present(cluster, namespace, parse_path("spec.template.spec.containers[name=web].env"))
    assert left == [more[0], more[2]]


def test_an_object_that_is_gone_is_left_and_the_record_closed(
    cluster: Cluster, namespace: str, deployment: str
) -> None:
    record = strike(cluster, namespace, Entry("Deployment", deployment, RATE, ABSENT, FAST))
    cluster.delete("Deployment", deployment, namespace)
    assert "the object is gone" in undo(cluster, record).left[0]
    assert open_records(cluster, namespace) == []


def test_a_change_is_not_made_over_another(cluster: Cluster, namespace: str, deployment: str) -> None:
    assert not apply_entry(cluster, namespace, Entry("Deployment", deployment, parse_path("spec.replicas"), 3, 0))
    assert present(cluster, namespace, parse_path("spec.replicas")) == 0


def test_a_change_that_the_api_will_not_have_is_an_error(cluster: Cluster, namespace: str, deployment: str) -> None:
    entry = Entry("Deployment", deployment, parse_path("spec.replicas"), 0, -1)
    with pytest.raises(ClusterError, match=r"spec\.replicas cannot be set to -1"):
        apply_entry(cluster, namespace, entry)


def test_an_experiment_is_in_force_once(cluster: Cluster, namespace: str, deployment: str) -> None:
    entry = Entry("Deployment", deployment, RATE, ABSENT, FAST)
    strike(cluster, namespace, entry)
    with pytest.raises(RefusedError, match="'flood' is in force in namespace"):
        on_record(cluster, namespace, entry, run="run-2", injection="i-2")


def unreadable(cluster: Cluster, namespace: str, content: str) -> None:
    metadata = {"name": "muster-fault-odd", "labels": {"muster.dev/fault-record": "odd"}}
    item = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"record.json": content}}
    cluster.create(item, namespace)


def written(**changes: Any) -> str:
    """The content of a record named `odd`, with changes."""
    record = Record("odd", "any", "run-1", "i-1", "2026-01-01T00:00:00+00:00")
    content = json.loads(record.to_config_map()["data"]["record.json"])
    return json.dumps(content | changes)


@pytest.mark.parametrize(
    "content",
    [
        "not json",
        "[]",
        '{"schema": "other/v9"}',
        '{"schema": "muster/fault-record/v1"}',
        written(experiment="flood"),  # undoing it would delete another record than itself
        written(entries=[{"kind": "ConfigMap", "name": "x", "path": [{}]}]),
        written(entries=3),
        "[" * 20_000,
    ],
)
def test_a_record_that_cannot_be_understood_is_said_and_kept(cluster: Cluster, namespace: str, content: str) -> None:
    unreadable(cluster, namespace, content)
    with pytest.raises(RecordError, match=r"muster-fault-odd .* undo its fault by hand"):
        open_records(cluster, namespace)
    with pytest.raises(RecordError, match="muster-fault-odd"):
        find_record(cluster, namespace, "odd")
    assert cluster.find("ConfigMap", "muster-fault-odd", namespace) is not None


def test_an_unreadable_record_does_not_hide_the_others(cluster: Cluster, namespace: str, deployment: str) -> None:
    unreadable(cluster, namespace, "not json")
    record = strike(cluster, namespace, Entry("Deployment", deployment, RATE, ABSENT, FAST))
    good, bad = sift_records(cluster, namespace)
    assert good == (record,)
    assert len(bad) == 1
    assert "muster-fault-odd" in str(bad[0])
    assert find_record(cluster, namespace, "flood") == record
    assert find_record(cluster, namespace, "drought") is None


def test_what_a_process_holds_is_ended_with_it(cluster: Cluster, namespace: str) -> None:
    with subprocess.Popen(["sleep", "1000"]) as process:
        record = on_record(cluster, namespace, Held.by(process.pid, "a load"))
        assert undo(cluster, record).undone == (f"a load by process {process.pid} on {socket.gethostname()}: ended",)
        assert process.wait(10) == -signal.SIGTERM


def test_a_process_of_another_machine_or_of_another_start_is_left(cluster: Cluster, namespace: str) -> None:
    with subprocess.Popen(["sleep", "1000"]) as process:
        here = Held.by(process.pid, "a load")
        record = on_record(cluster, namespace, replace(here, boot="another"), replace(here, started=here.started - 1))
        ended, elsewhere = undo(cluster, record).left
        assert "it has ended" in ended
        assert "it is not on this machine" in elsewhere
        assert process.poll() is None
        process.kill()


def test_a_command_takes_back_what_was_done_in_a_pod_as_long_as_it_is_that_pod(
    cluster: Cluster, namespace: str
) -> None:
    container = {"name": "c", "image": "busybox", "command": ["sleep", "1000"]}
    pod = cluster.create(
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [container]}}, namespace
    )
    wait_for(lambda: is_ready(cluster.get("Pod", "p", namespace)), within=60, reason="the pod to be ready")
    thaw = Command("p", pod["metadata"]["uid"], "c", ("sh", "-c", "echo thawed > /tmp/state"), "thawed")
    fails = replace(thaw, command=("sh", "-c", "echo no >&2; exit 3"))
    with pytest.raises(ClusterError, match="Pod p: thawed: not undone, its command ended with 3: no"):
        undo(cluster, on_record(cluster, namespace, fails))
    assert [record.experiment for record in open_records(cluster, namespace)] == ["flood"], "the record stays"
    undone, left = undo(cluster, on_record(cluster, namespace, thaw, replace(thaw, uid="of another"), experiment="b"))
    assert (undone, left) == (("Pod p: thawed",), ("Pod p: thawed: left, the pod is gone",))
    assert cluster.execute("p", namespace, ["cat", "/tmp/state"], container="c").stdout == "thawed\n"
    nothing = replace(thaw, command=("sh", "-c", "exit 10"))
    assert undo(cluster, on_record(cluster, namespace, nothing, experiment="c")) == (
        (),
        ("Pod p: thawed: left, nothing of the fault is there any more",),
    )
    # On a volume, whichever pod of that name has it; where there is none just now, it is still to be taken back.
    lasting, elsewhere = replace(thaw, uid=""), replace(thaw, pod="q", uid="")
    with pytest.raises(ClusterError, match="Pod q: thawed: not undone, the pod is not there"):
        undo(cluster, on_record(cluster, namespace, lasting, elsewhere, experiment="d"))
    assert "d" in [record.experiment for record in open_records(cluster, namespace)]
    assert undo(cluster, on_record(cluster, namespace, lasting, experiment="e")).undone == ("Pod p: thawed",)


def test_a_change_that_comes_late_is_undone_as_well(
    cluster: Cluster, namespace: str, deployment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process that struck was killed in the middle of its request, which the server carries out all the same."""
    entry = Entry("Deployment", deployment, RATE, ABSENT, FAST)
    record = on_record(cluster, namespace, entry)
    monkeypatch.setattr(records.SYSTEM_CLOCK, "sleep", lambda _: apply_entry(cluster, namespace, entry))
    undone, left = undo(cluster, record, settle_s=1.0)
    assert ("put right already" in left[0], len(undone)) == (True, 1)
    assert present(cluster, namespace, RATE) is ABSENT
