"""Requests as any client may put them, to a cluster that runs."""

from __future__ import annotations

import gzip

import httpx
import pytest
from embedded_support import Running


def test_without_the_token_nothing_is_told_but_health_and_version(cluster: Running) -> None:
    with httpx.Client(base_url=cluster.url, verify=cluster.trust, trust_env=False) as stranger:
        assert stranger.get("/healthz").text == "ok"
        assert stranger.get("/version").json()["gitVersion"] == "v1.36.0"
        for headers in ({}, {"Authorization": "Bearer wrong"}):
            refused = stranger.get("/api/v1/namespaces", headers=headers)
            assert (refused.status_code, refused.json()["reason"]) == (401, "Unauthorized")


def test_the_certificate_is_for_this_server_alone(cluster: Running) -> None:
    with httpx.Client(trust_env=False) as careful, pytest.raises(httpx.ConnectError, match="certificate"):
        careful.get(f"{cluster.url}/healthz")


def test_a_header_that_is_no_text_names_nobody(cluster: Running) -> None:
    answer = cluster.client.get("/api/v1/namespaces", headers={b"Authorization": b"Bearer \xff\xfe"})
    assert (answer.status_code, answer.json()["reason"]) == (401, "Unauthorized")


@pytest.mark.parametrize("name", ["User", "Uid", "Group", "Extra-Scopes"])
def test_a_name_to_act_in_that_is_no_text_is_told_as_text(cluster: Running, name: str) -> None:
    headers = {b"Impersonate-User": b"ann", f"Impersonate-{name}".encode(): b"\xff\xfe"}
    refused = cluster.client.get("/api/v1/namespaces", headers=headers)
    assert (refused.status_code, refused.json()["reason"]) == (403, "Forbidden")
    told = cluster.client.post(
        "/apis/authentication.k8s.io/v1/selfsubjectreviews", headers=headers, json={"kind": "SelfSubjectReview"}
    )
    assert told.status_code == 201
    assert "\ufffd" in told.text


