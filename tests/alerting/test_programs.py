"""promtool and amtool accept what is written, and alerts fire when they must. Skipped where they are not installed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from muster.alerting.files import files, write
from muster.alerting.programs import Programs
from muster.base.waiting import wait_for

from .programs import program, run
from .systems import ALERTING, CHECKS, ENHANCER, METRICS, SLO, shop, watched


@pytest.fixture(params=["enhancer", "shop", "bare"])
def written(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The files of a system: the reference system, one with everything, one that only has a service."""
    more = {"shop": (METRICS + CHECKS + ALERTING, SLO), "bare": ("", "")}
    path = ENHANCER if request.param == "enhancer" else shop(tmp_path / "system", *more[request.param])
    write(files(watched(path), tmp_path / "out"))
    return tmp_path / "out"


def change(path: Path, how: Any) -> None:
    content = yaml.safe_load(path.read_text())
    how(content)
    path.write_text(yaml.safe_dump(content, sort_keys=False))


def test_the_rules_are_rules_and_pass_their_unit_tests(written: Path) -> None:
    promtool = program("promtool")
    checked = run(promtool, "check", "rules", "--lint=all", "--lint-fatal", "rules.yaml", cwd=written)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    tested = run(promtool, "test", "rules", "rules_test.yaml", cwd=written)
    assert tested.returncode == 0, tested.stdout + tested.stderr


def test_the_unit_tests_find_a_rule_that_is_another(tmp_path: Path) -> None:
    promtool = program("promtool")
    write(files(watched(ENHANCER), tmp_path))

    def other(name: str, key: str, value: str) -> Any:
        def changed(content: dict[str, Any]) -> None:
            rule = next(rule for group in content["groups"] for rule in group["rules"] if rule.get("alert") == name)
            rule[key] = value

        return changed

    whole = (tmp_path / "rules.yaml").read_text()
    for name, key, value in (
        ("ErrorBudgetBurns", "expr", 'muster:bad:ratio1h{slo="api-availability"} > 0.00721'),  # over one window
        ("ServiceDown", "expr", 'up{workload="api"} == 0'),  # a pod that is gone is none that is down
    ):
        (tmp_path / "rules.yaml").write_text(whole)
        change(tmp_path / "rules.yaml", other(name, key, value))
        assert run(promtool, "test", "rules", "rules_test.yaml", cwd=tmp_path).returncode != 0, (name, key)


