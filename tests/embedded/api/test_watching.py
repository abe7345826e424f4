"""Watches: what is shown to whom, and what becomes of readers that are too slow."""

from __future__ import annotations

import asyncio
import itertools
import json
from typing import Any

import pytest
from embedded_support import Running

from muster.base.waiting import wait_for
from muster.embedded.api.streams import watching
from muster.embedded.api.streams.watching import Filter, feeding
from muster.embedded.resources import CONFIGMAPS, NAMESPACES
from muster.embedded.store import HISTORY, Store


@pytest.fixture
def store() -> Store:
    made = Store()
    for name in ("one", "two"):
        made.create(NAMESPACES, {"metadata": {"name": name}})
    return made


def configmap(namespace: str, **labels: str) -> dict[str, Any]:
    return {"metadata": {"name": "c", "namespace": namespace, "labels": labels}}


def test_an_object_that_leaves_the_selection_is_shown_as_deleted(store: Store) -> None:
    async def watch() -> list[str]:
        shown = Filter("one", lambda obj: obj["metadata"]["labels"].get("on") == "yes")
        with feeding(store, CONFIGMAPS, shown) as feed:
            store.create(CONFIGMAPS, configmap("two", on="yes"))
            for value in ("no", "yes", "no", "yes"):
                write = store.update if store.find(CONFIGMAPS, "one", "c") else store.create
                write(CONFIGMAPS, configmap("one", on=value))
            store.update(CONFIGMAPS, configmap("one", on="yes", more="x"))
            store.delete(CONFIGMAPS, "one", "c")
            return [kind for kind, _ in await feed.take(0)]

    assert asyncio.run(watch()) == ["ADDED", "DELETED", "ADDED", "MODIFIED", "DELETED"]


def test_a_reader_that_falls_behind_is_told_so_and_costs_no_memory(store: Store, monkeypatch) -> None:
    monkeypatch.setattr(watching, "QUEUE", 5)

    async def watch() -> tuple[int, bool]:
        with feeding(store, CONFIGMAPS, Filter(None, None)) as feed:
            store.create(CONFIGMAPS, configmap("one"))
            for i in range(20):
                store.update(CONFIGMAPS, configmap("one", n=str(i)))
            return len(await feed.take(0)), feed.overrun

    assert asyncio.run(watch()) == (5, True)


def test_a_watch_that_has_ended_leaves_no_subscriber(store: Store) -> None:
    async def watch() -> None:
        with feeding(store, CONFIGMAPS, Filter(None, None)):
            assert len(store._tables[CONFIGMAPS].subscribers) == 1

    asyncio.run(watch())
    assert not store._tables[CONFIGMAPS].subscribers


def lines(cluster: Running, path: str, **query: Any) -> list[dict[str, Any]]:
    """All events of a watch of one second."""
    with cluster.client.stream("GET", path, params={"watch": "1", "timeoutSeconds": "1", **query}) as response:
        assert response.status_code == 200
        return [json.loads(line) for line in response.iter_lines()]


def test_a_watch_without_a_version_begins_with_what_is_there(cluster: Running, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    cluster.call("POST", path, {"metadata": {"name": "c"}})
    events = lines(cluster, path)
    assert [(e["type"], e["object"]["metadata"]["name"]) for e in events] == [
        ("ADDED", "c"),
        ("ADDED", "kube-root-ca.crt"),
    ]
    assert events[0]["object"]["kind"] == "ConfigMap"


def test_a_single_object_can_be_watched(cluster: Running, namespace: str) -> None:
    events = lines(cluster, f"/api/v1/namespaces/{namespace}/configmaps/kube-root-ca.crt")
    assert len(events) == 1


def test_a_watch_from_the_forgotten_past_says_gone(cluster: Running, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    cluster.call("POST", path, {"metadata": {"name": "c"}})
    for i in range(HISTORY + 10):
        cluster.patch(f"{path}/c", {"data": {"n": str(i)}})
    events = lines(cluster, path, resourceVersion="1")
    assert [(e["type"], e["object"]["code"], e["object"]["reason"]) for e in events] == [("ERROR", 410, "Expired")]


def test_a_pod_deleted_by_force_is_seen_marked_before_it_is_seen_gone(cluster: Running, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/pods"
    container = {"name": "main", "image": "busybox", "command": ["sleep", "100"]}
    pod = cluster.call("POST", path, {"metadata": {"name": "p"}, "spec": {"containers": [container]}})[1]
    phases = (cluster.call("GET", f"{path}/p")[1]["status"]["phase"] for _ in itertools.count())
    wait_for(lambda: next(phases) == "Running", within=20, reason="the pod to run")
    assert cluster.call("DELETE", f"{path}/p", gracePeriodSeconds=0)[0] == 200
    events = lines(cluster, path, resourceVersion=pod["metadata"]["resourceVersion"])
    ends = [e["type"] for e in events if "deletionTimestamp" in e["object"]["metadata"]]
    assert ends[0] == "MODIFIED"
    assert ends[-1] == "DELETED"
    assert ends.count("DELETED") == 1
