"""Who puts back what a release shares traffic by is named: by what the API server keeps of each writer's requests."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from tests.release import shop
from tests.release.made import deployment, rolled, service

from muster.base.waiting import wait_for
from muster.kube import Cluster
from muster.kube.client import APPLY_PATCH, MERGE_PATCH
from muster.release.contents import Contents
from muster.release.drifting import changed_by, drift
from muster.release.record import Release, ReleaseBook, Share, Way, new_release
from muster.release.work import Releasing
from muster.system import SystemDefinition, read_system
from muster.wire.names import KINDS

Object = dict[str, Any]


class Others:
    """Requests of somebody else's programs, about objects of one namespace."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self._cluster, self._namespace = cluster, namespace

    def send(
        self, method: str, kind: str, name: str, body: Object, *, manager: str = "", agent: str = "", **more: str
    ) -> None:
        """Send one as a program does that calls itself `agent`, and names itself `manager` in the query if at all."""
        access = self._cluster.access
        asked = {"fieldManager": manager} if manager else {}
        with httpx.Client(base_url=access.server, verify=access.tls, trust_env=False) as client:
            answer = client.request(
                method,
                KINDS[kind].path(self._namespace, name),
                params={**asked, **({"force": "true"} if more.get("type") == APPLY_PATCH else {})},
                json=body,
                headers=[
                    *access.headers(),
                    (b"User-Agent", agent.encode()),
                    (b"Content-Type", more.get("type", "application/json").encode()),
                ],
                extensions=access.extensions,
            )
        assert answer.is_success, answer.text


@pytest.fixture
def work(cluster: Cluster, namespace: str, tmp_path: Path) -> Releasing:
    """A release by HTTPRoute, half of whose traffic goes to the new version."""
    system = read_system(shop.write(tmp_path, "httproute")).model_copy(update={"namespace": namespace})
    for item in (service(), service("web-canary"), deployment(replicas=0)):
        cluster.create(item, namespace)
    live = cluster.get("Deployment", "web", namespace)
    found = releasing(cluster, system, Contents((rolled(live),), (), (), (), None))
    way = found.way
    assert way is not None
    way.make()
    way.write(0.5, way.read())
    wait_for(lambda: not way.lag(), within=10, reason="the weights to be heeded")  # no status is written from here on
    assert drift(found) is None
    return found


def releasing(cluster: Cluster, system: SystemDefinition, contents: Contents) -> Releasing:
    release = new_release(
        release="two",
        version="2",
        system=system.name,
        namespace=system.namespace,
        way=Way(name="httproute"),
        share=Share(wanted=0.5, possible=0.5, way="httproute"),
    )
    return Releasing(cluster, system, cast("ReleaseBook", Book(release)), contents)


class Book:
    """The record of a release that nobody writes."""

    def __init__(self, release: Release) -> None:
        self.release = release


def put_back(work: Releasing, **sent: Any) -> str:
    """Have somebody lead all traffic to the old version, as their program does; what is noticed of it."""
    route = work.cluster.get("HTTPRoute", "muster-release", work.namespace)
    rules = copy.deepcopy(route["spec"]["rules"])
    for each in rules[0]["backendRefs"]:
        each["weight"] = 0 if each["name"].endswith("-canary") else 1
    whole = {"apiVersion": KINDS["HTTPRoute"].api, "kind": "HTTPRoute", "spec": {**route["spec"], "rules": rules}}
    method = "PATCH" if "type" in sent else "PUT"
    metadata = {"name": "muster-release"} if method == "PATCH" else route["metadata"]
    Others(work.cluster, work.namespace).send(
        method, "HTTPRoute", "muster-release", {**whole, "metadata": metadata}, **sent
    )
    found = drift(work)
    assert found is not None and found.mends
    return found.why


KUBECTL = "kubectl/v1.31.0 (linux/amd64) kubernetes/9edcffc"
WRITERS: dict[str, dict[str, str]] = {
    "somebody with kubectl ('kubectl-client-side-apply')": {
        "manager": "kubectl-client-side-apply",
        "agent": KUBECTL,
        "type": MERGE_PATCH,
    },
    "somebody with kubectl ('kubectl-edit')": {"manager": "kubectl-edit", "agent": KUBECTL, "type": MERGE_PATCH},
    "somebody with kubectl ('kubectl')": {"manager": "kubectl", "agent": KUBECTL, "type": APPLY_PATCH},
    "Argo CD ('argocd-controller')": {"manager": "argocd-controller", "type": APPLY_PATCH},
    "Argo CD ('argocd-application-controller')": {"agent": "argocd-application-controller/v0.0.0", "type": MERGE_PATCH},
    "Flux ('kustomize-controller')": {"manager": "kustomize-controller", "type": APPLY_PATCH},
    "Flux ('helm-controller')": {"manager": "helm-controller", "type": MERGE_PATCH},
    "Helm ('helm')": {"manager": "helm", "agent": "Helm/3.16.2", "type": MERGE_PATCH},
    "'acme-operator'": {"agent": "acme-operator/v1.2 (linux/amd64)"},
    "somebody": {"agent": ""},
}


