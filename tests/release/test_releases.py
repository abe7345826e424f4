"""Releases as a person makes them: the commands in processes of their own, a service under load, a cluster."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import Any

import pytest
from torture.releasing import Load, Stage, staged

from muster.base.waiting import wait_for

from . import shop

pytestmark = pytest.mark.long(of="release")


@pytest.fixture(scope="module", params=["replicas", "httproute"])
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A cluster for the tests of a worker, whose traffic is shared in one way."""
    with staged(tmp_path_factory.mktemp("shop"), request.param) as found:
        yield found


def code_of(done: Any, code: int) -> str:
    assert done.returncode == code, done.stdout
    return str(done.stdout)


def test_a_good_release_goes_out_without_a_failed_request(stage: Stage) -> None:
    before = stage.objects()
    with Load(stage.url) as load:
        said = code_of(stage.muster("deploy", stage.new(SHOP_EXTRA="1")), 0)
    assert "release 2 of shop: released" in said
    assert load.failed == [], f"{len(load.failed)} of {load.asked}: {load.failed[:5]}"
    assert load.versions.keys() == {"1", "2"}
    after = stage.objects()
    assert after.keys() == before.keys()
    container = after["Deployment/web"]["spec"]["template"]["spec"]["containers"][0]
    assert container["image"] == "shop:2"


@pytest.mark.parametrize(
    ("defect", "why"),
    [
        ("errs", "requests failed on canary"),
        ("slow", "took more than 1 s on canary"),
        ("crashes", "does not run"),
        ("mute", "held for|answered 404"),
        ("unfit", "wrongly"),
    ],
)
def test_a_bad_one_is_rolled_back_and_says_why(stage: Stage, defect: str, why: str) -> None:
    before = stage.objects()
    with Load(stage.url) as load:
        said = code_of(stage.muster("deploy", stage.new(SHOP_DEFECT=defect)), 1)
    told = said[said.index("release 2 of shop: ROLLED BACK") :].splitlines()
    assert told[1].startswith("why: ")
    assert any(each in told[1] for each in why.split("|")), told
    if defect != "errs":
        assert load.failed == [], f"{len(load.failed)} of {load.asked}: {load.failed[:5]}"
    assert stage.objects() == before


def test_a_configmap_alone_reaches_the_pods(stage: Stage) -> None:
    release = stage.new("shop:1")
    path = stage.root / release / "shop.yaml"
    path.write_text(path.read_text().replace("currency: EUR", "currency: USD"))
    with Load(stage.url) as load:
        code_of(stage.muster("deploy", release), 0)
    assert load.failed == []
    pods = stage.cluster.list("Pod", "shop", labels="app=web")
    told = [stage.cluster.ask_pod(pod["metadata"]["name"], "shop", 8080, "/items").body for pod in pods]
    assert told and all(b"USD" in body for body in told), told
    assert "nothing was done" in code_of(stage.muster("deploy", release), 0)


def test_it_stops_after_a_phase_and_goes_on(stage: Stage) -> None:
    release = stage.new()
    with Load(stage.url) as load:
        assert "PAUSED" in code_of(stage.muster("deploy", release, "canary"), 0)
        assert "under way" in code_of(stage.muster("deploy", stage.new()), 64)
        assert "it cannot stop after pre" in code_of(stage.muster("deploy", release, "pre"), 64)
        code_of(stage.muster("deploy", "--continue"), 0)
    assert load.failed == []
    found = stage.release
    assert found is not None and found.state == "released"


def test_others_pause_it_and_abort_it(stage: Stage) -> None:
    before = stage.objects()
    with Load(stage.url) as load, stage.begun("deploy", stage.new()) as coordinator:
        stage.wait_until("baking", "canary")
        assert "looks after" in code_of(stage.muster("deploy", "--pause", "-r", "lunch"), 0)
        stage.wait_until("paused")
        second = code_of(stage.muster("deploy", stage.new()), 64)
        assert "looked after by" in second
        code_of(stage.muster("deploy", "--abort", "-r", "no more"), 0)
        assert coordinator.wait(60) == 1
    said = stage.ended(coordinator).stdout
    assert "said abort: no more" in said
    assert load.failed == []
    assert stage.objects() == before


