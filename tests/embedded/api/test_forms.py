"""The forms of answers: JSON, YAML and protobuf, as `Accept` says."""

from __future__ import annotations

import pytest
import yaml
from embedded_support import Running

from muster.embedded.resources import RESOURCES, Resource
from muster.embedded.schema import protobuf, wire

PROTOBUF = "application/vnd.kubernetes.protobuf"


def path_of(resource: Resource) -> str:
    root = f"/apis/{resource.api_version}" if resource.group else "/api/v1"
    return f"{root}/{resource.plural}"


@pytest.mark.parametrize("resource", [found for found in RESOURCES if not found.custom], ids=lambda found: found.plural)
def test_what_a_cluster_holds_can_be_had_in_protobuf(cluster: Running, resource: Resource) -> None:
    answer = cluster.client.get(path_of(resource), headers={"Accept": f"{PROTOBUF},application/json"})
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, PROTOBUF)
    found, wanted = protobuf.decode(answer.content), cluster.call("GET", path_of(resource))[1]
    assert (found["kind"], found["apiVersion"]) == (wanted["kind"], wanted["apiVersion"])
    names = [item["metadata"]["name"] for item in wanted["items"]]
    assert [item["metadata"]["name"] for item in found.get("items", ())] == names
    assert names or resource.plural not in ("nodes", "namespaces", "configmaps")


def test_an_object_is_written_and_read_in_protobuf(cluster: Running, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    body = protobuf.encode({"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "c"}, "data": {"a": "b"}})
    headers = {"Accept": PROTOBUF, "Content-Type": PROTOBUF}
    made = cluster.client.post(path, content=body, headers=headers)
    assert made.status_code == 201
    found = protobuf.decode(made.content)
    assert (found["kind"], found["data"]) == ("ConfigMap", {"a": "b"})
    assert found["metadata"] == cluster.call("GET", f"{path}/c")[1]["metadata"]
    options = protobuf.encode({"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": {"uid": "another"}})
    refused = cluster.client.request("DELETE", f"{path}/c", content=options, headers=headers)
    assert (refused.status_code, protobuf.decode(refused.content)["reason"]) == (409, "Conflict")


@pytest.mark.parametrize("content", [b"", b"k8s\x00", b"k8s\x00\xff", b"{}"])
def test_what_is_no_protobuf_is_refused(cluster: Running, namespace: str, content: bytes) -> None:
    headers = {"Content-Type": PROTOBUF}
    refused = cluster.client.post(f"/api/v1/namespaces/{namespace}/configmaps", content=content, headers=headers)
    assert (refused.status_code, refused.json()["reason"]) == (400, "BadRequest")


def frames(data: bytes) -> list[tuple[str, dict]]:
    """The events of a watch in protobuf."""
    found = []
    while data:
        size = int.from_bytes(data[:4], "big")
        event, data = dict(wire.fields(data[4 : 4 + size])), data[4 + size :]
        found.append((event[1].decode(), protobuf.decode(dict(wire.fields(event[2]))[1])))
    return found


def test_a_watch_can_be_had_in_protobuf(cluster: Running, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    query = {"watch": "1", "timeoutSeconds": "1", "allowWatchBookmarks": "1", "sendInitialEvents": "1"}
    query["resourceVersionMatch"] = "NotOlderThan"
    headers = {"Accept": f"{PROTOBUF};stream=watch"}
    answer = cluster.client.get(path, params=query, headers=headers)
    assert answer.headers["Content-Type"] == f"{PROTOBUF};stream=watch"
    events = frames(answer.content)
    assert [(kind, obj["metadata"].get("name")) for kind, obj in events] == [
        ("ADDED", "kube-root-ca.crt"),
        ("BOOKMARK", None),
    ]
    assert events[0][1]["data"] == cluster.call("GET", f"{path}/kube-root-ca.crt")[1]["data"]


def test_metadata_and_discovery_can_be_had_in_protobuf(cluster: Running, namespace: str) -> None:
    accept = f"{PROTOBUF};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
    found = cluster.client.get(f"/api/v1/namespaces/{namespace}/configmaps", headers={"Accept": accept})
    items = protobuf.decode(found.content)["items"]
    assert [item["metadata"]["name"] for item in items] == ["kube-root-ca.crt"]
    resources = protobuf.decode(cluster.client.get("/apis/apps/v1", headers={"Accept": PROTOBUF}).content)["resources"]
    assert "deployments" in [resource["name"] for resource in resources]


def test_objects_can_be_had_in_yaml(cluster: Running) -> None:
    answer = cluster.client.get("/api/v1/namespaces/default", headers={"Accept": "application/yaml"})
    assert answer.headers["Content-Type"] == "application/yaml"
    assert yaml.safe_load(answer.content)["metadata"]["name"] == "default"


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        ("", "application/json"),
        ("*/*", "application/json"),
        ("text/html, application/*;q=0.5", "application/json"),
        ("application/json;q=0.1, application/vnd.kubernetes.protobuf", PROTOBUF),
        (f"{PROTOBUF};as=Table;g=meta.k8s.io;v=v1,application/json", "application/json"),
        ("application/json;as=Unheard;g=meta.k8s.io;v=v1,application/yaml", "application/yaml"),
    ],
)
def test_the_best_liked_form_that_is_served_is_taken(cluster: Running, accept: str, media: str) -> None:
    assert cluster.client.get("/api/v1/pods", headers={"Accept": accept}).headers["Content-Type"].startswith(media)


def test_a_form_that_is_not_served_is_refused_before_anything_happens(cluster: Running, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    refused = cluster.client.post(path, json={"metadata": {"name": "c"}}, headers={"Accept": "text/html"})
    assert (refused.status_code, refused.json()["reason"]) == (406, "NotAcceptable")
    assert cluster.call("GET", f"{path}/c")[0] == 404
