"""What counts as firing, over real HTTP, in both protocols; and every answer that says nothing is called that."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from muster.base.clock import now
from muster.base.errors import UsageError
from muster.monitoring import MonitoringError, open_source
from muster.monitoring.seen import Seen
from muster.monitoring.testing import LocalMonitoring
from muster.system.monitoring import Monitoring

KINDS = ["alertmanager", "prometheus"]
QUIET, FIRING = Seen(firing=False), Seen(firing=True)


@pytest.fixture
def monitoring() -> Iterator[LocalMonitoring]:
    with LocalMonitoring(rules=("DatabaseDown",)) as monitoring:
        yield monitoring


def look(kind: str, url: str, alert: str = "DatabaseDown", **settings: Any) -> Seen:
    described = Monitoring.model_validate({kind: {"url": url, **settings}})
    with open_source(described, alert) as source:
        return source.look()


@pytest.mark.parametrize("kind", KINDS)
def test_an_alert_is_seen_while_it_fires(monitoring: LocalMonitoring, kind: str) -> None:
    assert look(kind, monitoring.url) == QUIET
    monitoring.fire("DatabaseDown", severity="critical")
    assert look(kind, monitoring.url) == FIRING
    monitoring.resolve("DatabaseDown", severity="critical")
    assert look(kind, monitoring.url) == QUIET


@pytest.mark.parametrize("kind", KINDS)
def test_another_alert_is_not_the_one_that_is_waited_for(monitoring: LocalMonitoring, kind: str) -> None:
    monitoring.fire("DatabaseDownForMaintenance")
    monitoring.fire("databasedown")
    assert look(kind, monitoring.url) == QUIET


@pytest.mark.parametrize("kind", KINDS)
def test_every_matcher_must_match_one_and_the_same_alert(monitoring: LocalMonitoring, kind: str) -> None:
    wanted = {"cluster": "eu", "severity": "page"}
    monitoring.fire("DatabaseDown", cluster="eu", severity="info")
    monitoring.fire("DatabaseDown", cluster="us", severity="page")
    assert look(kind, monitoring.url, matchers=wanted) == QUIET
    monitoring.fire("DatabaseDown", cluster="eu", severity="page", pod="db-a-0")
    assert look(kind, monitoring.url, matchers=wanted) == FIRING


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("odd", ['a "quoted" one', "back\\slash", "two\nlines", "é {x} =~ .*", ""])
def test_names_and_values_may_be_odd(monitoring: LocalMonitoring, kind: str, odd: str) -> None:
    monitoring.fire(f"Odd{odd}", where=odd)
    assert look(kind, monitoring.url, f"Odd{odd}", matchers={"where": odd}) == FIRING


def test_an_alertmanager_is_asked_for_that_alert_only(monitoring: LocalMonitoring) -> None:
    look("alertmanager", monitoring.url, matchers={"severity": "page"})
    path, _ = monitoring.asked[-1]
    assert path.startswith("/api/v2/alerts?active=true&")
    assert "filter=alertname%3D%22DatabaseDown%22&filter=severity%3D%22page%22" in path


@pytest.mark.parametrize("held_by", [(), ("4f6a", "77b0")])
def test_what_an_alertmanager_holds_back_tells_nobody(monitoring: LocalMonitoring, held_by: tuple[str, ...]) -> None:
    monitoring.fire("DatabaseDown", state="suppressed", held_by=held_by)
    how = "silenced by 4f6a, 77b0" if held_by else "suppressed"
    assert look("alertmanager", monitoring.url) == Seen(firing=False, note=f"it fires, but is {how}")
    monitoring.fire("DatabaseDown", pod="another")
    assert look("alertmanager", monitoring.url) == FIRING


def test_what_an_alertmanager_has_not_looked_at_yet_tells_nobody(monitoring: LocalMonitoring) -> None:
    monitoring.fire("DatabaseDown", state="unprocessed")
    assert look("alertmanager", monitoring.url) == Seen(firing=False, note="it fires, but is unprocessed")


def test_a_pending_alert_of_prometheus_tells_nobody(monitoring: LocalMonitoring) -> None:
    monitoring.fire("DatabaseDown", state="pending")
    assert look("prometheus", monitoring.url) == Seen(firing=False, note="it is pending")


def test_a_misspelt_alert_of_prometheus_is_not_called_absent(monitoring: LocalMonitoring) -> None:
    monitoring.fire("QueueFull")
    with pytest.raises(
        MonitoringError, match=r"no alerting rule 'DatbaseDown' \(there are: DatabaseDown, QueueFull\)$"
    ):
        look("prometheus", monitoring.url, "DatbaseDown")


def test_the_rules_of_prometheus_are_asked_for_once(monitoring: LocalMonitoring) -> None:
    with open_source(Monitoring.model_validate({"prometheus": {"url": monitoring.url}}), "DatabaseDown") as source:
        assert [source.look(), source.look()] == [QUIET, QUIET]
    assert [path.partition("?")[0] for path, _ in monitoring.asked] == [
        "/api/v1/rules",
        "/api/v1/alerts",
        "/api/v1/alerts",
    ]


HTML = "<!DOCTYPE html><title>Sign in</title>"
NONSENSE = [
    ((200, "text/html", HTML), r"answered no JSON to /api/v\d/\w+: '<!DOCTYPE html>"),
    ((302, "text/html", HTML), r"answered 302 to /api/v"),
    ((401, "application/json", '{"message": "who are you?"}'), r"answered 401 to /api/v\d/\w+ \(who are you\?\)$"),
    ((404, "text/plain", "404 page not found"), r"answered 404 to .* what stands before '/api'\?$"),
    ((500, "text/plain", ""), r"answered 500 to /api/v"),
    ((200, "application/json", ""), r"answered no JSON"),
    ((200, "application/json", '{"status": "error", "error": "x"}'), r"answered (no list of alerts|without data\.)"),
    ((200, "application/json", "null"), r"answered no (JSON|list)"),
    ((200, "application/json", "[1, 2]"), r"answered (no list of alerts|without data\.)"),
    ((200, "application/json", '{"status": "success", "data": {"alerts": [1], "groups": 1}}'), r"answered "),
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("answer", "message"), NONSENSE)
def test_an_answer_that_makes_no_sense_is_no_absence(
    monitoring: LocalMonitoring, kind: str, answer: tuple[int, str, str], message: str
) -> None:
    monitoring.answer = answer
    with pytest.raises(MonitoringError, match=message):
        look(kind, monitoring.url)


def test_an_alert_without_its_state_is_no_absence(monitoring: LocalMonitoring) -> None:
    monitoring.answer = (200, "application/json", '[{"labels": {"alertname": "DatabaseDown"}, "status": {}}]')
    with pytest.raises(MonitoringError, match="without its state"):
        look("alertmanager", monitoring.url)


@pytest.mark.parametrize("kind", KINDS)
def test_who_is_refused_says_so(monitoring: LocalMonitoring, kind: str) -> None:
    monitoring.stop()
    with pytest.raises(MonitoringError, match=rf"{monitoring.url} cannot be asked: .*refused"):
        look(kind, monitoring.url)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("how", ["mute", "trickle"])
def test_a_slow_answer_is_given_up(monitoring: LocalMonitoring, kind: str, how: str) -> None:
    monitoring.fire("DatabaseDown")
    monitoring.delay_s, monitoring.trickle = (30.0, False) if how == "mute" else (0.0, True)
    began = now()
    with pytest.raises(MonitoringError, match=r"did not answer in 0\.3 s"):
        look(kind, monitoring.url, limit_s=0.3)
    assert now() - began < 10  # and not the half minute, or the minutes of a byte each tenth of a second


def test_a_connection_that_breaks_off_is_no_absence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def break_off() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[]")

        threading.Thread(target=break_off, daemon=True).start()
        with pytest.raises(MonitoringError, match="cannot be asked"):
            look("alertmanager", f"http://127.0.0.1:{server.getsockname()[1]}")


def test_the_token_is_sent_and_never_told(monitoring: LocalMonitoring, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MONITORING_TOKEN", " s3cret\n")
    look("alertmanager", monitoring.url, token_env="MONITORING_TOKEN")
    path, headers = monitoring.asked[-1]
    assert headers["Authorization"] == "Bearer s3cret"
    monitoring.answer = (403, "text/plain", "no")
    with pytest.raises(MonitoringError) as refused:
        look("alertmanager", monitoring.url, token_env="MONITORING_TOKEN")
    assert "s3cret" not in f"{path} {refused.value}"


@pytest.mark.parametrize(("value", "message"), [(None, "is not set"), ("", "is not set"), ("a\nb", "can be sent")])
def test_a_token_that_is_not_there_is_named(
    monitoring: LocalMonitoring, monkeypatch: pytest.MonkeyPatch, value: str | None, message: str
) -> None:
    monkeypatch.delenv("MONITORING_TOKEN", raising=False)
    if value is not None:
        monkeypatch.setenv("MONITORING_TOKEN", value)
    with pytest.raises(UsageError, match=f"MONITORING_TOKEN.*{message}"):
        look("alertmanager", monitoring.url, token_env="MONITORING_TOKEN")
    assert monitoring.asked == []


def test_this_machine_is_not_asked_through_a_proxy(
    monitoring: LocalMonitoring, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    assert look("alertmanager", monitoring.url) == QUIET


def test_a_base_path_is_kept(monitoring: LocalMonitoring) -> None:
    with pytest.raises(MonitoringError, match="answered 404"):
        look("alertmanager", f"{monitoring.url}/alertmanager/")
    assert monitoring.asked[-1][0].startswith("/alertmanager/api/v2/alerts?")
