"""Stop conditions are looked at over real HTTP: what is not kept is told, what is not seen is never taken for well."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from muster.base.clock import now
from muster.base.errors import RefusedError
from muster.base.waiting import wait_for
from muster.guardian.conditions import Conditions
from muster.guardian.looks import Looked, ServiceLooks, Window, check_lookable
from muster.kube import Cluster
from muster.monitoring.testing import LocalMonitoring
from muster.safety.limits.conditions import Condition, ServiceCondition
from muster.safety.limits.settings import parse_settings
from muster.system.monitoring import Monitoring

WELL = (200, "text/plain", "well")
ILL = (503, "text/plain", "ill")
HEAD = "schema: muster/safety/v1\nstop_when:\n"


def read(*said: str) -> list[Condition]:
    return parse_settings(HEAD + "".join(f"  - {one}\n" for one in said), "safety.yaml").stop_when


@pytest.fixture
def neighbour() -> Iterator[LocalMonitoring]:
    """A service outside of any drill's scope."""
    with LocalMonitoring() as server:
        server.answer = WELL
        yield server


@pytest.fixture
def alerts() -> Iterator[LocalMonitoring]:
    with LocalMonitoring() as server:
        yield server


@contextmanager
def looking(*said: str, monitoring: Monitoring | None = None, own: str | None = None) -> Iterator[Conditions]:
    conditions = Conditions(read(*said), monitoring, own)
    conditions.start()
    try:
        yield conditions
    finally:
        conditions.stop()


def until_well(conditions: Conditions) -> None:
    wait_for(lambda: not conditions.unwell(), within=60, reason="a baseline")


def broken(conditions: Conditions) -> tuple[str, str]:
    return wait_for(conditions.broken, within=60, reason="a condition to be broken")


def service(server: LocalMonitoring, more: str) -> str:
    return f"{{http: '{server.url}/health', over_s: 1, {more}}}"


def test_a_service_that_is_well_is_called_so_only_once_it_was_looked_at_for_long_enough(
    neighbour: LocalMonitoring,
) -> None:
    with looking(service(neighbour, "error_rate: 20%")) as conditions:
        began = now()
        assert conditions.unwell()
        until_well(conditions)
        assert now() - began >= 1
        assert conditions.broken() is None
        assert "0 of " in conditions.said()[0]


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"answer": ILL}, "(answered 503)"),
        ({"answer": (302, "text/plain", "")}, "(answered 302)"),
        ({"delay_s": 30.0}, "(not answered within 0.3 s)"),
        ({"trickle": True}, "(not answered within 0.3 s)"),
    ],
)
def test_a_service_that_begins_to_err_to_hang_or_to_trickle_breaks_it(
    neighbour: LocalMonitoring, how: dict[str, Any], said: str
) -> None:
    with looking(service(neighbour, "error_rate: 30%, limit_s: 0.3")) as conditions:
        until_well(conditions)
        for name, value in how.items():
            setattr(neighbour, name, value)
        rule, why = broken(conditions)
    assert rule == "service"
    assert f"service {neighbour.url}/health: " in why
    assert said in why
    assert "and 0.3 of them may" in why


def test_a_service_that_is_gone_is_not_answering_and_not_unseen(neighbour: LocalMonitoring) -> None:
    with looking(service(neighbour, "error_rate: 30%")) as conditions:
        until_well(conditions)
        neighbour.stop()
        _, why = broken(conditions)
    assert "Connection refused" in why


def test_a_service_that_slows_down_breaks_a_limit_of_latency(neighbour: LocalMonitoring) -> None:
    with looking(f"{{http: '{neighbour.url}/', over_s: 2, latency_p95_s: 0.25}}") as conditions:
        until_well(conditions)
        neighbour.delay_s = 0.4
        _, why = broken(conditions)
    assert "and it may be 0.25 s" in why


def test_a_service_that_is_bad_already_is_not_well_to_begin_with(neighbour: LocalMonitoring) -> None:
    neighbour.answer = ILL
    with looking(service(neighbour, "error_rate: 20%")) as conditions:
        wait_for(lambda: "answered 503" in conditions.unwell(), within=60, reason="it to be told")


def test_a_status_that_is_asked_for_is_right(neighbour: LocalMonitoring) -> None:
    neighbour.answer = (401, "text/plain", "")
    with looking(service(neighbour, "error_rate: 20%, status: [401]")) as conditions:
        until_well(conditions)


