"""What is around a drill: it is announced or not held, its end is told whatever became of it, and what it left."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from muster.base.timeline import Event, read_timeline
from muster.drill import Drill, Project
from muster.drill.drill import UnprovableError
from muster.guardian import Guardian
from muster.kube import Cluster, connect
from muster.objectives import Declaration
from muster.system import SystemState, read_system
from muster.system.known_good import store_name
from muster.wire.names import KNOWN_GOOD_LABEL, MANAGED_BY_LABEL, MANAGED_BY_VALUE

DECLARED = {"name": "flood", "nodeid": "drills/x.py::test_flood", "severity": "P2", "fault": "pods-lost"}
TELLS = "sh -c 'echo ${MUSTER_VERDICT:-begins} $MUSTER_TARGET'"
NOTHING = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "nothing"}}


@pytest.fixture
def elsewhere(cluster: Cluster) -> Iterator[Cluster]:
    """The cluster, as one that is not muster's own."""
    with connect(cluster.kubeconfig) as found:
        yield found


@contextmanager
def drilling(cluster: Cluster, namespace: str, directory: Path, hooks: dict[str, Any]) -> Iterator[Drill]:
    """A drill that only goes through its beginning and its end."""
    content = {
        "schema": "muster/system/v1",
        "name": "shop",
        "namespace": namespace,
        "service": {"name": "shop", "port": 80},
        "read": {"request": {"path": "/"}},
        "hooks": hooks,
    }
    (directory / "manifests").mkdir()
    (directory / "manifests/nothing.yaml").write_text(yaml.safe_dump(NOTHING))
    (directory / "system.yaml").write_text(yaml.safe_dump(content))
    with Guardian(cluster, directory, directory / ".muster") as guardian:
        drill = Drill(
            declaration=Declaration(**DECLARED, system="shop", evidence="cluster", cluster=cluster.context),
            project=Project(directory),
            state=SystemState(cluster, read_system(directory)),
            kubeconfig=cluster.kubeconfig,
            url="http://127.0.0.1:9",
            directory=directory,
            run="run-1",
            seed=1,
            guardian=guardian,
        )
        yield drill


def told(directory: Path, kind: str) -> list[Event]:
    return [event for event in read_timeline(directory / "flood.jsonl") if event["kind"] == kind]


def lines(directory: Path) -> list[str]:
    return [event["line"] for event in told(directory, "hook") if event["state"] == "output"]


def test_a_drill_is_announced_and_its_end_told_and_what_it_left_is_named(
    elsewhere: Cluster, namespace: str, tmp_path: Path
) -> None:
    labels = {MANAGED_BY_LABEL: MANAGED_BY_VALUE, KNOWN_GOOD_LABEL: "settings"}
    kept = {**NOTHING, "metadata": {"name": store_name("settings"), "labels": labels}}
    with drilling(elsewhere, namespace, tmp_path, {"before": [TELLS], "after": [TELLS, "false"]}) as drill:
        with drill:
            assert lines(tmp_path) == [f"begins embedded/{namespace}"]
            elsewhere.create(kept, namespace)
            drill.timeline.append("fault.undone", experiment="flood", undone=[], left=[], by="experiment")
            drill.timeline.append("write", id="muster-1", asked=1.0, answered=2.0, outcome="acknowledged", digest="")
            drill.conclude(None)
        assert lines(tmp_path) == [f"begins embedded/{namespace}", f"unknown embedded/{namespace}"]
        (left,) = told(tmp_path, "left")
        assert left["removed"] == ["ConfigMap muster-fault-flood", "Lease muster-drill"]
        stays, writes = left["left"]
        assert stays.startswith("ConfigMap muster-known-good-settings: the configuration that restore-configuration")
        assert stays.endswith(f"kubectl --context embedded delete configmap -n {namespace} muster-known-good-settings")
        assert writes.startswith("up to 1 writes of the ledger, whose ids begin with 'muster-'")
        where = f"left in embedded/{namespace}"
        failed = "what is to be run after each drill failed: 'false' ended with 1"
        assert drill.told == [failed, f"{where}: {stays}", f"{where}: {writes}"]


def test_a_drill_that_cannot_be_announced_is_refused_and_what_was_begun_is_taken_back(
    elsewhere: Cluster, namespace: str, tmp_path: Path
) -> None:
    hooks = {"before": [TELLS, "false"], "after": [TELLS]}
    with drilling(elsewhere, namespace, tmp_path, hooks) as drill:
        with pytest.raises(
            UnprovableError, match=r"^refused: what is to be run before each drill failed: 'false' ended"
        ):
            drill.__enter__()
        assert lines(tmp_path) == [f"begins embedded/{namespace}", f"unknown embedded/{namespace}"]
        assert elsewhere.find("Lease", "muster-drill", namespace) is None


def test_a_rehearsal_is_not_announced(cluster: Cluster, namespace: str, tmp_path: Path) -> None:
    with drilling(cluster, namespace, tmp_path, {"before": ["false"], "after": ["false"]}) as drill, drill:
        pass
    assert told(tmp_path, "hook") + told(tmp_path, "left") == []
    assert drill.told == []
