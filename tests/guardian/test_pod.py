"""The guardian as a pod: as it is installed, with its account and no right beyond its Role, it takes back a fault."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from click.testing import CliRunner
from tests.dockerfile import ROOT
from tests.safety.recorded import on_record

from muster.base.waiting import wait_for
from muster.cli.guard import guard
from muster.guardian.manifest import manifest
from muster.guardian.post import who_guards
from muster.kube import Call, Cluster, EmbeddedCluster, connect, read_calls
from muster.safety import Entry, find_record
from muster.safety.locks import DrillLock

RATE = Entry("ConfigMap", "settings", ("data", "rate"), "100", "fast")
ACCOUNT = "system:serviceaccount:muster:muster-guard"


class Guarded(NamedTuple):
    """A cluster that keeps a log of what it is asked, and a namespace of it whose fault nobody answers for."""

    cluster: Cluster
    namespace: str
    log: Path

    def calls(self) -> list[Call]:
        return [call for call in read_calls(self.log) if call.user == ACCOUNT]


@pytest.fixture
def left(tmp_path: Path) -> Iterator[Guarded]:
    """What is left where a laptop was closed in the middle of a drill."""
    log = tmp_path / "audit.jsonl"
    with EmbeddedCluster.start(audit=log) as embedded, connect(embedded.kubeconfig, embedded=True) as cluster:
        for name in ("shop", "other"):
            cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        settings = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"rate": "fast"}}
        cluster.create(settings, "shop")
        on_record(cluster, "shop", RATE)
        with DrillLock(cluster, "shop", "drill flood (sam on laptop)", run="run-1") as lock:
            lock._renewing.stop()
            yield Guarded(cluster, "shop", log)


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
@pytest.mark.parametrize("scope", ["the whole cluster", "one namespace"])
def test_the_pod_takes_back_what_is_left_and_asks_for_nothing_beyond_its_role(left: Guarded, scope: str) -> None:
    cluster = left.cluster
    documents = manifest() if scope == "the whole cluster" else manifest(namespaces=["shop"])
    applied = subprocess.run(
        ["kubectl", "--kubeconfig", str(cluster.kubeconfig), "apply", "-f", "-"],
        input=yaml.safe_dump_all(documents),
        capture_output=True,
        text=True,
        check=False,
    )
    assert applied.returncode == 0, applied.stderr
    wait_for(
        lambda: find_record(cluster, "shop", "flood") is None,
        within=60,
        reason="the pod to undo it",
        latest=lambda: pod_of(cluster),
    )
    assert cluster.get("ConfigMap", "settings", "shop")["data"]["rate"] == "100"
    assert cluster.find("Lease", "muster-drill", "shop") is None
    (pod,) = cluster.list("Pod", "muster")
    assert who_guards(cluster, "muster") == pod["metadata"]["name"]
    said = cluster.logs(pod["metadata"]["name"], "muster", container="guard")
    assert "shop: ConfigMap settings data.rate: 'fast' put back to '100'" in said
    calls = left.calls()
    assert not [call for call in calls if call.code == 403], "rights that are missing"
    assert {call.namespace for call in calls if call.writes} == {"shop", "muster"}


def test_its_container_may_do_nothing_that_it_does_not_need() -> None:
    (deployment,) = [one for one in manifest() if one["kind"] == "Deployment"]
    assert deployment["spec"]["replicas"] == 1
    pod: dict[str, Any] = deployment["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert container["resources"].keys() == {"requests", "limits"}


def test_for_some_namespaces_no_right_in_the_cluster_is_given() -> None:
    found = manifest("registry.example/muster:2", ["shop", "pay"])
    assert not [one for one in found if one["kind"].startswith("Cluster")]
    roles = {one["metadata"]["namespace"]: one["rules"] for one in found if one["kind"] == "Role"}
    (everywhere,) = [one["rules"] for one in manifest() if one["kind"] == "ClusterRole"]
    assert (roles["shop"], roles["pay"]) == (everywhere, everywhere)
    assert roles.keys() == {"shop", "pay", "muster"}
    assert [rule["resources"] for rule in roles["muster"]] == [["leases"]]
    bound = [one["metadata"]["namespace"] for one in found if one["kind"] == "RoleBinding"]
    assert sorted(bound) == ["muster", "pay", "shop"]
    (deployment,) = [one for one in found if one["kind"] == "Deployment"]
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert container["args"] == ["guard", "--in-cluster", "--namespace", "shop", "--namespace", "pay"]
    assert container["image"] == "registry.example/muster:2"


def test_the_command_prints_what_kustomize_would_and_says_what_it_cannot() -> None:
    printed = CliRunner().invoke(guard, ["--manifest"])
    assert list(yaml.safe_load_all(printed.output)) == manifest()
    overlay = yaml.safe_load((ROOT / "deploy/guard/kustomization.yaml").read_text())
    (base,) = overlay["resources"]
    assert (ROOT / "deploy/guard" / base / "kustomization.yaml").is_file()
    wrong = CliRunner().invoke(guard, ["--manifest", "--in-cluster"])
    assert "--manifest only prints" in str(wrong.exception)
    assert "--image goes together with --manifest" in str(CliRunner().invoke(guard, ["--image", "x"]).exception)


def pod_of(cluster: Cluster) -> str:
    """What is known of the pod, for whoever waits in vain."""
    pods = cluster.list("Pod", "muster")
    events = [f"{event['reason']}: {event['message']}" for event in cluster.list("Event", "muster")]
    said = [cluster.logs(pod["metadata"]["name"], "muster", container="guard") for pod in pods]
    return json.dumps({"events": events[-5:], "said": said[-1:]})
