"""What keeps pods running is found by name, knows its own pods, and can be restarted."""

from __future__ import annotations

from pathlib import Path

import pytest

from muster.base.errors import UsageError
from muster.base.waiting import wait_for
from muster.kube import Cluster
from muster.recovery.templates import changes
from muster.recovery.workloads import find_workload

from .configured import Shop


@pytest.fixture
def shop(cluster: Cluster, namespace: str, tmp_path: Path) -> Shop:
    return Shop.deploy(cluster, namespace, tmp_path, follow=True)


def test_a_restart_makes_every_pod_anew_and_is_no_change_of_what_runs(shop: Shop) -> None:
    web = find_workload(shop.cluster, shop.context.namespace, "web")
    before, template = shop.uids(), web.read()["spec"]["template"]
    web.restart()
    assert not web.is_rolled_out()
    wait_for(web.is_rolled_out, within=60, reason="the restart to be over", latest=lambda: str(web.unready()))
    assert not shop.uids() & before
    assert len(web.ready_pods()) == web.replicas == 2
    assert changes(template, web.read()["spec"]["template"]) == []


def test_pods_of_others_with_the_same_label_are_not_its_own(shop: Shop) -> None:
    before = shop.uids()
    container = {"name": "lone", "image": "python:3.11-slim", "command": ["sh", "-c", "exit 3"]}
    metadata = {"name": "lone", "labels": {"app": "other"}}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": [container]}}
    shop.cluster.create(pod, shop.context.namespace)
    assert shop.uids() == before
    assert shop.web.troubles() == []


def test_what_is_scaled_keeps_so_many(shop: Shop) -> None:
    shop.web.scale(1)
    wait_for(shop.web.is_rolled_out, within=60, reason="one pod to be left")
    assert (shop.web.replicas, len(shop.web.pods())) == (1, 1)


def test_a_name_that_nothing_has_is_told_with_those_that_there_are(shop: Shop) -> None:
    with pytest.raises(UsageError, match=r"workload 'shop' is neither a Deployment nor .* \(there are: web\)"):
        find_workload(shop.cluster, shop.context.namespace, "shop")
