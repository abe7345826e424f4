"""Whether a system is the one that was deployed, and whether it is it that answers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from muster.kube import Cluster
from muster.system import SystemState, read_system
from muster.system.manifests import read_manifests
from muster.system.origin import Origin
from muster.system.relations import relations

ROOT = Path(__file__).resolve().parents[2]
Object = dict[str, Any]


class Objects:
    """As much of a cluster as is asked here."""

    embedded = False

    def __init__(self, *items: Object) -> None:
        self.items = list(items)

    def find(self, kind: str, name: str, _namespace: str) -> Object | None:
        return next((item for item in self.list(kind) if item["metadata"]["name"] == name), None)

    def list(self, kind: str, _namespace: str = "", *, labels: str = "") -> list[Object]:
        del labels
        return [item for item in self.items if item["kind"] == kind]

    def __getitem__(self, name: str) -> Object:
        kind, _, named = name.partition("/")
        return next(i for i in self.items if (i["kind"], i["metadata"]["name"]) == (kind, named))


def made(kind: str, name: str, owner: str = "", **rest: Any) -> Object:
    owners = [dict(zip(("kind", "name"), owner.split("/"), strict=True))] if owner else []
    return {"kind": kind, "metadata": {"name": name, "uid": name, "ownerReferences": owners, "labels": {}}, **rest}


def pod(name: str, owner: str = "", **labels: str) -> Object:
    one = made("Pod", name, owner, spec={"containers": [{"name": "main"}]})
    one["metadata"]["labels"] = labels
    return one


def workload(kind: str, name: str) -> Object:
    container = {"name": "main", "image": "shop:1", "env": [{"name": "PASSWORD", "value": "s3cret"}]}
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}}
    return made(kind, name, spec={"replicas": 2, "selector": {"matchLabels": {"app": name}}, "template": template})


@pytest.fixture
def objects() -> Objects:
    endpoints = [{"addresses": ["10.0.0.1"], "targetRef": {"kind": "Pod", "name": "api-1-a"}}]
    return Objects(
        made("Service", "api", spec={"selector": {"app": "api"}, "ports": [{"port": 8080}]}),
        made("Service", "db", spec={"selector": {"app": "db", "instance": "db-a"}}),
        workload("Deployment", "api"),
        workload("Deployment", "agents"),
        workload("StatefulSet", "db-a"),
        workload("StatefulSet", "db-b"),
        made("ReplicaSet", "api-1", "Deployment/api"),
        pod("api-1-a", "ReplicaSet/api-1", app="api"),
        pod("db-a-0", "StatefulSet/db-a", app="db", instance="db-a"),
        made("EndpointSlice", "api-x", endpoints=endpoints),
    )


@pytest.fixture
def state(objects: Objects) -> SystemState:
    return SystemState(cast("Cluster", objects), read_system(ROOT / "systems/enhancer"))


def containers(objects: Objects) -> list[Object]:
    return cast("list[Object]", objects["Deployment/api"]["spec"]["template"]["spec"]["containers"])


CHANGES: dict[str, tuple[Callable[[Objects], Any], str]] = {
    "its Service leads elsewhere": (
        lambda all_: all_["Service/api"]["spec"].update(selector={"app": "stub"}),
        "Service/api: spec.selector was {'app': 'api'} and is {'app': 'stub'}",
    ),
    "another image": (
        lambda all_: containers(all_)[0].update(image="shop:2"),
        "Deployment/api: image of main was shop:1 and is shop:2",
    ),
    "more replicas": (
        lambda all_: all_["Deployment/api"]["spec"].update(replicas=5),
        "Deployment/api: spec.replicas was 2 and is 5",
    ),
    "another setting": (
        lambda all_: containers(all_)[0].update(env=[]),
        "Deployment/api: container main is another",
    ),
    "one more container": (
        lambda all_: containers(all_).append({"name": "more", "image": "spy:1"}),
        "Deployment/api: image of more was not there and is spy:1",
    ),
    "a workload is gone": (
        lambda all_: all_.items.remove(all_["Deployment/agents"]),
        "Deployment/agents is gone",
    ),
}


@pytest.mark.parametrize(("change", "said"), CHANGES.values(), ids=list(CHANGES))
def test_what_makes_it_another_system_is_named(
    objects: Objects, state: SystemState, change: Callable[[Objects], Any], said: str
) -> None:
    assert state.strayed() == []
    change(objects)
    assert said in state.strayed()
    assert "s3cret" not in str(state.strayed())


def test_a_restart_and_a_promotion_make_no_other_system(objects: Objects, state: SystemState) -> None:
    assert state.strayed() == []
    metadata = objects["Deployment/api"]["spec"]["template"]["metadata"]
    metadata["annotations"] = {"kubectl.kubernetes.io/restartedAt": "2026-01-01T00:00:00Z"}
    objects["Service/db"]["spec"]["selector"]["instance"] = "db-b"
    assert state.strayed() == []


def test_what_an_autoscaler_sets_is_its_own(objects: Objects, state: SystemState) -> None:
    scaled = {"scaleTargetRef": {"kind": "Deployment", "name": "api"}}
    objects.items.append(made("HorizontalPodAutoscaler", "api", spec=scaled))
    assert state.strayed() == []
    objects["Deployment/api"]["spec"]["replicas"] = 9
    assert state.strayed() == []
    objects.embedded = True  # where no autoscaler acts
    assert state.strayed() != []


def foreign(objects: Objects) -> list[str]:
    system = read_system(ROOT / "systems/enhancer")
    return Origin(cast("Cluster", objects), system, read_manifests(system.manifest_directory)).foreign()


def test_answers_of_the_systems_own_pods_are_its_own(objects: Objects) -> None:
    assert foreign(objects) == []
    objects.items.remove(objects["Pod/api-1-a"])  # its endpoint is still there
    assert foreign(objects) == []


STUB = [{"kind": "Deployment", "name": "stub"}]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda all_: all_["Pod/api-1-a"]["metadata"].update(ownerReferences=[]), ["pod api-1-a"]),
        (lambda all_: all_["ReplicaSet/api-1"]["metadata"].update(ownerReferences=STUB), ["pod api-1-a"]),
        (lambda all_: all_["EndpointSlice/api-x"]["endpoints"].append({"addresses": ["10.9.9.9"]}), ["10.9.9.9"]),
        (
            lambda all_: all_["Service/api"].update(spec={"type": "ExternalName", "externalName": "stub.example"}),
            ["stub.example"],
        ),
    ],
)
def test_whoever_else_answers_is_named(objects: Objects, change: Callable[[Objects], Any], said: list[str]) -> None:
    change(objects)
    assert foreign(objects) == said


def test_pods_rely_on_owners_configuration_services_and_the_database(objects: Objects) -> None:
    api = objects["Pod/api-1-a"]
    api["spec"] = {
        "nodeName": "one",
        "serviceAccountName": "shop",
        "containers": [{"name": "main", "envFrom": [{"configMapRef": {"name": "settings"}}]}],
        "volumes": [{"secret": {"secretName": "keys"}}],
    }
    objects.items.append(made("ConfigMap", "settings", data={"url": "http://mail.shop:25/"}))
    objects.items.append(made("Service", "mail", spec={"selector": {"app": "mail"}}))
    objects.items.append(made("NetworkPolicy", "deny", spec={"podSelector": {"matchLabels": {"app": "api"}}}))
    system = read_system(ROOT / "systems/enhancer")
    found = relations(cast("Cluster", objects), system, [api, objects["Pod/db-a-0"]])
    assert found["api-1-a"].owners == ("Deployment/api", "ReplicaSet/api-1")
    used = {"ConfigMap/settings", "NetworkPolicy/deny", "Node/one", "Secret/keys", "ServiceAccount/shop"}
    assert set(found["api-1-a"].uses) == used
    assert found["api-1-a"].served_by == ("Service/api",)
    assert found["api-1-a"].asks == ("Service/db", "Service/mail")
    assert found["db-a-0"].asks == (), "an instance of the database asks none"
    assert found["db-a-0"].served_by == ("Service/db",)