def test_what_a_body_claims_to_be_packed_with_is_not_looked_at(cluster: Running, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    made = cluster.client.post(path, json={"metadata": {"name": "c"}}, headers={"Content-Encoding": "gzip"})
    assert made.status_code == 201
    packed = gzip.compress(b'{"metadata": {"name": "d"}}')
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    refused = cluster.client.post(path, content=packed, headers=headers)
    assert (refused.status_code, refused.json()["reason"]) == (400, "BadRequest")


@pytest.mark.parametrize(
    "document", [f"a: {'[' * 1000}", "a: &a [*a]", "a: .nan", "? [a]\n: b", "- a", "a: b: c", "a: !!binary gA=="]
)
def test_yaml_that_json_cannot_say_is_refused(cluster: Running, namespace: str, document: str) -> None:
    headers = {"Content-Type": "application/yaml"}
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    assert cluster.client.post(path, content=document, headers=headers).status_code == 400


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", "/api/v1/pods/p", 404),
        ("GET", "/api/v1/namespaces/default/nodes", 404),
        ("GET", "/api/v1/namespaces/default/pods/p/colour", 404),
        ("GET", "/apis/apps/v2/deployments", 404),
        ("POST", "/api/v1/pods", 405),
        ("GET", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", 405),
        ("PUT", "/api/v1/namespaces/default/pods", 405),
        ("DELETE", "/api/v1/namespaces", 405),
        ("POST", "/api/v1/namespaces/default/pods/p/log", 405),
        ("GET", "/api/v1/pods?limit=many", 400),
        ("GET", "/api/v1/pods?continue=nonsense", 400),
        ("GET", "/api/v1/pods?fieldSelector=spec.colour=red", 400),
        ("GET", "/api/v1/pods?watch=1&resourceVersion=old", 400),
        ("GET", "/api/v1/pods?watch=1&sendInitialEvents=true", 422),
        ("DELETE", "/api/v1/namespaces/default/pods/p?dryRun=Some", 400),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_status(cluster: Running, method: str, path: str, code: int) -> None:
    status, answer = cluster.call(method, path, {} if method in ("POST", "PUT") else None)
    assert (status, answer["kind"], answer["code"]) == (code, "Status", code)


def test_unknown_fields_are_refused_warned_of_or_ignored(cluster: Running, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/configmaps"

    def create(name: str, validation: str) -> httpx.Response:
        body = {"metadata": {"name": name}, "datta": {"a": "b"}}
        return cluster.client.post(path, json=body, params={"fieldValidation": validation})

    strict = create("strict", "Strict")
    assert (strict.status_code, strict.json()["message"]) == (400, 'strict decoding error: unknown field "datta"')
    warned = create("warned", "Warn")
    assert warned.headers["Warning"] == '299 - "unknown field \\"datta\\""'
    assert "datta" not in warned.json()
    assert "Warning" not in create("ignored", "Ignore").headers


def test_pages_add_up_to_the_whole(cluster: Running, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    for i in range(7):
        cluster.call("POST", path, {"metadata": {"name": f"c{i}"}})
    names: list[str] = []
    token, pages = "", 0
    while True:
        page = cluster.call("GET", path, limit=3, **{"continue": token})[1]
        names += [item["metadata"]["name"] for item in page["items"]]
        token, pages = page["metadata"].get("continue", ""), pages + 1
        if not token:
            break
        assert page["metadata"]["remainingItemCount"] == 8 - len(names)
    assert names == [*(f"c{i}" for i in range(7)), "kube-root-ca.crt"]
    assert pages == 3


def test_a_lock_can_be_taken_by_one_only(cluster: Running, namespace: str) -> None:
    path = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
    lease = {"metadata": {"name": "lock"}, "spec": {"holderIdentity": "a"}}
    made = cluster.call("PUT", f"{path}/lock", lease)
    assert made[0] == 201, "a PUT makes a Lease that is not there"
    code, answer = cluster.call("PUT", f"{path}/lock", lease)
    assert (code, answer["reason"]) == (422, "Invalid"), "without a version it could overwrite another's"
    lease["metadata"]["resourceVersion"] = made[1]["metadata"]["resourceVersion"]
    lease["spec"]["holderIdentity"] = "b"
    assert cluster.call("PUT", f"{path}/lock", lease)[0] == 200
    assert cluster.call("PUT", f"{path}/lock", lease)[0] == 409


def test_status_is_written_under_its_own_address(cluster: Running, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/services"
    body = {"metadata": {"name": "s"}, "spec": {"ports": [{"port": 8080}], "selector": {"a": "b"}}}
    assert cluster.call("POST", path, body)[0] == 201
    change = {"spec": {"selector": {"a": "c"}}, "status": {"conditions": [{"type": "X", "status": "True"}]}}
    changed = cluster.patch(f"{path}/s/status", change)[1]
    assert changed["spec"]["selector"] == {"a": "b"}
    assert changed["status"]["conditions"][0]["type"] == "X"
    changed = cluster.patch(f"{path}/s", {"status": {"conditions": None}})[1]
    assert changed["status"]["conditions"][0]["type"] == "X"


def test_an_eviction_that_breaks_a_budget_is_refused(cluster: Running, namespace: str) -> None:
    pods = f"/api/v1/namespaces/{namespace}/pods"
    container = {"name": "main", "image": "busybox", "command": ["sleep", "100"]}
    spec = {"containers": [container], "terminationGracePeriodSeconds": 0}
    cluster.call("POST", pods, {"metadata": {"name": "p", "labels": {"a": "b"}}, "spec": spec})
    wait = cluster.kubectl("-n", namespace, "wait", "--for=condition=Ready", "pod/p", "--timeout=20s")
    assert wait.returncode == 0, wait.stderr
    budgets = f"/apis/policy/v1/namespaces/{namespace}/poddisruptionbudgets"
    budget = {"metadata": {"name": "b"}, "spec": {"minAvailable": 1, "selector": {"matchLabels": {"a": "b"}}}}
    assert cluster.call("POST", budgets, budget)[0] == 201
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "p"}}
    code, answer = cluster.call("POST", f"{pods}/p/eviction", eviction)
    assert (code, answer["reason"]) == (429, "TooManyRequests")
    assert cluster.call("DELETE", f"{budgets}/b")[0] == 200
    assert cluster.call("POST", f"{pods}/p/eviction", eviction)[0] == 201


def test_metadata_alone_can_be_asked_for(cluster: Running, namespace: str) -> None:
    accept = {"Accept": "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"}
    found = cluster.client.get(f"/api/v1/namespaces/{namespace}/configmaps", headers=accept).json()
    assert found["kind"] == "PartialObjectMetadataList"
    assert set(found["items"][0]) == {"kind", "apiVersion", "metadata"}


def test_items_of_a_list_say_no_kind_as_from_the_real_server(cluster: Running, namespace: str) -> None:
    items = cluster.call("GET", f"/api/v1/namespaces/{namespace}/configmaps")[1]["items"]
    assert items
    assert all("kind" not in item and item["metadata"]["namespace"] == namespace for item in items)
