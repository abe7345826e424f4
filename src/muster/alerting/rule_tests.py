"""Unit tests of the rules, for `promtool test rules`: each alert fires where it must, and keeps quiet where it must.

They run in the time of the test, so that lookbacks of days cost nothing. What is recorded of a service level is given
to them as it would be recorded, as nobody can tell which series a query of somebody else's asks for.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from muster.alerting.rules import HEARTBEAT
from muster.alerting.series import Watched, ratio, span
from muster.objectives.openslo import PagingAlert, WatchedLevel

Test = dict[str, Any]
_STEPS = 60  # of a minute each: what is asserted lies within


def rule_tests(watched: Watched) -> dict[str, Any]:
    """The content of a file of tests.

    Raises:
        UsageError: the OpenSLO file cannot be read or is wrong.
    """
    tests = [
        test
        for level in watched.levels
        for alert in level.alerts
        for test in (*_burning(watched, level, alert), _quiet(watched, level, alert))
    ]
    tests += [*_service(watched), *_monitor(watched)]
    return {"rule_files": ["rules.yaml"], "evaluation_interval": "1m", "tests": tests}


def _burning(watched: Watched, level: WatchedLevel, alert: PagingAlert) -> Iterator[Test]:
    """Where it burns a little faster than it may over all lookbacks it fires, and not where one of them lies below."""
    beyond = 1.01 * alert.threshold * (1 - level.target)
    windows = [span(seconds) for seconds in alert.lookbacks_s]
    after = round(alert.after_s / 60)
    yield _told(
        f"{level.name} burns as fast as {alert.name} says",
        [(_series(watched, level, window), f"{beyond:.6g}x{_STEPS}") for window in windows],
        "ErrorBudgetBurns",
        {"slo": level.name, "policy": alert.name},
        at=after + 2,
        fires=True,
    )
    for quiet in windows if len(windows) > 1 else []:
        yield _told(
            f"{level.name} does not burn over {quiet}",
            [
                (_series(watched, level, window), f"{0 if window == quiet else beyond:.6g}x{_STEPS}")
                for window in windows
            ],
            "ErrorBudgetBurns",
            {"slo": level.name, "policy": alert.name},
            at=after + 2,
            fires=False,
        )


def _quiet(watched: Watched, level: WatchedLevel, alert: PagingAlert) -> Test:
    below = 0.99 * alert.threshold * (1 - level.target)
    windows = [span(seconds) for seconds in alert.lookbacks_s]
    return _told(
        f"{level.name} burns a little slower than {alert.name} says",
        [(_series(watched, level, window), f"{below:.6g}x{_STEPS}") for window in windows],
        "ErrorBudgetBurns",
        {"slo": level.name, "policy": alert.name},
        at=round(alert.after_s / 60) + 10,
        fires=False,
    )


def _service(watched: Watched) -> Iterator[Test]:
    metrics = watched.system.metrics
    for name, target in ({} if metrics is None else metrics.targets).items():
        alert = "ServiceDown" if target.serves else "WorkloadDown"
        pods = [
            f'up{{namespace="{watched.system.namespace}", workload="{name}", pod="{name}-{one}"}}' for one in (1, 2)
        ]
        gone, there = [(pods[0], "1x9 _x30"), (pods[1], "1x9 0x30")], [(pods[0], "1x40"), (pods[1], "0x40")]
        labels = {"workload": name}
        yield _told(f"no pod of {name} is there", gone, alert, labels, at=20, fires=True)
        yield _told(f"{name} was there until then", gone, alert, labels, at=8, fires=False)
        yield _told(f"one pod of {name} answers", there, alert, labels, at=20, fires=False)
        yield _told(f"no pod of {name} was ever seen", [], alert, labels, at=20, fires=True)
        yield _told(f"one pod of {name} does not answer", there, "PodsDown", labels, at=20, fires=True)


def _monitor(watched: Watched) -> Iterator[Test]:
    looked = watched.of_monitor("muster_monitor_look_timestamp_seconds")
    yield _told("muster monitor looks", [(looked, f"0+60x{_STEPS}")], "MonitorSilent", {}, at=20, fires=False)
    yield _told("muster monitor stands still", [(looked, f"0x{_STEPS}")], "MonitorSilent", {}, at=10, fires=True)
    yield _told("there is no muster monitor", [], "MonitorSilent", {}, at=10, fires=True)
    up = watched.of_monitor("muster_service_up")
    yield _told("no client is answered", [(up, "1x5 0x20")], "ServiceFails", {}, at=10, fires=True)
    yield _told("clients are answered", [(up, "1x20")], "ServiceFails", {}, at=10, fires=False)
    yield _told("alerts get through", [], HEARTBEAT, {}, at=1, fires=True)


def _series(watched: Watched, level: WatchedLevel, window: str) -> str:
    return (
        f'{ratio(window)}{{namespace="{watched.system.namespace}", slo="{level.name}", system="{watched.system.name}"}}'
    )


def _told(
    name: str, series: list[tuple[str, str]], alert: str, labels: dict[str, str], *, at: int, fires: bool
) -> Test:
    """That of the alerts of one name those with these labels fire, or do not, `at` so many minutes."""
    chosen = ", ".join(
        f'{key}="{value}"' for key, value in sorted({"alertname": alert, "alertstate": "firing", **labels}.items())
    )
    return {
        "name": f"{name}: {alert} {'fires' if fires else 'is quiet'}",
        "interval": "1m",
        "input_series": [{"series": one, "values": values} for one, values in series],
        "promql_expr_test": [
            {
                "expr": f"count(ALERTS{{{chosen}}}) or vector(0)",
                "eval_time": f"{at}m",
                "exp_samples": [{"labels": "{}", "value": 1 if fires else 0}],
            }
        ],
    }
