"""What only a system.yaml tells: databases, agents, work, faults in force, budgets; and what follows from which."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.diagnosis.building import (
    BEGAN,
    Object,
    crashed,
    deployment,
    first,
    followers,
    looked_at,
    made,
    pod,
    ready,
    service,
    tail,
    told,
    unready,
    unscheduled,
    waiting,
)

from muster.base.errors import ClusterError
from muster.checks.check import Remedy
from muster.diagnosis import Diagnosis
from muster.diagnosis.text import command_of, lines_of
from muster.monitoring.testing import LocalMonitoring
from muster.objectives.openslo import read_series
from muster.safety.held import Held
from muster.safety.records import Entry, Record
from muster.snapshot.levels import WINDOWS, levels_asked
from muster.system import read_system

SYSTEM: Object = {"name": "shop", "namespace": "shop", "service": {"name": "web"}}
DATABASE: Object = {**SYSTEM, "database": {"service": "db", "instances": ["a", "b"], "selector_key": "instance"}}
WEB = [*deployment(), ready(), service()]


def test_what_follows_from_a_database_without_primary_stands_below_it() -> None:
    down = made("StatefulSet", "a", spec={"replicas": 0, "template": {"metadata": {"labels": {"app": "db"}}}})
    answers = {
        "service": {"asked": 3, "troubles": ["error: 503"] * 3, "url": "http://shop.example"},
        "database": {"instances": {"a": {"answers": False}, "b": {"answers": True, "primary": False}}},
    }
    diagnosis = looked_at([*WEB, service("db"), down], system=DATABASE, answers=answers)
    assert first(diagnosis) == ("Database", "db", "has no primary; b could be promoted")
    assert diagnosis.causes[0].severity == "P1"
    assert diagnosis.causes[0].remedy is not None
    assert diagnosis.causes[0].remedy.name == "promote-standby"
    assert all(cause.follows_from for cause in diagnosis.causes[1:]), [told(cause) for cause in diagnosis.causes]


NOT_ANSWERED = {"asked": 3, "troubles": ["timeout: not answered within 1 s"] * 3, "url": "http://shop.example"}
REFUSES = 'FATAL: password authentication failed for user "shop"'
STREAMING = {"answers": True, "primary": True, "standbys": [{"name": "b", "state": "streaming"}]}
WELL = {"instances": {"a": STREAMING, "b": {"answers": True, "primary": False}}}
STORE = [
    made("StatefulSet", "a", spec={"replicas": 1}),
    ready("a-0", owner=("StatefulSet", "a")),
    service("db", selector={"app": "a"}),
]


def refusing(at: str, **service_says: object) -> Diagnosis:
    """Database a logs that it refuses a password, at a time of the day; the snapshot was taken at 19:55:00."""
    lines = [f"2026-11-27 {at}.028 UTC [{number}] {REFUSES}" for number in range(4)]
    answers = {"database": WELL, **service_says}
    return looked_at([*WEB, *STORE], [tail("a-0", *lines)], system=DATABASE, answers=answers)


def test_a_database_that_refuses_the_password_of_the_services_clients_is_the_cause() -> None:
    in_trouble = {"asked": 3, "troubles": ["error: 503"] * 3, "url": "http://shop.example"}
    diagnosis = refusing("19:54:50", service=in_trouble)
    what = f"a refuses the password of its clients: [3] {REFUSES}"
    assert first(diagnosis) == ("Database", "db", what)
    assert diagnosis.causes[0].severity == "P1"
    assert diagnosis.causes[0].remedy == Remedy("repair-database-connection")
    assert followers(diagnosis) == ["Service web does not answer rightly: error: 503"]


def test_one_that_refuses_somebody_while_the_service_is_well_is_no_trouble() -> None:
    assert refusing("19:54:50", service={"asked": 3, "troubles": []}).causes == ()


def test_what_it_refused_before_is_not_the_cause_of_what_is_wrong_now() -> None:
    diagnosis = refusing("19:40:00", service=NOT_ANSWERED)
    assert first(diagnosis)[:2] == ("Service", "web")


def hanging(*objects: Object, **answers: object) -> Remedy | None:
    given = [*objects, *STORE]
    found = looked_at(given, system=DATABASE, answers={"database": WELL, "service": NOT_ANSWERED, **answers})
    (remedy,) = [cause.remedy for cause in found.causes if (cause.ref.kind, cause.ref.name) == ("Service", "web")]
    return remedy


def test_a_service_that_answers_nobody_while_its_pods_say_that_they_are_well_is_restarted() -> None:
    assert hanging(*WEB) == Remedy("restart-service")


@pytest.mark.parametrize("trouble", ["refused: connection refused", "error: 500", "wrong: 'ok' is false", "shed: 503"])
def test_one_that_refuses_or_answers_wrongly_is_not_restarted_on_suspicion(trouble: str) -> None:
    assert hanging(*WEB, service={"asked": 3, "troubles": [trouble] * 3}) is None


def test_one_whose_trouble_is_explained_is_not_restarted() -> None:
    lost = {"instances": {"a": {"answers": False}, "b": {"answers": True, "primary": False}}}
    assert hanging(*WEB, database=lost) is None
    assert hanging(*deployment(), pod(unready()), ready(), service()) is None, (
        "not all of its pods say that they are well"
    )


def test_what_clients_come_in_by_is_missed_where_it_is_scaled_to_0_and_they_are_not_answered() -> None:
    refused = {"asked": 3, "troubles": ["refused: connection refused"] * 3, "url": "http://shop.example"}
    diagnosis = looked_at([*deployment(replicas=0), service()], system=SYSTEM, answers={"service": refused})
    assert first(diagnosis) == ("Deployment", "web", "is scaled to 0, and clients come in by it")
    assert diagnosis.causes[0].remedy == Remedy("full-restart")
    assert looked_at([*deployment(replicas=0), service()], system=SYSTEM, answers={"service": {}}).causes == ()


# Faults in force.

FAULT_AT = "2026-11-27T19:52:00Z"


def record(*entries: Entry, deadline: str = "", held: tuple[Held, ...] = (), at: str = FAULT_AT) -> Object:
    """The record of a fault as it stands in the cluster."""
    kept = Record("pods-lost", "shop", "run-1", "i1", at, entries, held=held, deadline=deadline).to_config_map()
    kept["metadata"] |= {"namespace": "shop", "creationTimestamp": at}
    return kept


def lost(since: str) -> list[Object]:
    """Deployment web whose pod crashes, and the Service by which clients come in."""
    begun = {"conditions": [{"type": "Ready", "status": "False", "lastTransitionTime": since}]}
    return [*deployment(), pod({**crashed(), **begun}), service(type="NodePort")]


def test_a_fault_in_force_explains_what_began_after_it_and_undo_takes_it_back() -> None:
    entry = Entry("Deployment", "web", ("spec", "template"), "a", "b")
    diagnosis = looked_at([*lost("2026-11-27T19:52:05Z"), record(entry)])
    assert first(diagnosis) == ("Fault", "pods-lost", "a drill's fault is in force; take it back: muster undo")
    assert followers(diagnosis) == ["Deployment web container main exits with 1", "Service web has no ready endpoints"]
    assert [cause.severity for cause in diagnosis.causes] == ["P1", "P1", "P1"]
    fault = diagnosis.causes[0]
    assert fault.evidence[:2] == ("record ConfigMap muster-fault-pods-lost, of run run-1", "it changes Deployment web")
    assert fault.finding.since == FAULT_AT
    assert command_of(fault, " --kube-context staging") == "muster undo --kube-context staging"
    assert "    $ muster undo" in list(lines_of(diagnosis))


def test_a_fault_does_not_explain_what_was_there_before_it_and_is_none_of_it() -> None:
    diagnosis = looked_at([*lost(BEGAN), record(Entry("ConfigMap", "other", ("data",), "a", "b"))])
    assert {told(cause)[:2] for cause in diagnosis.causes if not cause.follows_from} == {
        ("Fault", "pods-lost"),
        ("Deployment", "web"),
    }


def test_what_a_fault_changed_follows_from_it_whenever_it_was_made() -> None:
    """A Service bears no time of its change."""
    objects = [
        *deployment(),
        ready(),
        service(selector={"app": "nobody"}),
        record(Entry("Service", "web", ("spec", "selector"), "a", "b")),
    ]
    diagnosis = looked_at(objects)
    assert first(diagnosis) == ("Fault", "pods-lost", "a drill's fault is in force; take it back: muster undo")
    assert followers(diagnosis) == ["Service web its selector app=nobody matches no pod"]


def test_a_fault_that_has_lasted_too_long_says_so_and_what_a_process_holds_is_named() -> None:
    held = (Held("200 connections to the database", "host-1", "b", 4711, 1),)
    (fault,) = looked_at([record(deadline="2026-11-27T19:53:00Z", held=held)]).causes
    assert "it was to last until 2026-11-27T19:53:00Z at most" in fault.evidence
    assert "it holds 200 connections to the database, by process 4711 on host-1" in fault.evidence


def test_a_record_that_cannot_be_read_is_told_all_the_same() -> None:
    broken = record()
    broken["data"] = {"record.json": "{"}
    assert first(looked_at([broken])) == (
        "Fault",
        "pods-lost",
        "a drill's fault is in force; take it back: muster undo",
    )


# What mends it.

OLDER = made(
    "ReplicaSet",
    "web-0",
    metadata={
        "ownerReferences": deployment()[1]["metadata"]["ownerReferences"],
        "annotations": {"deployment.kubernetes.io/revision": "0"},
    },
    spec={"replicas": 0},
)
FULL = pod(unscheduled("0/1 nodes are available: 1 Insufficient memory."), {"nodeName": ""})
CONFIGURED: Object = {**SYSTEM, "configuration": {"settings": {"used_by": ["web"], "version": "", "error": ""}}}
NEEDED = pod(waiting("CreateContainerConfigError", 'configmap "settings" not found'))


@pytest.mark.parametrize(
    ("objects", "system", "procedure"),
    [
        ([*deployment(), OLDER, pod(crashed())], SYSTEM, Remedy("repair-crashed-pods")),
        ([*deployment(), OLDER, pod(waiting("ImagePullBackOff", "Back-off"))], SYSTEM, Remedy("repair-crashed-pods")),
        ([*deployment(), pod(crashed())], SYSTEM, None),  # there is nothing to go back to
        ([*deployment(), OLDER, FULL], SYSTEM, None),  # no change of it explains that
        ([*deployment(), OLDER, pod(crashed())], {}, None),  # no system.yaml says what procedures may do
        ([*deployment(), NEEDED], CONFIGURED, Remedy("restore-configuration", {"config_map": "settings"})),
        ([*deployment(), NEEDED], SYSTEM, None),
    ],
    ids=["crash", "image", "no-older-revision", "no-room", "no-system", "configuration", "other-configuration"],
)  # fmt: skip
def test_a_procedure_is_named_where_one_fits(objects: list[Object], system: Object, procedure: Remedy | None) -> None:
    assert looked_at(objects, system=system).causes[0].remedy == procedure


# Recent changes.


def written(item: Object, manager: str, at: str, fields: Object, **more: str) -> Object:
    """An object of which somebody wrote fields at that time."""
    entry = {"manager": manager, "operation": "Update", "time": at, "fieldsV1": fields, **more}
    return {**item, "metadata": {**item["metadata"], "managedFields": [entry]}}


def begun(at: str) -> Object:
    """A status of a pod that crashes since then."""
    return {**crashed(), "conditions": [{"type": "Ready", "status": "False", "lastTransitionTime": at}]}


def test_a_change_right_before_it_is_evidence_and_names_who_made_it() -> None:
    settings = written(
        made("ConfigMap", "settings", data={"a": "b"}), "kubectl-edit", "2026-11-27T19:51:00Z", {"f:data": {"f:a": {}}}
    )
    deployed, replicas = deployment()
    deployed = written(deployed, "argocd-controller", "2026-11-27T19:51:30Z", {"f:spec": {"f:template": {}}})
    ill = pod(
        begun("2026-11-27T19:51:35Z"),
        {"containers": [{"name": "main", "envFrom": [{"configMapRef": {"name": "settings"}}]}]},
    )
    (cause,) = looked_at([deployed, replicas, ill, settings]).causes
    assert cause.evidence[-2:] == (
        "Deployment web was changed at 2026-11-27T19:51:30Z by argocd-controller (spec.template)",
        "ConfigMap settings was changed at 2026-11-27T19:51:00Z by kubectl-edit (data.a)",
    )


def test_a_change_after_it_began_is_told_as_such_and_last() -> None:
    deployed, replicas = deployment()
    deployed = written(deployed, "kubectl-edit", "2026-11-27T19:54:00Z", {"f:spec": {"f:template": {}}})
    settings = written(made("ConfigMap", "settings"), "kubectl", "2026-11-27T19:51:00Z", {"f:data": {}})
    ill = pod(
        begun("2026-11-27T19:51:35Z"),
        {"containers": [{"name": "main", "envFrom": [{"configMapRef": {"name": "settings"}}]}]},
    )
    (cause,) = looked_at([deployed, replicas, ill, settings]).causes
    assert cause.evidence[-2:] == (
        "ConfigMap settings was changed at 2026-11-27T19:51:00Z by kubectl (data)",
        "Deployment web was changed at 2026-11-27T19:54:00Z by kubectl-edit (spec.template), after it began",
    )


def test_what_controllers_write_by_themselves_is_no_change_of_anybody() -> None:
    deployed, replicas = deployment()
    deployed = written(
        deployed, "kube-controller-manager", "2026-11-27T19:51:30Z", {"f:status": {}}, subresource="status"
    )
    (cause,) = looked_at([deployed, replicas, pod(crashed())]).causes
    assert not any("changed" in line for line in cause.evidence)


def test_a_workload_that_was_scaled_says_by_whom() -> None:
    deployed, replicas = deployment()
    deployed = written(deployed, "kubectl", "2026-11-27T19:51:30Z", {"f:spec": {"f:replicas": {}}}, subresource="scale")
    (cause,) = looked_at([deployed, replicas, pod(begun("2026-11-27T19:51:35Z"))]).causes
    assert "Deployment web was scaled at 2026-11-27T19:51:30Z by kubectl (spec.replicas)" in cause.evidence


def test_errors_of_the_log_are_grouped_and_told_beside_a_cause() -> None:
    lines = [
        line for number in range(4) for line in (f"INFO order {number}", f"ERROR order {number} failed: no tax table")
    ]
    (cause,) = looked_at(
        [
            *deployment(),
            pod(unready(), {"containers": [{"name": "main", "readinessProbe": {"httpGet": {"port": 80}}}]}),
        ],
        [tail("web-1-x", *lines)],
    ).causes
    assert "log, 4 times: ERROR order 3 failed: no tax table" in cause.evidence


# Service levels.

SLO = """\
apiVersion: openslo/v1
kind: SLO
metadata: {name: answered}
spec:
  service: shop
  indicator:
    metadata: {name: answered}
    spec:
      ratioMetric:
        counter: true
        good: {metricSource: {type: Prometheus, spec: {query: 'requests_total{code!~"5.."}'}}}
        total: {metricSource: {type: Prometheus, spec: {query: requests_total}}}
  timeWindow: [{duration: 28d, isRolling: true}]
  budgetingMethod: Occurrences
  objectives: [{target: 0.999}]
