"""A whole configuration of Alertmanager: who is told of what, what is held back, and when."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from muster.alerting.rules import DRILLS, HEARTBEAT
from muster.alerting.series import Watched
from muster.system.alerting import SEVERITIES, Channel

# How long alerts of one kind are gathered before they are told, and how often again while they last.
WAITS = {"P1": ("0s", "1h"), "P2": ("30s", "4h"), "P3": ("2m", "12h"), "P4": ("10m", "3d")}
ANNOUNCED = "announced drills"
TITLE = "{{ .CommonLabels.severity }} {{ .CommonLabels.alertname }}: {{ .CommonLabels.system }}"
TEXT = "{{ range .Alerts }}{{ .Annotations.summary }}{{ with .Annotations.do }} ({{ . }}){{ end }}\n{{ end }}"


def alertmanager(watched: Watched) -> dict[str, Any]:
    """The content of alertmanager.yaml. A receiver without a channel shows an alert, and tells nobody."""
    said = watched.system.alerting
    content: dict[str, Any] = {"global": {"resolve_timeout": "5m"}}
    if said.drills:
        stretches = [
            {"weekdays": one.days, "times": [{"start_time": one.since, "end_time": one.until}]} for one in said.drills
        ]
        content["time_intervals"] = [{"name": ANNOUNCED, "time_intervals": stretches}]
    content["route"] = _routes(watched)
    content["inhibit_rules"] = _inhibitions()
    content["receivers"] = [
        {"name": "shown only"},
        *(_receiver(watched, place) for place in (*SEVERITIES, "escalation", "heartbeat")),
    ]
    return content


def _routes(watched: Watched) -> dict[str, Any]:
    """Escalations first, as they bear the severity of what they escalate."""
    routes: list[dict[str, Any]] = [
        # Told again and again: whoever receives it raises the alarm when it stops.
        {
            "receiver": "heartbeat",
            "matchers": [f'alertname =~ "{HEARTBEAT}|Monitor{HEARTBEAT}"'],
            "group_wait": "0s",
            "group_interval": "1m",
            "repeat_interval": "1m",
        },
        {"receiver": "shown only", "matchers": ["severity = none"]},
        {"receiver": "escalation", "matchers": ['escalated = "true"'], "group_wait": "0s", "repeat_interval": "30m"},
    ]
    for severity in SEVERITIES:
        wait, again = WAITS[severity]
        route = {
            "receiver": severity,
            "matchers": [f"severity = {severity}"],
            "group_wait": wait,
            "repeat_interval": again,
        }
        if watched.system.alerting.drills and severity in ("P3", "P4"):
            route["mute_time_intervals"] = [ANNOUNCED]
        routes.append(route)
    return {
        "receiver": "P3",  # an alert without a severity of ours is not passed over
        "group_by": ["system", "alertname", "severity"],
        "group_wait": "30s",
        "group_interval": "1m",
        "repeat_interval": "4h",
        "routes": routes,
    }


def _inhibitions() -> list[dict[str, Any]]:
    """What says less than another alert that fires is held back."""
    same = ["system"]
    return [
        {
            "source_matchers": ["alertname = ServiceDown"],
            "target_matchers": ['alertname =~ "ErrorBudgetBurns|PodsDown|ServiceFails|ServiceLevelUnknown"'],
            "equal": same,
        },
        *_less_severe("ErrorBudgetBurns", "slo"),
        *_less_severe("CheckFails", "check"),
        {
            "source_matchers": ["alertname = WorkloadDown"],
            "target_matchers": ["alertname = PodsDown"],
            "equal": [*same, "workload"],
        },
        # P1 and P2 are told during a drill as well: it may be an outage after all.
        {"source_matchers": [f"alertname = {DRILLS}"], "target_matchers": ['severity =~ "P3|P4"'], "equal": same},
    ]


def _less_severe(name: str, label: str) -> Iterator[dict[str, Any]]:
    """That of the levels of one thing the most severe is told alone."""
    for place, severity in enumerate(SEVERITIES[:-1]):
        below = "|".join(SEVERITIES[place + 1 :])
        yield {
            "source_matchers": [f"alertname = {name}", f"severity = {severity}"],
            "target_matchers": [f"alertname = {name}", f'severity =~ "{below}"'],
            "equal": ["system", label],
        }


def _receiver(watched: Watched, place: str) -> dict[str, Any]:
    said = watched.system.alerting
    receiver: dict[str, Any] = {"name": place}
    for name in said.of(place):
        key, config = _config(said.channels[name], place)
        receiver.setdefault(key, []).append(config)
    return receiver


def _config(channel: Channel, place: str) -> tuple[str, dict[str, Any]]:
    """A channel as a receiver has it, and under which key."""
    if channel.kind == "pagerduty":
        urgent = place in ("P1", "P2", "escalation")
        severity = {"P1": "critical", "escalation": "critical", "P2": "error", "P3": "warning"}.get(place, "info")
        said = {"routing_key_file": channel.secret_file, "severity": severity, "description": f"{TITLE}"}
        return "pagerduty_configs", {**said, "send_resolved": True, **({"class": "page"} if urgent else {})}
    if channel.kind == "slack":
        said = {"api_url_file": channel.secret_file, "channel": channel.to, "title": TITLE, "text": TEXT}
        return "slack_configs", {**said, "send_resolved": True}
    if channel.kind == "email":
        account = (
            {} if channel.user is None else {"auth_username": channel.user, "auth_password_file": channel.secret_file}
        )
        said = {"to": channel.to, "from": channel.from_, "smarthost": channel.server, **account}
        return "email_configs", {**said, "headers": {"Subject": TITLE}, "text": TEXT, "html": "", "send_resolved": True}
    return "webhook_configs", {"url": channel.url, "send_resolved": True}


def without_channels(watched: Watched) -> Iterable[str]:
    """The receivers that tell nobody."""
    said = watched.system.alerting
    return [place for place in (*SEVERITIES, "escalation", "heartbeat") if not list(said.of(place))]