@pytest.mark.parametrize("who", WRITERS)
def test_who_puts_the_weights_back_is_named(work: Releasing, who: str) -> None:
    assert put_back(work, **WRITERS[who]) == f"{who} changed how traffic is shared: the new version has 0%, not 50%"


def labelled(work: Releasing, label: str) -> None:
    """Have the route say that a controller keeps it."""
    patch = {"metadata": {"labels": {label: "shop"}}}
    work.cluster.patch("HTTPRoute", "muster-release", work.namespace, patch)


def test_a_hand_that_changes_what_argo_cd_keeps_is_not_taken_for_argo_cd(work: Releasing) -> None:
    labelled(work, "argocd.argoproj.io/instance")
    assert "somebody with kubectl ('kubectl-edit')" in put_back(
        work, **WRITERS["somebody with kubectl ('kubectl-edit')"]
    )


def test_one_who_leaves_no_name_is_whom_the_labels_name(work: Releasing) -> None:
    labelled(work, "kustomize.toolkit.fluxcd.io/name")
    assert put_back(work, agent="").startswith("Flux changed how")


def test_who_wrote_something_else_in_the_same_second_is_not_named(work: Releasing) -> None:
    why = put_back(work, agent="acme-operator/v1.2")
    noted = {"metadata": {"annotations": {"seen": "yes"}}}
    others = Others(work.cluster, work.namespace)
    others.send("PATCH", "HTTPRoute", "muster-release", noted, manager="argocd-controller", type=MERGE_PATCH)
    found = drift(work)
    assert found is not None and found.why == why and "'acme-operator'" in why


def test_who_scales_or_changes_the_old_version_is_named(work: Releasing) -> None:
    others, wanted = Others(work.cluster, work.namespace), deployment(replicas=0)
    wanted["spec"]["template"]["spec"]["containers"][0]["image"] = "shop:0"
    others.send("PATCH", "Deployment", "web", wanted, manager="kustomize-controller", type=APPLY_PATCH)
    found = drift(work)
    assert found is not None and not found.mends
    assert found.why == "Flux ('kustomize-controller') changed Deployment web, the old version, meanwhile"


def entry(manager: str, time: str, *fields: str, **more: str) -> Object:
    spec = {f"f:{field}": {} for field in fields}
    return {"manager": manager, "operation": "Update", "time": time, "fieldsV1": {"f:spec": spec}, **more}


@pytest.mark.parametrize(
    ("entries", "who"),
    [
        ([], "somebody"),
        ([{}], "somebody"),
        ([entry("muster", "2026-01-01T00:00:05Z", "replicas")], "somebody"),
        ([entry("before-first-apply", "2026-01-01T00:00:05Z", "replicas")], "somebody"),
        (
            [
                entry("kubectl-client-side-apply", "2026-01-01T00:00:00Z", "template"),
                entry("kube-controller-manager", "2026-01-01T00:00:09Z", "replicas", subresource="scale"),
                entry("kube-controller-manager", "2026-01-01T00:00:10Z", "replicas", subresource="status"),
            ],
            "'kube-controller-manager'",
        ),
        (
            [entry("helm", "2026-01-01T00:00:00Z", "template"), entry("argocd-controller", "2026-01-01T00:00:01Z")],
            "Argo CD ('argocd-controller')",
        ),
    ],
)
def test_of_recorded_writers_it_is_the_fields_owner_else_the_last(entries: list[Object], who: str) -> None:
    item = deployment()
    item["metadata"]["managedFields"] = entries
    assert changed_by((item, "replicas")) == who


def test_of_several_objects_it_is_who_wrote_last() -> None:
    old, new = service(), deployment("web-canary")
    old["metadata"]["managedFields"] = [entry("kubectl-client-side-apply", "2026-01-01T00:00:00Z", "selector")]
    new["metadata"]["managedFields"] = [entry("argocd-controller", "2026-01-02T00:00:00Z", "replicas")]
    assert changed_by((old, "selector"), (new, "replicas")) == "Argo CD ('argocd-controller')"