"""
BAD = '1 - sum(increase((requests_total{{code!~"5.."}})[{0}:])) / sum(increase((requests_total)[{0}:]))'


def burning(**rates: float) -> Object:
    windows = {"w" + window: window for window in WINDOWS}
    burn = {windows[key]: rate for key, rate in rates.items()}
    why = {window: "no value" for window in WINDOWS if window not in burn}
    return {"service levels": {"answered": {"target": 0.999, "period_s": 28 * 86400, "burn": burn, "why": why}}}


QUIET = {"w5m": 0.1, "w30m": 0.1, "w1h": 0.1, "w6h": 0.1, "w3d": 0.1}


@pytest.mark.parametrize(
    ("rates", "severity", "reason"),
    [
        (QUIET, None, ""),
        ({**QUIET, "w1h": 20.0, "w5m": 30.0}, "P1", "burns its error budget 20 times as fast as it may (1h and 5m); the budget of 28 days lasts 34 h"),
        ({**QUIET, "w1h": 20.0}, None, "it is over by now"),
        ({**QUIET, "w6h": 7.0, "w30m": 8.0}, "P2", "burns its error budget 7 times as fast as it may (6h and 30m); the budget of 28 days lasts 4 days"),
        ({**QUIET, "w3d": 1.5, "w6h": 1.2}, "P3", "burns its error budget 1.5 times as fast as it may (3d and 6h); the budget of 28 days lasts 19 days"),
        ({**QUIET, "w3d": 0.99, "w6h": 1.2}, None, ""),
    ],
)  # fmt: skip
def test_a_budget_that_burns_too_fast_over_a_long_and_a_short_while_is_found(
    rates: dict[str, float], severity: str | None, reason: str
) -> None:
    diagnosis = looked_at([*WEB], system=SYSTEM, answers=burning(**rates))
    assert not diagnosis.unknown
    assert [(cause.severity, cause.finding.reason) for cause in diagnosis.causes] == (
        [(severity, reason)] if severity else []
    )


def test_a_burn_rate_that_nobody_knows_is_unknown() -> None:
    (unknown,) = looked_at([*WEB], system=SYSTEM, answers=burning(w5m=0.1)).unknown
    assert (unknown.what, unknown.why) == ("service level answered", "its burn rate over 30m is not known: no value")


def test_a_prometheus_is_asked_for_each_window_of_each_service_level(tmp_path: Path) -> None:
    with LocalMonitoring() as prometheus:
        for window, bad in (("5m", 0.02), ("30m", 0.0), ("1h", 0.02), ("6h", 0.0)):
            prometheus.values[BAD.format(window)] = [bad]
        said = levels_of(tmp_path, f"monitoring: {{prometheus: {{url: {prometheus.url}}}}}")
    assert said["answered"]["burn"] == {"5m": 20.0, "30m": 0.0, "1h": 20.0, "6h": 0.0}
    assert list(said["answered"]["why"]) == ["3d"]


def test_service_levels_of_a_system_without_a_prometheus_are_unknown_and_say_so(tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match=r"names no 'monitoring.prometheus' that could be asked for answered"):
        levels_of(tmp_path, "")


def levels_of(directory: Path, monitoring: str) -> Object:
    (directory / "manifests").mkdir()
    (directory / "slo.yaml").write_text(SLO)
    (directory / "system.yaml").write_text(
        "schema: muster/system/v1\nname: shop\nnamespace: shop\nservice: {name: web, port: 80}\n"
        f"read: {{request: {{path: /}}}}\nobjectives: {{openslo: slo.yaml}}\n{monitoring}\n"
    )
    ((name, ask),) = levels_asked(read_system(directory))
    assert name == "service levels"
    answer = ask()
    assert isinstance(answer, dict)
    return answer


@pytest.mark.parametrize(
    ("metric", "target", "query"),
    [
        ("ratioMetric: {counter: false, bad: A, total: B}", "target: 0.9", "sum(sum_over_time((a)[5m:])) / sum(sum_over_time((b)[5m:]))"),
        ("ratioMetric: {bad: W, total: B}", "target: 0.9", "(sum(rate(a[5m]))) / sum(increase((b)[5m:]))"),
        ("ratioMetric: {rawType: success, raw: A}", "target: 0.9", "1 - avg(avg_over_time((a)[5m:]))"),
        ("ratioMetric: {rawType: failure, raw: A}", "target: 0.9", "avg(avg_over_time((a)[5m:]))"),
        ("thresholdMetric: A", "op: lte, value: 100, target: 0.9", "1 - avg(avg_over_time(((a) <= bool 100)[5m:]))"),
    ],
)  # fmt: skip
def test_what_is_bad_is_asked_by_the_kind_of_the_metric(tmp_path: Path, metric: str, target: str, query: str) -> None:
    for name, said in (("A", "a"), ("B", "b"), ("W", "'sum(rate(a[{{.window}}]))'")):
        metric = metric.replace(f" {name}", f" {{metricSource: {{type: Prometheus, spec: {{query: {said}}}}}}}")
    head, _, tail = SLO.partition("      ratioMetric")
    tail = tail[tail.index("  timeWindow") :].replace("target: 0.999", target)
    (tmp_path / "slo.yaml").write_text(f"{head}      {metric}\n{tail}")
    (level,) = read_series(tmp_path / "slo.yaml")
    assert level.bad("5m") == query


def test_alerts_that_are_meant_to_fire_are_no_findings() -> None:
    """The heartbeats of the project's own rules, and what the monitor raised of what the checks find themselves."""
    firing = [
        {"name": "Heartbeat", "severity": "none", "since": None},
        {"name": "MonitorHeartbeat", "severity": "none", "since": None},
        {"name": "DrillInForce", "severity": "none", "since": None},
        {"name": "SystemUnwell", "severity": "P1", "since": None},
        {"name": "PodsDown", "severity": "P3", "since": None},
    ]
    diagnosis = looked_at([*WEB], answers={"monitoring": {"firing": firing}})
    assert [cause.ref.name for cause in diagnosis.causes if cause.ref.kind == "Alert"] == ["PodsDown"]
