"""Which version of a system: the same however it is written, another as soon as it acts otherwise."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from muster.base.waiting import wait_for
from muster.kube import Cluster, embedded_digests
from muster.system import SystemDefinition, read_system
from muster.system.manifests import read_manifests
from muster.system.version import SystemVersion, compare, of_cluster, of_manifests, of_objects, version_from_json

ROOT = Path(__file__).resolve().parents[2]
Object = dict[str, Any]
A, B = "sha256:" + "a" * 64, "sha256:" + "b" * 64

SYSTEM = """
schema: muster/system/v1
name: shop
namespace: shop
service: {name: shop, port: 8080}
read: {request: {path: /items.json}}
operations:
  configuration: [{config_map: rules, used_by: [shop]}]
"""
MANIFESTS = """
apiVersion: v1
kind: ConfigMap
metadata: {name: rules}
data: {rate: "5"}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: stock}
data: {items.json: '{"items": []}', "max_tokens": "100"}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop, labels: {version: "1"}}
spec:
  replicas: 3
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}, annotations: {inject: "yes"}}
    spec:
      serviceAccountName: shop
      initContainers: [{name: first, image: shop:1, command: [prepare]}, {name: second, image: shop:1}]
      containers:
        - name: shop
          image: shop:1
          command: [serve, --fast]
          ports: [{containerPort: 8080, name: http}, {containerPort: 9090, name: metrics}]
          env:
            - {name: LEVEL, value: high}
            - {name: PASSWORD, value: hunter2}
            - {name: LOGIN, valueFrom: {secretKeyRef: {name: shop-login, key: name}}}
            - {name: POD_IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}
          envFrom: [{configMapRef: {name: extra, optional: true}}]
          resources: {limits: {cpu: 500m, memory: 64Mi}, requests: {cpu: 500m}}
          readinessProbe: {httpGet: {path: /items.json, port: 8080}, periodSeconds: 1}
          volumeMounts: [{name: stock, mountPath: /srv}, {name: scratch, mountPath: /tmp}]
        - {name: helper, image: "helper@HELPER"}
      volumes: [{name: stock, configMap: {name: stock}}, {name: scratch, emptyDir: {}}]
