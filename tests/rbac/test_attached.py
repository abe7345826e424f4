"""A system that somebody else deployed: a drill on it writes what it must, and nothing else, whatever it may do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from rbac.stage import Stage
from tests.drill_project import DrillProject
from tests.test_readme import FILES, shown

from muster.base.waiting import wait_for
from muster.history.plan import Planned
from muster.kube import Call, EmbeddedCluster, connect
from muster.system import SystemState, read_system
from muster.system.manifests import read_manifests

NAME = "drills/test_shop.py::test_pods_lost"
HOOK = "sh -c 'echo $MUSTER_HOOK $MUSTER_DRILL ${MUSTER_VERDICT:-}'"


@pytest.fixture
def attached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """The README's shop, deployed by other hands, at an address that the environment tells."""
    project, log = DrillProject(tmp_path / "project"), tmp_path / "audit.jsonl"
    for name, text in shown().items():
        if name in FILES:
            project.write(name, text)
    project.write("pytest.ini", "[pytest]\n")
    file = project.root / "systems/shop/system.yaml"
    content = yaml.safe_load(file.read_text())
    content["service"]["url"] = {"env": "SHOP_URL"}
    content["hooks"] = {"before": [HOOK], "after": [HOOK]}
    content["operations"] = {"configuration": [{"config_map": "stock", "used_by": ["shop"]}]}
    file.write_text(yaml.safe_dump(content))
    system = read_system(file)
    with EmbeddedCluster.start(audit=log) as embedded, connect(embedded.kubeconfig, embedded=True) as cluster:
        labels = {"muster.dev/drills": "allowed"}
        cluster.create(
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": system.namespace, "labels": labels}}
        )
        for item in read_manifests(system.manifest_directory):
            cluster.create(item, system.namespace)
        state = SystemState(cluster, system)
        wait_for(lambda: not state.unready(), within=60, reason="the shop to be ready")
        address = cluster.get("Service", "shop", system.namespace)["spec"]["clusterIP"]
        monkeypatch.setenv("SHOP_URL", f"http://{address}:8080")
        yield Stage(project.root, cluster, system, log, {})


def written(call: Call) -> bool:
    """Whether a call may write: a fault on record, the lease, what is kept, and what the fault itself does."""
    own = call.name.startswith("muster-") or not call.name  # what is created has no name in its path
    return {
        ("configmaps", ""): own,
        ("leases", ""): own,
        ("pods", ""): call.verb == "delete",
    }.get((call.resource, call.subresource), False)


@pytest.mark.whole_machine
@pytest.mark.long(of="whole drills")
def test_what_muster_did_not_make_it_neither_applies_nor_resets_nor_deletes(attached: Stage) -> None:
    cluster, namespace = attached.cluster, attached.namespace
    before = {kind: cluster.list(kind, namespace) for kind in ("Deployment", "Service", "ConfigMap")}
    planned = Planned(name="pods_lost", nodeid=NAME)
    held = attached.hold(planned)
    assert "MET pods_lost" in held.output, held.output

    writes = [call for call in held.calls if call.writes and call.code < 400]
    assert writes
    assert [call for call in writes if call.namespace != namespace or not written(call)] == []
    for kind, items in before.items():
        there = {item["metadata"]["name"]: item["metadata"]["uid"] for item in cluster.list(kind, namespace)}
        assert {item["metadata"]["name"]: item["metadata"]["uid"] for item in items}.items() <= there.items()
    assert cluster.find("Lease", "muster-drill", namespace) is None

    lines = [event["line"] for event in held.events if event["kind"] == "hook" and event["state"] == "output"]
    assert lines[0].strip() == "before pods_lost"
    assert lines[1].split() == ["after", "pods_lost", "met"]
    (left,) = [event for event in held.events if event["kind"] == "left"]
    assert left["removed"] == ["Lease muster-drill"], "what dies needs no undoing"
    assert [text.partition(":")[0] for text in left["left"]] == ["ConfigMap muster-known-good-stock"]
    assert "ConfigMap muster-known-good-stock: the configuration that restore-configuration goes back to" in held.output
