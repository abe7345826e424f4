"""Recording rules and alerts of one system, as Prometheus reads them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from muster.alerting.series import BUDGET, RATIO, Watched, bad_over, of_level, ratio, span
from muster.objectives.openslo import PagingAlert, WatchedLevel
from muster.objectives.severity import SEVERITIES

Group = dict[str, Any]
Rule = dict[str, Any]

# How long nobody may be served before somebody is woken: longer than a pod takes to be replaced by another, and a tenth
# of the 5 min in which an outage is to be seen.
DOWN_FOR = "30s"
# No look of `muster monitor` for so long: it looks every 15 s unless told otherwise, and a look may take 10 s.
SILENT_AFTER_S = 120
# Nobody took up an alert of P1, which is to be "at once": half of the 10 min that MTTA promises.
AT_ONCE_S = 300.0
HEARTBEAT = "Heartbeat"  # fires always: whoever receives it sees to its absence
DRILLS = "DrillInForce"


def rules(watched: Watched) -> dict[str, Any]:
    """The content of a file of rules.

    Raises:
        UsageError: the OpenSLO file cannot be read or is wrong.
    """
    name = watched.system.name
    groups = [
        {"name": f"{name}: levels", "rules": [*_recorded(watched)]},
        {"name": f"{name}: budgets", "interval": "5m", "rules": [*_budgets(watched)]},
        {"name": f"{name}: burn rates", "rules": [*_burning(watched)]},
        {"name": f"{name}: service", "rules": [*_service(watched)]},
        {"name": f"{name}: checks", "rules": [*_checks(watched)]},
        {"name": f"{name}: monitoring", "rules": [*_monitoring(watched)]},
        {"name": f"{name}: escalation", "rules": [*_escalation(watched)]},
    ]
    return {"groups": [group for group in groups if group["rules"]]}


def expression(watched: Watched, level: WatchedLevel, alert: PagingAlert) -> str:
    """When a budget burns as fast as an alert says: over each of its lookbacks."""
    most = f"{alert.threshold:g} * {1 - level.target:.6g}"
    windows = [span(seconds) for seconds in alert.lookbacks_s]
    return "\nand\n".join(f"{of_level(watched, level, ratio(window))} > {most}" for window in windows)


def _recorded(watched: Watched) -> Iterator[Rule]:
    for level in watched.levels:
        labels = _labels(watched, level)
        yield {"record": RATIO, "expr": level.bad("5m"), "labels": labels}
        for seconds in sorted({seconds for alert in level.alerts for seconds in alert.lookbacks_s}):
            yield {"record": ratio(span(seconds)), "expr": bad_over(watched, level, seconds), "labels": labels}


def _budgets(watched: Watched) -> Iterator[Rule]:
    for level in watched.levels:
        if level.period_s is not None:
            bad = bad_over(watched, level, level.period_s)
            yield {
                "record": BUDGET,
                "expr": f"1 - ({bad}) / {1 - level.target:.6g}",
                "labels": _labels(watched, level),
            }


def _labels(watched: Watched, level: WatchedLevel) -> dict[str, str]:
    return {**watched.labels, "slo": level.name}


def _burning(watched: Watched) -> Iterator[Rule]:
    for level in watched.levels:
        for alert in level.alerts:
            long = span(alert.lookbacks_s[0])
            yield _alert(
                "ErrorBudgetBurns",
                expression(watched, level, alert),
                alert.severity,
                f"{level.title}: {{{{ $value | humanizePercentage }}}} are bad over {long}, "
                f"more than {alert.threshold:g} times what {level.target:.6g} allows",
                "muster diagnose",
                {**_labels(watched, level), "policy": alert.name},
                after=span(alert.after_s) if alert.after_s else "",
            )
        yield _alert(
            "ServiceLevelUnknown",
            f"absent({of_level(watched, level, RATIO)})",
            "P4",
            f"{level.title}: nobody knows, there is no series of it, or no traffic",
            "muster monitoring write --check",
            _labels(watched, level),
            after="1h",
        )


def _service(watched: Watched) -> Iterator[Rule]:
    metrics = watched.system.metrics
    for workload, target in ({} if metrics is None else metrics.targets).items():
        up = watched.up(workload)
        labels = {**watched.labels, "workload": workload}
        # None that answers, and none that is known at all, are the same to whoever comes in by it.
        yield _alert(
            "ServiceDown" if target.serves else "WorkloadDown",
            f"absent({up} == 1)",
            "P1" if target.serves else "P2",
            f"{workload}: no pod answers Prometheus" + (", clients have nobody" if target.serves else ""),
            "muster diagnose",
            labels,
            after=DOWN_FOR if target.serves else "2m",
        )
        yield _alert(
            "PodsDown",
            f"count({up} == 0) and on() ({up} == 1)",
            "P3",
            f"{workload}: {{{{ $value }}}} of its pods do not answer Prometheus",
            "muster diagnose",
            labels,
            after="5m",
        )
    yield _alert(
        "ServiceFails",
        f"{watched.of_monitor('muster_service_up')} == 0",
        "P1",
        "the service answers no client rightly, as muster monitor sees it",
        "muster diagnose",
        watched.labels,
        after=DOWN_FOR,
    )


def _checks(watched: Watched) -> Iterator[Rule]:
    for name, check in watched.system.checks.items():
        if check.promql is not None:
            said = check.summary or f"check {name}"
            for severity, least, most in check.thresholds():
                yield _alert(
                    "CheckFails",
                    "\nor\n".join(_beyond(check.promql, least, most)),
                    severity,
                    f"{said}: is {{{{ $value }}}}",
                    f"muster diagnose --check {name}",
                    {**watched.labels, "check": name},
                    after="1m",
                )


def _beyond(promql: str, least: float | None, most: float | None) -> Iterator[str]:
    if least is not None:
        yield f"({promql}) < {least:g}"
    if most is not None:
        yield f"({promql}) > {most:g}"


def _monitoring(watched: Watched) -> Iterator[Rule]:
    looked = watched.of_monitor("muster_monitor_look_timestamp_seconds")
    labels = watched.labels
    yield _alert(
        "MonitorSilent",
        f"absent({looked}) or time() - {looked} > {SILENT_AFTER_S}",
        "P2",
        "muster monitor does not look any more",
        "muster monitor",
        labels,
        after="1m",
    )
    blind = watched.of_monitor("muster_monitor_blind")
    yield _alert(
        "MonitorBlind",
        f"{blind} > 0",
        "P3",
        "muster monitor cannot see {{ $value }} of the things that it looks at",
        "muster diagnose",
        labels,
        after="10m",
    )
    yield _alert(
        "MonitorCannotTell",
        f"{watched.of_monitor('muster_monitor_untold')} > 0",
        "P2",
        "muster monitor has something to tell, and cannot",
        "muster monitor --once",
        labels,
        after="5m",
    )
    yield _alert(
        DRILLS,
        f"{watched.of_monitor('muster_faults_in_force')} > 0",
        "none",
        "a drill's fault is in force: what is less than P2 is held back meanwhile",
        "muster status --once",
        labels,
    )
    yield _alert(HEARTBEAT, "vector(1)", "none", "alerts get through as long as this one does", "", labels)


def _escalation(watched: Watched) -> Iterator[Rule]:
    for severity in ("P1", "P2", "P3"):
        response_s = SEVERITIES[severity].response_s
        if response_s is None:
            continue
        after = span(max(response_s, AT_ONCE_S))
        firing = (
            f'ALERTS{{alertstate="firing", system="{watched.system.name}", severity="{severity}", '
            'alertname!="NobodyTookItUp"}'
        )
        named = f'label_replace({firing}, "alert", "$1", "alertname", "(.+)")'
        yield _alert(
            "NobodyTookItUp",
            f"max without (alertname, alertstate, pod, instance) ({named})",
            severity,
            f"{{{{ $labels.alert }}}} has fired for {after}, and nobody silenced it",
            "muster incident ack",
            {**watched.labels, "escalated": "true"},
            after=after,
        )


def _alert(  # noqa: PLR0917 - what an alert consists of, in its order
    name: str, expr: str, severity: str, summary: str, do: str, labels: dict[str, str], *, after: str = ""
) -> Rule:
    rule: Rule = {"alert": name, "expr": expr}
    if after:
        rule["for"] = after
    rule["labels"] = {"severity": severity, **labels}
    rule["annotations"] = {"summary": f"{labels['system']}: {summary}", **({"do": do} if do else {})}
    return rule