def test_headers_come_from_the_environment_and_go_to_that_service_alone(
    neighbour: LocalMonitoring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_TOKEN", "s3cret")
    monkeypatch.setenv("MUSTER_HEADERS", '{"X-Of-The-System": "1"}')
    said = service(neighbour, "error_rate: 20%, headers: {Authorization: {env: SHOP_TOKEN, prefix: 'Bearer '}}")
    with looking(said) as conditions:
        until_well(conditions)
    _, headers = neighbour.asked[-1]
    assert headers["authorization" if "authorization" in headers else "Authorization"] == "Bearer s3cret"
    assert not [name for name in headers if name.lower() == "x-of-the-system"]


def test_what_the_environment_lacks_keeps_it_from_being_seen(
    neighbour: LocalMonitoring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SHOP_TOKEN", raising=False)
    said = service(neighbour, "error_rate: 20%, unseen_s: 1, headers: {Authorization: {env: SHOP_TOKEN}}")
    with looking(said) as conditions:
        wait_for(lambda: "SHOP_TOKEN" in conditions.unwell(), within=60, reason="it to be told")
        assert conditions.blind()[f"service {neighbour.url}/health"][0] == "service"
        _, why = broken(conditions)
        assert "nobody could look at it for 1 s" in why


def test_a_certificate_that_nobody_vouches_for_is_not_well(neighbour: LocalMonitoring, cluster: Cluster) -> None:
    """The embedded API server's, asked with and without the authority that its kubeconfig names."""
    said = f"{{http: '{cluster.server}/healthz', over_s: 1, error_rate: 20%, status: [200, 401]}}"
    with looking(said) as conditions:
        wait_for(lambda: "certificate" in conditions.unwell().lower(), within=60, reason="it to be told")


def test_one_that_its_own_authority_vouches_for_is(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ca.pem").write_bytes(cluster.access.authority)
    assert ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SHOP_CA", str(tmp_path / "ca.pem"))
    said = f"{{http: '{cluster.server}/healthz', over_s: 1, error_rate: 20%, status: [200, 401], ca_env: SHOP_CA}}"
    with looking(said) as conditions:
        until_well(conditions)


@pytest.mark.parametrize("kind", ["alertmanager", "prometheus"])
def test_an_alert_of_that_severity_breaks_it_and_the_drills_own_does_not(alerts: LocalMonitoring, kind: str) -> None:
    monitoring = Monitoring.model_validate({kind: {"url": alerts.url, "matchers": {"team": "shop"}}})
    said = "{alert: {severity: critical}}"
    with looking(said, monitoring=monitoring, own="ShopDown") as conditions:
        until_well(conditions)
        alerts.fire("ShopDown", severity="critical")
        alerts.fire("DiskFillsUp", severity="warning")
        alerts.fire("Flapping", severity="critical", state="pending")
        asked = len(alerts.asked)
        wait_for(lambda: len(alerts.asked) >= asked + 2, within=60, reason="another look")
        assert conditions.broken() is None
        alerts.fire("CheckoutDown", severity="critical")
        rule, why = broken(conditions)
    assert (rule, why) == ("alert", "alerts with severity=critical: CheckoutDown fires")


def test_an_alert_that_is_silenced_tells_nobody(alerts: LocalMonitoring) -> None:
    monitoring = Monitoring.model_validate({"alertmanager": {"url": alerts.url}})
    alerts.fire("CheckoutDown", severity="critical", state="suppressed", held_by=("4f6a",))
    with looking("{alert: {severity: critical}}", monitoring=monitoring) as conditions:
        until_well(conditions)


@pytest.mark.parametrize("kind", ["alertmanager", "prometheus"])
def test_a_monitoring_that_goes_is_told_and_then_breaks_it(alerts: LocalMonitoring, kind: str) -> None:
    monitoring = Monitoring.model_validate({kind: {"url": alerts.url}})
    with looking("{alert: {severity: critical}, unseen_s: 1}", monitoring=monitoring) as conditions:
        until_well(conditions)
        alerts.stop()
        wait_for(conditions.blind, within=60, reason="it to be told")
        assert conditions.unwell().startswith("alerts with severity=critical: it cannot be looked at")
        _, why = broken(conditions)
    assert "nobody could look at it for 1 s" in why
    assert "what is not seen is not well" in why


def test_a_query_breaks_it_above_its_limit_and_is_not_seen_without_a_value(alerts: LocalMonitoring) -> None:
    monitoring = Monitoring.model_validate({"prometheus": {"url": alerts.url}})
    alerts.values["errors"] = [0.01, 0.02]
    with looking("{promql: errors, above: 0.05}", monitoring=monitoring) as conditions:
        until_well(conditions)
        alerts.values["errors"] = []
        wait_for(lambda: "has no value of errors" in conditions.unwell(), within=60, reason="it to be told")
        assert conditions.broken() is None
        alerts.values["errors"] = [0.01, 0.2]
        assert broken(conditions) == ("query", "query errors: it is 0.2, above 0.05")


def test_what_needs_a_monitoring_is_refused_without_one() -> None:
    alert, query = read("{alert: {severity: critical}}", "{promql: up, below: 1}")
    alertmanager = Monitoring.model_validate({"alertmanager": {"url": "http://127.0.0.1:1"}})
    with pytest.raises(RefusedError, match="'alerts with severity=critical' is asked of the monitoring"):
        check_lookable([alert], None)
    with pytest.raises(RefusedError, match="'query up' is asked of a Prometheus"):
        check_lookable([query], alertmanager)
    check_lookable([alert], alertmanager)


def looks(*failed: bool, took: float = 0.1) -> list[Looked]:
    return [Looked(float(number), ok=not bad, took_s=took, why="x" * bad) for number, bad in enumerate(failed)]


def test_quick_refusals_make_no_service_fast() -> None:
    seen = Window.of([*looks(True, True, took=0.001), *looks(False, took=0.5)])
    assert (seen.asked, seen.failed, seen.p95_s) == (3, 2, 0.5)
    assert Window.of(looks(True)).p95_s is None


@pytest.mark.parametrize(("failed", "is_broken"), [(0, False), (1, False), (2, True)])
def test_a_share_is_broken_above_it_and_kept_at_it(failed: int, is_broken: bool) -> None:
    condition = ServiceCondition(http="http://127.0.0.1:1/", error_rate="5%")
    made = ServiceLooks(condition)
    made._looks = tuple(Looked(float(n), ok=n >= failed, took_s=0.1) for n in range(20))
    made._condition = condition.model_copy(update={"over_s": 60.0})
    assert bool(made.trouble(20.0)) is is_broken
    made.close()