def test_a_bake_is_cut_short_and_a_release_frozen(stage: Stage) -> None:
    with Load(stage.url), stage.begun("deploy", stage.new()) as coordinator:
        stage.wait_until("baking", "canary")
        code_of(stage.muster("deploy", "--promote"), 0)
        stage.wait_until("baking", "grow", within_s=20)
        code_of(stage.muster("deploy", "--freeze", "-r", "do not touch"), 0)
        assert coordinator.wait(60) == 1
        share = stage.wait_until("frozen").share.possible
        assert share > 0
        assert "ROLLED BACK" not in stage.ended(coordinator).stdout
        code_of(stage.muster("rollback", "-f", "-r", "thawed"), 0)


def test_a_rollback_does_not_wait_for_a_dead_coordinator(stage: Stage) -> None:
    before = stage.objects()
    with Load(stage.url) as load, stage.begun("deploy", stage.new()) as coordinator:
        stage.wait_until("baking", "half")
        coordinator.send_signal(signal.SIGKILL)
        said = code_of(stage.muster("rollback", "-f", "-r", "it is dead"), 0)
    assert "all traffic on the old version after" in said
    assert load.failed == []
    assert stage.objects() == before


def test_a_rollback_takes_the_release_from_a_coordinator_that_lives(stage: Stage) -> None:
    before = stage.objects()
    with Load(stage.url) as load, stage.begun("deploy", stage.new()) as coordinator:
        stage.wait_until("baking", "grow")
        code_of(stage.muster("rollback", "-f", "-r", "by hand"), 0)
        assert coordinator.wait(30) == 2
    said = stage.ended(coordinator).stdout
    told = [line for line in said.splitlines() if line.startswith("muster: ")]
    assert len(told) == 1 and "was taken over" in told[0], said
    assert "its record cannot be brought up to date" not in said
    assert load.failed == []
    assert stage.objects() == before
    assert "nothing is to be taken back" in code_of(stage.muster("rollback", "-f", "-r", "again"), 64)


def test_an_abort_that_nobody_heard_is_heeded_by_who_goes_on(stage: Stage) -> None:
    before = stage.objects()
    with Load(stage.url) as load:
        with stage.begun("deploy", stage.new()) as coordinator:
            stage.wait_until("baking", "canary")
            coordinator.send_signal(signal.SIGKILL)
        stage.wait_for_nobody()
        assert "nobody looks after it now" in code_of(stage.muster("deploy", "--abort"), 2)
        assert "said abort" in code_of(stage.muster("deploy", "--continue"), 1)
    assert load.failed == []
    assert stage.objects() == before


def test_who_puts_the_sharing_back_is_named(stage: Stage) -> None:
    if stage.system.release.traffic.way == "replicas":
        pytest.skip("what is put back is a route's weights")
    with Load(stage.url), stage.begun("deploy", stage.new()) as coordinator:
        stage.wait_until("baking", "grow")
        route = stage.cluster.get("HTTPRoute", "muster-release", "shop")
        for each in route["spec"]["rules"][0]["backendRefs"]:
            each["weight"] = 0 if each["name"].endswith("-canary") else 1
        path = "/apis/gateway.networking.k8s.io/v1/namespaces/shop/httproutes/muster-release"
        stage.cluster.request("PUT", path, query={"fieldManager": "argocd-controller"}, body=route)
        assert coordinator.wait(120) == 0
    told = [event.what for event in stage.wait_until("released").events]
    held = [line for line in told if line.startswith("held: ")]
    assert held and all("Argo CD ('argocd-controller') changed how traffic is shared" in line for line in held), told


def migrating(stage: Stage, command: str = "true", *, compatible: bool, **environment: str) -> str:
    release = stage.new(**environment)
    shop.migrating(stage.root / release, command, backward_compatible=compatible)
    return release


def without_jobs(objects: dict[str, Any]) -> dict[str, Any]:
    """What there is but for the Jobs that changed the database, and their pods: they stay, for what they logged."""
    return {key: value for key, value in objects.items() if not key.startswith("Job/") and key != "Pod of None"}


