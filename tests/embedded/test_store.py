"""The store: versions, conflicts, deletion, history."""

from __future__ import annotations

import pytest

from muster.embedded import store as store_module
from muster.embedded.deletion import DeleteOptions
from muster.embedded.resources import CONFIGMAPS, DEPLOYMENTS, NAMESPACES, PODS
from muster.embedded.status import StatusError
from muster.embedded.store import Event, Store


@pytest.fixture
def store() -> Store:
    made = Store()
    made.create(NAMESPACES, {"metadata": {"name": "ns"}})
    return made


def configmap(name: str = "c", **data: str) -> dict:
    return {"metadata": {"name": name, "namespace": "ns"}, "data": data}


def test_a_caller_that_changes_what_it_got_changes_nothing_in_the_store(store: Store) -> None:
    given = configmap(a="1")
    made = store.create(CONFIGMAPS, given)
    for obj in (given, made, store.get(CONFIGMAPS, "ns", "c"), store.objects(CONFIGMAPS)[0]):
        obj["data"]["a"] = "spoiled"
    assert store.get(CONFIGMAPS, "ns", "c")["data"] == {"a": "1"}


def test_every_write_has_a_higher_version(store: Store) -> None:
    first = store.create(CONFIGMAPS, configmap())
    second = store.update(CONFIGMAPS, configmap(a="1"))
    assert int(second["metadata"]["resourceVersion"]) > int(first["metadata"]["resourceVersion"])
    assert second["metadata"]["uid"] == first["metadata"]["uid"]


def test_a_write_that_changes_nothing_makes_no_version_and_no_event(store: Store) -> None:
    store.create(CONFIGMAPS, configmap(a="1"))
    before, seen = store.version, []
    store.subscribe(CONFIGMAPS, seen.append)
    store.update(CONFIGMAPS, configmap(a="1"))
    assert (store.version, seen) == (before, [])


def test_a_write_on_an_old_version_is_a_conflict(store: Store) -> None:
    old = store.create(CONFIGMAPS, configmap())
    store.update(CONFIGMAPS, configmap(a="1"))
    with pytest.raises(StatusError, match="the object has been modified") as caught:
        store.update(CONFIGMAPS, old)
    assert (caught.value.code, caught.value.reason) == (409, "Conflict")


def test_status_and_spec_are_written_apart(store: Store) -> None:
    made = store.create(DEPLOYMENTS, {"metadata": {"name": "d", "namespace": "ns"}, "spec": {"replicas": 1}})
    assert made["metadata"]["generation"] == 1
    made["status"] = {"replicas": 1}
    made["spec"]["replicas"] = 2
    assert store.update_status(DEPLOYMENTS, made)["spec"] == {"replicas": 1}
    updated = store.update(DEPLOYMENTS, {**store.get(DEPLOYMENTS, "ns", "d"), "spec": {"replicas": 3}, "status": {}})
    assert updated["status"] == {"replicas": 1}
    assert updated["metadata"]["generation"] == 2


def test_generation_stands_still_when_only_metadata_changes(store: Store) -> None:
    made = store.create(DEPLOYMENTS, {"metadata": {"name": "d", "namespace": "ns"}, "spec": {"replicas": 1}})
    made["metadata"]["labels"] = {"a": "b"}
    assert store.update(DEPLOYMENTS, made)["metadata"]["generation"] == 1


def test_a_finalizer_holds_an_object_until_it_is_taken_off(store: Store) -> None:
    held = configmap()
    held["metadata"]["finalizers"] = ["example.com/hold"]
    store.create(CONFIGMAPS, held)
    assert not store.delete(CONFIGMAPS, "ns", "c").gone
    marked = store.get(CONFIGMAPS, "ns", "c")
    marked["metadata"]["finalizers"] = []
    store.update(CONFIGMAPS, marked)
    assert store.find(CONFIGMAPS, "ns", "c") is None


def running_pod(store: Store) -> None:
    spec = {"nodeName": "n", "terminationGracePeriodSeconds": 7}
    store.create(PODS, {"metadata": {"name": "p", "namespace": "ns"}, "spec": spec})


def test_a_running_pod_is_given_its_grace_and_removed_by_the_kubelet(store: Store) -> None:
    running_pod(store)
    deletion = store.delete(PODS, "ns", "p")
    assert not deletion.gone
    assert deletion.object["metadata"]["deletionGracePeriodSeconds"] == 7
    assert store.delete(PODS, "ns", "p", DeleteOptions(grace_seconds=0)).gone


def test_a_second_deletion_shortens_the_grace_but_never_lengthens_it(store: Store) -> None:
    running_pod(store)
    store.delete(PODS, "ns", "p", DeleteOptions(grace_seconds=3))
    store.delete(PODS, "ns", "p", DeleteOptions(grace_seconds=60))
    assert store.get(PODS, "ns", "p")["metadata"]["deletionGracePeriodSeconds"] == 3


def test_deleting_another_object_of_the_same_name_is_refused(store: Store) -> None:
    store.create(CONFIGMAPS, configmap())
    with pytest.raises(StatusError, match="Precondition failed: UID"):
        store.delete(CONFIGMAPS, "ns", "c", DeleteOptions(uid="another"))
    assert store.find(CONFIGMAPS, "ns", "c")


def test_dry_runs_leave_no_trace(store: Store) -> None:
    seen: list[Event] = []
    store.subscribe(CONFIGMAPS, seen.append)
    store.create(CONFIGMAPS, configmap(), dry_run=True)
    assert store.find(CONFIGMAPS, "ns", "c") is None
    store.create(CONFIGMAPS, configmap())
    store.delete(CONFIGMAPS, "ns", "c", DeleteOptions(dry_run=True))
    assert store.find(CONFIGMAPS, "ns", "c")
    assert [event.type for event in seen] == ["ADDED"]


def test_nothing_new_comes_into_a_namespace_that_ends(store: Store) -> None:
    namespace = store.get(NAMESPACES, "", "ns")
    namespace["metadata"]["finalizers"] = ["hold"]
    store.update(NAMESPACES, namespace)
    store.delete(NAMESPACES, "", "ns")
    with pytest.raises(StatusError, match="being terminated") as caught:
        store.create(CONFIGMAPS, configmap())
    assert caught.value.code == 403


def test_history_reaches_back_as_far_as_it_says(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "HISTORY", 3)
    store._tables[CONFIGMAPS].history = store_module.deque(maxlen=3)
    start = store.version
    for i in range(5):
        store.create(CONFIGMAPS, configmap(f"c{i}"))
    assert [event.key.name for event in store.events_since(CONFIGMAPS, start + 2)] == ["c2", "c3", "c4"]
    with pytest.raises(StatusError, match="too old resource version") as caught:
        store.events_since(CONFIGMAPS, start + 1)
    assert caught.value.code == 410
