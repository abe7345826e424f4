"""A database that was frozen, and never scaled down, goes on when its fault is undone, whoever undoes it."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from tests.faults.conftest import EXPERIMENTS, Target
from tests.faults.test_injection import kill
from tests.recovery.frozen import processes_with

from muster.base.timeline import Timeline
from muster.base.waiting import wait_for
from muster.faults import read_experiment
from muster.kube import Cluster
from muster.safety import Command, find_record, open_records
from muster.safety import undo as undo_record
from muster.system.pods import is_ready

# A server that says which process it is, with two children that do its work. As process 1 of its container the kernel
# shields it, as it does PostgreSQL there.
SERVER = 'sleep 1000 & sleep 1000 & echo 1 > "$PGDATA/postmaster.pid"; trap "exit 0" TERM; wait'
CHILDREN = 2


@dataclass
class Database:
    """A pod that runs a server like PostgreSQL, and the experiment that freezes it and stops there."""

    target: Target
    experiment: Path
    marker: str

    def stopped(self) -> int:
        """How many of its processes are stopped, as the kernel says."""
        stats = (Path(f"/proc/{pid}/stat").read_text() for pid in processes_with(self.marker))
        return sum(stat.rpartition(")")[2].split()[0] == "T" for stat in stats)


@pytest.fixture
def database(cluster: Cluster, namespace: str, tmp_path: Path) -> Iterator[Database]:
    marker = f"SERVER=s-{secrets.token_hex(6)}"
    name, _, value = marker.partition("=")
    container = {
        "name": "postgres",
        "image": "python:3.11-slim",
        "command": ["sh", "-c", SERVER],
        "env": [{"name": name, "value": value}, {"name": "PGDATA", "value": "/tmp"}],
    }
    spec = {"containers": [container], "terminationGracePeriodSeconds": 0}
    metadata = {"name": "db-a-0", "labels": {"app": "db"}}
    cluster.create({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}, namespace)
    wait_for(lambda: is_ready(cluster.get("Pod", "db-a-0", namespace)), within=60, reason="the server to be up")
    wait_for(
        lambda: cluster.execute("db-a-0", namespace, ["cat", "/tmp/postmaster.pid"], container="postgres").code == 0,
        within=60,
        reason="the server to say its process id",
    )
    content = yaml.safe_load((EXPERIMENTS / "full-outage.yaml").read_text())
    own = [one for one in content["method"] if "go on" in one["name"] or one["name"].startswith("freeze")]
    content["method"] = [*own, content["method"][-1]]
    content["extensions"][0] = {
        "name": "muster",
        "experiment": "frozen",
        "effect": {"kind": "crash-loop", "labels": "app=db"},
    }
    experiment = tmp_path / "frozen.yaml"
    experiment.write_text(yaml.safe_dump(content))
    with Timeline.start(tmp_path / "timeline.jsonl", run="test", drill="test") as timeline:
        target = Target(cluster, cluster.kubeconfig, namespace, tmp_path / "work", timeline)
        yield Database(target, experiment, marker)
    cluster.delete("Pod", "db-a-0", namespace, grace_s=0)


def test_a_database_that_was_frozen_goes_on_from_its_record_when_who_froze_it_was_killed(database: Database) -> None:
    target = database.target
    with target.injection(read_experiment(database.experiment)) as fault:
        (record,) = open_records(target.cluster, target.namespace)
        assert [str(command) for command in record.commands] == ["Pod db-a-0: the database goes on"]
        assert database.stopped() == CHILDREN
        kill(fault)
        assert database.stopped() == CHILDREN
    assert database.stopped() == 0
    assert fault.undone == ["Pod db-a-0: the database goes on"]
    assert find_record(target.cluster, target.namespace, "frozen") is None


def test_what_was_never_frozen_is_left_alone(database: Database) -> None:
    """The record is written first, so the command may have nothing to take back, or not all of it."""
    target = database.target
    with target.injection(read_experiment(database.experiment)) as fault:
        (record,) = open_records(target.cluster, target.namespace)
        (command,) = record.commands
        assert isinstance(command, Command)
        undo_record(target.cluster, record)
        before = processes_with(database.marker)
        result = target.cluster.execute("db-a-0", target.namespace, command.command, container="postgres")
        assert (result.code, database.stopped()) == (0, 0)
        assert processes_with(database.marker) == before
    assert fault.undone == []