def test_a_tenth_of_the_requests_failing_pages_somebody_within_the_hour(tmp_path: Path) -> None:
    """From the counters of the reference system, and not from what is recorded of them."""
    promtool = program("promtool")
    write(files(watched(ENHANCER), tmp_path))

    def counted(bad: int) -> dict[str, Any]:
        series = [
            ('enhancer_requests_total{route="/workflows", status="200"}', f"0+{1000 - bad}x30"),
            ('enhancer_requests_total{route="/healthz", status="500"}', "0+1000x30"),  # nobody's requests
            *([('enhancer_requests_total{route="/workflows", status="503"}', f"0+{bad}x30")] if bad else []),
        ]
        fires = {
            "exp_labels": {
                "severity": "P1",
                "policy": "fast-burn",
                "slo": "api-availability",
                "system": "enhancer",
                "namespace": "enhancer",
            }
        }
        told = {
            "summary": f"enhancer: Requests are answered: {bad / 10:g}% are bad over 1h, "
            "more than 14.4 times what 0.9995 allows",
            "do": "muster diagnose",
        }
        return {
            "interval": "1m",
            "input_series": [{"series": name, "values": values} for name, values in series],
            "alert_rule_test": [
                {
                    "eval_time": "10m",
                    "alertname": "ErrorBudgetBurns",
                    "exp_alerts": [{**fires, "exp_annotations": told}] if bad > 7 else [],
                }
            ],
        }

    tests = {"rule_files": ["rules.yaml"], "evaluation_interval": "1m", "tests": [counted(100), counted(5), counted(0)]}
    (tmp_path / "counted.yaml").write_text(yaml.safe_dump(tests))
    done = run(promtool, "test", "rules", "counted.yaml", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_accepts_its_configuration(written: Path) -> None:
    """Debian builds it without the discovery of Kubernetes: there that part is held to be a file's."""
    promtool = program("promtool")
    checked = run(promtool, "check", "config", "prometheus.yaml", cwd=written)
    if "field kubernetes_sd_configs not found" in checked.stdout + checked.stderr:

        def by_file(content: dict[str, Any]) -> None:
            for job in content["scrape_configs"]:
                if job.pop("kubernetes_sd_configs", None):
                    job["file_sd_configs"] = [{"files": ["targets.json"]}]

        change(written / "prometheus.yaml", by_file)
        (written / "targets.json").write_text("[]")
        checked = run(promtool, "check", "config", "prometheus.yaml", cwd=written)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_alertmanager_accepts_its_configuration(written: Path) -> None:
    checked = run(program("amtool"), "check-config", "alertmanager.yaml", cwd=written)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        (["alertname=ServiceDown", "severity=P1"], "P1"),
        (["alertname=ErrorBudgetBurns", "severity=P2"], "P2"),
        (["alertname=PodsDown", "severity=P3"], "P3"),
        (["alertname=ServiceLevelUnknown", "severity=P4"], "P4"),
        (["alertname=NobodyTookItUp", "severity=P1", "escalated=true"], "escalation"),
        (["alertname=Heartbeat", "severity=none"], "heartbeat"),
        (["alertname=DrillInForce", "severity=none"], "shown only"),
        (["alertname=SomebodyElses", "severity=warning"], "P3"),
    ],
)
def test_an_alert_goes_to_whom_its_severity_says(tmp_path: Path, labels: list[str], receiver: str) -> None:
    amtool = program("amtool")
    write(files(watched(ENHANCER), tmp_path))
    done = run(amtool, "config", "routes", "test", "--config.file=alertmanager.yaml", *labels, cwd=tmp_path)
    assert done.stdout.strip() == receiver, done.stdout + done.stderr


def test_what_says_less_is_held_back_and_an_outage_is_told_during_a_drill_as_well() -> None:
    """By a real Alertmanager with the project's own routes."""
    for name in ("alertmanager", "prometheus"):
        program(name)
    told = [
        ("DrillInForce", "none", {}),
        ("PodsDown", "P3", {"workload": "api"}),
        ("ErrorBudgetBurns", "P1", {"slo": "api-availability"}),
        ("ErrorBudgetBurns", "P2", {"slo": "api-availability"}),
        ("ErrorBudgetBurns", "P2", {"slo": "answers-fast"}),
    ]
    alerts = [
        {"labels": {"alertname": name, "severity": severity, "system": "enhancer", **more}}
        for name, severity, more in told
    ]
    with Programs.start(watched(ENHANCER)) as programs:
        address = f"{programs.alertmanager}/api/v2/alerts"
        httpx.post(address, json=alerts, trust_env=False).raise_for_status()

        def held() -> set[tuple[str, str, str]] | None:
            found = httpx.get(address, trust_env=False).json()
            seen = [one for one in found if one["labels"]["alertname"] in {name for name, _, _ in told}]
            if len(seen) < len(told) or any(one["status"]["state"] == "unprocessed" for one in seen):
                return None
            labels = [one["labels"] for one in seen if one["status"]["inhibitedBy"]]
            return {(one["alertname"], one["severity"], one.get("slo", "")) for one in labels}

        expected = {("PodsDown", "P3", ""), ("ErrorBudgetBurns", "P2", "api-availability")}
        wait_for(
            lambda: held() == expected, within=20, reason=f"just {expected} to be held back", latest=lambda: str(held())
        )
        wait_for(lambda: programs.told.get("P1"), within=20, reason="the page")
        assert "P3" not in programs.told
