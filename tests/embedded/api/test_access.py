"""ServiceAccounts, tokens and RBAC, to a cluster that runs: as clients and kubectl meet them."""

from __future__ import annotations

import base64
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from embedded_support import Running

from muster.base.waiting import wait_for

RBAC = "/apis/rbac.authorization.k8s.io/v1"
needs_kubectl = pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")


class Account:
    """A ServiceAccount of the namespace, and a client with its token."""

    def __init__(self, cluster: Running, namespace: str, name: str, client: httpx.Client) -> None:
        self.user = f"system:serviceaccount:{namespace}:{name}"
        self._cluster, self._namespace, self._name = cluster, namespace, name
        self._client = client

    def grant(self, *rules: dict[str, Any]) -> None:
        """Let it do this in its namespace."""
        meta = {"metadata": {"name": self._name}}
        path = f"{RBAC}/namespaces/{self._namespace}"
        assert self._cluster.call("POST", f"{path}/roles", {**meta, "rules": list(rules)})[0] == 201
        subject = {"kind": "ServiceAccount", "name": self._name, "namespace": self._namespace}
        binding = {**meta, "subjects": [subject], "roleRef": {"kind": "Role", "name": self._name}}
        assert self._cluster.call("POST", f"{path}/rolebindings", binding)[0] == 201

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        response = self._client.request(method, path, json=body, headers=headers)
        return response.status_code, response.json()


@contextmanager
def client_of(cluster: Running, token: str) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=cluster.url, verify=cluster.trust, headers=headers, trust_env=False, timeout=20) as one:
        yield one


@pytest.fixture
def account(cluster: Running, namespace: str) -> Iterator[Account]:
    """An account without rights."""
    accounts = f"/api/v1/namespaces/{namespace}/serviceaccounts"
    assert cluster.call("POST", accounts, {"metadata": {"name": "robot"}})[0] == 201
    code, answer = cluster.call("POST", f"{accounts}/robot/token", {"spec": {"expirationSeconds": 600}})
    assert (code, answer["kind"], answer["spec"]["expirationSeconds"]) == (201, "TokenRequest", 600)
    with client_of(cluster, answer["status"]["token"]) as client:
        yield Account(cluster, namespace, "robot", client)


def test_an_account_may_only_what_it_was_granted(cluster: Running, namespace: str, account: Account) -> None:
    pods = f"/api/v1/namespaces/{namespace}/pods"
    why = (
        f'pods is forbidden: User "{account.user}" cannot list resource "pods" in API group "" in the namespace '
        f'"{namespace}"'
    )
    refused = {"message": why, "reason": "Forbidden", "details": {"kind": "pods"}, "code": 403}
    code, answer = account.call("GET", pods)
    assert code == 403
    assert {key: answer[key] for key in refused} == refused
    assert account.call("GET", "/apis/no.such/v1/things")[0] == 403, "what there is, is not told by a 404"
    assert account.call("GET", "/api/v1")[0] == 200, "everybody may look at what is served"
    account.grant({"verbs": ["list"], "apiGroups": [""], "resources": ["pods"]})
    assert account.call("GET", pods)[0] == 200
    assert account.call("GET", f"{pods}/x")[0] == 403
    assert account.call("GET", f"{pods}?watch=1")[0] == 403
    assert account.call("GET", "/api/v1/namespaces/default/pods")[0] == 403
    cluster.call("DELETE", f"{RBAC}/namespaces/{namespace}/rolebindings/robot")
    assert account.call("GET", pods)[0] == 403


def test_names_and_subresources_are_rights_of_their_own(namespace: str, account: Account) -> None:
    account.grant(
        {"verbs": ["get", "patch"], "apiGroups": [""], "resources": ["configmaps"], "resourceNames": ["a"]},
        {"verbs": ["get"], "apiGroups": [""], "resources": ["pods/log"]},
    )
    maps = f"/api/v1/namespaces/{namespace}/configmaps"
    assert account.call("GET", f"{maps}/a")[0] == 404
    assert account.call("GET", f"{maps}/b")[0] == 403
    assert account.call("GET", f"/api/v1/namespaces/{namespace}/pods/p/log")[0] == 404
    assert account.call("GET", f"/api/v1/namespaces/{namespace}/pods/p")[0] == 403
    apply = {"Content-Type": "application/apply-patch+yaml"}
    code, answer = account.call("PATCH", f"{maps}/a?fieldManager=m", {"metadata": {"name": "a"}}, **apply)
    assert (code, "cannot create resource" in answer["message"]) == (403, True), "an apply that makes it, creates"


def test_a_token_ends_with_its_account(cluster: Running, namespace: str, account: Account) -> None:
    assert account.call("GET", "/api")[0] == 200
    cluster.call("DELETE", f"/api/v1/namespaces/{namespace}/serviceaccounts/robot")
    assert account.call("GET", "/api")[0] == 401