""".replace("HELPER", B)
PARSED = list(yaml.safe_load_all(MANIFESTS))


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> SystemDefinition:
    directory = tmp_path_factory.mktemp("shop")
    (directory / "manifests").mkdir()
    (directory / "manifests" / "shop.yaml").write_text(MANIFESTS)
    (directory / "system.yaml").write_text(SYSTEM)
    return read_system(directory)


def manifests() -> list[Object]:
    return copy.deepcopy(PARSED)


def named(objects: list[Object], name: str) -> Object:
    return next(item for item in objects if item["metadata"]["name"] == name)


def pod_spec(objects: list[Object]) -> Object:
    spec: Object = named(objects, "shop")["spec"]["template"]["spec"]
    return spec


def version(shop: SystemDefinition, change: Callable[[list[Object]], object] = lambda _: None) -> SystemVersion:
    objects = manifests()
    change(objects)
    return of_manifests(objects, shop, {"shop:1": A})


def shuffled(value: Any, dice: random.Random, key: str = "") -> Any:
    """A value whose mappings are written in another order, and such lists whose order says nothing."""
    if isinstance(value, dict):
        keys = list(value)
        dice.shuffle(keys)
        return {name: shuffled(value[name], dice, name) for name in keys}
    if isinstance(value, list):
        made = [shuffled(one, dice, key) for one in value]
        if key in ("containers", "volumes", "volumeMounts", "ports", "env"):
            dice.shuffle(made)
        return made
    return value


def as_the_server_keeps_it(objects: list[Object]) -> None:
    """What an API server fills in, as `kubectl get -o yaml` shows it."""
    for item in objects:
        item["metadata"] |= {"uid": "1", "resourceVersion": "7", "namespace": "shop", "generation": 3}
    named(objects, "shop")["status"] = {"replicas": 3}
    spec = pod_spec(objects)
    spec |= {"dnsPolicy": "ClusterFirst", "restartPolicy": "Always", "schedulerName": "default-scheduler"}
    spec |= {"terminationGracePeriodSeconds": 30, "securityContext": {}, "serviceAccount": "shop"}
    for container in [*spec["initContainers"], *spec["containers"]]:
        container |= {"imagePullPolicy": "IfNotPresent", "terminationMessagePath": "/dev/termination-log"}
        container.setdefault("resources", {})
        for variable in container.get("env", []):
            if "fieldRef" in variable.get("valueFrom", {}):
                variable["valueFrom"]["fieldRef"]["apiVersion"] = "v1"
    shop = spec["containers"][0]
    shop["resources"] = {"limits": {"cpu": "0.5", "memory": "65536Ki"}, "requests": {"cpu": "500m", "memory": "64Mi"}}
    for port in shop["ports"]:
        port["protocol"] = "TCP"
    shop["readinessProbe"] |= {"timeoutSeconds": 1, "successThreshold": 1, "failureThreshold": 3}
    shop["readinessProbe"]["httpGet"]["scheme"] = "HTTP"
    spec["volumes"][0]["configMap"]["defaultMode"] = 420


def a_rollout(objects: list[Object]) -> None:
    """What changes when the same version is rolled out again, scaled, or held by a release."""
    deployment = named(objects, "shop")
    deployment["spec"]["replicas"] = 7
    deployment["metadata"]["labels"]["version"] = "2"
    template = deployment["spec"]["template"]["metadata"]
    template["labels"] |= {"pod-template-hash": "abc", "muster.dev/release": "r1"}
    template["annotations"] |= {"kubectl.kubernetes.io/restartedAt": "2026-01-02", "muster.dev/release": "r1"}
    objects.append({"kind": "ConfigMap", "metadata": {"name": "kube-root-ca.crt"}, "data": {"ca.crt": "..."}})


@settings(max_examples=30)
@given(st.randoms(use_true_random=False))
def test_the_order_in_which_things_are_written_is_no_version(shop: SystemDefinition, dice: random.Random) -> None:
    objects = shuffled(manifests(), dice)
    dice.shuffle(objects)
    assert of_manifests(objects, shop, {"shop:1": A}) == version(shop)


@pytest.mark.parametrize("change", [as_the_server_keeps_it, a_rollout], ids=lambda change: change.__name__)
def test_what_a_cluster_and_a_rollout_add_is_no_version(shop: SystemDefinition, change: Callable[..., None]) -> None:
    assert compare(version(shop, change), version(shop)).same


def _set(*path: Any, to: Any) -> Callable[[list[Object]], object]:
    def change(objects: list[Object]) -> None:
        inner: Any = pod_spec(objects)
        for step in path[:-1]:
            inner = inner[step]
        if to is None:
            del inner[path[-1]]
        else:
            inner[path[-1]] = to

    return change


def _stock(objects: list[Object]) -> None:
    named(objects, "stock")["data"]["max_tokens"] = "101"  # of which a masker takes the value for a secret


def _rules(objects: list[Object]) -> None:
    named(objects, "rules")["data"]["rate"] = "6"


CHANGES = {
    "a variable": (_set("containers", 0, "env", 0, "value", to="low"), "Deployment/shop is another"),
    "a plain password": (_set("containers", 0, "env", 1, "value", to="hunter3"), "Deployment/shop is another"),
    "the name of a Secret": (
        _set("containers", 0, "env", 2, "valueFrom", "secretKeyRef", "name", to="other"),
        "Deployment/shop is another",
    ),
    "an argument": (_set("containers", 0, "command", 1, to="--slow"), "Deployment/shop is another"),
    "a limit": (_set("containers", 0, "resources", "limits", "memory", to="65Mi"), "Deployment/shop is another"),
    "a probe": (_set("containers", 0, "readinessProbe", "periodSeconds", to=2), "Deployment/shop is another"),
    "a volume's kind": (_set("volumes", 1, "emptyDir", to={"medium": "Memory"}), "Deployment/shop is another"),
    "the order of what comes first": (
        lambda objects: pod_spec(objects)["initContainers"].reverse(),
        "Deployment/shop is another",
    ),
    "a container less": (lambda objects: pod_spec(objects)["containers"].pop(), "Deployment/shop/helper is gone"),
    "an image": (
        _set("containers", 1, "image", to=f"helper@{A}"),
        "ran helper (bbbbbbbbbbbb) and now helper (aaaaaaaaaaaa)",
    ),
    "a file": (_stock, "ConfigMap/stock is another"),
    "what only system.yaml names": (_rules, "ConfigMap/rules is another"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_what_acts_otherwise_is_another_version_and_is_named(shop: SystemDefinition, what: str) -> None:
    change, said = CHANGES[what]
    found = compare(version(shop), version(shop, change))
    assert found.same is False
    assert any(said in text for text in found.differs), found.differs
    assert version(shop, change).id not in (None, version(shop).id)


def test_a_reference_to_a_variable_that_only_comes_later_is_another(shop: SystemDefinition) -> None:
    def order(*names: str) -> Callable[[list[Object]], object]:
        known = {"BASE": "/srv", "DATA": "$(BASE)/data"}
        return _set("containers", 0, "env", to=[{"name": name, "value": known[name]} for name in names])

    assert version(shop, order("BASE", "DATA")).id != version(shop, order("DATA", "BASE")).id


def test_neither_a_secret_nor_its_name_stands_in_a_version(shop: SystemDefinition) -> None:
    said = json.dumps(version(shop).to_json())
    assert not any(word in said for word in ("hunter2", "shop-login"))


def test_what_a_secret_holds_is_no_version(shop: SystemDefinition) -> None:
    secret = {"kind": "Secret", "metadata": {"name": "shop-login"}, "data": {"name": "YQ=="}}
    assert version(shop, lambda objects: objects.append(secret)).id == version(shop).id


def test_who_is_primary_is_no_version_and_how_is_replicated_is() -> None:
    system = read_system(ROOT / "systems" / "enhancer")

    def of(**changed: str) -> SystemVersion:
        objects = read_manifests(system.manifest_directory)
        named(objects, "db-topology")["data"] |= changed
        return of_manifests(objects, system)

    assert of().configuration is not None
    assert of(primary="db-b").configuration == of().configuration
    assert of(replication="asynchronous").configuration != of().configuration


def test_what_is_not_known_is_said_and_never_the_same(shop: SystemDefinition) -> None:
    by_tag = of_manifests(manifests(), shop)
    assert (by_tag.id, by_tag.short) == (None, "unknown")
    assert by_tag.digests == {
        "Deployment/shop/first": None,
        "Deployment/shop/helper": B,
        "Deployment/shop/second": None,
        "Deployment/shop/shop": None,
    }
    assert "shop:1 is named by a tag" in by_tag.unknown[0]
    found = compare(by_tag, version(shop))
    assert (found.same, found.differs) == (None, ())
    assert compare(None, version(shop)).unknown == ("it is of an unknown version",)


def test_another_tag_is_another_version_also_where_contents_are_not_known(shop: SystemDefinition) -> None:
    def retagged(objects: list[Object]) -> None:
        for one in [*pod_spec(objects)["initContainers"], pod_spec(objects)["containers"][0]]:
            one["image"] = "shop:2"

    found = compare(of_manifests(manifests(), shop), version(shop, retagged))
    assert found.same is False
    assert "Deployment/shop/shop ran shop:1 and now shop:2" in found.differs


def test_a_configuration_of_which_a_part_is_lacking_is_unknown(shop: SystemDefinition) -> None:
    found = version(shop, lambda objects: objects.remove(named(objects, "stock")))
    assert (found.configuration, found.lacking) == (None, ("ConfigMap/stock is not there",))
    assert compare(version(shop), found).same is None
    assert compare(found, found).same is None


def pod(name: str, image: str, image_id: str, owner: str = "shop-1") -> Object:
    return {
        "kind": "Pod",
        "metadata": {"name": name, "ownerReferences": [{"kind": "ReplicaSet", "name": owner}]},
        "spec": {"containers": [{"name": "shop", "image": image}]},
        "status": {"containerStatuses": [{"name": "shop", "imageID": image_id}]},
    }


def running(shop: SystemDefinition, *pods: Object) -> tuple[str | None, str]:
    sets = {
        "kind": "ReplicaSet",
        "metadata": {"name": "shop-1", "ownerReferences": [{"kind": "Deployment", "name": "shop"}]},
    }
    found = of_objects([*manifests(), sets, *pods], shop, digests={"shop:1": B})
    image = next(one for one in found.images if one.container == "shop")
    return image.digest, image.why


def test_what_pods_run_tells_the_digest(shop: SystemDefinition) -> None:
    assert running(shop, pod("a", "shop:1", f"docker.io/shop@{A}"), pod("b", "shop:1", f"docker.io/shop@{A}")) == (
        A,
        "",
    )
    assert running(shop) == (B, "")  # of which the caller knows
    other = pod("b", "shop:2", f"docker.io/shop@{B}")  # of another revision
    assert running(shop, pod("a", "shop:1", f"docker.io/shop@{A}"), other) == (A, "")


def test_a_tag_that_was_moved_under_running_pods_is_no_version(shop: SystemDefinition) -> None:
    found = running(shop, pod("a", "shop:1", f"x@{A}"), pod("b", "shop:1", f"x@{B}"))
    assert found == (None, "its pods run 2 different contents under the name shop:1")
    assert running(shop, pod("a", "shop:1", "muster.dev/environment/shop:1"))[1].startswith("its pods do not tell")


def test_the_canary_of_a_release_is_no_part_of_the_version(shop: SystemDefinition) -> None:
    canary = copy.deepcopy(named(manifests(), "shop"))
    canary["metadata"] = {"name": "shop-canary", "labels": {"muster.dev/track": "canary"}}
    assert version(shop, lambda objects: objects.append(canary)).id == version(shop).id


def test_a_version_comes_back_as_it_was_written_and_a_changed_one_does_not(shop: SystemDefinition) -> None:
    for one in (version(shop), of_manifests(manifests(), shop)):
        assert version_from_json(json.loads(json.dumps(one.to_json()))) == one
    with pytest.raises(ValueError, match="was changed: its digests do not fit"):
        version_from_json(version(shop).to_json() | {"id": B})
    for broken in (None, {}, {"system": "x", "images": 3}, version(shop).to_json() | {"parts": {"a": "b"}}):
        with pytest.raises(ValueError, match=r"no version|no digest"):
            version_from_json(broken)


def test_a_cluster_is_of_the_version_of_the_manifests_that_it_was_given(
    cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    (tmp_path / "manifests").mkdir()
    container = {"name": "shop", "image": "busybox", "command": ["sleep", "600"], "env": [{"name": "A", "value": "1"}],
                 "resources": {"limits": {"memory": "0.5Gi"}}}  # fmt: skip
    template = {
        "metadata": {"labels": {"app": "shop"}},
        "spec": {"containers": [container], "terminationGracePeriodSeconds": 0},
    }
    spec = {"replicas": 1, "selector": {"matchLabels": {"app": "shop"}}, "template": template}
    deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "shop"}, "spec": spec}
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "shop"}, "spec": {"ports": [{"port": 8080}]}}
    (tmp_path / "manifests" / "shop.yaml").write_text(yaml.safe_dump_all([deployment, service]))
    said = SYSTEM.partition("operations:")[0].replace("namespace: shop", f"namespace: {namespace}")
    (tmp_path / "system.yaml").write_text(said)
    system = read_system(tmp_path)
    cluster.create(deployment, namespace)
    wait_for(
        lambda: of_cluster(cluster, system).id is not None,
        within=30,
        reason="a pod that tells its image's digest",
        latest=lambda: str(of_cluster(cluster, system).unknown),
    )
    found = of_cluster(cluster, system)
    assert found == of_manifests([deployment], system, embedded_digests(["busybox", "no:such"], None))
