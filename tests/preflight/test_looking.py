"""Each check tells what is wrong from what is well, over real sockets and a real API, and leaves nothing behind."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from tests.probes.service import HANG, Service, silent_port, system_of, unused_port
from tests.safety.recorded import on_record

from muster.base.clock import now
from muster.guardian import levers
from muster.kube import Cluster, connect
from muster.monitoring.testing import LocalMonitoring
from muster.preflight import allowed, capacity, judging, programs, service, watching
from muster.preflight.capacity import Room, free_room, quantity, requests_of, surge, unplaced
from muster.preflight.checks import CHECKS
from muster.preflight.running import run_checks
from muster.safety import Entry
from muster.safety.locks import DrillLock
from muster.safety.rights import Right
from muster.system import SystemDefinition
from muster.system.monitoring import Monitoring
from muster.system.trust import CA_VARIABLE

from .preparing import planned, subject


def in_namespace(cluster: Cluster, namespace: str, directory: Path, **said: Any) -> Any:
    return subject(directory, cluster=cluster, namespace=namespace, **said)


# Address and certificate.


def test_an_address_that_takes_connections_is_fine_and_one_that_does_not_is_told(tmp_path: Path) -> None:
    with Service() as there:
        assert service.address(subject(tmp_path, url=there.url)).state == "fine"
    refused = service.address(subject(tmp_path, url=f"http://127.0.0.1:{unused_port()}"))
    assert (refused.state, refused.blocks) == ("failed", False)
    assert "takes no connection: Connection refused" in refused.seen
    assert "service.url" in refused.mend


def test_an_address_that_hangs_is_told_within_its_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "CONNECT_WITHIN_S", 0.3)
    with silent_port() as url:
        began = now()
        hung = service.address(subject(tmp_path, url=url))
    assert hung.state == "failed"
    assert now() - began < 5


def test_a_name_that_nobody_knows_is_another_trouble(tmp_path: Path) -> None:
    told = service.address(subject(tmp_path, url="http://no-such-host.invalid:80"))
    assert told.seen.startswith("no-such-host.invalid is no name that is known here")


def test_a_certificate_is_believed_or_not_and_its_days_are_counted(
    tmp_path: Path, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    doubted = service.address(subject(tmp_path, url=cluster.server))
    assert doubted.state == "failed"
    assert "is not believed" in doubted.seen
    assert "SSL_CERT_FILE" in doubted.mend
    (tmp_path / "ca.pem").write_bytes(cluster.access.authority)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    assert "its certificate is valid for" in service.address(subject(tmp_path, url=cluster.server)).seen
    monkeypatch.delenv("SSL_CERT_FILE")
    monkeypatch.delenv(CA_VARIABLE, raising=False)
    named = subject(tmp_path, url=cluster.server, ca=str(tmp_path / "ca.pem"))
    (found,) = run_checks(named, [one for one in CHECKS if one.name == "address"])
    assert "its certificate is valid for" in found.seen, "whom service.ca names is believed"
    broken = service.address(subject(tmp_path, url=cluster.server, ca="/no-such.pem"))
    assert (broken.state, "no-such.pem" in broken.seen, "service.ca" in broken.mend) == ("failed", True, True)
    with Service() as plain:
        spoken = service.address(subject(tmp_path, url=plain.url.replace("http:", "https:")))
    assert (spoken.state, "does not speak TLS" in spoken.seen) == ("failed", True)


# Probes and ledger.


def test_probes_are_asked_against_their_limits(tmp_path: Path) -> None:
    with Service() as there:
        well = service.probes(subject(tmp_path, url=there.url))
        assert (well.state, "read within " in well.seen) == ("fine", True)
        there.behaviour = HANG
        hung = service.probes(subject(tmp_path, url=there.url))
    assert (hung.state, hung.blocks) == ("failed", False)
    assert "read 5 of 5 times not (timeout" in hung.seen


def removing() -> SystemDefinition:
    system = system_of()
    content = system.ledger.model_dump(mode="json", exclude_unset=True)  # type: ignore[union-attr]
    ledger = type(system.ledger).model_validate({**content, "delete": {"path": "/items/{id}"}})  # type: ignore[union-attr]
    return system.model_copy(update={"ledger": ledger})


def test_a_write_is_made_found_and_removed(tmp_path: Path) -> None:
    with Service() as there:
        told = service.ledger(subject(tmp_path, url=there.url, ledger=removing().ledger))
        assert (told.state, told.seen) == ("fine", "a write was acknowledged and found again, and is removed")
        assert there.store == {}


def test_nothing_is_written_that_could_not_be_removed(tmp_path: Path) -> None:
    with Service() as there:
        told = service.ledger(subject(tmp_path, url=there.url))
        assert (told.state, there.store, there.requests) == ("unknown", {}, [])
    assert "ledger.delete" in told.mend


def test_a_write_that_does_not_come_back_is_told(tmp_path: Path) -> None:
    with Service() as there:
        there.forgetful = True
        told = service.ledger(subject(tmp_path, url=there.url, ledger=removing().ledger))
    assert (told.state, "did not come back: wrong" in told.seen) == ("failed", True)


def test_a_write_that_cannot_be_removed_is_named(tmp_path: Path) -> None:
    with Service() as there:
        there.stubborn = True
        told = service.ledger(subject(tmp_path, url=there.url, ledger=removing().ledger))
    assert told.state == "failed"
    assert "was written and could not be removed" in told.seen
    assert "muster-check-" in told.seen


def test_a_system_that_is_only_read_has_no_ledger_to_try(tmp_path: Path) -> None:
    assert service.ledger(subject(tmp_path, url="http://127.0.0.1:1", ledger=None)).state == "fine"


# Objectives.


def objectives(*said: dict[str, Any]) -> dict[str, Any]:
    return {"objectives": list(said)}


def test_a_rate_that_can_show_nothing_is_named_with_the_one_that_can(tmp_path: Path) -> None:
    error_rate = {"name": "error_rate", "target": 0.01}
    slow = planned(8, **objectives(error_rate))
    quick = planned(100, **objectives(error_rate))
    told = judging.judged(subject(tmp_path, drills=[slow]))
    assert (told.state, told.blocks, told.drills) == ("failed", True, (slow.nodeid,))
    assert "8 requests/s cannot give the 100 samples that 3 s of steady need" in told.seen
    assert judging.judged(subject(tmp_path, drills=[quick])).state == "fine"


def test_a_quantile_that_takes_more_samples_than_are_sure_is_unknown(tmp_path: Path) -> None:
    p999 = {"name": "p999", "measure": "latency", "quantile": 0.999, "target": 1.0}
    told = judging.judged(subject(tmp_path, drills=[planned(100, **objectives(p999))]))
    assert told.state == "unknown"
    assert "p999 1 takes 1000 requests after the recovery, which are 10 s at 100 requests/s" in told.seen
    longer = planned(100, hold_s=10, **objectives(p999))
    assert judging.judged(subject(tmp_path, drills=[longer])).state == "fine"


def test_a_rate_that_only_the_body_knows_is_said(tmp_path: Path) -> None:
    told = judging.judged(subject(tmp_path, drills=[planned()]))
    assert (told.state, "only their bodies know the rates of crash" in told.seen) == ("fine", True)


# Alerts and stop conditions.


def test_the_alert_that_a_drill_waits_for_must_be_known_and_quiet(tmp_path: Path) -> None:
    with LocalMonitoring(rules=("ShopDown",)) as server:
        monitoring = Monitoring.model_validate({"prometheus": {"url": server.url}})

        def told(alert: str) -> Any:
            drill = planned(alert=alert, detection_target_s=10)
            return watching.alerts(subject(tmp_path, monitoring=monitoring, drills=[drill]))

        assert told("ShopDown").state == "fine"
        assert "has no alerting rule 'ShopDwn'" in told("ShopDwn").seen
        server.fire("ShopDown")
        assert (told("ShopDown").blocks, "fires already" in told("ShopDown").seen) == (True, True)
        server.stop()
        assert told("ShopDown").state == "failed"


def test_a_stop_condition_that_is_not_kept_or_not_seen_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert watching.conditions(subject(tmp_path)).state == "fine"
    with LocalMonitoring() as neighbour:
        neighbour.answer = (200, "text/plain", "well")
        said = f"schema: muster/safety/v1\nstop_when:\n  - {{http: '{neighbour.url}/', error_rate: 20%}}\n"
        (tmp_path / "safety.yaml").write_text(said)
        assert watching.conditions(subject(tmp_path)).state == "fine"
        neighbour.answer = (503, "text/plain", "ill")
        ill = watching.conditions(subject(tmp_path))
        assert (ill.state, "(answered 503)" in ill.seen) == ("failed", True)
    (tmp_path / "safety.yaml").write_text("schema: muster/safety/v1\nstop_when: [{alert: {severity: critical}}]\n")
    lacking = watching.conditions(subject(tmp_path))
    assert (lacking.blocks, "names none ('monitoring')" in lacking.seen) == (True, True)


# The cluster.


def test_a_namespace_that_was_not_opted_in_is_told_with_the_command(tmp_path: Path, cluster: Cluster) -> None:
    told = allowed.target(in_namespace(cluster, "default", tmp_path))
    assert (told.state, told.blocks) == ("failed", True)
    assert "is not opted in to drills" in told.seen
    assert "kubectl --context" in told.mend


def test_what_forbids_or_holds_a_namespace_is_told(cluster: Cluster, namespace: str, tmp_path: Path) -> None:
    asked = in_namespace(cluster, namespace, tmp_path)
    looks = (allowed.target, allowed.levers, allowed.records, allowed.lease)
    assert [look(asked).state for look in looks] == ["fine"] * 4
    levers.pull(cluster, namespace, "the shop is on fire")
    lever = allowed.levers(asked)
    assert (lever.state, "the shop is on fire" in lever.seen) == ("failed", True)
    assert lever.mend.startswith("allow them again: muster stop --lift")
    on_record(cluster, namespace, Entry("ConfigMap", "settings", ("data", "rate"), "100", "fast"))
    left = allowed.records(asked)
    assert (left.state, "muster undo" in left.mend) == ("failed", True)
    with DrillLock(cluster, namespace, "drill flood (sam on laptop)"):
        held = allowed.lease(asked)
    assert (held.state, "drill flood (sam on laptop), since" in held.seen) == ("failed", True)


def test_rights_that_are_missing_are_named(
    cluster: Cluster, namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connect(cluster.kubeconfig, embedded=True) as asking:
        drill = planned()
        asked = in_namespace(asking, namespace, tmp_path, drills=[drill])
        assert allowed.rights(asked).state == "fine"
        lacking = Right("delete", "pods")
        monkeypatch.setattr(allowed, "missing_rights", lambda *_: [lacking])
        told = allowed.rights(asked)
    assert (told.state, told.blocks) == ("failed", True)
    assert f"rights are missing in namespace '{namespace}': delete pods" in told.seen


def test_whether_a_guardian_watches_is_said_and_is_no_failure(cluster: Cluster, tmp_path: Path) -> None:
    told = allowed.guard(in_namespace(cluster, "default", tmp_path))
    assert (told.state, told.seen.partition(":")[0]) == ("fine", "no muster guard runs here")
    assert "muster guard" in told.mend


def test_what_drills_add_finds_room_or_is_counted(cluster: Cluster, namespace: str, tmp_path: Path) -> None:
    asked = in_namespace(cluster, namespace, tmp_path)
    assert capacity.capacity(asked).seen == "no drill has pods made besides those that there are"
    container = {"name": "main", "image": "python:3.11-slim", "resources": {"requests": {"cpu": "10m"}}}
    spec = {
        "replicas": 0,
        "selector": {"matchLabels": {"app": "x"}},
        "strategy": {"rollingUpdate": {"maxSurge": 3}},
        "template": {"metadata": {"labels": {"app": "x"}}, "spec": {"containers": [container]}},
    }
    cluster.create(
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "api"}, "spec": spec}, namespace
    )
    assert capacity.capacity(asked).seen.startswith("3 further pods find room on 1 node")
    container["resources"]["requests"]["cpu"] = str((os.cpu_count() or 1) * 0.6)  # type: ignore[index]
    patch = {"spec": {"template": {"spec": {"containers": [container]}}}}
    cluster.patch("Deployment", "api", namespace, patch)
    told = capacity.capacity(asked)
    assert (told.state, told.blocks) == ("failed", False)
    assert told.seen.startswith("2 of 3 further pods (api) find no room")


# What is reckoned.


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("100m", 0.1),
        ("2", 2.0),
        (2, 2.0),
        ("1.5", 1.5),
        ("64Mi", 64 * 2**20),
        ("1G", 1e9),
        ("1e3", 1000.0),
        (None, 0.0),
    ],
)
def test_quantities_are_read_as_kubernetes_means_them(said: Any, value: float) -> None:
    assert quantity(said) == pytest.approx(value)


@pytest.mark.parametrize(
    ("strategy", "more"),
    [
        ({}, 1),
        ({"type": "Recreate"}, 0),
        ({"rollingUpdate": {"maxSurge": 2}}, 2),
        ({"rollingUpdate": {"maxSurge": "50%"}}, 2),
        ({"rollingUpdate": {"maxSurge": 0}}, 0),
    ],
)
def test_a_rollout_makes_as_many_pods_more_as_its_strategy_says(strategy: dict[str, Any], more: int) -> None:
    assert surge({"strategy": strategy}, 3) == more


def test_an_init_container_counts_where_it_asks_for_more_than_all_others() -> None:
    def asks(cpu: str) -> dict[str, Any]:
        return {"resources": {"requests": {"cpu": cpu}}}

    assert requests_of({"containers": [asks("100m"), asks("200m")]}).cpu == pytest.approx(0.3)
    assert requests_of({"initContainers": [asks("1")], "containers": [asks("100m")]}).cpu == 1.0
    assert requests_of({"containers": [{"name": "x"}]}) == Room(0, 0, 1)


def node(name: str, cpu: str, *, ready: bool = True, **spec: Any) -> dict[str, Any]:
    conditions = [{"type": "Ready", "status": str(ready)}]
    status = {"allocatable": {"cpu": cpu, "memory": "1Gi", "pods": "10"}, "conditions": conditions}
    return {"metadata": {"name": name}, "spec": spec, "status": status}


def test_a_node_that_takes_no_pods_has_no_room() -> None:
    taint = {"key": "gpu", "effect": "NoSchedule"}
    nodes = [
        node("a", "2"),
        node("b", "2", ready=False),
        node("c", "2", taints=[taint]),
        node("d", "2", unschedulable=True),
    ]
    running = {"spec": {"nodeName": "a", "containers": [{"resources": {"requests": {"cpu": "500m"}}}]}}
    ended = {**running, "status": {"phase": "Succeeded"}}
    (room,) = free_room(nodes, [running, ended])
    assert room == Room(1.5, 2**30, 9)
    assert unplaced([room], [Room(1.0, 0, 1), Room(0.5, 0, 1), Room(0.1, 0, 1)]) == 1


def test_versions_are_told(tmp_path: Path) -> None:
    told = programs.versions(subject(tmp_path))
    assert (told.state, "locust " in told.seen, "Python " in told.seen) == ("fine", True, True)
