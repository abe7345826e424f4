"""What a new pod is given of its account, and what it is not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from muster.embedded import resources as r
from muster.embedded.addresses import Addresses
from muster.embedded.admission.cluster_rules import ClusterRules
from muster.embedded.admission.service_accounts import DIRECTORY, ServiceAccountAdmission
from muster.embedded.status import StatusError
from muster.embedded.store import Store


@pytest.fixture
def store() -> Iterator[Store]:
    with Addresses.claim() as addresses:
        rules = ClusterRules(addresses)
        made = Store(rules)
        rules.pods = ServiceAccountAdmission(made)
        made.create(r.NAMESPACES, {"metadata": {"name": "n"}})
        for name in ("default", "robot"):
            made.create(r.SERVICEACCOUNTS, {"metadata": {"name": name, "namespace": "n"}})
        yield made


def made(store: Store, *containers: dict[str, Any], **spec: Any) -> dict[str, Any]:
    listed = [{"name": f"c{i}", "image": "busybox", **more} for i, more in enumerate(containers or ({},))]
    pod = {"metadata": {"name": "p", "namespace": "n"}, "spec": {"containers": listed, **spec}}
    return store.create(r.PODS, pod)["spec"]


def test_every_container_has_the_token_but_one_that_has_something_of_its_own_there(store: Store) -> None:
    own = {"volumeMounts": [{"name": "v", "mountPath": DIRECTORY}]}
    inits = [{"name": "i", "image": "busybox"}]
    spec = made(store, {}, own, volumes=[{"name": "v", "emptyDir": {}}], initContainers=inits)
    volume = spec["volumes"][-1]["name"]
    mounts = [one["volumeMounts"] for one in (*spec["initContainers"], *spec["containers"])]
    assert [[mount["name"] for mount in found] for found in mounts] == [[volume], [volume], ["v"]]


def test_two_pods_share_nothing_of_the_volume(store: Store) -> None:
    first = made(store)["volumes"][0]["projected"]["sources"]
    first[0]["serviceAccountToken"]["path"] = "changed"
    store.delete(r.PODS, "n", "p")
    assert made(store)["volumes"][0]["projected"]["sources"][0]["serviceAccountToken"]["path"] == "token"


def test_the_account_may_stand_under_its_old_name(store: Store) -> None:
    spec = made(store, serviceAccount="robot")
    assert (spec["serviceAccountName"], spec["serviceAccount"]) == ("robot", "robot")


def test_an_account_that_is_not_there_refuses_the_pod(store: Store) -> None:
    with pytest.raises(StatusError, match='error looking up service account n/none: serviceaccount "none" not found'):
        made(store, serviceAccountName="none")