def test_one_that_changed_the_database_for_good_is_frozen_and_only_forced_back(stage: Stage) -> None:
    before = stage.objects()
    with Load(stage.url):
        said = code_of(stage.muster("deploy", migrating(stage, compatible=False, SHOP_DEFECT="errs")), 1)
    at_that_moment, share = stage.objects(), stage.wait_until("frozen").share.possible
    assert "release 2 of shop: FROZEN" in said
    (why,) = [line for line in said.splitlines() if line.startswith("why: ")]
    assert "requests failed on canary" in why
    assert "its change of the database is not backward compatible" in why
    assert "'muster deploy --continue'" in why and "'muster rollback -f'" in why
    assert share > 0

    refused = code_of(stage.muster("rollback", "-r", "it errs"), 64)
    assert "has changed the database, and not so that the old version works on" in refused
    assert "force the way back with -f" in refused
    assert stage.objects() == at_that_moment
    with Load(stage.url) as load:
        wait_for(lambda: "2" in load.versions, within=20, reason="the new version to have its share still")

    code_of(stage.muster("rollback", "-f", "-r", "it errs"), 0)
    assert without_jobs(stage.objects()) == without_jobs(before)
    found = stage.release
    assert found is not None and found.state == "rolled back"


def test_one_whose_database_serves_both_versions_is_rolled_back_by_itself(stage: Stage) -> None:
    before = stage.objects()
    with Load(stage.url):
        said = code_of(stage.muster("deploy", migrating(stage, compatible=True, SHOP_DEFECT="errs")), 1)
    assert "started Job migrate-" in said
    assert "release 2 of shop: ROLLED BACK" in said
    assert without_jobs(stage.objects()) == without_jobs(before)


def test_a_change_of_the_database_that_fails_ends_it_before_anything_is_shared(stage: Stage) -> None:
    before = stage.objects()
    with Load(stage.url) as load:
        said = code_of(stage.muster("deploy", migrating(stage, "echo no such table; exit 3", compatible=True)), 1)
    assert "release 2 of shop: ROLLED BACK" in said
    (why,) = [line for line in said.splitlines() if line.startswith("why: ")]
    assert "step 'pre: change the database' failed: Job migrate-" in why, why
    assert "no such table" in why, why
    assert load.failed == [] and load.versions.keys() == {"1"}
    assert without_jobs(stage.objects()) == without_jobs(before)


def test_a_change_for_good_that_fails_freezes_it(stage: Stage) -> None:
    with Load(stage.url) as load:
        said = code_of(stage.muster("deploy", migrating(stage, "exit 3", compatible=False)), 1)
    assert "release 2 of shop: FROZEN" in said
    assert "its change of the database is not backward compatible" in said
    assert load.failed == [] and load.versions.keys() == {"1"}
    assert stage.wait_until("frozen").share.possible == 0

    first = job(stage)
    code_of(stage.muster("deploy", "--continue"), 1)
    assert job(stage) == first, "it is not run a second time by itself"
    stage.cluster.delete("Job", first[0], "shop")
    code_of(stage.muster("deploy", "--continue"), 1)
    assert job(stage)[1] != first[1], "it is once it was deleted"
    assert stage.wait_until("frozen").share.possible == 0
    code_of(stage.muster("rollback", "-f", "-r", "nothing was changed"), 0)


def job(stage: Stage) -> tuple[str, str]:
    """The name and the UID of the newest Job."""
    found = max(stage.cluster.list("Job", "shop"), key=lambda one: int(one["metadata"]["resourceVersion"]))
    return found["metadata"]["name"], found["metadata"]["uid"]


def test_a_job_that_cannot_start_is_not_waited_for(stage: Stage) -> None:
    release = migrating(stage, compatible=True)
    path = stage.root / release / "migrate.yaml"
    path.write_text(path.read_text().replace("shop:2", "nowhere:1"))
    said = code_of(stage.muster("deploy", release), 1)
    assert "does not start: pod migrate-" in said
    assert "release 2 of shop: ROLLED BACK" in said


def test_what_has_the_name_already_is_left_alone(stage: Stage) -> None:
    other = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web-canary"},
        "spec": {"ports": [{"port": 1}]},
    }
    stage.cluster.create(other, "shop")
    try:
        said = code_of(stage.muster("deploy", stage.new()), 64)
        assert "Service web-canary is there already" in said
        assert stage.cluster.find("Service", "web-canary", "shop") is not None
    finally:
        stage.cluster.delete("Service", "web-canary", "shop")