def test_each_namespace_has_an_account_and_gets_it_back(cluster: Running, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts/default"
    before = cluster.call("GET", path)[1]["metadata"]["uid"]
    cluster.call("DELETE", path)
    wait_for(lambda: cluster.call("GET", path)[0] == 200, within=10, reason="the account to be back")
    assert cluster.call("GET", path)[1]["metadata"]["uid"] != before


@pytest.mark.parametrize(("seconds", "why"), [(599, "less than 10 minutes"), (2**32 + 1, "larger than 2^32 seconds")])
def test_lifetimes_have_bounds(cluster: Running, namespace: str, seconds: int, why: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts/default/token"
    code, answer = cluster.call("POST", path, {"spec": {"expirationSeconds": seconds}})
    assert (code, why in answer["message"]) == (422, True)


def test_a_secret_of_the_token_type_is_filled_and_goes_with_its_account(cluster: Running, namespace: str) -> None:
    cluster.call("POST", f"/api/v1/namespaces/{namespace}/serviceaccounts", {"metadata": {"name": "old"}})
    secrets = f"/api/v1/namespaces/{namespace}/secrets"
    kind = "kubernetes.io/service-account-token"
    named = {"name": "t", "annotations": {"kubernetes.io/service-account.name": "old"}}
    assert cluster.call("POST", secrets, {"metadata": {"name": "t"}, "type": kind})[0] == 422
    assert cluster.call("POST", secrets, {"metadata": named, "type": kind})[0] == 201
    wait_for(lambda: "data" in cluster.call("GET", f"{secrets}/t")[1], within=10, reason="the Secret to be filled")
    secret = cluster.call("GET", f"{secrets}/t")[1]
    assert set(secret["data"]) == {"token", "ca.crt", "namespace"}
    with client_of(cluster, base64.b64decode(secret["data"]["token"]).decode()) as client:
        own = client.post("/apis/authentication.k8s.io/v1/selfsubjectreviews", json={}).json()
        assert own["status"]["userInfo"]["username"] == f"system:serviceaccount:{namespace}:old"
        cluster.call("DELETE", f"/api/v1/namespaces/{namespace}/serviceaccounts/old")
        assert client.get("/api").status_code == 401
    wait_for(lambda: cluster.call("GET", f"{secrets}/t")[0] == 404, within=10, reason="the Secret to go")


def test_whose_a_token_is_can_be_asked(cluster: Running, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts/default/token"
    token = cluster.call("POST", path, {"spec": {"audiences": ["vault"]}})[1]["status"]["token"]
    reviews = "/apis/authentication.k8s.io/v1/tokenreviews"
    found = cluster.call("POST", reviews, {"spec": {"token": token, "audiences": ["vault", "x"]}})[1]["status"]
    assert (found["authenticated"], found["audiences"]) == (True, ["vault"])
    assert found["user"]["username"] == f"system:serviceaccount:{namespace}:default"
    for spec in ({"token": token}, {"token": "x"}):
        status = cluster.call("POST", reviews, {"spec": spec})[1]["status"]
        assert not status.get("authenticated")
        assert status["error"]


def test_rights_can_be_asked_for_oneself_and_for_others(cluster: Running, namespace: str, account: Account) -> None:
    account.grant({"verbs": ["get"], "apiGroups": ["apps"], "resources": ["deployments/scale"]})
    group = "/apis/authorization.k8s.io/v1"
    wanted = {"verb": "get", "group": "apps", "resource": "deployments", "subresource": "scale", "namespace": namespace}
    own = {"spec": {"resourceAttributes": wanted}}
    assert account.call("POST", f"{group}/selfsubjectaccessreviews", own)[1]["status"]["allowed"] is True
    other = {"spec": {"resourceAttributes": {**wanted, "verb": "patch"}}}
    assert account.call("POST", f"{group}/selfsubjectaccessreviews", other)[1]["status"] == {"allowed": False}
    rules = account.call("POST", f"{group}/selfsubjectrulesreviews", {"spec": {"namespace": namespace}})[1]["status"]
    assert {"verbs": ["get"], "apiGroups": ["apps"], "resources": ["deployments/scale"]} in rules["resourceRules"]
    assert any("/api" in rule["nonResourceURLs"] for rule in rules["nonResourceRules"])
    asked = {"spec": {"resourceAttributes": wanted, "user": account.user}}
    assert cluster.call("POST", f"{group}/subjectaccessreviews", asked)[1]["status"]["allowed"] is True
    local = f"{group}/namespaces/{namespace}/localsubjectaccessreviews"
    assert cluster.call("POST", local, asked)[1]["status"]["allowed"] is True
    assert account.call("POST", f"{group}/subjectaccessreviews", asked)[0] == 403
    path = {"spec": {"nonResourceAttributes": {"verb": "get", "path": "/metrics"}, "user": "x"}}
    assert cluster.call("POST", f"{group}/subjectaccessreviews", path)[1]["status"] == {"allowed": False}
    for spec in ({"user": "x"}, {**path["spec"], **own["spec"]}):
        assert cluster.call("POST", f"{group}/subjectaccessreviews", {"spec": spec})[0] == 422


def test_acting_as_another_takes_the_right_to(cluster: Running, namespace: str, account: Account) -> None:
    review = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
    code, answer = account.call("POST", review, {}, **{"Impersonate-User": "ann"})
    assert code == 403
    assert answer["message"] == (
        f'users "ann" is forbidden: User "{account.user}" cannot impersonate resource "users" in API group "" at the '
        "cluster scope"
    )
    account.grant({"verbs": ["impersonate"], "apiGroups": [""], "resources": ["serviceaccounts"]})
    other = f"system:serviceaccount:{namespace}:default"
    code, answer = account.call("POST", review, {}, **{"Impersonate-User": other})
    assert (code, answer["status"]["userInfo"]["username"]) == (201, other)
    acting = {"Impersonate-User": other, "Impersonate-Group": "system:masters"}
    assert account.call("POST", review, {}, **acting)[0] == 403
    assert account.call("GET", "/api", **{"Impersonate-Group": "x"})[0] == 400
    headers = {"Impersonate-User": "ann", "Impersonate-Group": "dev", "Impersonate-Extra-a": "b"}
    own = cluster.client.post(review, json={}, headers=headers).json()["status"]["userInfo"]
    assert own == {"username": "ann", "groups": ["dev", "system:authenticated"], "extra": {"a": ["b"]}}


def test_roles_are_checked_and_bindings_keep_to_their_role(cluster: Running, namespace: str) -> None:
    path = f"{RBAC}/namespaces/{namespace}"
    bad = {"metadata": {"name": "r"}, "rules": [{"verbs": [], "nonResourceURLs": ["/x"]}, {"verbs": ["get"]}]}
    code, answer = cluster.call("POST", f"{path}/roles", bad)
    fields = [cause["field"] for cause in answer["details"]["causes"]]
    assert (code, fields) == (
        422,
        ["rules[0].verbs", "rules[0].nonResourceURLs", "rules[1].apiGroups", "rules[1].resources"],
    )
    subject = {"kind": "ServiceAccount", "name": "default"}
    binding = {"metadata": {"name": "b:c"}, "subjects": [subject], "roleRef": {"kind": "ClusterRole", "name": "view"}}
    code, made = cluster.call("POST", f"{path}/rolebindings", binding)
    assert (code, made["roleRef"]["apiGroup"]) == (201, "rbac.authorization.k8s.io")
    made["roleRef"]["name"] = "edit"
    code, answer = cluster.call("PUT", f"{path}/rolebindings/b:c", made)
    assert (code, "cannot change roleRef" in answer["message"]) == (422, True)
    for part in ({"roleRef": {"kind": "X", "name": ""}}, {"subjects": [{"kind": "User"}]}):
        assert cluster.call("POST", f"{path}/rolebindings", {**binding, "metadata": {"name": "d"}, **part})[0] == 422


def test_aggregated_roles_grow_with_their_parts(cluster: Running) -> None:
    label = "rbac.authorization.k8s.io/aggregate-to-view"
    rule = {"verbs": ["get"], "apiGroups": ["muster.dev"], "resources": ["drills"]}
    meta = {"name": "drill-viewer", "labels": {label: "true"}}
    assert cluster.call("POST", f"{RBAC}/clusterroles", {"metadata": meta, "rules": [rule]})[0] == 201

    def holds(role: str) -> bool:
        return rule in (cluster.call("GET", f"{RBAC}/clusterroles/{role}")[1].get("rules") or [])

    try:
        wait_for(lambda: all(map(holds, ("view", "edit", "admin"))), within=10, reason="the rule to be in all")
    finally:
        cluster.call("DELETE", f"{RBAC}/clusterroles/drill-viewer")
    wait_for(lambda: not any(map(holds, ("view", "edit", "admin"))), within=10, reason="the rule to be gone")


@needs_kubectl
def test_kubectl_tells_what_an_account_may(cluster: Running, namespace: str, account: Account) -> None:
    account.grant({"verbs": ["list"], "apiGroups": [""], "resources": ["pods"]})
    acting = ("--namespace", namespace, "--as", account.user)
    assert cluster.kubectl("auth", "can-i", "list", "pods", *acting).stdout.strip() == "yes"
    assert cluster.kubectl("auth", "can-i", "delete", "pods", *acting).stdout.strip() == "no"
    rows = [line.split() for line in cluster.kubectl("auth", "can-i", "--list", *acting).stdout.splitlines()]
    assert ["pods", "[]", "[]", "[list]"] in rows
    assert account.user in cluster.kubectl("auth", "whoami", *acting).stdout
    token = cluster.kubectl("create", "token", "robot", "--namespace", namespace).stdout.strip()
    assert token.count(".") == 2
    listed = cluster.kubectl("get", "roles,rolebindings", "--namespace", namespace, "-o", "wide").stdout
    assert f"{namespace}/robot" in listed
