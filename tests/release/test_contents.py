"""What a release changes of what runs, compared on a cluster; and what it refuses, in one sentence."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from muster.base.errors import MusterError, RefusedError, UsageError
from muster.kube import Cluster
from muster.release.contents import Contents, contents_of
from muster.release.wanted import Wanted, read_wanted
from muster.system import SystemDefinition, read_system

from . import shop

Object = dict[str, Any]
SECRET = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "key"}, "stringData": {"a": "1"}}
STATEFUL = """
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  replicas: 0
  serviceName: db
  selector: {matchLabels: {app: db}}
  template: {metadata: {labels: {app: db}}, spec: {containers: [{name: db, image: "shop:1"}]}}
"""
JOB = """
apiVersion: batch/v1
kind: Job
metadata: {name: migrate}
spec: {template: {spec: {restartPolicy: Never, containers: [{name: migrate, image: "shop:1"}]}}}
"""


@pytest.fixture
def system(cluster: Cluster, namespace: str, tmp_path: Path) -> SystemDefinition:
    """The shop in a namespace, with no pods: what runs is not looked at here."""
    found = read_system(shop.write(tmp_path)).model_copy(update={"namespace": namespace})
    for item in manifests():
        cluster.create(item, namespace)
    return found


def manifests() -> list[Object]:
    """The shop as it is deployed, scaled to nothing."""
    items: list[Object] = list(yaml.safe_load_all(shop.MANIFEST))
    items[2]["spec"]["replicas"] = 0
    return items


def release(tmp_path: Path, *items: Object, told: str = "") -> Path:
    into = tmp_path / "release"
    into.mkdir()
    (into / "all.yaml").write_text(yaml.safe_dump_all(items))
    if told:
        (into / "release.yaml").write_text(told)
    return into


def compared(cluster: Cluster, system: SystemDefinition, tmp_path: Path, *items: Object, told: str = "") -> Contents:
    return contents_of(wanted(cluster, system, tmp_path, *items, told=told), cluster, system)


def wanted(cluster: Cluster, system: SystemDefinition, tmp_path: Path, *items: Object, told: str = "") -> Wanted:
    return read_wanted(str(release(tmp_path, *items, told=told)), cluster, system)


def altered(**changes: Any) -> list[Object]:
    """The manifests with another image, environment, price or Service."""
    service, prices, web = manifests()
    if "image" in changes:
        web["spec"]["template"]["spec"]["containers"][0]["image"] = changes["image"]
    if "currency" in changes:
        prices["data"]["currency"] = changes["currency"]
    if "ports" in changes:
        service["spec"]["ports"] = changes["ports"]
    if "selector" in changes:
        service["spec"]["selector"] = changes["selector"]
    return [service, prices, web]


def test_what_runs_already_is_no_change(cluster: Cluster, system: SystemDefinition, tmp_path: Path) -> None:
    """Neither what the server fills in, nor how many pods somebody scaled it to."""
    cluster.scale("Deployment", "web", system.namespace, 0)
    items = manifests()
    items[2]["spec"]["replicas"] = 5
    assert not compared(cluster, system, tmp_path, *items).changes


def test_pods_that_somebody_restarted_are_no_other_version(
    cluster: Cluster, system: SystemDefinition, tmp_path: Path
) -> None:
    told = {"kubectl.kubernetes.io/restartedAt": "2026-01-01T00:00:00Z", "muster.dev/configuration": "abc"}
    cluster.patch("Deployment", "web", system.namespace, {"spec": {"template": {"metadata": {"annotations": told}}}})
    assert not compared(cluster, system, tmp_path, *manifests()).changes


def test_another_image_runs_twice_for_a_while(cluster: Cluster, system: SystemDefinition, tmp_path: Path) -> None:
    found = compared(cluster, system, tmp_path, *altered(image="shop:2"))
    (one,) = found.rolled
    assert (one.name, one.serves, one.copied, one.replicas) == ("web", True, frozenset(), 0)
    assert (found.configurations, found.first, found.last, found.migration) == ((), (), (), None)
    assert found.serving == one


def test_a_configmap_alone_starts_new_pods(cluster: Cluster, system: SystemDefinition, tmp_path: Path) -> None:
    found = compared(cluster, system, tmp_path, *altered(currency="USD"))
    (one,) = found.rolled
    assert one.copied == {"prices"}
    assert [str(each) for each in found.configurations] == ["ConfigMap prices"]
    assert one.wanted["spec"]["template"] != one.live["spec"]["template"], "the pods would keep what they started with"


def test_a_configmap_of_a_deployment_that_is_not_brought_counts_too(
    cluster: Cluster, system: SystemDefinition, tmp_path: Path
) -> None:
    found = compared(cluster, system, tmp_path, altered(currency="USD")[1])
    assert [(one.name, one.copied) for one in found.rolled] == [("web", frozenset({"prices"}))]


def test_what_is_not_there_is_made_first(cluster: Cluster, system: SystemDefinition, tmp_path: Path) -> None:
    new = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "rates"}, "data": {"a": "1"}}
    found = compared(cluster, system, tmp_path, *altered(image="shop:2"), new)
    (first,) = found.first
    assert (first["metadata"]["name"], first["metadata"]["namespace"]) == ("rates", system.namespace)


def test_a_service_is_changed_last(cluster: Cluster, system: SystemDefinition, tmp_path: Path) -> None:
    ports = [{"name": "http", "port": 8080, "targetPort": "http"}, {"name": "more", "port": 9090, "targetPort": "http"}]
    found = compared(cluster, system, tmp_path, *altered(ports=ports))
    assert [str(one) for one in found.last] == ["Service web"]
    assert not found.rolled


def test_a_claim_keeps_the_volume_that_it_was_given(cluster: Cluster, system: SystemDefinition, tmp_path: Path) -> None:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"}, "spec": spec}
    cluster.create({**copy.deepcopy(claim), "spec": {**spec, "volumeName": "pv-1"}}, system.namespace)
    assert not compared(cluster, system, tmp_path, *manifests(), claim).changes


def test_an_image_alone_is_a_release(cluster: Cluster, system: SystemDefinition) -> None:
    found = read_wanted("shop:7", cluster, system)
    assert found.version == "7"
    contents = contents_of(found, cluster, system)
    (one,) = contents.rolled
    assert one.wanted["spec"]["template"]["spec"]["containers"][0]["image"] == "shop:7"
    assert not contents.last
    assert not contents_of(read_wanted("shop:1", cluster, system), cluster, system).changes


def test_its_version_is_that_of_the_image_and_not_of_what_runs_beside_it(
    cluster: Cluster, system: SystemDefinition
) -> None:
    first = [{"name": "first", "image": "busybox:1.36"}]
    cluster.patch("Deployment", "web", system.namespace, {"spec": {"template": {"spec": {"initContainers": first}}}})
    assert read_wanted("shop:7", cluster, system).version == "7"


MIGRATES = "schema: muster/release/v1\ndatabase: {migration: migrate, backward_compatible: true}"
REFUSED: dict[str, tuple[list[Object], str]] = {
    r"Secret key is not in the cluster: what is secret is put there apart": ([SECRET], ""),
    r"brings StatefulSet db, which concerns the old version, too": ([yaml.safe_load(STATEFUL)], ""),
    r"Job migrate is in the release, and release.yaml does not say": ([yaml.safe_load(JOB)], ""),
    r"changes what Service web selects by, and by that traffic is shared": (
        altered(selector={"app": "web", "tier": "front"}),
        "",
    ),
    r"Job 'migrate' is not among its manifests": (altered(image="shop:2"), MIGRATES),
}


@pytest.mark.parametrize("says", REFUSED)
def test_what_it_does_not_change_is_refused_in_one_sentence(
    cluster: Cluster, system: SystemDefinition, tmp_path: Path, says: str
) -> None:
    items, told = REFUSED[says]
    with pytest.raises(UsageError, match=says) as raised:
        compared(cluster, system, tmp_path, *items, told=told)
    assert "\n" not in str(raised.value)


def test_a_secret_that_differs_is_refused_and_its_content_not_told(
    cluster: Cluster, system: SystemDefinition, tmp_path: Path
) -> None:
    cluster.create(SECRET, system.namespace)
    other = {**SECRET, "stringData": {"a": "hush"}}
    with pytest.raises(UsageError, match="changes Secret key: what is secret is changed apart") as raised:
        compared(cluster, system, tmp_path, other)
    assert "hush" not in str(raised.value)


def test_a_secret_as_it_is_may_stand_among_the_manifests(
    cluster: Cluster, system: SystemDefinition, tmp_path: Path
) -> None:
    cluster.create(SECRET, system.namespace)
    assert not compared(cluster, system, tmp_path, SECRET).changes


def test_a_secret_that_cannot_be_read_is_told(cluster: Cluster, system: SystemDefinition, tmp_path: Path) -> None:
    cluster.create(SECRET, system.namespace)
    wrong = {key: value for key, value in SECRET.items() if key != "stringData"} | {"data": {"a": "x"}}
    with pytest.raises(UsageError, match="Secret key: its 'data' is not base64"):
        compared(cluster, system, tmp_path, wrong)


def test_a_statefulset_that_differs_is_refused(cluster: Cluster, system: SystemDefinition, tmp_path: Path) -> None:
    known = yaml.safe_load(STATEFUL)
    cluster.create(known, system.namespace)
    other = yaml.safe_load(STATEFUL.replace("shop:1", "shop:2"))
    with pytest.raises(UsageError, match=r"changes StatefulSet db, which keeps data and does not run twice"):
        compared(cluster, system, tmp_path, other)


def test_what_belongs_to_a_controller_is_not_a_releases_to_change(
    cluster: Cluster, system: SystemDefinition, tmp_path: Path
) -> None:
    uid = cluster.get("ConfigMap", "prices", system.namespace)["metadata"]["uid"]
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "prices", "uid": uid, "controller": True}
    cluster.patch("Deployment", "web", system.namespace, {"metadata": {"ownerReferences": [owner]}})
    with pytest.raises(RefusedError, match=r"Deployment web belongs to ConfigMap prices"):
        compared(cluster, system, tmp_path, *altered(image="shop:2"))


def test_a_route_that_differs_is_refused(cluster: Cluster, system: SystemDefinition, tmp_path: Path) -> None:
    parent = {"group": "", "kind": "Service", "name": "web"}
    known: Object = {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": "web"},
        "spec": {"parentRefs": [parent], "rules": [{"backendRefs": [{"name": "web", "port": 8080}]}]},
    }
    cluster.create(known, system.namespace)
    other = copy.deepcopy(known)
    other["spec"]["rules"][0]["backendRefs"][0]["weight"] = 7
    with pytest.raises(UsageError, match=r"changes HTTPRoute web, and by that traffic is shared"):
        compared(cluster, system, tmp_path, other)


# -- what a person gives


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ("Shop:7", "neither a directory nor an image"),
        ("shop", "neither a directory nor an image"),
        ("shop:", "neither a directory nor an image"),
        ("shop@sha256:abc", "neither a directory nor an image"),
        ("shop:7 ", "neither a directory nor an image"),
        ("./none", "is no directory of manifests"),
        ("other:1", r"no Deployment in namespace '.*' runs from image other \(there are: shop:1\)"),
        ("registry:5000/shop:1", r"runs from image registry:5000/shop \(there are: shop:1\)"),
    ],
)
def test_what_is_no_release_is_said(cluster: Cluster, system: SystemDefinition, said: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        read_wanted(said, cluster, system)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("schema: muster/release/v2", r"release.yaml, line 1: 'schema'"),
        ("schema: muster/release/v1\nversoin: '5'", r"release.yaml, line 2: .*versoin"),
        ("schema: muster/release/v1\nversion: 5.2", r"release.yaml, line 2: 'version'"),
        ("schema: muster/release/v1\ndatabase: {migration: m}", r"release.yaml, line 2: .*backward_compatible"),
        ("- a", r"release.yaml"),
        ("a: [", r"release.yaml"),
        ("", r"release.yaml"),
    ],
)
def test_a_release_yaml_that_is_wrong_is_said_with_its_line(
    cluster: Cluster, system: SystemDefinition, tmp_path: Path, text: str, says: str
) -> None:
    into = release(tmp_path, *altered(image="shop:2"))
    (into / "release.yaml").write_text(text)
    with pytest.raises(MusterError) as raised:
        read_wanted(str(into), cluster, system)
    assert re.search(says, str(raised.value)), str(raised.value)
    assert len(str(raised.value).splitlines()) == 1
