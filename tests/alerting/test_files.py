"""What is written is what system.yaml and its service levels say, and what stands in monitoring/ is that."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from muster.alerting.dashboards import dashboards
from muster.alerting.files import files
from muster.alerting.routing import alertmanager, without_channels
from muster.alerting.rules import rules
from muster.alerting.scraping import prometheus
from muster.alerting.series import span
from muster.base.errors import UsageError
from muster.cli.monitoring import monitoring
from muster.schemas import DIRECTORY

from .systems import ALERTING, CHECKS, ENHANCER, METRICS, ROOT, SLO, shop, watched


def alerts(content: dict[str, object]) -> dict[str, list[dict[str, object]]]:
    found: dict[str, list[dict[str, object]]] = {}
    for group in content["groups"]:  # type: ignore[attr-defined]
        for rule in group["rules"]:
            if "alert" in rule:
                found.setdefault(rule["alert"], []).append(rule)
    return found


def test_the_files_of_the_project_are_those_of_its_system() -> None:
    wrong = [str(file.path) for file in files(watched(ENHANCER), ROOT / "monitoring") if file.state != "same"]
    assert not wrong, "write them again: muster monitoring write"


def test_a_burn_rate_is_that_of_the_service_level_and_its_policy(tmp_path: Path) -> None:
    seen = watched(shop(tmp_path, METRICS, SLO))
    burning = alerts(rules(seen))["ErrorBudgetBurns"]
    quick = next(rule for rule in burning if rule["labels"]["policy"] == "quick")  # type: ignore[index]
    assert quick["for"] == "3m"
    assert quick["labels"]["severity"] == "P2"  # type: ignore[index]
    assert quick["expr"] == (
        'muster:bad:ratio2h{system="shop", slo="answered"} > 10 * 0.01\n'
        "and\n"
        'muster:bad:ratio5m{system="shop", slo="answered"} > 10 * 0.01'
    )
    named = [(rule["labels"]["slo"], rule["labels"]["severity"]) for rule in burning]  # type: ignore[index]
    assert named.count(("queue-short", "P1")) == 1, "without a policy those of the workbook"
    assert ("quick-answers", "P1") not in named, "at 14.4 times of 10 % more than all would be bad"
    assert seen.left_out == {"elsewhere": "its metric is neither muster's nor Prometheus'"}


def test_what_is_counted_are_the_series_that_system_yaml_names(tmp_path: Path) -> None:
    said = json.dumps(rules(watched(shop(tmp_path, METRICS, SLO))))
    assert 'increase(http_requests_total{code=~\\"5..\\"}[2h])' in said
    assert 'http_seconds_bucket{path=\\"/\\", le=~\\"0[.]5\\"}' in said
    assert 'up{namespace=\\"shop\\", workload=\\"web\\"}' in said


def test_a_system_that_exposes_nothing_is_watched_by_what_the_monitor_asks_of_it(tmp_path: Path) -> None:
    seen = watched(shop(tmp_path, slo=SLO))
    said = json.dumps(rules(seen))
    assert 'muster_service_failures_total{system=\\"shop\\"}' in said
    assert "ServiceDown" not in alerts(rules(seen))
    assert "ServiceFails" in alerts(rules(seen))
    assert seen.left_out["quick-answers"] == "system.yaml names no histogram of answers ('metrics.seconds')"
    assert [job["job_name"] for job in prometheus(seen)["scrape_configs"]] == ["muster-monitor"]


def test_nothing_is_taken_from_the_reference_system(tmp_path: Path) -> None:
    found = files(watched(shop(tmp_path, METRICS + CHECKS + ALERTING, SLO)), tmp_path / "out")
    assert "enhancer" not in "".join(file.content for file in found)


def test_each_threshold_of_a_check_alerts_by_its_severity(tmp_path: Path) -> None:
    checks = alerts(rules(watched(shop(tmp_path, CHECKS))))["CheckFails"]
    assert [(check["expr"], check["labels"]["severity"]) for check in checks] == [  # type: ignore[index]
        ("(max(queue_length)) > 2000", "P1"),
        ("(max(queue_length)) > 500", "P2"),
    ]


def test_receivers_have_the_channels_of_their_severity_and_no_secret(tmp_path: Path) -> None:
    seen = watched(shop(tmp_path, ALERTING))
    content = alertmanager(seen)
    receivers = {one["name"]: one for one in content["receivers"]}
    assert set(receivers["P1"]) == {"name", "pagerduty_configs", "slack_configs"}
    assert receivers["P1"]["pagerduty_configs"][0]["routing_key_file"] == "pagerduty"
    assert receivers["P2"]["email_configs"][0]["auth_password_file"] == "pw"
    assert set(receivers["P4"]) == {"name"}
    assert without_channels(seen) == ["P3", "P4"]
    muted = [one["receiver"] for one in content["route"]["routes"] if "mute_time_intervals" in one]
    assert muted == ["P3", "P4"], "an outage during a drill is told all the same"


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("alerting: {P1: [pager]}", "'P1' names channel 'pager', which is not among 'channels' (there are: none)"),
        ("alerting: {channels: {a: {kind: slack, to: x}}}", "a channel of kind slack needs 'secret_file'"),
        ("alerting: {channels: {a: {kind: pigeon}}}", "'pagerduty', 'slack', 'email' or 'webhook'"),
        (
            "alerting: {channels: {a: {kind: webhook, url: 'http://me:pw@x/'}}}",
            "a secret does not belong into an address",
        ),
        ("metrics: {targets: {web: {port: 1}}, requests: a}", "'requests' and 'errors' go together"),
        ("metrics: {targets: {web: {port: 1}}, seconds: rate(a)}", "'rate(a)' selects no series"),
        ("metrics: {targets: {web: {port: 99999}}}", "65535"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence_that_names_the_line(tmp_path: Path, said: str, why: str) -> None:
    with pytest.raises(UsageError) as error:
        watched(shop(tmp_path, said))
    assert "line " in str(error.value)
    assert why in str(error.value)
    assert "pw@" not in str(error.value)


def test_what_is_written_is_checked_and_what_differs_is_found(tmp_path: Path) -> None:
    system, out = shop(tmp_path / "shop", METRICS, SLO), tmp_path / "out"
    typed = ["write", "--system", str(system), "--out", str(out)]

    def run(*more: str, code: int = 0) -> str:
        done = CliRunner().invoke(monitoring, [*typed, *more])
        assert done.exit_code == code, done.output
        return done.output

    assert "is missing" in run("--check", code=1)
    assert "rules.yaml: is missing" in run("--plan")
    assert not out.exists(), "nothing was written"
    assert "left out: service level elsewhere" in run()
    assert "is as it must be" in run("--check")
    content = json.loads(run("--check", "--json"))
    Draft202012Validator(json.loads((DIRECTORY / "monitoring-v1.json").read_text())).validate(content)
    assert {file["was"] for file in content["files"]} == {"same"}
    (tmp_path / "shop/slo.yaml").write_text(SLO.replace("0.99}", "0.999}", 1))
    said = run("--check", code=1)
    assert "rules.yaml: differs" in said
    assert "alertmanager.yaml: is as it must be" in said
    run()
    run("--check")


def test_dashboards_show_each_service_level_and_find_their_prometheus_by_themselves(tmp_path: Path) -> None:
    for text in dashboards(watched(shop(tmp_path, METRICS, SLO))).values():
        content = json.loads(text)
        panels = [panel for panel in content["panels"] if panel["type"] != "row"]
        assert all(panel["datasource"]["uid"] == "${source}" for panel in panels)
        assert all(panel["targets"] for panel in panels)
        places = [(p["gridPos"]["x"], p["gridPos"]["y"]) for p in content["panels"]]
        assert len(set(places)) == len(places), "no panel lies upon another"
        assert all(p["gridPos"]["x"] + p["gridPos"]["w"] <= 24 for p in content["panels"])
    titles = [p["title"] for p in json.loads(dashboards(watched(tmp_path / "system.yaml"))["service.json"])["panels"]]
    assert "Answers: error budget left" in titles
    assert "queue-short: burn rate" in titles


def test_a_release_is_shown_beside_what_is_there_by_the_track_of_its_pods(tmp_path: Path) -> None:
    content = json.loads(dashboards(watched(shop(tmp_path, METRICS, SLO)))["release.json"])
    queries = {p["title"]: p["targets"][0]["expr"] for p in content["panels"] if p["type"] != "row"}
    assert all("track" in query for query in queries.values())
    assert queries["95 % are answered within"] == (
        'histogram_quantile(0.95, sum by (le, track) (rate(http_seconds_bucket{path="/"}[1m])))'
    )
    assert queries["Memory"] == (
        'max by (workload, track) (process_resident_memory_bytes{namespace="shop", workload=~"queue|web"})'
    )
    assert "release.json" not in dashboards(watched(shop(tmp_path / "other", slo=SLO)))


@pytest.mark.parametrize(
    ("controller", "label", "track"),
    [
        ("ReplicaSet;web-5f7d9", "", "stable"),
        ("ReplicaSet;web-canary-5f7d9", "canary", "canary"),
        ("StatefulSet;web", "", "stable"),
        ("ReplicaSet;web-other-5f7d9", "", None),
        ("ReplicaSet;webcanary-5f7d9", "", None),
    ],
)
def test_pods_of_a_release_are_scraped_with_their_workload(
    tmp_path: Path, controller: str, label: str, track: str | None
) -> None:
    jobs = {job["job_name"]: job for job in prometheus(watched(shop(tmp_path, METRICS)))["scrape_configs"]}
    relabelled = jobs["shop/web"]["relabel_configs"]
    kept = next(rule for rule in relabelled if rule.get("action") == "keep")
    assert (re.fullmatch(kept["regex"], controller) is not None) is (track is not None)
    found = None
    for rule in relabelled:
        if rule.get("target_label") == "track" and (
            not rule.get("source_labels") or re.fullmatch(rule["regex"], label)
        ):
            found = rule.get("replacement", label)
    assert found == (track or "stable")


def test_yaml_is_read_back_as_it_was_meant(tmp_path: Path) -> None:
    seen = watched(shop(tmp_path, METRICS + CHECKS + ALERTING, SLO))
    read = {
        file.path.name: yaml.safe_load(file.content) for file in files(seen, tmp_path) if file.path.suffix == ".yaml"
    }
    assert read["rules.yaml"] == rules(seen)
    assert read["alertmanager.yaml"] == alertmanager(seen)
    assert read["prometheus.yaml"] == prometheus(seen)


@pytest.mark.parametrize(
    ("seconds", "said"), [(300, "5m"), (3600, "1h"), (90, "90s"), (259_200, "3d"), (604_800, "1w")]
)
def test_a_duration_is_written_as_prometheus_reads_it(seconds: float, said: str) -> None:
    assert span(seconds) == said
